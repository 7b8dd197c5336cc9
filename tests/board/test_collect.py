"""What a leaderboard says, against the stored results and the statistics it is made from."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from known import known
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.model import Board, Row
from benchmark.board.results import read_results
from benchmark.errors import UserError
from benchmark.forms.record import Failure
from benchmark.pages.sentences import findings
from benchmark.results.store import write_json
from metrics.labels import measured as labels_measured
from metrics.labels.measured import measured
from metrics.registry import METRICS
from metrics.statistics.statistics import Draws, interval, sample


@pytest.fixture(scope="module")
def board(stored: StoredSuite) -> Board:
    return collect(read_results(stored.results, "stored"))


def _row(board: Board, backbone: str, rank: int) -> Row:
    return next(r for r in board.rows if (r.backbone, r.rank) == (backbone, rank))


def test_rows_are_means_over_seeds_of_what_is_stored(stored: StoredSuite, board: Board) -> None:
    for row in board.rows:
        assert row.seeds == (0, 1)
        for name, score in row.scores.items():
            values = [
                json.loads((stored.results / trial / "scores.json").read_text())["scores"][name]["value"]
                for trial in row.trials
            ]
            assert score.by_seed == tuple(values)
            assert score.value == (None if None in values else pytest.approx(np.mean(values)))


def test_an_interval_over_seeds_is_that_of_the_statistics(stored: StoredSuite, board: Board) -> None:
    stored_results = read_results(stored.results, "stored")
    group = [d for d in stored_results.done if (d.trial.backbone, d.trial.rank) == ("llava-med-7b", 4)]
    blocks = stored_results.references.test_blocks
    by_seed = sample([d.statistics["rouge_l"] for d in group], blocks)
    expected = interval(by_seed, Draws(len(set(blocks))), bounds=METRICS["rouge_l"].bounds)
    score = _row(board, "llava-med-7b", 4).scores["rouge_l"]
    assert (score.low, score.high) == pytest.approx((expected.low, expected.high))
    assert known(score.low) < known(score.value) < known(score.high)


def test_the_main_table_has_each_backbone_once_and_the_better_one_first(board: Board) -> None:
    assert [r.backbone for r in board.main_rows] == ["medgemma-4b-it", "llava-med-7b"]
    assert sum(r.best for r in board.rows) == 2


def test_the_point_is_chosen_on_validation_even_where_test_says_otherwise(stored: StoredSuite, tmp_path: Path) -> None:
    results = _copy(stored, tmp_path)
    stored_results = read_results(results, "stored")
    other = [d for d in stored_results.trials if d.trial.backbone == "llava-med-7b" and d.trial.rank == 4]
    for done in other:
        content = json.loads(done.folder.scores.read_text())
        content["validation"]["rouge_l"] = 0.99
        for report in content["reports"]:
            report["scores"]["rouge_l"] = 0.01
        content["scores"]["rouge_l"]["value"] = 0.01
        done.folder.scores.write_text(json.dumps(content))
    rows = collect(read_results(results, "stored")).rows
    chosen = next(r for r in rows if r.backbone == "llava-med-7b" and r.best)
    assert chosen.rank == 4
    assert chosen.scores["rouge_l"].value == pytest.approx(0.01)


def test_equal_rows_share_their_ranks(board: Board) -> None:
    # The fixture's predictions don't depend on the rank, so both ranks of a backbone are one system.
    for backbone in ("medgemma-4b-it", "llava-med-7b"):
        low, high = _row(board, backbone, 2), _row(board, backbone, 4)
        assert str(low.ranks) == str(high.ranks)
        assert low.ranks.worst - low.ranks.best >= 1
    pairs = {(d.first, d.second) for d in board.grid_comparisons.significant}
    assert not any(a.split(",")[0] == b.split(",")[0] for a, b in pairs)


def test_by_a_field_that_rules_read_badly_no_row_is_ranked(
    stored: StoredSuite, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = measured().data_sets
    fields = tuple(one.model_copy(update={"f1": 0.94} if one.name == "birads" else {}) for one in own.fields)
    weak = measured().model_copy(update={"data_sets": (own.model_copy(update={"fields": fields}), other)})
    monkeypatch.setattr(labels_measured, "measured", lambda: weak)
    results = read_results(stored.results, "stored")
    suite = results.suite.model_copy(update={"primary_metric": "birads_exact"})
    unranked = collect(replace(results, suite=suite))
    assert unranked.unranked["birads"] == "F1 0.940 is below 0.95"
    assert "birads" not in board.unranked
    assert {str(row.main_ranks) for row in unranked.main_rows} == {"1–2"}
    assert unranked.main_comparisons.pairs == 0
    assert {row.p_floor for row in unranked.main_rows} == {None}
    said = " ".join(findings(unranked))
    assert "aren't ranked by BI-RADS exact: F1 0.940 is below 0.95" in said
    assert "whether rows are above it isn't tested: F1 0.940 is below 0.95" in said
    assert "no row can be shown to be above it" not in said
    assert "BI-RADS category (F1 0.940 is below 0.95)" in said


def test_only_blind_predictors_are_floors_to_clear(board: Board) -> None:
    oracle = next(f for f in board.floors if f.name == "birads_oracle_random")
    blind = {f.name: known(f.scores["rouge_l"].value) for f in board.floors if f.blind}
    assert not oracle.blind
    assert known(oracle.scores["rouge_l"].value) > max(blind.values())
    assert board.best_floor == max(blind, key=blind.__getitem__)


def test_the_difference_from_the_floor_is_that_of_the_values(board: Board) -> None:
    floor = known(next(f for f in board.floors if f.name == board.best_floor).scores["rouge_l"].value)
    for row in board.rows:
        assert known(row.above_floor).value == pytest.approx(known(row.scores["rouge_l"].value) - floor)


def test_a_model_that_reads_the_image_loses_on_another_s_more_than_one_that_guesses(board: Board) -> None:
    seeing = _row(board, "medgemma-4b-it", 2).falls["all_pairs"]["birads_exact"]
    assert known(seeing.value) > 0.2
    other = _row(board, "llava-med-7b", 2).falls["blank"]["birads_exact"]
    assert abs(known(other.value)) < known(seeing.value)


def test_parameters_are_those_of_the_adapter(board: Board) -> None:
    assert {r.rank: r.parameters for r in board.rows} == {2: 32, 4: 64}


def test_the_order_of_stored_records_changes_nothing(stored: StoredSuite, board: Board, tmp_path: Path) -> None:
    results = _copy(stored, tmp_path)
    record = results / "suites" / "stored.json"
    content = json.loads(record.read_text())
    for key in ("trials", "baselines"):
        content[key] = dict(reversed(content[key].items()))
    record.write_text(json.dumps(content))
    lines = (results / "suites" / "stored" / "references.jsonl").read_text().splitlines()
    (results / "suites" / "stored" / "references.jsonl").write_text("\n".join(reversed(lines)))
    again = collect(read_results(results, "stored"))
    assert again.model_dump_json() == board.model_dump_json()


def test_failed_and_missing_trials_are_listed_with_their_reasons(stored: StoredSuite, tmp_path: Path) -> None:
    results = _copy(stored, tmp_path)
    stored_results = read_results(results, "stored")
    first, second = stored_results.trials[0], stored_results.trials[-1]
    first.folder.trial.unlink()
    reason = "loss is NaN | at `step` 3\nsecond line"
    write_json(first.folder.failure, Failure(trial=first.trial, stage="train", reason=reason, at=datetime.now(UTC)))
    second.folder.trial.unlink()
    board = collect(read_results(results, "stored"))
    assert [t.label for t in board.failed] == [first.trial.label]
    assert "loss is NaN" in board.failed[0].reason
    assert [t.label for t in board.missing] == [second.trial.label]
    assert sum(len(r.seeds) for r in board.rows) == 6


def test_one_block_gives_no_interval_and_no_verdict(stored: StoredSuite, tmp_path: Path) -> None:
    results = _copy(stored, tmp_path)
    path = results / "suites" / "stored" / "references.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line | {"block": "one"}) + "\n" for line in lines))
    board = collect(read_results(results, "stored"))
    for row in board.rows:
        assert known(row.above_floor).value is not None
        assert known(row.above_floor).low is None
        assert row.clears_floor is None
        assert all(fall.low is None for falls in row.falls.values() for fall in falls.values())
    assert {str(r.ranks) for r in board.rows} == {"1–2"}
    assert board.grid_comparisons.significant == ()


def test_results_without_their_reports_say_what_to_do(stored: StoredSuite, tmp_path: Path) -> None:
    results = _copy(stored, tmp_path)
    (results / "suites" / "stored" / "references.jsonl").unlink()
    with pytest.raises(UserError, match="`amrg sweep` with the suite's file"):
        read_results(results, "stored")
    with pytest.raises(UserError, match="Suites with results there: stored"):
        read_results(results, "mini")


def _copy(stored: StoredSuite, folder: Path) -> Path:
    import shutil

    return Path(shutil.copytree(stored.results, folder / "results"))


def test_a_suite_whose_trials_all_failed_is_still_a_leaderboard(stored: StoredSuite, tmp_path: Path) -> None:
    from benchmark.pages.leaderboard import write_leaderboard
    from benchmark.pages.terminal import main_table

    results = _copy(stored, tmp_path)
    for trial in stored.trials:
        folder = results / trial.id
        (folder / "trial.json").unlink()
        failure = Failure(trial=trial, stage="train", reason="no memory", at=datetime.now(UTC))
        write_json(folder / "failure.json", failure)
    written = write_leaderboard(results, "stored", tmp_path / "leaderboards")
    text = written.readme.read_text()
    assert text.count("**failed**: ") == len(stored.trials)
    assert "No trial has a result yet." in text
    assert isinstance(written.board, Board)
    assert "random_report" in main_table(written.board)


def test_a_folder_or_file_that_the_suite_names_is_shown_without_its_place(stored: StoredSuite, tmp_path: Path) -> None:
    results = _copy(stored, tmp_path)
    record = results / "suites" / "stored.json"
    content = json.loads(record.read_text())
    content["suite"]["backbones"][0]["checkpoint"] = "/home/someone/models/clinic"
    content["suite"]["split"]["name"] = "/home/someone/split.json"
    record.write_text(json.dumps(content))
    board = collect(read_results(results, "stored"))
    assert board.suite.backbones[0].checkpoint == "…/clinic"
    assert board.suite.split.name == "…/split.json"
    assert "/home/someone" not in board.model_dump_json()

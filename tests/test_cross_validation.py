"""A suite with folds, end to end: every study is tested once, by what never saw its block; all folds are one board."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from lines import read_lines
from sklearn.metrics import cohen_kappa_score

from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.folds import Folded
from benchmark.board.results import SuiteResults, read_results
from benchmark.forms.record import Evaluation
from benchmark.forms.suite import Suite
from benchmark.pages.leaderboard import write_leaderboard
from benchmark.pages.nothing_to_do import finished_sweep
from benchmark.results.store import Store, write_lines
from benchmark.suites.load import parse
from metrics.clinical.clinical import BIRADS_SCALE
from metrics.labels.labeler import label

SUITE = """
name: folded
title: Folds
data: {{source: phantom, studies: 36, seed: 3, size: 64}}
image: {{size: 112}}
split: {{name: blocked, folds: 3}}
backbones: [{{name: medgemma-4b-it, checkpoint: {checkpoint}}}]
grid: {{rank: [2, 4], alpha: [4], seed: [0, 1]}}
protocol: {{epochs: 1, batch_size: 4, max_new_tokens: 12, learning_rate: 1.0e-3}}
baselines: [most_frequent_report, neighbour_report]
blank_adapters: true
engine: {engine}
"""


@dataclass(frozen=True)
class Swept:
    suite: Suite
    results: SuiteResults
    folder: Path


@pytest.fixture(scope="module")
def swept(miniature: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Swept:
    folder = tmp_path_factory.mktemp("folds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
        suite = parse(SUITE.format(checkpoint=miniature("medgemma-4b-it"), engine="packed"), where="folded.yaml")
        summary = sweep.run(suite, data=None, results=folder / "results", listener=lambda _: None, processes=1)
        assert (summary.ran, dict(summary.failed), dict(summary.failed_floors)) == (18, {}, {})
        alone = suite.model_copy(update={"engine": "sequential", "name": "alone"})
        sweep.run(alone, data=None, results=folder / "alone", listener=lambda _: None, processes=1)
    return Swept(suite, read_results(folder / "results", "folded"), folder)


def test_every_study_is_tested_once_by_a_model_that_saw_no_part_of_its_block(swept: Swept) -> None:
    results = swept.results
    assert [type(done) for done in results.done] == [Folded] * 4
    tested = sorted(i for fold in results.record.folds for i in fold.split.test)
    assert len(tested) == len(set(tested)) == 36
    for done in results.done:
        assert isinstance(done, Folded)
        assert sorted(done.predictions) == tested
        for one, fold in zip(done.folds, results.record.folds, strict=True):
            assert one.trial.split == fold.split.fingerprint
            assert sorted(one.predictions) == sorted(fold.split.test)
            seen = {fold.split.blocks[i] for i in (*fold.split.train, *fold.split.validation)}
            assert not seen & {fold.split.blocks[i] for i in one.predictions}


def test_packed_over_folds_each_trial_learns_what_it_learns_alone(swept: Swept) -> None:
    alone = read_results(swept.folder / "alone", "alone")
    assert {one.trial.id for one in alone.trials} == {one.trial.id for one in swept.results.trials}
    by_id = {one.trial.id: one for one in alone.trials}
    for one in swept.results.trials:
        packed, plain = one.folder.read_losses(), by_id[one.trial.id].folder.read_losses()
        assert packed == pytest.approx(plain, rel=1e-4)


def test_a_score_of_all_folds_is_that_of_all_studies_together(swept: Swept) -> None:
    done = swept.results.done[0]
    reports = swept.results.references.reports
    truth, stated = ([label(texts[i]).birads for i in sorted(reports)] for texts in (reports, done.predictions))
    last = len(BIRADS_SCALE) - 1
    levels = [BIRADS_SCALE.index(category or "1") for category in truth]
    # A report without a category is as wrong as it can be.
    said = [
        BIRADS_SCALE.index(category) if category in BIRADS_SCALE else (last if level < last / 2 else 0)
        for category, level in zip(stated, levels, strict=True)
    ]
    expected = cohen_kappa_score(levels, said, labels=range(last + 1), weights="quadratic")
    kappa = done.scores.scores["birads_kappa"]
    assert kappa.value == pytest.approx(expected)
    assert kappa.n == 36
    distinct = done.scores.scores["distinct_predictions"].value
    assert distinct == pytest.approx(len({" ".join(t.split()).casefold() for t in done.predictions.values()}) / 36)


def test_each_fold_chooses_on_its_own_validation_part(swept: Swept) -> None:
    board = collect(swept.results)
    [row] = board.main_rows
    assert row.best
    assert not any(one.best for one in board.rows) or not board.chosen
    for fold in range(3):
        values: dict[int, list[float]] = {}
        for one in swept.results.trials:
            if one.trial.fold == fold:
                assert one.scores.validation is not None
                value = one.scores.validation[board.primary]
                values.setdefault(one.trial.rank, []).append(-np.inf if value is None else value)
        best = max(values, key=lambda rank: (round(float(np.mean(values[rank])), 6), -rank))
        chosen = row.by_fold[fold][0] if row.by_fold else row.rank
        assert chosen == best
    assert board.split.folds == 3
    assert board.split.sizes["test"] == 36
    assert board.blocks == len(set(swept.results.references.blocks.values()))


def test_a_folds_part_of_a_fall_is_its_own_jackknife(swept: Swept) -> None:
    done = swept.results.done[0]
    assert isinstance(done, Folded)
    weights = [len(one.predictions) for one in done.folds]
    for name, fall in done.pairs.falls["all_pairs"].items():
        each = [one.pairs.falls["all_pairs"][name] for one in done.folds]
        if any(one.value is None for one in each) or fall.value is None:
            continue
        values = [one.value or 0.0 for one in each]
        assert fall.value == pytest.approx(np.average(values, weights=weights))
        assert len(fall.without) == sum(len(one.without) for one in each)


def test_again_there_is_nothing_to_do_and_the_board_says_what_folds_are(
    swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(swept.folder / "cache"))
    boards = swept.folder / "boards"
    write_leaderboard(swept.folder / "results", "folded", boards)
    assert finished_sweep(swept.suite, data=None, results=swept.folder / "results", leaderboards=boards)
    readme = " ".join((boards / "folded" / "README.md").read_text(encoding="utf-8").split())
    assert "cross-validation over 3 folds" in readme
    assert "36 studies are tested, each once" in readme
    assert "training sets of two folds overlap" in readme
    stored = json.loads((boards / "folded" / "results.json").read_text(encoding="utf-8"))
    assert stored["split"]["folds"] == 3
    lines = read_lines(swept.folder / "results" / "suites" / "folded" / "references.jsonl")
    assert {line["part"] for line in lines} == {"test"}


@pytest.mark.long
def test_a_point_may_leave_in_some_folds_and_each_fold_chooses_among_what_stayed(swept: Swept, tmp_path: Path) -> None:
    """The same results, as if their suite let half of the points leave: another one in the second fold."""
    results = tmp_path / "results"
    shutil.copytree(swept.folder / "results", results)
    record = json.loads((results / "suites" / "folded.json").read_text(encoding="utf-8"))
    record["suite"] |= {"search": {"halving": {"rungs": [1], "keep": 0.5}}}
    record["suite"]["protocol"] |= {"evaluate_every": 1}
    (results / "suites" / "folded.json").write_text(json.dumps(record), encoding="utf-8")
    Store(results).written("folded").unlink()  # it says that the file is another than it was
    best = (4, 2, 4)
    for one in swept.results.trials:
        assert one.trial.fold is not None
        loss = 1.0 if one.trial.rank == best[one.trial.fold] else 2.0
        write_lines(Store(results).of(one.trial).evaluations, [Evaluation(step=1, loss=loss)])
    read = read_results(results, "folded")
    board = collect(read)
    assert not board.rows  # no point was trained to the end in every fold
    [row] = board.main_rows
    assert row.by_fold == ((4, 4), (2, 4), (4, 4))
    assert len(row.seeds) == 2
    left = [(point.fold, point.setting) for point in board.exits]
    assert left == [(1, "r\u00a02, α\u00a04"), (2, "r\u00a04, α\u00a04"), (3, "r\u00a02, α\u00a04")]
    assert board.finished == 18 - 6
    assert not board.missing

"""A fresh run against a published leaderboard: verdicts, the paired interval, and what the verb says of it."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known import known
from stored_suite import StoredSuite
from typer.testing import CliRunner, Result

from benchmark.board import folds
from benchmark.board.against import ROUNDING, compare
from benchmark.board.collect import collect
from benchmark.board.model import Board, Checkpoint, Score
from benchmark.board.results import SuiteResults, read_results
from benchmark.cli.verbs import app
from benchmark.errors import UserError
from benchmark.pages.against import terminal
from benchmark.pages.leaderboard import against, files_of
from metrics.metric import ReportStatistics, mean_of
from metrics.statistics.statistics import Draws, difference, sample


@pytest.fixture(scope="module")
def results(stored: StoredSuite) -> SuiteResults:
    return read_results(stored.results, "stored")


@pytest.fixture(scope="module")
def board(results: SuiteResults) -> Board:
    """As it is stored."""
    return Board.model_validate_json(files_of(collect(results))["results.json"])


@pytest.fixture(scope="module")
def combine(results: SuiteResults) -> Callable[[np.ndarray], np.ndarray]:
    return results.done[0].statistics["rouge_l"].combine


def changed(board: Board, place: int = 0, **update: Any) -> Board:
    """The board with another row at a place."""
    rows = list(board.rows)
    rows[place] = rows[place].model_copy(update=update)
    return board.model_copy(update={"rows": tuple(rows)})


def shifted(board: Board, by: float, place: int = 0, name: str = "rouge_l") -> Board:
    """The board with one score of a row, and of each of its seeds, moved."""
    scores = dict(board.rows[place].scores)
    old = scores[name]
    by_seed = tuple(known(v) + by for v in old.by_seed)
    scores[name] = old.model_copy(update={"value": known(old.value) + by, "by_seed": by_seed})
    return changed(board, place, scores=scores)


def test_a_run_agrees_with_itself(board: Board, combine: Callable[[np.ndarray], np.ndarray]) -> None:
    result = compare(board, board, combine)
    assert result.agrees
    assert {row.verdict for row in result.rows} == {"equal"}
    assert len(result.rows) == len(board.rows) + len(board.floors)
    assert result.chosen == result.changes == ()
    assert "all of 7 rows: 7 equal" in result.sentence("it")


@pytest.mark.parametrize("name", ["rouge_l", "birads_exact"])
@pytest.mark.parametrize(("share", "verdict"), [(0.0, "equal"), (0.5, "within rounding"), (0.99, "within rounding")])
def test_within_rounding_is_half_of_the_last_digit_printed_in_every_score(
    board: Board, combine: Callable[[np.ndarray], np.ndarray], name: str, share: float, verdict: str
) -> None:
    assert ROUNDING == 0.0005
    row = compare(board, shifted(board, share * ROUNDING, name=name), combine).rows[0]
    assert row.verdict == verdict
    beyond = compare(board, shifted(board, 1.02 * ROUNDING, name=name), combine).rows[0]
    assert beyond.verdict == "within the paired interval"  # the blocks, from which it is computed, are equal
    assert beyond.furthest == (name, pytest.approx(0.00051))


def test_the_paired_interval_is_that_of_the_stored_statistics(
    results: SuiteResults, board: Board, combine: Callable[[np.ndarray], np.ndarray]
) -> None:
    ours, theirs = ([d for d in results.done if d.trial.backbone == n and d.trial.rank == 4]
                    for n in ("medgemma-4b-it", "llava-med-7b"))  # fmt: skip
    blocks = results.references.test_blocks
    # The mean over seeds of each report's score, as a score of its own.
    one, another = (sample([mean_over_seeds(group)], blocks) for group in (ours, theirs))
    expected = difference(one, another, Draws(len(set(blocks))))
    place = next(i for i, r in enumerate(board.rows) if (r.backbone, r.rank) == ("medgemma-4b-it", 4))
    other = next(r for r in board.rows if (r.backbone, r.rank) == ("llava-med-7b", 4))
    there = changed(board, place, scores=other.scores, by_block=other.by_block)
    row = compare(board, there, combine).rows[place]
    got = known(row.difference)
    assert (got.value, got.low, got.high) == pytest.approx((expected.value, expected.low, expected.high), abs=1e-5)
    assert row.verdict == ("differs" if expected.excludes_zero else "within the paired interval")


def test_a_row_that_is_worse_in_every_block_differs_where_its_own_interval_would_not_say_so(
    board: Board, combine: Callable[[np.ndarray], np.ndarray]
) -> None:
    row = board.rows[0]
    # Every report 0.02 worse: far less than an interval over other reports is wide, and the same in each block.
    worse = tuple(tuple((total - 0.02 * count, count) for total, count in seed) for seed in row.by_block)
    there = changed(shifted(board, -0.02), by_block=worse)
    assert compare(board, there, combine).rows[0].verdict == "differs"
    unpaired = changed(there, by_block=())
    result = compare(board, unpaired, combine).rows[0]
    assert result.verdict == "within both intervals"
    assert known(result.difference).low is None


def test_other_data_or_another_split_are_not_paired(board: Board, combine: Callable[[np.ndarray], np.ndarray]) -> None:
    there = shifted(board, 0.02)
    for part in ("data", "split"):
        other = there.model_copy(update={part: getattr(board, part).model_copy(update={"fingerprint": "f" * 64})})
        result = compare(board, other, combine)
        assert result.rows[0].verdict == "within both intervals"
        assert [(c.what, c.there) for c in result.changes] == [(part, "f" * 64)]


def test_without_any_interval_nothing_beyond_rounding_agrees(
    board: Board, combine: Callable[[np.ndarray], np.ndarray]
) -> None:
    bare = {n: s.model_copy(update={"low": None, "high": None}) for n, s in board.rows[0].scores.items()}
    here = changed(board, scores=bare, by_block=())
    assert compare(here, shifted(here, 0.002), combine).rows[0].verdict == "differs"


def test_a_score_that_only_one_has_is_no_rounding(board: Board, combine: Callable[[np.ndarray], np.ndarray]) -> None:
    scores = {n: s for n, s in board.rows[0].scores.items() if n != "birads_exact"}
    assert compare(board, changed(board, scores=scores), combine).rows[0].verdict == "within the paired interval"
    undefined = board.rows[0].scores | {"birads_exact": Score(value=None, undefined="no case", by_seed=(None, None))}
    assert compare(board, changed(board, scores=undefined), combine).rows[0].verdict != "equal"


def test_rows_that_only_one_has_do_not_agree(board: Board, combine: Callable[[np.ndarray], np.ndarray]) -> None:
    fewer = board.model_copy(update={"rows": board.rows[1:], "floors": board.floors[1:]})
    ahead, behind = compare(board, fewer, combine), compare(fewer, board, combine)
    assert [r.verdict for r in ahead.rows if r.verdict != "equal"] == ["only here"] * 2
    assert [r.verdict for r in behind.rows if r.verdict != "equal"] == ["only there"] * 2
    assert not ahead.agrees
    assert not behind.agrees
    assert (ahead.rows[0].there, behind.rows[-2].here) == (None, None)


def test_what_made_them_and_what_was_chosen_is_told(board: Board, combine: Callable[[np.ndarray], np.ndarray]) -> None:
    first: Checkpoint = board.checkpoints[0].model_copy(update={"fingerprint": "e" * 64})
    there = board.model_copy(
        update={
            "checkpoints": (first, *board.checkpoints[1:]),
            "suite": board.suite.model_copy(
                update={"protocol": board.suite.protocol.model_copy(update={"learning_rate": 0.1})}
            ),
            "run": board.run.model_copy(
                update={"machines": ("Another, 4 cores",), "versions": board.run.versions | {"torch": "9.9"}}
            ),
            "signatures": board.signatures | {"rouge_l": "another"},
            "labeler": "amrg-rules/0.1",
        }
    )
    best = next(i for i, r in enumerate(there.rows) if r.best)
    there = changed(there, best, best=False)
    result = compare(board, there, combine)
    changes = {c.what: c.there for c in result.changes}
    assert changes == {
        "checkpoint of medgemma-4b-it": f"{'e' * 64} float32",
        "protocol: learning_rate": "0.1",
        "labeler": "amrg-rules/0.1",
        "version of torch": "9.9",
        "machine": "Another, 4 cores",
        "signature of rouge_l": "another",
    }
    assert [(c.what, c.there) for c in result.chosen] == [(there.rows[best].backbone, "none")]
    text = terminal(result, "the published leaderboard")
    assert max(map(len, text.splitlines())) <= 120
    assert "learning_rate" in text
    assert "Chosen otherwise" in text


def mean_over_seeds(group: Sequence[folds.Result]) -> ReportStatistics:
    values = np.mean([d.statistics["rouge_l"].statistics[:, 0] for d in group], axis=0)
    return mean_of("rouge_l", "", values, np.ones(len(values), dtype=bool))


def _verb(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["leaderboard", "stored", *arguments])


@pytest.fixture
def published(board: Board, tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "results.json").write_bytes(files_of(board)["results.json"])
    return folder


def test_the_verb_exits_by_the_verdict_and_writes_nothing(
    stored: StoredSuite, published: Path, tmp_path: Path, board: Board
) -> None:
    before = sorted(p for p in tmp_path.rglob("*"))
    options = ("--results", str(stored.results), "--leaderboards", str(tmp_path / "boards"))
    for place in (published, published / "results.json"):
        done = _verb("--against", str(place), *options)
        assert done.exit_code == 0, done.output
        assert f"agrees with {place} in all of 7 rows: 7 equal" in done.output.replace("\n", " ")
        assert max(map(len, done.output.splitlines())) <= 120
    (published / "results.json").write_bytes(files_of(shifted(board, 0.3))["results.json"])
    other = _verb("--against", str(published), *options, "--json")
    assert other.exit_code == 0  # by the blocks, which are equal
    lost = changed(shifted(board, 0.3), by_block=())
    (published / "results.json").write_bytes(files_of(lost)["results.json"])
    other = _verb("--against", str(published), *options, "--json")
    assert other.exit_code == 1
    content = json.loads(other.output)
    assert (content["agrees"], content["rounding"]) == (False, 0.0005)
    assert [row["verdict"] for row in content["rows"]].count("differs") == 1
    assert sorted(p for p in tmp_path.rglob("*")) == before


def test_the_verb_says_what_it_cannot_compare_with(stored: StoredSuite, published: Path, tmp_path: Path) -> None:
    options = ("--results", str(stored.results))
    path = published / "results.json"
    cases = {
        "can't be read": tmp_path / "nowhere.json",
        "holds a plan": path,
        "not the results of a leaderboard of this version": path,
        "not JSON": path,
    }
    texts = iter(["", '{"kind": "plan"}', '{"kind": "suite", "rows": 3}', "x"])
    for message, place in cases.items():
        path.write_text(next(texts))
        done = _verb("--against", str(place), *options)
        assert isinstance(done.exception, UserError)
        assert message in str(done.exception)
        assert str(place) in str(done.exception)
    assert isinstance(_verb("--json", *options).exception, UserError)
    assert isinstance(_verb("--check", "--against", str(published), *options).exception, UserError)


def test_a_rescored_trial_is_found(stored: StoredSuite, published: Path, tmp_path: Path) -> None:
    """From the results on: another prediction's scores move the row that it is in, and no other."""
    results = Path(shutil.copytree(stored.results, tmp_path / "results"))
    folder = stored.store.of(stored.trials[0]).path.name
    scores = results / folder / "scores.json"
    content = json.loads(scores.read_text())
    for report in content["reports"]:
        report["scores"]["rouge_l"] *= 0.5
    content["scores"]["rouge_l"]["value"] *= 0.5
    scores.write_text(json.dumps(content))
    result = against(results, "stored", published)
    wrong = [(row.name, row.rank) for row in result.rows if row.verdict == "differs"]
    assert wrong == [(f"{stored.trials[0].backbone} (miniature)", stored.trials[0].rank)]

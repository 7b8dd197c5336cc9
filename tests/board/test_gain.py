"""What tuning gains: against the way of asking that validation chose, by exact sign flips of blocks, after Holm."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import permutation_test
from stored_suite import SUITE, StoredSuite

from benchmark.board.collect import collect
from benchmark.board.model import Board
from benchmark.board.results import read_results
from benchmark.forms.suite import Trial
from benchmark.forms.untuned import Untuned
from benchmark.pages import untuned as pages
from benchmark.pages.sentences import findings
from benchmark.results.store import write_json
from metrics.statistics.least_blocks import blocks_needed

ASKED = SUITE.replace("seed: [0, 1]", "seed: [0]") + "untuned: [prompt, instructed]\n"
GOOD, BAD = 1.0, 0.0


def _untuned(suite: StoredSuite, backbone: str, way: Untuned) -> Trial:
    same = suite.trial(backbone, 0, 0, 0)
    return same.model_copy(update={"untuned": way, "protocol": suite.suite.untuned_protocol(way)})


def _stored(folder: Path, tuned: float, ways: dict[str, float], *, studies: int = 240) -> StoredSuite:
    """Write a suite whose rows are tuned so well, and whose untuned backbones so, by how they are asked."""
    suite = StoredSuite(folder / "results", studies=studies, suite=ASKED)
    for entry in suite.suite.backbones:
        for way in suite.suite.untuned:
            trial = _untuned(suite, entry.name, way)
            suite.trials.append(trial)
            suite.write_trial(trial, ways[str(way)])
    suite.write({"medgemma-4b-it": tuned, "llava-med-7b": tuned})
    return suite


def _board(suite: StoredSuite) -> Board:
    return collect(read_results(suite.results, "stored"))


def _per_block(suite: StoredSuite, identity: str) -> np.ndarray:
    """Return the sums of ROUGE-L over the reports of each test block, from `scores.json`."""
    sums: dict[str, float] = defaultdict(float)
    for report in suite.store.of(identity).read_scores().reports:
        sums[suite.split.blocks[report.id]] += report.scores["rouge_l"]
    return np.array([sums[block] for block in sorted(sums)])


def _holm(p_values: list[float]) -> list[float]:
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, worst = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = worst
    return adjusted


def test_a_gain_is_over_the_way_that_validation_chose_with_the_p_of_exact_flips(tmp_path: Path) -> None:
    suite = _stored(tmp_path, GOOD, {"prompt": BAD, "instructed": 0.4})
    board = _board(suite)
    assert len(board.untuned) == 4
    raw: list[float] = []
    for row in board.main_rows:
        ways = [one for one in board.untuned if one.backbone == row.backbone]
        chosen = max(ways, key=lambda one: one.validation["rouge_l"] or 0.0)
        assert [one for one in ways if one.best] == [chosen]
        gain = row.gain
        assert gain is not None
        ours, theirs = row.scores["rouge_l"].value, chosen.scores["rouge_l"].value
        assert ours is not None
        assert theirs is not None
        assert gain.value == pytest.approx(ours - theirs)
        assert gain.low is not None
        assert gain.high is not None
        assert gain.value is not None
        assert gain.low <= gain.value <= gain.high
        blocks = [_per_block(suite, one.trials[0]) for one in (row, chosen)]
        assert len(blocks[0]) <= 16
        flips = permutation_test(blocks, lambda a, b: np.sum(a - b), permutation_type="samples", n_resamples=np.inf)
        raw.append(float(flips.pvalue))
    ours_p = [row.gain.p for row in board.main_rows if row.gain is not None]
    assert ours_p == pytest.approx(_holm(raw), abs=1e-6)
    grid = [row.gain.p_grid for row in board.rows if row.gain is not None]
    assert {p is None for p in grid} == {board.blocks < blocks_needed(len(board.rows), 0.05)}
    assert all(row.gain is None for row in board.untuned)


def test_tuning_that_changes_nothing_gains_nothing_and_one_that_hurts_is_said_to_hurt(tmp_path: Path) -> None:
    suite = _stored(tmp_path, BAD, {"prompt": GOOD, "instructed": BAD}, studies=120)
    board = _board(suite)
    for row in board.main_rows:
        assert row.gain is not None
        assert row.gain.value is not None
        assert row.gain.value < 0
        assert row.gain.over == "protocol's prompt"
    verdicts = {row.gain.verdict for row in board.main_rows if row.gain is not None}
    [said] = [sentence for sentence in findings(board) if sentence.startswith("What tuning gains")]
    assert ("hurts 2" in said) == (verdicts == {False})
    # The same texts as the way that validation chose.
    for trial in suite.trials:
        if trial.is_trained_here:
            same = suite.store.of(_untuned(suite, trial.backbone, "prompt")).read_predictions()
            suite.write_trial(trial, BAD, same)
    for row in _board(suite).main_rows:
        assert row.gain is not None
        assert (row.gain.value, row.gain.low, row.gain.high) == (0, 0, 0)
        assert row.gain.p in (1.0, None)
        assert row.gain.verdict is None


def test_where_validation_cant_tell_it_is_the_way_that_the_suite_lists_first(tmp_path: Path) -> None:
    suite = _stored(tmp_path, GOOD, {"prompt": BAD, "instructed": 0.6}, studies=60)
    for trial in suite.trials:
        if trial.untuned is not None:
            folder = suite.store.of(trial)
            write_json(folder.scores, folder.read_scores().model_copy(update={"validation": {}}))
    board = _board(suite)
    assert [row.untuned for row in board.untuned if row.best] == ["prompt", "prompt"]
    # So few blocks can't show a gain, and it is said what it takes.
    assert {row.gain.p for row in board.main_rows if row.gain is not None} == {None}
    [said] = [sentence for sentence in findings(board) if sentence.startswith("What tuning gains")]
    assert "no gain can be shown to be more than chance" in said


def test_a_board_without_untuned_rows_has_no_column_for_gains(stored: StoredSuite) -> None:
    board = _board(stored)
    assert board.untuned == ()
    assert all(row.gain is None for row in board.entries)
    assert pages.head(board) == pages.sentence(board) == []
    assert pages.table_of(board) == ""
    assert "untuned" not in board.model_dump_json()

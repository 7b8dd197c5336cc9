"""What a leaderboard shows of training: both losses, the step that was kept, and points that left early."""

import json
import re

import numpy as np
import pytest
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.model import Board
from benchmark.board.results import read_results
from benchmark.board.within_training import within_training
from benchmark.forms.record import Evaluation
from benchmark.forms.suite import Protocol
from benchmark.pages.figures_trials import learning_curves
from benchmark.pages.readme import readme
from benchmark.results.evaluations import kept_of
from benchmark.results.store import write_json, write_lines

SUITE = """
name: stored
title: Stored results
data: {source: phantom, studies: %d, seed: 5, size: 96}
image: {size: 112}
split: {name: blocked}
backbones: [{name: medgemma-4b-it, checkpoint: miniature}]
grid: {rank: [2, 4, 8], alpha: [8], seed: [0, 1]}
protocol: {steps: 60, batch_size: 4, evaluate_every: 20, keep: best}
primary_metric: rouge_l
baselines: []
search: {halving: {rungs: [1], keep: 0.5}}
"""
CURVES = {2: (2.0, 1.0, 1.5), 4: (3.0, 1.0, 0.5), 8: (2.5, 2.0, 1.75)}
"""Validation losses by rank: of the first look at each, rank 4 is the worst, though it would have been the best."""


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    suite = StoredSuite(tmp_path_factory.mktemp("within") / "results", studies=60, suite=SUITE)
    suite.write({"medgemma-4b-it": 0.7})
    for trial in suite.trials:
        folder, losses = suite.store.of(trial), CURVES[trial.rank]
        found = [Evaluation(step=20 * n, loss=loss + trial.seed / 10) for n, loss in enumerate(losses, start=1)]
        write_lines(folder.evaluations, found)
        kept = kept_of(found, trial.protocol)
        assert kept is not None
        record = json.loads(folder.trial.read_text(encoding="utf-8"))
        write_json(folder.trial, {**record, "kept": kept.model_dump(mode="json")})
    return collect(read_results(suite.results, "stored"))


def test_what_left_is_a_row_apart_though_it_has_results_from_elsewhere(board: Board) -> None:
    assert [(row.rank, row.best) for row in board.rows] == [(2, True), (8, False)]
    [point] = board.exits
    assert (point.setting, point.seeds, point.step, point.criterion) == ("r\u00a04, α\u00a08", (0, 1), 20, "loss")
    assert (point.value, point.limit) == (pytest.approx(3.05), pytest.approx(2.55))
    assert (board.planned, board.finished, board.exited) == (6, 4, 2)
    text = readme(board)
    assert "4 of 6 trials done, 2 left early" in text
    assert re.search(r"\| r\u00a04, α\u00a08 +\| +2 \| +20 \| loss \| 3\.050 \| +2\.550 \|", text)
    assert "kept is the adapter of the least loss there" in text
    stored = board.model_dump_json()
    assert Board.model_validate_json(stored).model_dump_json() == stored


def test_overfitting_can_be_seen(board: Board) -> None:
    drawn = learning_curves(board)
    assert drawn is not None
    figure, caption, alt = drawn
    axes = figure.axes[0]
    lines = [list(map(tuple, np.asarray(line.get_xydata()).tolist())) for line in axes.lines]
    for row in board.rows:
        for seed, curve in row.validations.items():
            assert curve in lines
            [kept] = row.kept[seed]
            assert [(kept, dict(curve)[kept])] in lines
    assert {row.rank: row.kept["0"] for row in board.rows} == {2: (40,), 8: (60,)}
    assert "a dot the step whose adapter was kept" in caption
    assert alt.endswith("On the validation part the loss of 2 of 4 trials is higher at the end than before.")
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation", "kept"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, ""),
        ({"evaluate_every": 1}, "after each step and at the end; kept is the adapter of the last step"),
        (
            {"evaluate_every": "epoch", "keep": "best"},
            "each epoch and at the end; kept is the adapter of the least loss",
        ),
        (
            {"evaluate_every": 9, "evaluate_reports_every": 1, "keep": "best", "keep_by": "hallucination_rate"},
            "after every 9 steps and at the end; kept is the adapter of the least",
        ),
        (
            {"evaluate_every": 9, "evaluate_reports_every": 1, "keep": "best", "keep_by": "birads_kappa"},
            "kept is the adapter of the highest BI-RADS",
        ),
    ],
)
def test_what_is_kept_is_said(settings: dict[str, object], says: str) -> None:
    assert says in within_training(Protocol.model_validate({"epochs": 2, **settings}))

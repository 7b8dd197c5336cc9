"""Ranks at rates of their own: rates are chosen on validation alone, and spreads are those of the rows."""

import csv
import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.model import Board
from benchmark.board.results import read_results
from benchmark.forms.suite import Trial
from benchmark.pages.csv import results_csv
from benchmark.pages.figures import draw
from benchmark.pages.figures_grid import heat_maps
from benchmark.pages.readme import readme

SUITE = """
name: rates
title: Ranks and rates
data: {source: phantom, studies: %d, seed: 5, size: 96}
image: {size: 112}
split: {name: blocked}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2, 8], alpha: 2r, learning_rate: [1.0e-4, 1.0e-3, 1.0e-2], targets: [all, mlp], seed: [0]}
protocol: {steps: 60, batch_size: 4, max_new_tokens: 80}
primary_metric: rouge_l
baselines: [most_frequent_report]
"""
SCORES = ("rouge_l", "birads_exact", "hallucination_rate", "omission_rate")
BEST = {2: 1e-2, 8: 1e-3}
"""The rate at which a rank names the right category always."""


def quality(trial: Trial) -> float:
    right = trial.protocol.learning_rate == BEST[trial.rank]
    return (1.0 if right else 0.3) if trial.targets == "all" else 0.0


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stored = StoredSuite(tmp_path_factory.mktemp("rates"), suite=SUITE, scores=SCORES)
    for point in stored.suite.points():
        trial = stored.trial_at("medgemma-4b-it", point)
        stored.trials.append(trial)
        stored.write_trial(trial, quality(trial))
    stored.write_record()
    return stored.results


@pytest.fixture(scope="module")
def board(results: Path) -> Board:
    return collect(read_results(results, "rates"))


def test_every_rank_stands_at_the_rate_that_validation_chose(board: Board) -> None:
    [one] = board.ranks_at_rates
    rows = [board.rows[place] for place in one.rows]
    assert {row.rank: row.axes["learning_rate"] for row in rows} == BEST
    assert {row.axes["targets"] for row in rows} == {"all"}
    assert one.comparisons.pairs == 1
    for row in rows:
        others = [r for r in board.rows if r.rank == row.rank]
        assert row.validation["rouge_l"] == max(r.validation["rouge_l"] or 0.0 for r in others)


def test_spreads_are_those_of_the_rows_at_one_rate_and_at_their_own(board: Board) -> None:
    [one] = board.ranks_at_rates
    value = {(r.rank, r.axes["learning_rate"]): r.scores["rouge_l"].value for r in board.rows
             if r.axes["targets"] == "all"}  # fmt: skip
    for rate, spread in one.spreads:
        assert spread == pytest.approx(abs((value[2, rate] or 0) - (value[8, rate] or 0)))
    # Both ranks write the same at their own rates: nothing is left of the difference.
    assert one.own_spread == 0
    assert max(spread or 0 for _, spread in one.spreads) > 0.005
    assert one.common_rate in BEST.values()


def test_test_scores_have_no_say_in_the_rate(results: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(results, tmp_path / "results"))
    for done in read_results(copy, "rates").trials:
        content = json.loads(done.folder.scores.read_text())
        content["validation"]["rouge_l"] = 1.0 if done.trial.protocol.learning_rate == 1e-4 else 0.0
        done.folder.scores.write_text(json.dumps(content))
    [one] = (board := collect(read_results(copy, "rates"))).ranks_at_rates
    assert [board.rows[place].axes["learning_rate"] for place in one.rows] == [1e-4, 1e-4]
    assert one.common_rate == 1e-4


def test_the_chosen_point_is_chosen_over_all_axes(board: Board) -> None:
    [best] = [row for row in board.rows if row.best]
    assert best.validation["rouge_l"] == max(row.validation["rouge_l"] or 0.0 for row in board.rows)
    # Of two equally good points, the one with the smaller rank.
    assert (best.rank, best.axes) == (2, {"learning_rate": 1e-2, "targets": "all"})


def test_documents_name_points_by_the_axes_that_vary(board: Board) -> None:
    text = readme(board)
    assert "## Ranks, each at its chosen rate" in text
    assert "0 % of it is left" in text.replace("\u00a0", " ")
    assert "r 2, α 4, rate 0.01" in text.replace("\u00a0", " ")
    assert "r 2, α 4, rate 0.01, targets mlp" in text.replace("\u00a0", " ")
    assert "rank 2, 8 × alpha 2r × learning rate 0.0001, 0.001, 0.01 × targets all, mlp × 1 seed" in text
    assert "## What else was varied, and what it cost" in text


def test_figures_of_rates_are_drawn_and_heat_maps_where_rank_and_alpha_cross(board: Board) -> None:
    names = {drawn.name for drawn in draw(board)}
    assert {"rates", "chosen_rates"} <= names
    assert "grid" not in names  # each rank has its alpha, so there is no map to draw
    grid = board.suite.grid.model_copy(update={"alpha": (4, 16)})
    crossed = heat_maps(board.model_copy(update={"suite": board.suite.model_copy(update={"grid": grid})}))
    assert crossed is not None
    assert "validation part chooses among the further axes" in crossed[1]


def test_results_carry_every_axis(board: Board) -> None:
    lines = list(csv.DictReader(StringIO(results_csv(board))))
    rows = {(r["rank"], r["learning_rate"], r["targets"]) for r in lines if r["kind"] == "row"}
    assert rows == {
        (str(rank), rate, targets) for rank in (2, 8) for rate in ("0.0001", "0.001", "0.01")
        for targets in ("all", "mlp")
    }  # fmt: skip
    assert Board.model_validate_json(board.model_dump_json()) == Board.model_validate_json(
        Board.model_validate_json(board.model_dump_json()).model_dump_json()
    )

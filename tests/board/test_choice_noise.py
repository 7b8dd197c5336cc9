"""How clear a choice of points was: leads and spreads as by hand, with seeds, with one, and over folds."""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from stored_suite import StoredSuite

from benchmark.board.choice_noise import choices, pooled_deviation
from benchmark.board.collect import collect
from benchmark.board.model import Board, Choice
from benchmark.board.results import SuiteResults, read_results
from benchmark.pages.sentences import findings

Point = tuple[int, int, int | None]
"""Rank, seed and fold of a trial."""


def _results(values: Mapping[Point, float | None], *, folds: int = 0, primary: str = "rouge_l") -> SuiteResults:
    """Results of one backbone with these scores on the validation part."""
    trials = [
        SimpleNamespace(
            trial=SimpleNamespace(
                id=f"{rank} {seed} {fold}", backbone="a", rank=rank, alpha=8, seed=seed, fold=fold, quantization=None,
                protocol=SimpleNamespace(shuffles_images=False), setting=(rank, 8), adapter=None,
            ),
            ids=(f"{rank} {seed} {fold}",),
            record=SimpleNamespace(checkpoint=SimpleNamespace(miniature=False, kind="hub"), adapter=None),
            scores=SimpleNamespace(validation={primary: value}),
        )
        for (rank, seed, fold), value in values.items()
    ]  # fmt: skip
    grid = SimpleNamespace(seed=sorted({seed for _, seed, _ in values}))
    suite = SimpleNamespace(primary_metric=primary, backbones=[SimpleNamespace(name="a")], grid=grid, search=None)
    record = SimpleNamespace(folds=[None] * folds)
    return cast(SuiteResults, SimpleNamespace(suite=suite, record=record, done=trials, trials=trials))


def test_the_lead_and_the_spread_are_those_of_the_stored_scores(stored: StoredSuite, tmp_path: Path) -> None:
    results = Path(shutil.copytree(stored.results, tmp_path / "results"))
    given = {("medgemma-4b-it", 2): (0.50, 0.54), ("medgemma-4b-it", 4): (0.58, 0.60),
             ("llava-med-7b", 2): (0.30, 0.30), ("llava-med-7b", 4): (0.10, 0.20)}  # fmt: skip
    for done in read_results(results, "stored").trials:
        content = json.loads(done.folder.scores.read_text())
        content["validation"]["rouge_l"] = given[done.trial.backbone, done.trial.rank][done.trial.seed]
        done.folder.scores.write_text(json.dumps(content))
    board = collect(read_results(results, "stored"))
    first, second = board.choices
    assert (first.points, first.seeds, first.folds) == (2, 2, None)
    assert first.lead == pytest.approx(0.59 - 0.52)
    assert first.spread == pytest.approx(math.sqrt((np.var((0.50, 0.54), ddof=1) + np.var((0.58, 0.60), ddof=1)) / 2))
    assert (second.lead, second.spread) == pytest.approx((0.15, math.sqrt(np.var((0.1, 0.2), ddof=1) / 2)))
    chosen = {row.backbone: row.rank for row in board.entries if row.best}
    assert chosen == {"medgemma-4b-it": 4, "llava-med-7b": 2}


@pytest.mark.parametrize("primary", ["rouge_l", "hallucination_rate"])
def test_a_lead_is_never_negative_whatever_direction_is_better(primary: str) -> None:
    (choice,) = choices(_results({(2, 0, None): 0.2, (4, 0, None): 0.5, (8, 0, None): 0.4}, primary=primary))
    assert choice.lead == pytest.approx(0.1 if primary == "rouge_l" else 0.2)


def test_points_of_other_numbers_of_seeds_are_pooled_by_their_degrees_of_freedom() -> None:
    groups: Sequence[Sequence[float]] = [(1.0, 2.0, 4.0), (3.0, 3.5), (7.0,)]
    expected = (2 * np.var(groups[0], ddof=1) + np.var(groups[1], ddof=1)) / 3
    assert pooled_deviation(groups) == pytest.approx(math.sqrt(expected))
    assert pooled_deviation([(1.0,), (2.0,)]) is None


def test_one_seed_has_no_spread() -> None:
    (choice,) = choices(_results({(2, 0, None): 0.2, (4, 0, None): 0.5}))
    assert (choice.seeds, choice.spread) == (1, None)


@pytest.mark.parametrize("values", [{(2, 0, None): 0.2}, {(2, 0, None): None, (4, 0, None): 0.5}])
def test_where_nothing_was_left_to_choose_nothing_is_said(values: dict[Point, float | None]) -> None:
    assert choices(_results(values)) == ()


def test_each_fold_chooses_for_itself() -> None:
    # In one fold rank 2 leads by 0.3, in the other rank 4 by 0.1: on average 0.2, though the means over folds differ
    # by 0.1 only.
    values: dict[Point, float | None] = {
        (2, 0, 0): 0.5, (2, 1, 0): 0.7, (4, 0, 0): 0.3, (4, 1, 0): 0.3,
        (2, 0, 1): 0.4, (2, 1, 1): 0.4, (4, 0, 1): 0.5, (4, 1, 1): 0.5,
    }  # fmt: skip
    (choice,) = choices(_results(values, folds=2))
    assert (choice.folds, choice.points, choice.seeds) == (2, 2, 2)
    assert choice.lead == pytest.approx(0.2)
    assert choice.spread == pytest.approx(math.sqrt(np.var((0.5, 0.7), ddof=1) / 4))
    values[4, 0, 1] = values[4, 1, 1] = None
    assert choices(_results(values, folds=2)) == (), "a fold without a choice"


def _sentence(board: Board, **changes: Any) -> str:
    choice = Choice(name="a", points=3, seeds=2, lead=0.0123, spread=0.0456).model_copy(update=changes)
    return next(one for one in findings(board.model_copy(update={"choices": (choice,)})) if "How clear" in one)


def test_the_sentence_says_chosen_and_what_is_not_known(stored: StoredSuite) -> None:
    board = collect(read_results(stored.results, "stored"))
    text = _sentence(board)
    assert "the chosen one is ahead of the next in ROUGE-L by 0.012 (a, seeds ± 0.046)" in text
    assert "how much of it is noise isn't known" in _sentence(board, spread=None, seeds=1)
    assert "on average over 5 folds" in _sentence(board, folds=5)
    assert "best" not in text

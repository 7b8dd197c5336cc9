"""`amrg bench --grid`: which points it runs, and that its ratios are those of what they took."""

from itertools import pairwise

import pytest

from benchmark.bench.grid import POINTS, STEP, points, summary
from benchmark.bench.process import Cost
from benchmark.bench.run import STAGES
from benchmark.suites.load import load_suite


def cost(processor: float, train: float) -> Cost:
    stages = {**dict.fromkeys((*STAGES, "rest"), 1.0), "train": train}
    return Cost(wall=2 * processor, processor=processor, memory=10, stages=stages, together=4)


def test_a_grid_is_every_rank_at_rates_around_the_protocols() -> None:
    suite = load_suite("bench")
    every = points(suite)
    assert len(set(every)) == len(every) == POINTS
    by_rank = {rank: [p.learning_rate or 0 for p in every if p.rank == rank] for rank in suite.grid.ranks}
    for rates in by_rank.values():
        assert rates[len(rates) // 2] == suite.protocol.learning_rate
        assert [b / a for a, b in pairwise(rates)] == pytest.approx([STEP] * (len(rates) - 1))
    assert {(p.alpha, p.seed) for p in every} == {(suite.grid.alphas[0], suite.grid.seed[0])}


def test_ratios_are_of_medians() -> None:
    times = summary({1: [cost(10, 3), cost(20, 3), cost(12, 5)], 27: [cost(30, 11), cost(36, 19), cost(90, 15)]})
    assert times.processor == pytest.approx(36 / 12)
    assert times.wall == pytest.approx(72 / 24)
    assert times.work == pytest.approx((15 + 1) / (3 + 1))
    assert (times.runs[27].processor, times.runs[27].trained_together) == (36, 4)

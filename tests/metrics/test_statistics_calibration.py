"""Simulations: intervals cover 95 %, and rank sets are all right in at least 95 % of repetitions.

How often is a binomial number, and is held to what a rate of 95 % gives but once in a million simulations.
"""

import numpy as np
import pytest
from scipy import stats

from metrics.metric import mean_of, ratio_of
from metrics.statistics.resampling import Sample
from metrics.statistics.statistics import Draws, SignFlips, interval, rank_sets, sample

pytestmark = pytest.mark.numeric

BLOCKS = 26
CHANCE = 1e-6


def _is_a_rate_of(rate: float, count: float, repetitions: int) -> bool:
    return stats.binomtest(int(count), repetitions, rate).pvalue > CHANCE


def _sample(values: np.ndarray) -> Sample:
    blocks = [str(i) for i in range(values.shape[1])]
    return sample([mean_of("m", "s", row) for row in values], blocks)


@pytest.mark.parametrize(
    ("seeds", "of_blocks", "of_seeds", "of_cells"),
    [(1, 0.12, 0.0, 0.0), (3, 0.12, 0.02, 0.08), (5, 0.12, 0.03, 0.08)],
)
def test_intervals_cover_95_percent(seeds: int, of_blocks: float, of_seeds: float, of_cells: float) -> None:
    """The spreads are those of ROUGE-L on DMID: .12 between reports, .01 to .045 between seeds."""
    random = np.random.default_rng(seeds)
    draws = Draws(BLOCKS, 1_000, seed=0)
    repetitions, covered = 2_000, 0
    for _ in range(repetitions):
        values = (
            random.normal(0, of_blocks, BLOCKS)
            + random.normal(0, of_seeds, (seeds, 1))
            + random.normal(0, of_cells, (seeds, BLOCKS))
        )
        result = interval(_sample(values), draws)
        covered += result.low <= 0 <= result.high
    assert _is_a_rate_of(0.95, covered, repetitions)


def test_intervals_of_a_ratio_of_totals_cover_95_percent() -> None:
    """A rate of hallucination: 0 to 3 asserted findings a report, each wrong with probability .3."""
    random = np.random.default_rng(11)
    draws = Draws(BLOCKS, 1_000, seed=0)
    blocks = [str(i // 2) for i in range(2 * BLOCKS)]
    repetitions, covered = 2_000, 0
    for _ in range(repetitions):
        asserted = random.integers(0, 4, 2 * BLOCKS)
        result = interval(sample([ratio_of("m", "s", random.binomial(asserted, 0.3), asserted)], blocks), draws)
        covered += result.low <= 0.3 <= result.high
    assert _is_a_rate_of(0.95, covered, repetitions)


@pytest.mark.parametrize(("seeds", "of_seeds"), [(1, 0.0), (2, 0.03), (3, 0.03)])
def test_rank_sets_of_equal_systems_are_wrong_in_no_more_than_5_percent(seeds: int, of_seeds: float) -> None:
    """Five systems that are equally good: any set that leaves out a rank is an error."""
    random = np.random.default_rng(seeds)
    flips = SignFlips(BLOCKS, 1_000)
    systems, repetitions, wrong = 5, 600, 0
    for _ in range(repetitions):
        shared = random.normal(0, 0.1, BLOCKS)
        drawn = [
            _sample(shared + random.normal(0, of_seeds, (seeds, 1)) + random.normal(0, 0.08, (seeds, BLOCKS)))
            for _ in range(systems)
        ]
        result = rank_sets(drawn, flips)
        wrong += bool((result.best > 1).any() or (result.worst < systems).any())
    assert stats.binomtest(wrong, repetitions, 0.05, alternative="greater").pvalue > CHANCE

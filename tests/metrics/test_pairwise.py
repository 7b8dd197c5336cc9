"""p and errors of many pairs at once are those of each pair by itself, to the last bit."""

from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from metrics.metric import ReportStatistics, mean_of, ratio_of
from metrics.statistics.pairwise import difference_errors, p_values
from metrics.statistics.sign_flips import SignFlips, upper_ends
from metrics.statistics.statistics import (
    Sample,
    detectable_difference,
    difference_error,
    each_p_above_all,
    p_above_all,
    p_value,
    sample,
    seed_spread,
)
from metrics.text.bleu import bleu_value

Drawn = Callable[[np.random.Generator, int, float], ReportStatistics]


def mean(random: np.random.Generator, reports: int, level: float) -> ReportStatistics:
    return mean_of("m", "m", random.normal(level, 0.2, reports))


def rate(random: np.random.Generator, reports: int, level: float) -> ReportStatistics:
    return ratio_of("m", "m", random.binomial(5, level, reports), 5 + random.integers(0, 2, reports))


def bleu(random: np.random.Generator, reports: int, level: float) -> ReportStatistics:
    counts = random.integers(1, 20, (reports, 10)).astype(float)
    counts[:, 4:8] += counts[:, :4]
    counts[:, 0] += 8 * level
    return ReportStatistics("m", "m", counts, partial(bleu_value, order=2), np.ones(reports, bool))


def drawn(kind: Drawn, blocks: int, seeds: tuple[int, ...], *, number: int = 5) -> list[Sample]:
    """Systems from bad to good; reports two a block."""
    random = np.random.default_rng([blocks, *seeds])
    names = [f"block {i // 2}" for i in range(2 * blocks)]
    systems = []
    for index in range(number):
        level = 0.3 + 0.1 * index
        by_seed = [kind(random, 2 * blocks, level) for _ in range(seeds[index % len(seeds)])]
        systems.append(sample(by_seed, names))
    return systems


@pytest.mark.parametrize(
    ("kind", "blocks", "seeds"),
    [(mean, 17, (3,)), (mean, 30, (2,)), (mean, 45, (1,)), (rate, 12, (2,)), (bleu, 12, (1,)), (bleu, 30, (1, 3))],
)
def test_many_pairs_have_the_p_of_each(kind: Drawn, blocks: int, seeds: tuple[int, ...]) -> None:
    systems = drawn(kind, blocks, seeds)
    flips, pairs = SignFlips(blocks, 1000, tests=10), list(combinations(systems, 2))
    for spread in (None, seed_spread(systems)):
        assert p_values(pairs, flips, spread).tolist() == [p_value(a, b, flips, spread) for a, b in pairs]
        for higher in (True, False):
            above = partial(each_p_above_all, higher_is_better=higher, spread=spread)
            one_above = partial(p_above_all, higher_is_better=higher, spread=spread)
            floors = systems[1:3]
            assert above(systems, floors, flips).tolist() == [one_above(x, floors, flips) for x in systems]


@pytest.mark.parametrize("seeds", [(1,), (3,), (1, 2)])
def test_many_pairs_have_the_error_of_each(seeds: tuple[int, ...]) -> None:
    systems = drawn(mean, 17, seeds)
    systems.append(systems[0])  # a difference of 0 in every block
    pairs, spread = list(combinations(systems, 2)), seed_spread(systems)
    errors, each = difference_errors(pairs, spread), [difference_error(a, b, spread=spread) for a, b in pairs]
    assert errors.values.tolist() == [one.value for one in each]
    assert errors.degrees_of_freedom.tolist() == [one.degrees_of_freedom for one in each]
    differences = np.array([a.value - b.value for a, b in pairs])
    expected = [one.p_value(difference) for one, difference in zip(each, differences, strict=True)]
    assert errors.p_values(differences).tolist() == expected
    assert errors.detectable(tests=6).tolist() == [detectable_difference(one, tests=6) for one in each]


def test_one_block_says_nothing_of_an_error() -> None:
    a, b = drawn(mean, 1, (1,), number=2)
    assert np.isnan(difference_errors([(a, b)], seed_spread([a, b])).values).all()
    assert p_values([], SignFlips(1)).shape == (0,)


def test_upper_ends_are_clopper_and_pearson_s() -> None:
    ends = upper_ends(np.array([0, 3, 10]), 10)
    assert ends[0] == pytest.approx(1 - 0.001 ** (1 / 10))
    assert ends[1] == pytest.approx(stats.binomtest(3, 10).proportion_ci(0.998, "exact").high)
    assert ends[2] == 1

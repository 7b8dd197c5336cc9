"""Which of two systems is better: sign flips by block, the spread of seeds, and Holm's correction for many tests."""

from collections.abc import Sequence

import numpy as np

from metrics.metric import Array
from metrics.statistics.intervals import SeedSpread, difference_error, seed_spread
from metrics.statistics.pairwise import p_values
from metrics.statistics.resampling import Sample
from metrics.statistics.sign_flips import SignFlips


def p_value(a: Sample, b: Sample, flips: SignFlips, spread: SeedSpread | None = None) -> float:
    """Return the two-sided p of "a and b are equally good" that a verdict may rest on, in (0, 1].

    Exchanging labels says nothing of seeds. Where a system has several, the p of the difference by its variance over
    blocks and seeds is computed too, and the larger of the two is returned: a difference that seeds alone could
    make is not called one.

    Args:
        a, b: two systems on the same blocks.
        flips: of these blocks. Where they are drawn at random, the upper end of the p's interval is taken.
        spread: of the seeds, pooled over all systems of the table (`seed_spread`); None for that of `a` and `b` by
            themselves, which with two or three seeds says little.
    """
    p = flips.probability(a, b).high
    if a.seeds > 1 or b.seeds > 1 or (spread is not None and spread.degrees_of_freedom):
        by_seeds = difference_error(a, b, spread=spread or seed_spread([a, b])).p_value(a.value - b.value)
        p = max(p, 1.0 if np.isnan(by_seeds) else by_seeds)
    return p


def p_above_all(
    system: Sample, floors: Sequence[Sample], flips: SignFlips, *, higher_is_better: bool, spread: SeedSpread | None
) -> float:
    """Return the p of "it is no better than the best of these", by intersection-union: the largest p of all.

    Which floor is the best is not known; its best score on a test part is a choice by chance as well. To be better
    than all of them at a level, a system has to be better than each at that level, and no correction is needed for
    their number (Berger 1982). A floor that it isn't better than makes it 1.
    """
    [p] = each_p_above_all([system], floors, flips, higher_is_better=higher_is_better, spread=spread)
    return float(p)


def each_p_above_all(
    systems: Sequence[Sample],
    floors: Sequence[Sample],
    flips: SignFlips,
    *,
    higher_is_better: bool,
    spread: SeedSpread | None,
) -> Array:
    """Return `p_above_all` of each of some systems, [systems]."""
    largest = np.zeros(len(systems)) if floors else np.ones(len(systems))
    tested = []
    for index, system in enumerate(systems):
        for floor in floors:
            if (system.value > floor.value) == higher_is_better and system.value != floor.value:
                tested.append((index, system, floor))
            else:
                largest[index] = 1.0
    tested = [one for one in tested if largest[one[0]] < 1]
    p = p_values([(system, floor) for _, system, floor in tested], flips, spread)
    np.maximum.at(largest, np.array([index for index, _, _ in tested], dtype=int), p)
    return largest


def holm(p_values: Sequence[float] | Array) -> Array:
    """Return Holm's step-down adjusted p (Holm 1979) in the order given; NaN stays NaN and is no part of the family."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return adjusted

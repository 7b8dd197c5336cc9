"""Which of two systems is better: paired approximate randomisation by block, and Holm's correction for many tests."""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from metrics.intervals import difference
from metrics.metric import Array
from metrics.resampling import Draws, Sample

# A first look is enough for a pair that will not come near significance.
FIRST_LOOK, CLEARLY_NOT = 1_000, 0.2
FEW = 10


class Swaps:
    """Random swaps of two systems' labels, block by block; the same ones for every pair.

    Attributes:
        signs: float64 [resamples, blocks] of -1 (swapped) and 1.
    """

    def __init__(self, blocks: int, resamples: int = 10_000, seed: int = 0):
        generator = np.random.default_rng([seed, 2])
        self.signs: Array = generator.choice([-1.0, 1.0], size=(resamples, blocks))


def p_value(a: Sample, b: Sample, swaps: Swaps, draws: Draws) -> float:
    """Two-sided p of "a and b are equally good", in (0, 1].

    The labels of the two systems are swapped block by block in their statistics (seeds pooled) and both scores are
    computed again: p is (k + 1) / (R + 1) for k of R swaps with a difference as large as the observed one (Noreen
    1989). A pair that 1,000 swaps show to be far from significant gets no more of them; where fewer than ten of all
    swaps reach the difference, the tail is computed by saddlepoint instead, since a table of many pairs needs
    smaller p than 1 / (R + 1).

    Swapping reports says nothing of seeds. Where a system has several, the p of the difference by its variance over
    blocks and seeds is computed too, and the larger of the two is returned: a difference that seeds alone could
    make is not called one.
    """
    p = _randomisation(a, b, swaps)
    if a.seeds > 1 or b.seeds > 1:
        by_seeds = difference(a, b, draws).p_value
        p = max(p, 1.0 if np.isnan(by_seeds) else by_seeds)
    return p


def _randomisation(a: Sample, b: Sample, swaps: Swaps) -> float:
    first, second = a.statistics.mean(axis=0), b.statistics.mean(axis=0)
    half, both = (first - second) / 2, (first + second).sum(axis=0) / 2
    observed = abs(float(a.combine(first.sum(axis=0)) - b.combine(second.sum(axis=0))))
    if np.isnan(observed):
        return 1.0
    reached = total = 0
    for signs in (swaps.signs[:FIRST_LOOK], swaps.signs[FIRST_LOOK:]):
        moved = signs @ half
        found = np.abs(a.combine(both + moved) - b.combine(both - moved))
        # An undefined difference counts as one that reaches: the careful side.
        reached += int((~(found < observed * (1 - 1e-9) - 1e-12)).sum())
        total += len(signs)
        if not total or (reached + 1) / (total + 1) > CLEARLY_NOT:
            break
    p = (reached + 1) / (total + 1)
    if reached < FEW:
        shares = a.pseudo_values().mean(axis=0) - b.pseudo_values().mean(axis=0)
        if np.isfinite(shares).all():
            p = min(p, sign_flip_tail(shares / a.blocks))
    return p


def sign_flip_tail(shares: Array) -> float:
    """P(|sum of ±shares| >= |sum of shares|) over all sign flips of `shares` [blocks], by saddlepoint.

    Lugannani and Rice's formula for the cumulant generating function `sum(log(cosh(t * share)))` (Robinson 1982,
    "Saddlepoint approximations for permutation tests"). It is never given as less than what all flips allow.
    """
    shares = np.abs(np.asarray(shares, dtype=float)) * np.sign(shares.sum()) * np.sign(shares)
    shares = shares[shares != 0]
    least = 2.0 ** (1 - len(shares))
    total, most = shares.sum(), np.abs(shares).sum()
    if len(shares) == 0 or total <= 0:
        return 1.0
    if total >= most * (1 - 1e-12):
        return least
    shares, total = shares / most, total / most
    slope = lambda t: (shares * np.tanh(t * shares)).sum() - total  # noqa: E731
    upper = 1.0
    while slope(upper) < 0 and upper < 1e9:
        upper *= 2
    t = brentq(slope, 0.0, upper)
    size = np.abs(t * shares)
    cumulant = (size + np.log1p(np.exp(-2 * size)) - np.log(2)).sum()
    curvature = (shares**2 / np.cosh(np.minimum(size, 300)) ** 2).sum()
    r = np.sqrt(max(2 * (t * total - cumulant), 0.0))
    u = t * np.sqrt(curvature)
    if r < 1e-3 or u == 0:
        return max(least, float(2 * stats.norm.sf(total / np.sqrt((shares**2).sum()))))
    tail = stats.norm.sf(r) + stats.norm.pdf(r) * (1 / u - 1 / r)
    return float(np.clip(2 * tail, least, 1.0))


def holm(p_values: Sequence[float] | Array) -> Array:
    """Holm's step-down adjusted p (Holm 1979), in the order given; NaN stays NaN and is no part of the family."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return adjusted

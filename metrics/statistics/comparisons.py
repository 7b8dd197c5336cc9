"""Which of two systems is better: paired approximate randomisation by block, and Holm's correction for many tests."""

from collections.abc import Sequence

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from metrics.metric import Array, ratio
from metrics.statistics.intervals import SeedSpread, difference_error, seed_spread
from metrics.statistics.resampling import Sample

# Above this p by linear shares, a pair is not computed again: no correction makes it smaller.
CLEARLY_NOT = 0.1
FEW = 10


class Swaps:
    """Random swaps of two systems' labels, block by block; the same ones for every pair.

    Attributes:
        signs: float64 [resamples, blocks] of -1 (swapped) and 1.
    """

    def __init__(self, blocks: int, resamples: int = 10_000, seed: int = 0):
        generator = np.random.default_rng([seed, 2])
        self.signs: Array = generator.choice([-1.0, 1.0], size=(resamples, blocks))


def p_value(a: Sample, b: Sample, swaps: Swaps, spread: SeedSpread | None = None) -> float:
    """Two-sided p of "a and b are equally good", in (0, 1].

    The labels of the two systems are swapped block by block in their statistics (seeds pooled) and both scores are
    computed again: p is (k + 1) / (R + 1) for k of R swaps with a difference as large as the observed one (Noreen
    1989). Where the score is no mean, a pair that is far from significant by the blocks' shares in it (jackknife) is
    left at that. Where fewer than ten of all swaps reach the difference, the tail is computed by saddlepoint, since a
    table of many pairs needs a smaller p than 1 / (R + 1).

    Swapping reports says nothing of seeds. Where a system has several, the p of the difference by its variance over
    blocks and seeds is computed too, and the larger of the two is returned: a difference that seeds alone could
    make is not called one.

    Args:
        swaps: over the blocks of both.
        spread: of the seeds, pooled over all systems of the table (`seed_spread`); None for that of `a` and `b` by
            themselves, which with two or three seeds says little.
    """
    p = _randomisation(a, b, swaps)
    if a.seeds > 1 or b.seeds > 1:
        by_seeds = difference_error(a, b, spread=spread or seed_spread([a, b])).p_value(a.value - b.value)
        p = max(p, 1.0 if np.isnan(by_seeds) else by_seeds)
    return p


def _randomisation(a: Sample, b: Sample, swaps: Swaps) -> float:
    first, second = a.statistics.mean(axis=0), b.statistics.mean(axis=0)
    observed = abs(float(a.combine(first.sum(axis=0)) - b.combine(second.sum(axis=0))))
    if np.isnan(observed):
        return 1.0
    linear = a.combine is ratio and np.array_equal(first[:, 1], second[:, 1])
    shares = (first - second)[:, 0] if linear else (a.pseudo_values - b.pseudo_values).mean(axis=0)
    known = bool(np.isfinite(shares).all())
    if linear or known:
        reached = _reached(np.abs(swaps.signs @ shares), abs(float(shares.sum())))
        p = (reached + 1) / (len(swaps.signs) + 1)
    if not linear and not (known and p > CLEARLY_NOT):
        half, both = (first - second) / 2, (first + second).sum(axis=0) / 2
        moved = swaps.signs @ half
        reached = _reached(np.abs(a.combine(both + moved) - b.combine(both - moved)), observed)
        p = (reached + 1) / (len(swaps.signs) + 1)
    if reached < FEW and known:
        p = min(p, sign_flip_tail(shares))
    return p


def _reached(differences: Array, observed: float) -> int:
    """How many differences are as large as the observed one; an undefined one counts as such: the careful side."""
    return int((~(differences < observed * (1 - 1e-9) - 1e-12)).sum())


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
    # Chernoff's bound, which the approximation can pass where few shares decide.
    return float(np.clip(2 * tail, least, min(1.0, 2 * np.exp(-(r**2) / 2))))


def holm(p_values: Sequence[float] | Array) -> Array:
    """Holm's step-down adjusted p (Holm 1979), in the order given; NaN stays NaN and is no part of the family."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return adjusted

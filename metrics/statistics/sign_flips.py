"""The p of a paired difference by flipping signs, block by block: exact where all flips can be counted.

If two systems are equally good, their labels can be exchanged within any block. So p is the share of the 2^blocks ways
to exchange them at which the systems differ as much as they do (Fisher 1935; Noreen 1989).

- A score that adds up over blocks differs by a sum of signed shares. All 2^40 sums of 40 blocks are counted by meeting
  in the middle (Horowitz and Sahni 1974): the sums of one half of the blocks, sorted, are searched for what each sum of
  the other half leaves.
- Any other score is computed again at each flip: all of them up to 16 blocks.
- Beyond that flips are drawn at random, until the p's Clopper-Pearson interval says what a verdict needs: whether p
  stands the correction for all tests by far. What a verdict may rest on is the interval's upper end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log, log2

import numpy as np
import scipy

from metrics.metric import Array, ratio
from metrics.statistics.resampling import Sample

SUMMED_BLOCKS = 40
"""Blocks up to which sums are counted; halves of 2^20 sums take a fifth of a second."""
QUICK_BLOCKS = 26
"""Blocks beyond which sums are counted only where p may matter; up to it that takes a millisecond."""
COUNTED_BLOCKS = 16
"""Blocks up to which any score is computed at all flips: 2^15, for exchanging all labels changes nothing."""
MORE, MOST = 200_000, 4_000_000
"""Flips that are drawn for a p that stays near what matters: so many, and the most where many tests are corrected
together."""
BY_FAR = 5
"""So many times smaller than the correction asks for is a p of which no more has to be known."""
SURE = 0.999
"""Of the interval for a p by random flips."""
CLEARLY_NOT = 0.1
"""Above this p by some flips, or by linear shares, no more flips are counted: no correction makes a p smaller."""
CHUNK = 8192
"""Flips at a time."""

Reached = Callable[[Array], int]
"""How many of some flips reach what was observed."""


@dataclass(frozen=True)
class Probability:
    """A p, two-sided.

    Attributes:
        value: the estimate.
        high: what a verdict may rest on: the same where all flips were counted; else the upper end of its interval.
    """

    value: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether it was counted, not drawn."""
        return self.value == self.high


def blocks_needed(tests: int, alpha: float = 0.05) -> int:
    """Return how many blocks a first significant result needs, after correction for so many tests.

    With fewer, even a system that is better in every block has too large a p: 2 of 2^blocks flips reach it.
    """
    return 1 + ceil(log2(max(tests, 1) / alpha))


class SignFlips:
    """Sign flips of blocks; where they are drawn, the same ones for every pair.

    Args:
        blocks: how many.
        flips: that are drawn to begin with.
        seed: of the draws.
        tests: that will be corrected together, at level alpha.
        alpha: of all of them.

    Attributes:
        blocks: how many.
        signs: float64 [flips, blocks] of -1 (exchanged) and 1, drawn at random.
    """

    def __init__(self, blocks: int, flips: int = 10_000, seed: int = 0, *, tests: int = 1, alpha: float = 0.05):
        self.blocks = blocks
        # So many that a p of none of them, at the upper end of its interval, stands the correction for all tests.
        self._more = min(MOST, max(MORE, ceil(-log(1 - SURE) * BY_FAR * tests / alpha)))
        self._enough = alpha / max(tests, 1) / BY_FAR
        self._seed = seed
        generator = np.random.default_rng([seed, 2])
        self.signs: Array = generator.choice([-1.0, 1.0], size=(flips, blocks))

    def probability(self, a: Sample, b: Sample) -> Probability:
        """Return the p of "a and b are equally good", seeds pooled."""
        first, second = a.statistics.mean(axis=0), b.statistics.mean(axis=0)
        observed = abs(float(a.combine(first.sum(axis=0)) - b.combine(second.sum(axis=0))))
        if np.isnan(observed):
            return Probability(1.0, 1.0)
        if a.combine is ratio and np.array_equal(first[:, 1], second[:, 1]):
            return self._of_sum((first - second)[:, 0])
        shares = (a.pseudo_values - b.pseudo_values).mean(axis=0)
        if np.isfinite(shares).all():
            likely = self._of_sum(shares)
            if likely.value > CLEARLY_NOT:
                return Probability(likely.value, 1.0)
        half, both = (first - second) / 2, (first + second).sum(axis=0) / 2

        def reached(signs: Array) -> int:
            moved = signs @ half
            return count_reached(np.abs(a.combine(both + moved) - b.combine(both - moved)), observed)

        if self.blocks <= COUNTED_BLOCKS:
            every = all_signs(self.blocks)
            total = len(every)
            p = sum(reached(every[start : start + CHUNK]) for start in range(0, total, CHUNK)) / total
            return Probability(p, p)
        return self._drawn(reached)

    def _of_sum(self, shares: Array) -> Probability:
        total, size = abs(float(shares.sum())), np.count_nonzero(shares)
        if size > QUICK_BLOCKS:
            likely = (count_reached(np.abs(self.signs @ shares), total) + 1) / (len(self.signs) + 1)
            if likely > CLEARLY_NOT:
                return Probability(likely, 1.0)
        if size <= SUMMED_BLOCKS:
            p = count_of_sums(shares)
            return Probability(p, p)
        return self._drawn(lambda signs: count_reached(np.abs(signs @ shares), total))

    def _drawn(self, reached: Reached) -> Probability:
        count, flips = reached(self.signs), len(self.signs)
        generator = np.random.default_rng([self._seed, 3])
        high = upper_end(count, flips)
        while flips < self._more and count / flips < CLEARLY_NOT and high > self._enough:
            count += reached(generator.choice([-1.0, 1.0], size=(CHUNK, self.blocks)))
            flips += CHUNK
            high = upper_end(count, flips)
        return Probability((count + 1) / (flips + 1), high)


def upper_end(count: int, flips: int) -> float:
    """Return the upper end of the interval (Clopper and Pearson) of a p that `count` of `flips` random flips reached.

    It is one-sided, and holds with the probability `SURE`.
    """
    return float(scipy.stats.beta.ppf(SURE, count + 1, flips - count)) if count < flips else 1.0


def all_signs(blocks: int) -> Array:
    """Return float64 [2^(blocks - 1), blocks]: every way to flip, up to flipping all."""
    numbers = np.arange(2 ** max(blocks - 1, 0))[:, None]
    bits = (numbers >> np.arange(max(blocks - 1, 0))[None, :]) & 1
    return np.hstack([np.ones((len(numbers), min(blocks, 1))), 1.0 - 2.0 * bits])


def count_of_sums(shares: Array) -> float:
    """Return the share of all sign flips at which |sum of ±shares| is as large as |sum of shares|."""
    observed = abs(float(shares.sum()))
    shares = shares[shares != 0]
    if not len(shares):
        return 1.0
    # Flipping all signs changes no size, so the first keeps its own.
    middle = max(1, len(shares) // 2)
    left, right = shares[0] + _every_sum(shares[1:middle]), _every_sum(shares[middle:])
    right.sort()
    least = _least(observed)
    over = len(right) - np.searchsorted(right, least - left, side="left")
    under = np.searchsorted(right, -least - left, side="right")
    return float((over + under).sum() / (len(left) * len(right))) if least > 0 else 1.0


def _every_sum(shares: Array) -> Array:
    sums = np.zeros(1)
    for share in shares:
        sums = np.concatenate([sums - share, sums + share])
    return sums


def count_reached(differences: Array, observed: float) -> int:
    """Return how many differences are as large as the observed one.

    An undefined one counts as such: the careful side.
    """
    return int((~(differences < _least(observed))).sum())


def _least(observed: float) -> float:
    """Return what counts as being as large: rounding makes equal sums unequal."""
    return observed * (1 - 1e-9) - 1e-12

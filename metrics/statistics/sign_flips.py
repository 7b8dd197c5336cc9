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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log

import numpy as np
import numpy.typing as npt
import scipy

from metrics.metric import Array, ratio, shortened
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
PAIRS = 64
"""Pairs whose sums are flipped at a time by the flips that are drawn to begin with."""

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
        [probability] = self.probabilities([(a, b)])
        return probability

    def probabilities(self, pairs: Sequence[tuple[Sample, Sample]]) -> list[Probability]:
        """Return the same of each pair; what pairs have in common is done once."""
        systems = {id(x): x for pair in pairs for x in pair}
        means = {key: x.statistics.mean(axis=0) for key, x in systems.items()}
        values = {key: float(x.combine(means[key].sum(axis=0))) for key, x in systems.items()}
        found: dict[int, Probability] = {}
        summed, others = [], []
        for index, (a, b) in enumerate(pairs):
            if np.isnan(values[id(a)] - values[id(b)]):
                found[index] = Probability(1.0, 1.0)
            elif a.combine is ratio and np.array_equal(means[id(a)][:, 1], means[id(b)][:, 1]):
                summed.append(index)
            else:
                others.append(index)
        differences = [(means[id(pairs[i][0])] - means[id(pairs[i][1])])[:, 0] for i in summed]
        found |= dict(zip(summed, self._of_sums(differences), strict=True))
        others = self._not_clearly_equal(pairs, others, found)
        flipped = [
            _flipped(a, b, means[id(a)], means[id(b)], abs(values[id(a)] - values[id(b)]))
            for a, b in (pairs[i] for i in others)
        ]
        found |= dict(zip(others, self._counted(flipped), strict=True))
        return [found[index] for index in range(len(pairs))]

    def _not_clearly_equal(
        self, pairs: Sequence[tuple[Sample, Sample]], chosen: Sequence[int], found: dict[int, Probability]
    ) -> list[int]:
        """Return which of the chosen pairs linear shares don't make clearly equal; those that they do are `found`."""
        means = {id(x): x.pseudo_values.mean(axis=0) for i in chosen for x in pairs[i]}
        shares = {i: means[id(pairs[i][0])] - means[id(pairs[i][1])] for i in chosen}
        finite = [i for i in chosen if np.isfinite(shares[i]).all()]
        for i, likely in zip(finite, self._of_sums([shares[i] for i in finite]), strict=True):
            if likely.value > CLEARLY_NOT:
                found[i] = Probability(likely.value, 1.0)
        return [i for i in chosen if i not in found]

    def _counted(self, flipped: Sequence[Reached]) -> list[Probability]:
        """Return the p of differences that are computed again at each flip: all of them where they are few."""
        if self.blocks > COUNTED_BLOCKS:
            return self._drawn(flipped)
        every = all_signs(self.blocks)
        starts = range(0, len(every), CHUNK)
        counts = [sum(reached(every[start : start + CHUNK]) for start in starts) for reached in flipped]
        return [Probability(count / len(every), count / len(every)) for count in counts]

    def _of_sums(self, shares: Sequence[Array]) -> list[Probability]:
        """Return the p of sums over blocks, each by its blocks' shares."""
        sizes = [np.count_nonzero(one) for one in shares]
        found: dict[int, Probability] = {}
        many = [i for i, size in enumerate(sizes) if size > QUICK_BLOCKS]
        for start in range(0, len(many), PAIRS):
            part = many[start : start + PAIRS]
            reached = np.abs(self.signs @ np.stack([shares[i] for i in part], axis=1))
            for i, differences in zip(part, reached.T, strict=True):
                likely = (count_reached(differences, abs(float(shares[i].sum()))) + 1) / (len(self.signs) + 1)
                if likely > CLEARLY_NOT:
                    found[i] = Probability(likely, 1.0)
        left = [i for i in range(len(shares)) if i not in found]
        for i in left:
            if sizes[i] <= SUMMED_BLOCKS:
                p = count_of_sums(shares[i])
                found[i] = Probability(p, p)
        left = [i for i in left if i not in found]
        found |= dict(zip(left, self._drawn([_summed(shares[i]) for i in left]), strict=True))
        return [found[i] for i in range(len(shares))]

    def _drawn(self, flipped: Sequence[Reached]) -> list[Probability]:
        """Return the p of each difference by random flips, the same ones for all, as many as each needs."""
        flips, counts = len(self.signs), np.array([reached(self.signs) for reached in flipped], dtype=np.int64)
        generator = np.random.default_rng([self._seed, 3])
        highs = upper_ends(counts, flips)
        found: dict[int, Probability] = {}
        waiting = list(range(len(flipped)))
        while True:
            still = []
            for i in waiting:
                if flips < self._more and counts[i] / flips < CLEARLY_NOT and highs[i] > self._enough:
                    still.append(i)
                else:
                    found[i] = Probability((int(counts[i]) + 1) / (flips + 1), float(highs[i]))
            if not still:
                return [found[i] for i in range(len(flipped))]
            waiting = still
            signs = generator.choice([-1.0, 1.0], size=(CHUNK, self.blocks))
            for i in waiting:
                counts[i] += flipped[i](signs)
            flips += CHUNK
            highs[waiting] = upper_ends(counts[waiting], flips)


def _flipped(a: Sample, b: Sample, first: Array, second: Array, observed: float) -> Reached:
    """Return what counts flips at which two systems differ as much as they do, by their mean statistics [blocks, k]."""
    (first, ours), (second, theirs) = shortened(first, a.combine), shortened(second, b.combine)
    half, both = (first - second) / 2, (first + second).sum(axis=0) / 2

    def reached(signs: Array) -> int:
        # Flips last, as for resamples: what is done to each of them is done to memory in a row.
        moved = half.T @ signs.T
        first, second = (np.moveaxis(both[:, None] + one, 0, -1) for one in (moved, -moved))
        return count_reached(np.abs(ours(first) - theirs(second)), observed)

    return reached


def _summed(shares: Array) -> Reached:
    """Return the same for a score that adds up over blocks, by the blocks' shares in the difference."""
    total = abs(float(shares.sum()))
    return lambda signs: count_reached(np.abs(signs @ shares), total)


def upper_ends(counts: npt.NDArray[np.int64], flips: int) -> Array:
    """Return the upper end of the interval (Clopper and Pearson) of each p that `counts` of `flips` flips reached.

    It is one-sided, and holds with the probability `SURE`.
    """
    below = counts < flips
    # What `scipy.stats.beta.ppf` gives, which takes a second to import.
    ends = scipy.special.betaincinv(counts + 1, np.where(below, flips - counts, 1), SURE)
    return np.where(below, ends, 1.0)


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

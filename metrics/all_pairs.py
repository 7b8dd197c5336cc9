"""What scores owe to the image, by all pairs: every prediction against every reference of another block.

A prediction for another study's image *is* what the model writes when it is shown that image, since it sees nothing
else. So nothing has to be generated to know how a score falls when images are exchanged, and all exchanges across
blocks count, not one of them: with `right` the score of each prediction against its own reference, and `pairs` the
score expected when the prediction is that of a study drawn from the other blocks, the fall is `right - pairs`.

A study enters as a row (its reference) and as a column (its prediction), so pairs are not independent. The error of
the fall is a jackknife that takes a block out as row and as column at once; for a statistic of pairs as this it is
consistent (Arvesen 1969, "Jackknifing U-statistics").

A fall alone says little where the score itself moves little: it is also given as a share of the fall of a perfect
reader, whose predictions are the references.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrics.metric import Array
from metrics.statistics.intervals import LEVEL, standard_error, t_quantile
from metrics.text.whitespace import collapse_whitespace

Mask = npt.NDArray[np.bool_]
FEWEST_BLOCKS = 5
"""With fewer that have a part in a fall its interval is no use: the jackknife's error is itself too uncertain."""
ROUNDING = 1e-9
"""A fall below it is 0."""


@dataclass(frozen=True)
class PairStatistics:
    """One metric on every pair of a reference and a prediction.

    Attributes:
        name: of the score.
        statistics: float64 [n, n, k]; row i, column j holds the additive statistics of prediction j against
            reference i.
        combine: [..., k] sums to [...] scores.
        higher_is_better: False for rates of error.
    """

    name: str
    statistics: Array
    combine: Callable[[Array], Array]
    higher_is_better: bool = True


@dataclass(frozen=True)
class PairFall:
    """How far a score falls when images are exchanged.

    Attributes:
        value: positive where the right image helps, whatever direction is better; mean over seeds.
        low, high: 95 % interval over blocks and seeds; NaN where none can be given.
        of_perfect_reader: as a share of the fall of a perfect reader; NaN where that doesn't fall.
    """

    value: float
    low: float
    high: float
    of_perfect_reader: float

    @property
    def excludes_zero(self) -> bool:
        """Return whether the interval lies on one side of 0; False where there is none."""
        return self.low > 0 or self.high < 0


def across_blocks(blocks: Sequence[str]) -> Mask:
    """Return bool [n, n]: whether study i may be shown the image of study j, which is of another block."""
    _, index = np.unique(np.asarray(blocks), return_inverse=True)
    return index[:, None] != index[None, :]


@dataclass(frozen=True)
class SeedFall:
    """The fall of one seed's score.

    Attributes:
        value: positive where the right image helps; NaN where the score is undefined or no pair is allowed.
        without: float64 [blocks]: the same without each block, in the order of the blocks' names; NaN for a block
            that has no part in it: none of its studies has an allowed pair, or states what the score counts.
    """

    value: float
    without: Array


def fall_of_seed(one: PairStatistics, blocks: Sequence[str], allowed: Mask) -> SeedFall:
    """Return the fall of one seed's score over all allowed pairs.

    Args:
        one: the score on all pairs.
        blocks: the block of each study.
        allowed: bool [n, n], part of `across_blocks`: a stratum, such as pairs of one category, may be asked for.
    """
    _, index = np.unique(np.asarray(blocks), return_inverse=True)
    number = index.max(initial=-1) + 1
    members = np.zeros((len(index), number))
    members[np.arange(len(index)), index] = 1
    right = one.statistics[np.arange(len(index)), np.arange(len(index))]
    # [n, blocks, k]: what each reference's pairs with the predictions of a block add up to; and how many they are.
    by_block = np.einsum("ijk,jb->ibk", one.statistics * allowed[:, :, None], members)
    counts = allowed @ members
    sums, pairs = by_block.sum(axis=1), counts.sum(axis=1)
    sign = 1 if one.higher_is_better else -1

    def between(rows: Mask, sums: Array, pairs: Array) -> float:
        paired = rows & (pairs > 0)
        if not paired.any():
            return np.nan
        # A study counts once, however many others it is paired with.
        expected = (sums[paired] / pairs[paired, None]).sum(axis=0)
        return float(sign * (one.combine(right[paired].sum(axis=0)) - one.combine(expected)))

    value = between(np.ones(len(index), dtype=bool), sums, pairs)
    # A study that adds nothing, on either side, would make the jackknife believe in one more block than there is.
    adds = (pairs > 0) & ((right != 0).any(axis=1) | (sums != 0).any(axis=1))
    without = [
        between(index != b, sums - by_block[:, b], pairs - counts[:, b]) if adds[index == b].any() else np.nan
        for b in range(number)
    ]
    return SeedFall(value, np.array(without))


def fall(by_seed: Sequence[SeedFall], perfect: float = np.nan) -> PairFall:
    """Return the fall of a score, mean over seeds, with its interval over blocks and seeds.

    Args:
        by_seed: of each seed's predictions; the same studies and blocks.
        perfect: the fall of a perfect reader, NaN where it isn't at hand.
    """
    values = np.array([one.value for one in by_seed])
    without = np.stack([one.without for one in by_seed])
    without = without[:, ~np.isnan(without).all(axis=0)]
    value = _zero_if_rounding(float(values.mean()))
    share = value / perfect if perfect > 0 else np.nan
    blocks = without.shape[1]
    if blocks < FEWEST_BLOCKS:
        return PairFall(value, np.nan, np.nan, share)
    pseudo = blocks * values[:, None] - (blocks - 1) * without
    error = standard_error(pseudo.mean(axis=0), [pseudo])
    reach = np.nan
    if np.isfinite(error.value):
        reach = error.value * t_quantile((1 + LEVEL) / 2, error.degrees_of_freedom) if error.value else 0.0
    return PairFall(value, value - reach, value + reach, share)


def _zero_if_rounding(value: float) -> float:
    """Return 0 for what is a difference of two equal sums: where no image is looked at, nothing falls."""
    return 0.0 if abs(value) < ROUNDING else value


def unchanged(predictions: Sequence[str], allowed: Mask) -> float:
    """Return the share of allowed pairs whose predictions are the same text, each study counting once.

    White space aside; NaN without pairs.
    """
    texts = np.array([collapse_whitespace(text) for text in predictions])
    pairs = allowed.sum(axis=1)
    paired = pairs > 0
    if not paired.any():
        return float("nan")
    same = (texts[:, None] == texts[None, :]) & allowed
    return float((same.sum(axis=1)[paired] / pairs[paired]).mean())

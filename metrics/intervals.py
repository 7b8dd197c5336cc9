"""Intervals for one system and for the difference of two, from crossed resamples of blocks and seeds.

The percentile interval of a bootstrap with few blocks and fewer seeds is too narrow, and a crossed bootstrap counts
the noise that a block has in one seed more than once (Owen 2007, "The pigeonhole bootstrap"). So the distribution
of the resamples gives the interval its shape, and its width comes from the variance by components: the two-way
analysis of variance of the jackknife's pseudo-values, with the t distribution at Satterthwaite's degrees of freedom
(Hesterberg 2015, "What teachers should know about the bootstrap", on expanded percentile intervals).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from metrics.metric import Array
from metrics.resampling import Draws, Sample

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A score or a difference of scores with its interval.

    Attributes:
        value: the score, mean over seeds.
        low, high: ends of the interval; NaN where none can be given (one block, or an undefined score).
        standard_error: by the variance components of blocks and seeds; NaN where it can't be estimated.
        degrees_of_freedom: Satterthwaite's, of the standard error.
        undefined: share of the resamples in which the score was undefined. They are left out of the interval.
    """

    value: float
    low: float
    high: float
    standard_error: float
    degrees_of_freedom: float
    undefined: float = 0.0

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0; False where there is none."""
        return self.low > 0 or self.high < 0

    @property
    def p_value(self) -> float:
        """Two-sided, of the hypothesis that the value is 0, by the t distribution; NaN without a standard error."""
        if np.isnan(self.standard_error) or np.isnan(self.value):
            return float("nan")
        if self.standard_error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * stats.t.sf(abs(self.value) / self.standard_error, self.degrees_of_freedom))


def interval(
    sample: Sample, draws: Draws, *, level: float = LEVEL, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Interval:
    """The score of `sample` with its interval.

    Args:
        level: the share of repetitions (other reports, other seeds) in which the interval holds the score.
        bounds: the least and the greatest value that the score can have; the interval is cut there.

    A rate that is 0 or 1 in every block has the bound of Clopper and Pearson on the number of blocks that count.
    """
    pseudo = sample.pseudo_values()
    error, freedom = _standard_error(pseudo.mean(axis=0), [pseudo])
    found = _scaled(sample.value, sample.resampled(draws), error, freedom, sample.blocks, level)
    low, high = max(found.low, bounds[0]), min(found.high, bounds[1])
    if found.low == found.high and _is_rate(sample) and found.value in (0.0, 1.0):
        reach = 1 - ((1 - level) / 2) ** (1 / int((sample.statistics[..., 1] > 0).any(axis=0).sum()))
        low, high = (0.0, reach) if found.value == 0 else (1 - reach, 1.0)
    if np.isnan(found.low):
        low = high = np.nan
    return Interval(found.value, low, high, found.standard_error, found.degrees_of_freedom, found.undefined)


def difference(a: Sample, b: Sample, draws: Draws, *, level: float = LEVEL, same_seeds: bool = False) -> Interval:
    """`a` less `b` on the same blocks, paired by block.

    Args:
        level: of the interval.
        same_seeds: the i-th seed of both is the same trained model, so seeds are paired too; otherwise the seeds of
            `a` are taken as independent of those of `b`.
    """
    if a.blocks != b.blocks:
        raise ValueError(f"{a.name}: {a.blocks} and {b.blocks} blocks can't be paired")
    first, second = a.pseudo_values(), b.pseudo_values()
    spreads = [first - second] if same_seeds else [first, second]
    error, freedom = _standard_error(first.mean(axis=0) - second.mean(axis=0), spreads)
    return _scaled(a.value - b.value, a.resampled(draws) - b.resampled(draws), error, freedom, a.blocks, level)


def minimum_detectable_difference(standard_error: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The true difference that a two-sided test at `alpha` finds with probability `power`.

    `(z(1 - alpha/2) + z(power)) * standard_error`; the standard error is that of a paired difference.
    """
    return float((stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * standard_error)


def _standard_error(shares: Array, spreads: Sequence[Array]) -> tuple[float, float]:
    """Standard error and degrees of freedom from the blocks' shares [blocks] and pseudo-values [seeds, blocks]."""
    blocks = len(shares)
    if blocks < 2:
        return float("nan"), float("nan")
    variance = shares.var(ddof=1) / blocks
    squares = variance**2 / (blocks - 1)
    for pseudo in spreads:
        seeds, cells = len(pseudo), pseudo.size
        if seeds < 2:
            continue
        seed_means = pseudo.mean(axis=1, keepdims=True)
        residual = pseudo - seed_means - pseudo.mean(axis=0) + pseudo.mean()
        freedom = (seeds - 1) * (blocks - 1)
        between = blocks * seed_means.var(ddof=1) / cells
        within = (residual**2).sum() / freedom / cells
        if between > within:
            variance += between - within
            squares += between**2 / (seeds - 1) + within**2 / freedom
    if not np.isfinite(variance):
        return float("nan"), float("nan")
    # Rounding leaves a trace of variance where every block has the same share.
    if variance <= (1e-12 * max(1.0, float(np.abs(shares).max()))) ** 2:
        return 0.0, float(blocks - 1)
    return float(np.sqrt(variance)), float(variance**2 / squares)


def _scaled(value: float, resampled: Array, error: float, freedom: float, blocks: int, level: float) -> Interval:
    defined = resampled[~np.isnan(resampled)]
    undefined = 1 - len(defined) / len(resampled)
    if np.isnan(value) or blocks < 2 or not len(defined):
        return Interval(value, np.nan, np.nan, error, freedom, undefined)
    spread = defined.std()
    if np.isnan(error):  # leaving one block out made it undefined
        freedom = float(blocks - 1)
        error = float(spread * np.sqrt(blocks / (blocks - 1)))
    if error == 0 or spread == 0:
        return Interval(value, value, value, 0.0, freedom, undefined)
    tail = (1 - level) / 2
    low, middle, high = np.quantile(defined, [tail, 0.5, 1 - tail])
    scale = _t(1 - tail, freedom) / _z(1 - tail) * error / spread
    low, high = value + (low - middle) * scale, value + (high - middle) * scale
    return Interval(value, float(low), float(high), error, freedom, undefined)


def _is_rate(sample: Sample) -> bool:
    """Whether the score is a count out of a count."""
    if sample.statistics.shape[-1] != 2:
        return False
    part, whole = sample.statistics[..., 0], sample.statistics[..., 1]
    return bool((part == np.round(part)).all() and (part >= 0).all() and (part <= whole).all())


@lru_cache(maxsize=4096)
def _t(probability: float, freedom: float) -> float:
    return float(stats.t.ppf(probability, freedom))


@lru_cache(maxsize=16)
def _z(probability: float) -> float:
    return float(stats.norm.ppf(probability))

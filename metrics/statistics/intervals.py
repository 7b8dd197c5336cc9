"""Intervals for one system and for the difference of two, from crossed resamples of blocks and seeds.

The percentile interval of a bootstrap with few blocks and fewer seeds is too narrow, and a crossed bootstrap counts
the noise that a block has in one seed more than once (Owen 2007, "The pigeonhole bootstrap"). So the distribution
of the resamples gives the interval its shape, and its width comes from the variance by components: the two-way
analysis of variance of the jackknife's pseudo-values, with the t distribution at Satterthwaite's degrees of freedom
(Hesterberg 2015, "What teachers should know about the bootstrap", on expanded percentile intervals).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy

from metrics.metric import Array
from metrics.statistics.resampling import Draws, Sample

LEVEL = 0.95


@dataclass(frozen=True)
class StandardError:
    """The standard error of a score or a difference, by the variance components of blocks and seeds.

    Attributes:
        value: NaN where it can't be estimated: one block, or a score that leaving a block out makes undefined.
        degrees_of_freedom: Satterthwaite's.
    """

    value: float
    degrees_of_freedom: float

    def p_value(self, difference: float) -> float:
        """Return two-sided p, by the t distribution, of a difference that is 0; NaN where the error is unknown."""
        if np.isnan(self.value) or np.isnan(difference):
            return float("nan")
        if self.value == 0:
            return 1.0 if difference == 0 else 0.0
        return float(2 * t_above(abs(difference) / self.value, self.degrees_of_freedom))


@dataclass(frozen=True)
class Interval:
    """A score or a difference of scores with its interval.

    Attributes:
        value: the score, mean over seeds.
        low, high: ends of the interval; NaN where none can be given (one block, or an undefined score).
        error: the standard error behind it.
        undefined: share of the resamples in which the score was undefined. They are left out of the interval.
    """

    value: float
    low: float
    high: float
    error: StandardError
    undefined: float = 0.0

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0; False where there is none."""
        return self.low > 0 or self.high < 0


def interval(
    sample: Sample, draws: Draws, *, level: float = LEVEL, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Interval:
    """Return the score of `sample` with its interval.

    Args:
        level: the share of repetitions (other reports, other seeds) in which the interval holds the score.
        bounds: the least and the greatest value that the score can have; the interval is cut there.

    A rate that is 0 or 1 in every block has the bound of Clopper and Pearson on the number of blocks that count. Any
    other score that is the same in all resamples has no interval: that few blocks don't differ says nothing of how far
    others would.
    """
    error = standard_error(sample.pseudo_values.mean(axis=0), [sample.pseudo_values])
    ends = _scaled(sample.value, sample.resampled(draws), error, sample.blocks, level)
    low, high = max(ends.low, bounds[0]), min(ends.high, bounds[1])
    if ends.low == ends.high and _is_rate(sample) and ends.value in (0.0, 1.0):
        reach = 1 - ((1 - level) / 2) ** (1 / int((sample.statistics[..., 1] > 0).any(axis=0).sum()))
        low, high = (0.0, reach) if ends.value == 0 else (1 - reach, 1.0)
    elif ends.low == ends.high:
        low = high = np.nan
    if np.isnan(ends.low):
        low = high = np.nan
    return replace(ends, low=low, high=high)


def difference(a: Sample, b: Sample, draws: Draws, *, level: float = LEVEL, same_seeds: bool = False) -> Interval:
    """Return `a` less `b` on the same blocks, paired by block.

    The interval holds 0 wherever the percentile interval of the resamples does. Where few reports differ, most
    resamples draw none of them, and an interval that is moved from their median to the difference would exclude 0
    for a single report.

    Args:
        level: of the interval.
        same_seeds: the i-th seed of both is the same trained model, so seeds are paired too; otherwise the seeds of
            `a` are taken as independent of those of `b`.
    """
    error = difference_error(a, b, same_seeds=same_seeds)
    resampled = a.resampled(draws) - b.resampled(draws)
    ends = _scaled(a.value - b.value, resampled, error, a.blocks, level)
    if not ends.excludes_zero or ends.low == ends.high:
        return ends
    # Over blocks alone: drawing seeds as well would count the noise of a report in one seed more than once.
    by_blocks = a.resampled(draws, draw_seeds=False) - b.resampled(draws, draw_seeds=False)
    low, high = np.nanquantile(by_blocks, [(1 - level) / 2, (1 + level) / 2])
    if low <= 0 <= high:
        return replace(ends, low=min(ends.low, 0.0), high=max(ends.high, 0.0))
    return ends


def difference_error(
    a: Sample, b: Sample, *, same_seeds: bool = False, spread: "SeedSpread | None" = None
) -> StandardError:
    """Return the standard error of `a` less `b`, paired as in `difference`.

    Args:
        spread: of the seeds, pooled over systems, for a test; None for an interval's error, by `a` and `b` alone.
    """
    if a.blocks != b.blocks:
        raise ValueError(f"{a.name}: {a.blocks} and {b.blocks} blocks can't be paired")
    first, second = a.pseudo_values, b.pseudo_values
    shares = first.mean(axis=0) - second.mean(axis=0)
    if spread is None:
        return standard_error(shares, [first - second] if same_seeds else [first, second])
    error = standard_error(shares, [])
    # One seed says nothing of how far another would lie, but the pooled spread does.
    ours = sum(
        max(spread.variance, own_variance(x) if x.seeds > 1 else 0.0) / x.seeds
        for x in (a, b)
        if x.trained or x.seeds > 1
    )
    if not spread.degrees_of_freedom or not ours:
        return error
    # The smaller of both, not Satterthwaite's in between: with few seeds that makes the far tail too thin.
    freedom = min(spread.degrees_of_freedom, a.blocks - 1)
    return StandardError(float(np.sqrt(error.value**2 + ours)), freedom)


@dataclass(frozen=True)
class SeedSpread:
    """How far seeds lie apart in a score, pooled over systems.

    Attributes:
        variance: between the scores of two seeds of one system, without what reports add; 0 or more.
        degrees_of_freedom: seeds less systems.
    """

    variance: float
    degrees_of_freedom: int


def seed_spread(samples: Sequence[Sample]) -> SeedSpread:
    """Return the spread of seeds pooled over systems; two or three seeds of one system say too little of it."""
    several = [s for s in samples if s.seeds > 1 and np.isfinite(s.pseudo_values).all()]
    freedom = sum(s.seeds - 1 for s in several)
    if not freedom:
        return SeedSpread(0.0, 0)
    pooled = sum((s.seeds - 1) * own_variance(s) for s in several) / freedom
    return SeedSpread(max(0.0, pooled), freedom)


def own_variance(sample: Sample) -> float:
    """Return the variance between the seeds of one sample, less what its reports add to it; may be negative."""
    seeds, blocks = sample.pseudo_values.shape
    means = sample.pseudo_values.mean(axis=1, keepdims=True)
    residual = sample.pseudo_values - means - sample.pseudo_values.mean(axis=0) + means.mean()
    return float(means.var(ddof=1) - (residual**2).sum() / (seeds - 1) / (blocks - 1) / blocks)


def detectable_difference(error: StandardError, *, tests: int = 1, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the true difference that one of `tests` two-sided tests, corrected for all, finds with that power.

    `(t(1 - alpha / 2 / tests) + t(power)) * error`, by Student's t. Bonferroni's share of alpha is what Holm's
    procedure leaves the first that is found; with others found before it, less is enough.

    Args:
        error: of a paired difference.
        tests: how many are corrected together.
        alpha: of all of them.
        power: the probability to find it.
    """
    found, missed = (t_quantile(p, error.degrees_of_freedom) for p in (1 - alpha / 2 / max(tests, 1), power))
    return (found + missed) * error.value


def standard_error(shares: Array, spreads: Sequence[Array]) -> StandardError:
    """Return the standard error by the blocks' shares [blocks] and each system's pseudo-values [seeds, blocks]."""
    blocks = len(shares)
    if blocks < 2:
        return StandardError(np.nan, np.nan)
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
        return StandardError(np.nan, np.nan)
    # Rounding leaves a trace of variance where every block has the same share.
    if variance <= (1e-12 * max(1.0, float(np.abs(shares).max()))) ** 2:
        return StandardError(0.0, blocks - 1)
    return StandardError(float(np.sqrt(variance)), float(variance**2 / squares))


def _scaled(value: float, resampled: Array, error: StandardError, blocks: int, level: float) -> Interval:
    defined = resampled[~np.isnan(resampled)]
    undefined = 1 - len(defined) / len(resampled)
    if np.isnan(value) or blocks < 2 or not len(defined):
        return Interval(value, np.nan, np.nan, error, undefined)
    spread = defined.std()
    if np.isnan(error.value):
        error = StandardError(float(spread * np.sqrt(blocks / (blocks - 1))), blocks - 1)
    if error.value == 0 or spread == 0:
        return Interval(value, value, value, StandardError(0.0, error.degrees_of_freedom), undefined)
    tail = (1 - level) / 2
    low, middle, high = np.quantile(defined, [tail, 0.5, 1 - tail])
    scale = t_quantile(1 - tail, error.degrees_of_freedom) / z_quantile(1 - tail) * error.value / spread
    low, high = value + (low - middle) * scale, value + (high - middle) * scale
    return Interval(value, float(low), float(high), error, undefined)


def _is_rate(sample: Sample) -> bool:
    """Return whether the score is a count out of a count."""
    if sample.statistics.shape[-1] != 2:
        return False
    part, whole = sample.statistics[..., 0], sample.statistics[..., 1]
    return bool((part == np.round(part)).all() and (part >= 0).all() and (part <= whole).all())


def t_quantile(probability: float, freedom: float) -> float:
    """Return Student's t; see `t_quantiles`."""
    return float(scipy.special.stdtrit(freedom, probability))


def t_quantiles(probability: float, freedom: Array) -> Array:
    """Return Student's t of each number of degrees of freedom: what `scipy.stats.t.ppf` gives.

    This and the functions beside it are what `scipy.stats` calls itself. To import that takes more than a second, and
    its checks take most of the time of a call.
    """
    return np.asarray(scipy.special.stdtrit(freedom, probability))


def t_above(sizes: Array | float, freedom: Array | float) -> Array:
    """Return the probability that Student's t is above each size: what `scipy.stats.t.sf` gives."""
    return np.asarray(scipy.special.stdtr(freedom, np.negative(sizes)))


@lru_cache(maxsize=16)
def z_quantile(probability: float) -> float:
    """Return the normal distribution's quantile; the few that are asked for are asked for again and again."""
    return float(scipy.special.ndtri(probability))

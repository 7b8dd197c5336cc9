"""p of many pairs of systems at once: the same numbers as pair by pair, without doing for each what all share.

A board of hundreds of rows compares tens of thousands of pairs. What belongs to one system (its blocks' shares, the
variance of its seeds) is computed once, Student's t is asked once for all pairs, the signs that are drawn to begin
with multiply all differences in one product, and further flips are drawn once for all pairs that still need them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.metric import Array
from metrics.statistics.intervals import SeedSpread, own_variance, seed_spread, t_above, t_quantiles
from metrics.statistics.resampling import Sample
from metrics.statistics.sign_flips import SignFlips

Pair = tuple[Sample, Sample]


@dataclass(frozen=True)
class Errors:
    """Standard errors of differences; see `metrics.statistics.intervals.StandardError`.

    Attributes:
        values, degrees_of_freedom: float64 [pairs].
    """

    values: Array
    degrees_of_freedom: Array

    def p_values(self, differences: Array) -> Array:
        """Return two-sided p, by the t distribution, of differences that are 0; NaN where the error is unknown."""
        unknown = np.isnan(self.values) | np.isnan(differences)
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = np.abs(differences) / self.values
        p = 2 * t_above(sizes, self.degrees_of_freedom)
        p = np.where(self.values == 0, np.where(differences == 0, 1.0, 0.0), p)
        return np.where(unknown, np.nan, p)

    def detectable(self, *, tests: int, alpha: float = 0.05, power: float = 0.8) -> Array:
        """Return the differences that would be found; see `metrics.statistics.intervals.detectable_difference`."""
        found, missed = (t_quantiles(p, self.degrees_of_freedom) for p in (1 - alpha / 2 / max(tests, 1), power))
        return (found + missed) * self.values


def difference_errors(pairs: Sequence[Pair], spread: SeedSpread) -> Errors:
    """Return the standard error of each pair's difference, seeds independent, by the pooled spread of seeds.

    Args:
        pairs: of systems on the same blocks; at least one.
        spread: of the seeds, pooled over the systems.
    """
    blocks = pairs[0][0].blocks
    if wrong := [x for pair in pairs for x in pair if x.blocks != blocks]:
        raise ValueError(f"{wrong[0].name}: {blocks} and {wrong[0].blocks} blocks can't be paired")
    if blocks < 2:
        return Errors(np.full(len(pairs), np.nan), np.full(len(pairs), np.nan))
    systems = {id(x): x for pair in pairs for x in pair}
    means = {key: x.pseudo_values.mean(axis=0) for key, x in systems.items()}
    by_seeds = {key: _share_of_seeds(x, spread) for key, x in systems.items()}
    shares = np.stack([means[id(a)] - means[id(b)] for a, b in pairs])
    with np.errstate(invalid="ignore"):
        variance = shares.var(axis=1, ddof=1) / blocks
    squares = variance**2 / (blocks - 1)
    # As for one pair: rounding leaves a trace of variance where every block has the same share.
    none = variance <= (1e-12 * np.maximum(1.0, np.abs(shares).max(axis=1))) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(none, 0.0, np.sqrt(variance))
        freedom = np.where(none, blocks - 1.0, variance**2 / squares)
    unknown = ~np.isfinite(variance)
    values[unknown] = freedom[unknown] = np.nan
    ours = np.array([by_seeds[id(a)] + by_seeds[id(b)] for a, b in pairs])
    seeded = (ours != 0) if spread.degrees_of_freedom else np.zeros(len(pairs), dtype=bool)
    values = np.where(seeded, np.sqrt(values**2 + ours), values)
    return Errors(values, np.where(seeded, min(spread.degrees_of_freedom, blocks - 1), freedom))


def _share_of_seeds(x: Sample, spread: SeedSpread) -> float:
    """Return what a system's seeds add to the variance of a difference."""
    if not (x.trained or x.seeds > 1):
        return 0.0
    return max(spread.variance, own_variance(x) if x.seeds > 1 else 0.0) / x.seeds


def p_values(pairs: Sequence[Pair], flips: SignFlips, spread: SeedSpread | None = None) -> Array:
    """Return the two-sided p of "equally good" of each pair, [pairs]; see `metrics.statistics.comparisons.p_value`.

    Args:
        pairs: of systems on the same blocks.
        flips: of these blocks.
        spread: of the seeds, pooled over all systems of the table; None for that of each pair by itself.
    """
    if not pairs:
        return np.zeros(0)
    p = np.array([one.high for one in flips.probabilities(pairs)])
    several = np.array([a.seeds > 1 or b.seeds > 1 for a, b in pairs])
    if spread is not None and spread.degrees_of_freedom:
        several[:] = True
    chosen = np.flatnonzero(several).tolist()
    if chosen:
        p[chosen] = np.maximum(p[chosen], _by_seeds([pairs[i] for i in chosen], spread))
    return p


def _by_seeds(pairs: Sequence[Pair], spread: SeedSpread | None) -> Array:
    """Return the p of each pair by its variance over blocks and seeds; 1 where that isn't known."""
    differences = np.array([a.value - b.value for a, b in pairs])
    if spread is not None:
        p = difference_errors(pairs, spread).p_values(differences)
    else:
        each = [difference_errors([pair], seed_spread(pair)) for pair in pairs]
        p = np.array([float(e.p_values(d[None])[0]) for e, d in zip(each, differences, strict=True)])
    return np.where(np.isnan(p), 1.0, p)

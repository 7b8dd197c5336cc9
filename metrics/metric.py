"""What every score has in common: statistics per report that add up, and how their sums become the score."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class OfMoments(ABC):
    """A way to combine sums that needs only a few numbers, linear in them."""

    @property
    @abstractmethod
    def moments(self) -> Array:
        """float64 [k, m]; sums [..., k] times it are those numbers."""

    @abstractmethod
    def __call__(self, sums: Array) -> Array:
        """Return scores [...] of sums [..., k]."""

    @property
    @abstractmethod
    def of_moments(self) -> Callable[[Array], Array]:
        """What makes scores [...] of those numbers [..., m]."""


def shortened(statistics: Array, combine: Callable[[Array], Array]) -> tuple[Array, Callable[[Array], Array]]:
    """Return statistics [..., m] that are no longer than needed, and what makes scores of their sums."""
    if isinstance(combine, OfMoments):
        return statistics @ combine.moments, combine.of_moments
    return statistics, combine


@dataclass(frozen=True)
class ReportStatistics:
    """One metric on n reports, as sufficient statistics that add up over reports.

    A corpus score is `combine(statistics.sum(axis=0))`. A bootstrap resample is a vector of weights w (how often
    each report is drawn), and its score is `combine(w @ statistics)`: with weights of shape [resamples, n] all of
    them come from one matrix product. Sums over seeds, or swaps between two systems, work in the same way.

    Attributes:
        name: the score's name, such as `birads_kappa`.
        signature: what makes two values comparable: implementation, settings, versions.
        statistics: float64 [n, k]; row i holds report i's additive statistics. A report that does not enter the
            score (its reference does not state the item) is a row of zeros.
        combine: [..., k] sums to [...] scores, vectorised over the leading axes; NaN where the score is undefined
            (an empty denominator), never 0.
        counted: bool [n]; the reports that enter the score.
        higher_is_better: False for rates of error; None where no direction is better.
        items: what the denominator counts, for tables: "reports", "asserted findings" ...
    """

    name: str
    signature: str
    statistics: Array
    combine: Callable[[Array], Array]
    counted: npt.NDArray[np.bool_]
    higher_is_better: bool | None = True
    items: str = "reports"

    def __post_init__(self) -> None:
        if self.statistics.ndim != 2:
            raise ValueError(f"{self.name}: statistics must be [n, k], got shape {self.statistics.shape}")
        if self.counted.shape != (len(self.statistics),):
            raise ValueError(f"{self.name}: counted must be [{len(self.statistics)}], got shape {self.counted.shape}")

    @property
    def n(self) -> int:
        """Return how many reports enter the score."""
        return int(self.counted.sum())

    @property
    def value(self) -> float:
        """Return the score of the whole set; NaN when it is undefined."""
        return float(self.combine(self.statistics.sum(axis=0)))

    @property
    def per_report(self) -> Array:
        """Return float64 [n]: the score of each report by itself; NaN where one report does not define it."""
        return np.where(self.counted, self.combine(self.statistics), np.nan)


def ratio(sums: Array) -> Array:
    """Return the quotient [...] of sums of numerator and denominator [..., 2]; NaN where the denominator is 0."""
    sums = np.asarray(sums, dtype=np.float64)
    numerator, denominator = sums[..., 0], sums[..., 1]
    if denominator.all():
        return np.asarray(numerator / denominator)  # several times as fast as with a mask
    return np.divide(numerator, denominator, out=np.full(np.shape(denominator), np.nan), where=denominator != 0)


def mean_of(
    name: str,
    signature: str,
    values: npt.ArrayLike,
    counted: npt.ArrayLike | None = None,
    *,
    higher_is_better: bool | None = True,
) -> ReportStatistics:
    """Return a metric that is the mean of one value per report, over the reports that `counted` marks (default: all).

    `values` [n] may hold anything, NaN included, where `counted` is False.
    """
    values = np.asarray(values, dtype=np.float64)
    marked = np.ones(len(values), dtype=bool) if counted is None else np.asarray(counted, dtype=bool)
    statistics = np.stack([np.where(marked, values, 0.0), marked.astype(np.float64)], axis=1)
    return ReportStatistics(name, signature, statistics, ratio, marked, higher_is_better)


def ratio_of(
    name: str,
    signature: str,
    numerator: npt.ArrayLike,
    denominator: npt.ArrayLike,
    *,
    higher_is_better: bool | None = True,
    items: str = "findings",
) -> ReportStatistics:
    """Return a metric that is a quotient of two totals, such as hallucinated findings over asserted findings.

    `numerator` and `denominator` are [n] counts; a report whose denominator is 0 adds nothing.
    """
    statistics = np.stack([np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)], axis=1)
    return ReportStatistics(name, signature, statistics, ratio, statistics[:, 1] > 0, higher_is_better, items)

"""Agreement of a predicted category with the reference's: accuracy, coverage, macro-F1, weighted kappa.

Every score counts the reports whose reference states the item. A missing prediction is a wrong one; coverage says
how often one was given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metrics.metric import Array, OfMoments, ReportStatistics, mean_of

Categories = Sequence[str | None]


def accuracy(
    name: str, signature: str, reference: Categories, prediction: Categories, reduce: Callable[[str], object]
) -> ReportStatistics:
    """Return the share of reports whose predicted category equals the reference's after `reduce`."""
    right = [
        r is not None and p is not None and reduce(r) == reduce(p) for r, p in zip(reference, prediction, strict=True)
    ]
    return mean_of(name, signature, right, [r is not None for r in reference])


def coverage(name: str, signature: str, reference: Categories, prediction: Categories) -> ReportStatistics:
    """Return the share of reports that state a category at all, among those whose reference does."""
    return mean_of(name, signature, [p is not None for p in prediction], [r is not None for r in reference])


def f1_macro(
    name: str, signature: str, reference: Categories, prediction: Categories, labels: Sequence[str]
) -> ReportStatistics:
    """Return the macro-averaged F1 over the classes present in the reference, from a fixed list of labels.

    `sklearn.metrics.f1_score(labels=those present, average="macro", zero_division=0)`. In a resample, "present" is
    judged on the resample, so a class that was not drawn does not pull the mean down.
    """
    columns = {label: index for index, label in enumerate(labels)}
    statistics = np.zeros((len(reference), 3, len(labels)))
    for row, (r, p) in enumerate(zip(reference, prediction, strict=True)):
        if r is None:
            continue
        statistics[row, 1, columns[r]] = 1
        if p is not None:
            statistics[row, 2, columns[p]] = 1
            statistics[row, 0, columns[r]] = r == p
    counted = np.array([r is not None for r in reference], dtype=bool)
    return ReportStatistics(name, signature, statistics.reshape(len(reference), 3 * len(labels)), _f1_macro, counted)


def _f1_macro(sums: Array) -> Array:
    hits, stated, predicted = np.moveaxis(np.reshape(sums, (*np.shape(sums)[:-1], 3, -1)), -2, 0)
    present = stated > 0
    f1 = np.divide(2 * hits, stated + predicted, out=np.zeros_like(hits), where=present)
    classes = present.sum(axis=-1)
    return np.divide(f1.sum(axis=-1), classes, out=np.full(classes.shape, np.nan), where=classes > 0)


def quadratic_kappa(
    name: str,
    signature: str,
    reference: Sequence[int | None],
    prediction: Sequence[int | None],
    levels: int,
    *,
    answered: bool = False,
) -> ReportStatistics:
    """Return Cohen's kappa with quadratic weights on a fixed ordered scale (Cohen 1968).

    `sklearn.metrics.cohen_kappa_score(weights="quadratic", labels=range(levels))`. A missing prediction is put at
    the level farthest from the reference (of two equally far, the lower); with `answered`, it is left out instead.

    Args:
        reference, prediction: levels 0 .. levels - 1; None where there is none on the scale.
    """
    statistics = np.zeros((len(reference), 1 + 2 * levels))
    counted = np.zeros(len(reference), dtype=bool)
    for row, (r, p) in enumerate(zip(reference, prediction, strict=True)):
        if r is None or (p is None and answered):
            continue
        counted[row] = True
        stated = _farthest(r, levels) if p is None else p
        statistics[row, 0] = (r - stated) ** 2
        statistics[row, 1 + r] = statistics[row, 1 + levels + stated] = 1
    return ReportStatistics(name, signature, statistics, QuadraticKappa(levels), counted)


def _farthest(level: int, levels: int) -> int:
    return levels - 1 if levels - 1 - level > level else 0


@dataclass(frozen=True)
class QuadraticKappa(OfMoments):
    """Makes kappa of its sums: the squared disagreement, how often each level was true, and how often each was stated.

    The table itself isn't needed, since what chance expects is made of its margins; nor are these, since the expected
    square of a difference is made of their counts, sums and sums of squares. Those six numbers are linear in the sums,
    so whoever draws or flips sums many thousand times takes the `moments` of the blocks' first.

    Attributes:
        levels: of the scale.
    """

    levels: int

    @cached_property
    def moments(self) -> Array:
        """float64 [1 + 2 levels, 6]: by which sums become disagreement, count, and both margins' two moments each."""
        matrix = np.zeros((1 + 2 * self.levels, 6))
        true, stated = slice(1, 1 + self.levels), slice(1 + self.levels, None)
        matrix[0, 0] = 1
        matrix[true, 1] = 1
        for rows, first in ((true, 2), (stated, 4)):
            matrix[rows, first] = np.arange(self.levels)
            matrix[rows, first + 1] = np.arange(self.levels) ** 2
        return matrix

    def __call__(self, sums: Array) -> Array:
        """Return kappa [...] of sums [..., 1 + 2 levels]; NaN where chance would never disagree."""
        return kappa_of_moments(np.asarray(sums, dtype=np.float64) @ self.moments)

    @property
    def of_moments(self) -> Callable[[Array], Array]:
        """What makes kappa [...] of moments [..., 6]."""
        return kappa_of_moments


def kappa_of_moments(moments: Array) -> Array:
    """Return kappa [...] of six moments [..., 6] each; see `QuadraticKappa`."""
    observed, count, true, true_squares, stated, stated_squares = np.moveaxis(moments, -1, 0)
    expected = count * (true_squares + stated_squares) - 2 * true * stated
    # Of sums over seeds thirds are left, and of them a trace where all are of one level.
    known = expected > 1e-9 * count**2
    if known.all():
        return np.asarray(1.0 - observed * count / expected)  # twice as fast as with a mask
    return 1.0 - np.divide(observed * count, expected, out=np.full(np.shape(expected), np.nan), where=known)

"""Agreement of a predicted category with the reference's: accuracy, coverage, macro-F1, weighted kappa.

Every score counts the reports whose reference states the item. A missing prediction is a wrong one; coverage says
how often one was given.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from metrics.metric import Array, ReportStatistics, mean_of

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
    return ReportStatistics(name, signature, statistics, partial(_quadratic_kappa, levels=levels), counted)


def _farthest(level: int, levels: int) -> int:
    return levels - 1 if levels - 1 - level > level else 0


def _quadratic_kappa(sums: Array, levels: int) -> Array:
    """Return kappa [...] of sums [..., 1 + 2 levels].

    They are the squared disagreement, then how often each level was true, then how often each was stated. The table
    itself isn't needed: what chance expects is the product of its margins.
    """
    sums = np.asarray(sums, dtype=np.float64)
    observed, rows, columns = sums[..., 0], sums[..., 1 : 1 + levels], sums[..., 1 + levels :]
    grid = np.arange(levels)
    weights = (grid[:, None] - grid[None, :]) ** 2.0
    total = _added(rows)
    expected = _added((rows @ weights) * columns)
    disagreement = np.divide(observed * total, expected, out=np.full(np.shape(expected), np.nan), where=expected > 0)
    return 1.0 - disagreement


def _added(values: Array) -> Array:
    """Return sums [...] over the last, short axis of [..., n], level by level.

    numpy adds fewer than eight numbers in the same order, to the same last bit, but one short row after another, which
    takes twice as long for the tens of thousands of rows that resamples and flips make.
    """
    total = values[..., 0].copy()
    for level in range(1, values.shape[-1]):
        total += values[..., level]
    return total

"""Scores of findings: precision, recall and F1 by kind, hallucination, omission, location.

"uncertain" counts as present on both sides, unless a score's name ends in `_uncertain_absent`.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from metrics.labels.kinds import KINDS
from metrics.labels.labeler import POLARITY_CODES, Label
from metrics.metric import Array, ReportStatistics, mean_of, ratio_of

Labels = Sequence[Label]
Flags = npt.NDArray[np.bool_]

FEWEST_POSITIVES = 5
"""A kind enters the macro average when at least so many references have it."""


def _polarity(labels: Labels, *values: str) -> Flags:
    """Return bool [n, kinds]: whether a report gives a kind one of these polarities."""
    codes = np.frombuffer(b"".join(label.polarity_codes for label in labels), dtype=np.uint8)
    given = np.array([polarity in values for polarity in POLARITY_CODES])
    return given[codes].reshape(len(labels), len(KINDS))


def average_scores(signature: str, reference: Labels, prediction: Labels) -> list[ReportStatistics]:
    """Return macro and micro averages of F1 over kinds."""
    scores = _averages(signature, reference, prediction, ("present", "uncertain"), "")
    return scores + _averages(signature, reference, prediction, ("present",), "_uncertain_absent")


def kind_scores(signature: str, reference: Labels, prediction: Labels) -> list[ReportStatistics]:
    """Return precision, recall and F1 of each kind, and accuracy on what is said to be absent."""
    scores: list[ReportStatistics] = []
    true, stated = _polarity(reference, "present", "uncertain"), _polarity(prediction, "present", "uncertain")
    for index, kind in enumerate(KINDS):
        hits, positives, asserted = _counts(true[:, [index]], stated[:, [index]])
        name = f"findings_{kind}"
        scores += [
            ratio_of(f"{name}_precision", signature, hits, asserted, items="asserted findings"),
            ratio_of(f"{name}_recall", signature, hits, positives, items="reference findings"),
            ratio_of(f"{name}_f1", signature, 2 * hits, positives + asserted, items="findings"),
        ]
    denied = _polarity(reference, "absent")
    agreed = denied & _polarity(prediction, "absent")
    scores.append(
        ratio_of(
            "findings_negative_accuracy",
            signature,
            agreed.sum(axis=1),
            denied.sum(axis=1),
            items="findings that the reference denies",
        )
    )
    return scores


def _averages(
    signature: str, reference: Labels, prediction: Labels, positive: tuple[str, ...], suffix: str
) -> list[ReportStatistics]:
    true, stated = _polarity(reference, *positive), _polarity(prediction, *positive)
    kinds = np.flatnonzero(true.sum(axis=0) >= FEWEST_POSITIVES)
    named = f"{signature}|kinds:{','.join(KINDS[kind] for kind in kinds) or 'none'}"
    statistics = np.stack([true & stated, true, stated], axis=1).astype(np.float64)
    hits, positives, asserted = _counts(true, stated)
    return [
        ReportStatistics(
            f"findings_f1_macro{suffix}",
            named,
            statistics.reshape(len(true), 3 * len(KINDS)),
            partial(_macro_f1, kinds=tuple(int(kind) for kind in kinds)),
            np.ones(len(true), dtype=bool),
        ),
        ratio_of(f"findings_f1_micro{suffix}", signature, 2 * hits, positives + asserted, items="findings"),
    ]


def _counts(true: Flags, stated: Flags) -> tuple[Array, Array, Array]:
    """Return [n] hits, reference findings and asserted findings of each report."""
    return tuple(part.sum(axis=1).astype(np.float64) for part in (true & stated, true, stated))


def _macro_f1(sums: Array, kinds: tuple[int, ...]) -> Array:
    """Return the mean F1 over kinds; a kind that a resample holds on neither side is left out of its mean."""
    table = np.reshape(sums, (*np.shape(sums)[:-1], 3, len(KINDS)))[..., list(kinds)]
    hits, positives, asserted = np.moveaxis(table, -2, 0)
    total = positives + asserted
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    defined = (total > 0).sum(axis=-1)
    return np.divide(f1.sum(axis=-1), defined, out=np.full(np.shape(defined), np.nan), where=defined > 0)


def hallucination_scores(signature: str, reference: Labels, prediction: Labels) -> list[ReportStatistics]:
    """Return the share of asserted findings that the reference does not have, and how many per report.

    `contradicted`: the reference denies it. `unsupported`: the reference does not mention it. They add up to the rate.
    """
    true, denied = _polarity(reference, "present", "uncertain"), _polarity(reference, "absent")
    stated = _polarity(prediction, "present", "uncertain")
    return _errors(
        signature,
        ("hallucination", "asserted findings"),
        stated,
        {
            "hallucination_rate": stated & ~true,
            "hallucination_contradicted": stated & denied,
            "hallucination_unsupported": stated & ~true & ~denied,
        },
    )


def omission_scores(signature: str, reference: Labels, prediction: Labels) -> list[ReportStatistics]:
    """Return the share of the reference's findings that are not asserted, and how many per report.

    `denied`: the prediction says it is absent. `silent`: the prediction does not mention it. They add up to the rate.
    """
    true = _polarity(reference, "present", "uncertain")
    stated, denied = _polarity(prediction, "present", "uncertain"), _polarity(prediction, "absent")
    return _errors(
        signature,
        ("omission", "reference findings"),
        true,
        {
            "omission_rate": true & ~stated,
            "omission_silent": true & ~stated & ~denied,
            "omission_denied": true & denied,
        },
    )


def _errors(signature: str, what: tuple[str, str], of: Flags, wrong: dict[str, Flags]) -> list[ReportStatistics]:
    scores = [
        ratio_of(name, signature, flags.sum(axis=1), of.sum(axis=1), higher_is_better=False, items=what[1])
        for name, flags in wrong.items()
    ]
    number = next(iter(wrong.values())).sum(axis=1)
    scores += [
        mean_of(f"{what[0]}s_per_report", signature, number, higher_is_better=False),
        mean_of(f"{what[0]}_reports", signature, number > 0, higher_is_better=False),
    ]
    return scores


def location_scores(signature: str, reference: Labels, prediction: Labels) -> list[ReportStatistics]:
    """Return agreement on quadrants and on sides where the reference states them; silence is wrong and uncovered."""
    quadrants = [(frozenset(r.quadrant), frozenset(p.quadrant)) for r, p in zip(reference, prediction, strict=True)]
    sides = [(frozenset(r.laterality), frozenset(p.laterality)) for r, p in zip(reference, prediction, strict=True)]
    scores = []
    for name, pairs in (("location", quadrants), ("laterality", sides)):
        stated = [bool(r) for r, _ in pairs]
        scores += [
            mean_of(f"{name}_accuracy", signature, [r == p for r, p in pairs], stated),
            mean_of(f"{name}_coverage", signature, [bool(p) for _, p in pairs], stated),
        ]
    scores.append(
        ratio_of(
            "location_f1",
            signature,
            [2 * len(r & p) for r, p in quadrants],
            [len(r) + len(p) if r else 0 for r, p in quadrants],
            items="places",
        )
    )
    return scores

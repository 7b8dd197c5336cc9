"""Clinical scores of predicted reports: BI-RADS, density, findings, hallucination, omission, location, error types.

All of them compare labels (`metrics.labels.labeler`), the reference's with the prediction's, and come as
`ReportStatistics`: values of the set, values per report, and sums that a bootstrap can rebuild every score from.

A reference that does not state an item leaves its report out of that item's scores; a prediction that does not state
it is wrong. Nothing missing is ever given a default.
"""

from collections.abc import Callable, Collection, Sequence

from metrics.clinical import agreement
from metrics.clinical.error_types import error_scores
from metrics.clinical.finding_scores import (
    average_scores,
    hallucination_scores,
    kind_scores,
    location_scores,
    omission_scores,
)
from metrics.labels import version
from metrics.labels.birads import BIRADS_SCALE, CATEGORIES
from metrics.labels.labeler import Label, label
from metrics.metric import ReportStatistics, mean_of

PLAIN_FOUR = "4B"
"""Where a "4" without a letter stands on the scale: the middle of the three that it may be, never two steps off."""

DENSITY_SCALE = ("A", "B", "C", "D")

_BENIGN = ("1", "2", "3")

Scored = Callable[[str, Sequence[Label], Sequence[Label]], list[ReportStatistics]]
"""A signature, references and predictions to scores that are made together."""


def clinical_scores(
    reference: Sequence[Label], prediction: Sequence[Label], names: Collection[str] | None = None
) -> dict[str, ReportStatistics]:
    """Return every clinical score of n aligned reports, by name.

    Args:
        reference, prediction: what the reports state.
        names: of the scores that are wanted; None for all. Those that are made together with one of them come too.

    Raises:
        ValueError: the two sequences differ in length.
    """
    if len(reference) != len(prediction):
        raise ValueError(f"{len(reference)} references but {len(prediction)} predictions")
    signature = f"labeler:{version.signature()}|missing:wrong"
    findings = f"{signature}|uncertain:present"
    errors = f"{findings}|errors:mammogreen-types,rules"
    groups: list[tuple[tuple[str, ...], str, Scored]] = [
        (("birads_",), signature, birads_scores),
        (("density_",), signature, density_scores),
        (("findings_f1_",), findings, average_scores),
        (("findings_",), findings, kind_scores),
        (("hallucination",), findings, hallucination_scores),
        (("omission",), findings, omission_scores),
        (("location_", "laterality_"), signature, location_scores),
        (("error_", "mammogreen_"), errors, error_scores),
    ]
    if names is not None:
        starts = [start for group, _, _ in groups for start in group]
        wanted = {_longest_start(name, starts) for name in names}
        groups = [group for group in groups if wanted.intersection(group[0])]
    scores = [score for _, signed, scored in groups for score in scored(signed, reference, prediction)]
    return {score.name: score for score in scores}


def _longest_start(name: str, starts: Sequence[str]) -> str | None:
    """Return the longest of some beginnings that a score's name has; None where it has none of them."""
    return max((start for start in starts if name.startswith(start)), key=len, default=None)


def score_reports(references: Sequence[str], predictions: Sequence[str]) -> dict[str, ReportStatistics]:
    """Label both sides and score them; see `clinical_scores`."""
    return clinical_scores([label(text) for text in references], [label(text) for text in predictions])


def birads_scores(signature: str, reference: Sequence[Label], prediction: Sequence[Label]) -> list[ReportStatistics]:
    """Return agreement on the BI-RADS category: exact, by major category, benign or not, macro-F1, weighted kappa."""
    true, stated = [r.birads for r in reference], [p.birads for p in prediction]
    levels, predicted = [_level(value) for value in true], [_level(value) for value in stated]
    kappa = f"{signature}|weights:quadratic|scale:{'<'.join(BIRADS_SCALE)}|4:{PLAIN_FOUR}"
    binary = f"{signature}|positive:0,4,5,6"
    near = [r is not None and p is not None and abs(r - p) <= 1 for r, p in zip(levels, predicted, strict=True)]
    positive = [value is not None and value not in _BENIGN for value in true]
    negative = [value is not None and value in _BENIGN for value in true]
    called = [value is not None and value not in _BENIGN for value in stated]
    cleared = [value is not None and value in _BENIGN for value in stated]
    return [
        agreement.accuracy("birads_exact", signature, true, stated, lambda value: value),
        agreement.accuracy("birads_major", signature, true, stated, lambda value: value[0]),
        agreement.accuracy("birads_binary", binary, true, stated, lambda value: value in _BENIGN),
        agreement.f1_macro("birads_f1_macro", signature, true, stated, CATEGORIES),
        agreement.quadratic_kappa("birads_kappa", f"{kappa}|missing:farthest", levels, predicted, len(BIRADS_SCALE)),
        agreement.quadratic_kappa(
            "birads_kappa_answered", f"{kappa}|missing:left-out", levels, predicted, len(BIRADS_SCALE), answered=True
        ),
        mean_of("birads_adjacent", kappa, near, [level is not None for level in levels]),
        mean_of("birads_sensitivity", binary, called, positive),
        mean_of("birads_specificity", binary, cleared, negative),
        agreement.coverage("birads_coverage", signature, true, stated),
    ]


def _level(category: str | None) -> int | None:
    """Return the category's place on the scale of kappa, or None outside it."""
    category = PLAIN_FOUR if category == "4" else category
    return BIRADS_SCALE.index(category) if category in BIRADS_SCALE else None


def density_scores(signature: str, reference: Sequence[Label], prediction: Sequence[Label]) -> list[ReportStatistics]:
    """Return agreement on breast density: accuracy, weighted kappa on A < B < C < D, coverage."""
    true, stated = [r.density for r in reference], [p.density for p in prediction]
    levels = [None if value is None else DENSITY_SCALE.index(value) for value in true]
    predicted = [None if value is None else DENSITY_SCALE.index(value) for value in stated]
    kappa = f"{signature}|weights:quadratic|scale:{'<'.join(DENSITY_SCALE)}|missing:farthest"
    return [
        agreement.accuracy("density_accuracy", signature, true, stated, lambda value: value),
        agreement.quadratic_kappa("density_kappa", kappa, levels, predicted, len(DENSITY_SCALE)),
        agreement.coverage("density_coverage", signature, true, stated),
    ]

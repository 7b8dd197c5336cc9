"""MammoGREEN's six types of clinically significant error, counted by rules instead of a language model.

The types are those of RadEval's `mammo_green.py`: false finding, missing finding, mischaracterisation, wrong location
or side, wrong BI-RADS, wrong density, with its score matched / (matched + errors) (the form of GREEN, Ostmeier et al.
2024). A finding is a kind of finding in a report. What rules can't see is not counted: the number of lesions,
recommendations, comparison with earlier examinations, and descriptors that the reference leaves open.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.clinical.error_names import TYPES
from metrics.labels.kinds import ANATOMY
from metrics.labels.labeler import Label
from metrics.metric import ReportStatistics, mean_of

_DESCRIBES = {
    "mass": ("mass_shape", "mass_margin", "mass_density"),
    "calcification": ("calc_morph", "calc_dist"),
    "asymmetry": ("asym_type",),
    "lymph_node": ("node_type",),
}
_SAYS_NOTHING = {"asymmetry", "unspecified"}


@dataclass(frozen=True)
class Errors:
    """What a comparison of two reports counts: matched findings, and errors by type."""

    matched: int
    counts: dict[str, int]

    @property
    def score(self) -> float:
        """Return matched / (matched + errors); NaN when there is neither."""
        total = self.matched + sum(self.counts.values())
        return self.matched / total if total else float("nan")


def count_errors(reference: Label, prediction: Label) -> Errors:
    """Compare a predicted report with its reference."""
    true, stated = reference.asserted, prediction.asserted
    shared = true & stated
    mischaracterised = sum(_conflict(kind, reference, prediction) for kind in shared)
    misplaced = int(bool(shared - {"lymph_node", *ANATOMY}) and _misplaced(reference, prediction))
    # A benign finding left out is no error while the assessment is right.
    incidental = reference.birads_major in ("1", "2") and prediction.birads_major == reference.birads_major
    counts = {
        "false_finding": len(stated - true),
        "missing_finding": 0 if incidental else len(true - stated),
        "mischaracterization": mischaracterised,
        "wrong_location_laterality": misplaced,
        "incorrect_birads": int(reference.birads is not None and prediction.birads != reference.birads),
        "incorrect_breast_density": int(reference.density is not None and prediction.density != reference.density),
    }
    matched = len(shared) - mischaracterised - misplaced + _both_clear(reference, prediction)
    return Errors(max(matched, 0), counts)


def _conflict(kind: str, reference: Label, prediction: Label) -> bool:
    """Return whether both describe the finding in the same respect and agree on nothing."""
    for attribute in _DESCRIBES.get(kind, ()):
        theirs = set(reference.attributes.get(attribute, ())) - _SAYS_NOTHING
        ours = set(prediction.attributes.get(attribute, ())) - _SAYS_NOTHING
        if theirs and ours and not theirs & ours:
            return True
    return False


def _misplaced(reference: Label, prediction: Label) -> bool:
    """Return whether both state a side, or both a place, with nothing in common; "upper" fits "upper outer"."""
    sides = set(reference.laterality), set(prediction.laterality)
    places = [{word for place in report.quadrant for word in place.split()} for report in (reference, prediction)]
    return any(bool(a) and bool(b) and not a & b for a, b in (sides, (places[0], places[1])))


def _both_clear(reference: Label, prediction: Label) -> int:
    """Return 1 where the reference is BI-RADS 1 or 2 without a suspicious kind and the prediction denies such too."""
    suspicious = {"mass", "asymmetry", "architectural_distortion"}
    clear = not (reference.asserted | prediction.asserted) & suspicious
    denies = "absent" in prediction.findings.values()
    return int(reference.birads_major in ("1", "2") and clear and denies)


def error_scores(signature: str, reference: Sequence[Label], prediction: Sequence[Label]) -> list[ReportStatistics]:
    """Return mean errors per report by type (`error_false_finding` ...), and the mean score `mammogreen_rules`."""
    compared = [count_errors(r, p) for r, p in zip(reference, prediction, strict=True)]
    scores = [
        mean_of(f"error_{kind}", signature, [errors.counts[kind] for errors in compared], higher_is_better=False)
        for kind in TYPES
    ]
    values = np.array([errors.score for errors in compared], dtype=np.float64)
    return [*scores, mean_of("mammogreen_rules", signature, values, ~np.isnan(values))]

"""MammoGREEN's six types of error by rules."""

import math

import pytest

from metrics.clinical.error_names import TYPES
from metrics.clinical.error_types import count_errors
from metrics.labels.labeler import label

REFERENCE = (
    "ACR B. BIRADS: 4b. Spiculated irregular mass in the upper outer quadrant of the left breast. "
    "Grouped calcification. No skin thickening."
)


@pytest.mark.parametrize(
    ("change", "to", "errors"),
    [
        ("", "", {}),
        ("No skin thickening", "Skin thickening", {"false_finding": 1}),
        ("Grouped calcification", "No calcification", {"missing_finding": 1}),
        ("Spiculated irregular mass", "Well-defined oval mass", {"mischaracterization": 1}),
        ("Spiculated irregular mass", "Mass", {}),
        ("Grouped calcification", "Segmental calcification", {"mischaracterization": 1}),
        ("left", "right", {"wrong_location_laterality": 1}),
        ("upper outer", "lower inner", {"wrong_location_laterality": 1}),
        ("upper outer quadrant", "upper quadrant", {}),
        ("BIRADS: 4b", "BIRADS: 4c", {"incorrect_birads": 1}),
        ("BIRADS: 4b. ", "", {"incorrect_birads": 1}),
        ("ACR B", "ACR C", {"incorrect_breast_density": 1}),
        ("ACR B. ", "", {"incorrect_breast_density": 1}),
    ],
)
def test_one_change_makes_one_error_of_its_type(change: str, to: str, errors: dict[str, int]) -> None:
    errors_counted = count_errors(label(REFERENCE), label(REFERENCE.replace(change, to)))
    assert errors_counted.counts == {kind: errors.get(kind, 0) for kind in TYPES}


def test_the_score_is_greens() -> None:
    same = count_errors(label(REFERENCE), label(REFERENCE))
    assert (same.matched, same.score) == (2, 1.0)
    # Calcification is missing, the category is wrong, the mass is matched: 1 / (1 + 2).
    worse = count_errors(label(REFERENCE), label(REFERENCE.replace("Grouped", "No").replace("4b", "2")))
    assert worse.score == pytest.approx(1 / 3)


def test_a_benign_finding_left_out_is_no_error_while_the_category_is_right() -> None:
    reference = label("BIRADS: 2. Vascular calcification. No mass.")
    assert count_errors(reference, label("BIRADS: 2. No mass.")).counts["missing_finding"] == 0
    assert count_errors(reference, label("BIRADS: 1. No mass.")).counts["missing_finding"] == 1


def test_two_clear_reports_match() -> None:
    errors_counted = count_errors(label("BIRADS: 1. No mass."), label("BIRADS: 1. No distortion."))
    assert (errors_counted.matched, errors_counted.score) == (1, 1.0)


def test_nothing_to_compare_has_no_score() -> None:
    assert math.isnan(count_errors(label(""), label("")).score)

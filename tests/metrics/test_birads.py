"""The BI-RADS category of a report, clause by clause of the labeler's specification."""

import pytest

from metrics.labels.birads import CATEGORIES, HIERARCHY, highest
from metrics.labels.labeler import label

SPELLINGS = [
    ("BI-RADS® 4A", "4A"),
    ("BI-RADS(TM) 2", "2"),
    ("BI\u2011RADS\u00a04b", "4B"),
    ("ＢＩ-ＲＡＤＳ ５", "5"),
    ("bi rads two", "2"),
    ("Bi.Rads 3", "3"),
    ("B.I.R.A.D.S. 2", "2"),
    ("birads4a", "4A"),
    ("BIRADS-5", "5"),
    ("BI-RADS = 3", "3"),
    ("BI-RADS: IVb", "4B"),
    ("BI-RADS IV B", "4B"),
    ("BIRADS vi", "6"),
    ("BI-RADS four", "4"),
    ("BI-RADS zero", "0"),
    ("BI-RADS: 4 a", "4A"),
    ("BI-RADS 4 (b)", "4B"),
    ("BI-RADS category 4 (4C)", "4C"),
    ("BI-RADS final assessment category is 4C", "4C"),
    ("BI-RADS assessment category 4: suspicious", "4"),
    ("BI-RADS score of 4", "4"),
    ("BI-RADS: [4C]", "4C"),
    ("| BI-RADS | 4A |", "4A"),
    ('{"birads": "4b", "density": "c"}', "4B"),
    ('{"birads": 4}', "4"),
    ("## BIRADS\n\n**3**", "3"),
    ("Breast Imaging Reporting and Data System category 3", "3"),
    ("BIRADS: 1BREAST COMPOSITION: fatty", "1"),
    ("breast.BIRADS: 3", "3"),
]

NO_CATEGORY = [
    "BI-RADS 2013 was used.",
    "BI-RADS, 5th edition.",
    "BI-RADS 5th edition.",
    "BI-RADS 4 views were taken.",
    "BI-RADS 4 masses.",
    "BI-RADS findings: 3 nodules.",
    "BI-RADS was explained. Return in 6 months.",
    "BI-RADS is not given.",
    "BI-RADS",
    "Category 3 lesions were discussed.",
    "Grade 3 tumour.",
    "4A",
    "BI-RADS C",
    "BI-RADS density B",
    "Probably benign.",
    "A 5 mm nodule at 3 o'clock.",
]


@pytest.mark.parametrize(("text", "expected"), SPELLINGS)
def test_spellings(text: str, expected: str) -> None:
    assert label(text).birads == expected


@pytest.mark.parametrize("text", NO_CATEGORY)
def test_what_is_no_category(text: str) -> None:
    assert label(text).birads is None


@pytest.mark.parametrize(
    ("text", "expected", "flag"),
    [
        ("BI-RADS 10", None, "invalid_birads"),
        ("BI-RADS 7", None, "invalid_birads"),
        ("BI-RADS 4.5", None, "invalid_birads"),
        ("BI-RADS 3B", "3", "invalid_subcategory"),
        ("BIRADS 4e", "4", "invalid_subcategory"),
        ("BI-RADS O", "0", "letter_o"),
        ("BIARDS: 3", "3", "typo"),
        ("birad 2", "2", "typo"),
        ("likely BI-RADS 3", "3", "hedged_birads"),
        ("BI-RADS 4?", "4", "hedged_birads"),
        ("ACR 3", None, "acr_digit"),
        ("BI-RADS 5 cannot be ruled out.", None, "uncertain_birads"),
        ("We cannot exclude BI-RADS 4.", None, "uncertain_birads"),
        ("Old films: BI-RADS 3.", None, "history_only"),
    ],
)
def test_oddities_are_flagged(text: str, expected: str | None, flag: str) -> None:
    labels = label(text)
    assert labels.birads == expected
    assert flag in labels.flags


@pytest.mark.parametrize(
    ("text", "every", "winner"),
    [
        ("BIRADS 3-4a", ("3", "4A"), "4A"),
        ("BIRADS: 4b, 3", ("4B", "3"), "4B"),
        ("BI-RADS 4a or 4b", ("4A", "4B"), "4B"),
        ("BI-RADS 4A-C", ("4A", "4C"), "4C"),
        ("BI-RADS 4a/b", ("4A", "4B"), "4B"),
        ("BI-RADS 2 to 3.", ("2", "3"), "3"),
        ("BIRADS: 2, 4c\n\nFindings: a nodule", ("2", "4C"), "4C"),
    ],
)
def test_lists_and_ranges_take_the_highest(text: str, every: tuple[str, str], winner: str) -> None:
    labels = label(text)
    assert labels.birads_all == every
    assert labels.birads == winner
    assert "range" in labels.flags


@pytest.mark.parametrize(
    "text",
    [
        "BIRADS: 3, 4 mm cyst",
        "BIRADS: 3. 4 nodules seen",
        "BIRADS: 3, 6-month follow-up",
        "BI-RADS 3 and 2 cm nodule",
        "BIRADS: 3, 4 nodules seen",
        "BI-RADS 3, 5/6/2024",
        "BIRADS: 3\nA second nodule is seen",
    ],
)
def test_a_number_of_something_else_is_no_item_of_a_list(text: str) -> None:
    assert label(text).birads_all == ("3",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Downgraded from BI-RADS 4 to BI-RADS 3.", "3"),
        ("Upgraded from BI-RADS 3 to 4A.", "4A"),
        ("BI-RADS 3, now upgraded to BI-RADS 4B.", "4B"),
        ("Final assessment BI-RADS 2, previously BI-RADS 4.", "2"),
        ("BI-RADS 4A (previously BI-RADS 3)", "4A"),
        ("BI-RADS 3 in 2020, now BI-RADS 2.", "2"),
        ("Last year BI-RADS 3. Today BI-RADS 2.", "2"),
        ("Was BI-RADS 3; is BI-RADS 2", "2"),
        ("Compared with the prior study, BI-RADS 2.", "2"),
        ("55 years old, BI-RADS 2", "2"),
        ("Clinical history: BI-RADS 4 elsewhere. Impression: BI-RADS 2.", "2"),
        ("This is not BI-RADS 4.", None),
        ("BI-RADS 3 rather than BI-RADS 4.", "3"),
        ("BI-RADS 2 instead of BI-RADS 3", "2"),
        ("No longer BI-RADS 4; BI-RADS 2.", "2"),
        ("Calcification is not seen, BI-RADS 1", "1"),
        ("If it grows, BI-RADS 4.", None),
        ("This would be BI-RADS 4.", None),
        ("Unless stable, BI-RADS 4. For now BI-RADS 3.", "3"),
        ("BI-RADS 4 lesions require biopsy.", None),
        ("BI-RADS 4 and 5 lesions should be biopsied. This one is BI-RADS 2.", "2"),
    ],
)
def test_history_negation_and_conditions(text: str, expected: str | None) -> None:
    assert label(text).birads == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Assessment: Category 2", "2"),
        ("Category 4C", "4C"),
        ("BI-RADS Atlas, 5th edition: category 3", "3"),
        ("Overall category 0.", "0"),
        ("Impression:\n1. Nodule.\n2. Category 4A.", "4A"),
        ("A category 3 finding was once seen.", None),
    ],
)
def test_a_bare_category_counts_only_where_it_is_an_assessment(text: str, expected: str | None) -> None:
    assert label(text).birads == expected


def test_the_header_wins_over_the_body_and_the_conflict_is_flagged() -> None:
    labels = label("BIRADS: 4b\n\nFindings: a nodule, low suspicion (BIRADS 4a). Vascular lines (BIRADS 5).")
    assert labels.birads == "4B"
    assert labels.birads_header == ("4B",)
    assert labels.birads_all == ("4B", "4A", "5")
    assert "birads_conflict" in labels.flags


def test_a_category_in_brackets_is_no_header() -> None:
    assert label("A nodule (BIRADS: 4a). An opacity (BIRADS: 3).").birads_header == ()


def test_an_overall_assessment_wins_over_the_sides() -> None:
    labels = label("Right BI-RADS 4A. Left BI-RADS 2. Overall BI-RADS 0.")
    assert labels.birads == "0"
    assert labels.birads_by_side == {"left": "2", "right": "4A"}


@pytest.mark.parametrize(
    "text",
    [
        "BI-RADS 2 on the right, BI-RADS 4A on the left",
        "BI-RADS 2 right breast; BI-RADS 4A left breast",
        "Left: BI-RADS 4A. Right: BI-RADS 2.",
        "Assessment: left BI-RADS 4A, right BI-RADS 2.",
    ],
)
def test_by_side_the_highest_is_the_reports(text: str) -> None:
    labels = label(text)
    assert labels.birads_by_side == {"left": "4A", "right": "2"}
    assert labels.birads == "4A"


@pytest.mark.parametrize("text", ["Both breasts BI-RADS 1", "BI-RADS 1 in both breasts", "R: BI-RADS 1, L: BI-RADS 1"])
def test_both_breasts(text: str) -> None:
    assert label(text).birads_by_side == {"left": "1", "right": "1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Probably benign.", "3"),
        ("Benign.", "2"),
        ("Highly suggestive of malignancy.", "5"),
        ("Negative mammogram.", "1"),
        ("Incomplete: additional views.", "0"),
        ("No nodule or suspicious calcification.", None),
        ("A nodule.", None),
    ],
)
def test_descriptors_are_a_guess_and_never_the_category(text: str, expected: str | None) -> None:
    labels = label(text)
    assert labels.birads_text == expected
    assert labels.birads is None


def test_hierarchy() -> None:
    assert set(HIERARCHY) == set(CATEGORIES)
    assert highest(["0", "4"]) == "4"
    assert highest(["3", "0"]) == "0"
    assert highest(["6", "3"]) == "6"
    assert highest([]) is None

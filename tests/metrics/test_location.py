"""What describes a finding, where it is and how large."""

import pytest

from metrics.labels.labeler import label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Spiculated irregular mass with ill-defined margins.",
            {"mass_shape": ("irregular",), "mass_margin": ("spiculated", "indistinct")},
        ),
        ("Well-defined oval nodule.", {"mass_shape": ("oval",), "mass_margin": ("circumscribed",)}),
        ("A mass with irregular margins.", {"mass_margin": ("indistinct",)}),
        ("Lobulated mass, microlobulated margin.", {"mass_shape": ("lobulated",), "mass_margin": ("microlobulated",)}),
        ("Isodense mass.", {"mass_density": ("equal",)}),
        ("Fat-containing mass.", {"mass_density": ("fat",)}),
        ("Dense opacity.", {"mass_density": ("high",)}),
        (
            "Spiculated mass with clustered amorphous calcification.",
            {"mass_margin": ("spiculated",), "calc_morph": ("amorphous",), "calc_dist": ("grouped",)},
        ),
        (
            "Fine linear branching calcifications in segmental distribution.",
            {"calc_morph": ("fine_linear",), "calc_dist": ("segmental",)},
        ),
        ("Coarse heterogeneous calcification.", {"calc_morph": ("coarse_heterogeneous",)}),
        ("Pleomorphic calcification.", {"calc_morph": ("fine_pleomorphic",)}),
        ("Popcorn calcification.", {"calc_morph": ("benign",)}),
        ("Macrocalcification.", {"calc_morph": ("benign",)}),
        ("Diffuse skin thickening with calcification.", {}),
        ("Global asymmetry.", {"asym_type": ("global",)}),
        ("Asymmetry.", {"asym_type": ("asymmetry",)}),
        ("Enlarged axillary nodes.", {"node_type": ("abnormal",)}),
        ("Intramammary node.", {"node_type": ("intramammary",)}),
        ("Few axillary nodes.", {"node_type": ("unspecified",)}),
        ("No spiculated mass.", {}),
        ("A mass, not spiculated.", {}),
        ("Possible round mass.", {"mass_shape": ("round",)}),
    ],
)
def test_attributes(text: str, expected: dict[str, tuple[str] | tuple[str, ...]]) -> None:
    assert label(text).attributes == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lt breast nodule.", ("left",)),
        ("L. breast nodule.", ("left",)),
        ("RMLO view.", ("right",)),
        ("Breast, right side.", ("right",)),
        ("Bilateral calcification.", ("left", "right")),
        ("Both breasts are normal.", ("left", "right")),
        ("Asymmetry, right > left.", ("left", "right")),
        ("Left and right breasts.", ("left", "right")),
        ("Nothing is left to do.", ()),
        ("Both views.", ()),
        ("Right away.", ()),
    ],
)
def test_laterality(text: str, expected: tuple[str, ...]) -> None:
    assert label(text).laterality == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LIQ nodule.", ("lower inner",)),
        ("Outer upper quadrant.", ("upper outer",)),
        ("upper-inner quadrant", ("upper inner",)),
        ("Upper quadrant of the breast.", ("upper",)),
        ("upper and lower quadrants", ("lower", "upper")),
        ("Inner-outer quadrant.", ("inner", "outer")),
        ("Superolateral region.", ("upper outer",)),
        ("Retro-areolar region.", ("retroareolar",)),
        ("Outer periareolar region.", ("outer", "periareolar")),
        ("The upper limit.", ()),
    ],
)
def test_quadrants(text: str, expected: tuple[str, ...]) -> None:
    assert label(text).quadrant == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 4 o'clock", (4,)),
        ("at 10:30 o’clock", (10.5,)),
        ("12-1 o'clock", (12, 1)),
        ("at 13 o'clock", ()),
        ("4", ()),
    ],
)
def test_clock(text: str, expected: tuple[float, ...]) -> None:
    assert label(text).clock == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.2 x 0.8 cm nodule", (12.0, 8.0)),
        ("5 mm × 4 mm", (5.0, 4.0)),
        ("2-3 mm foci", (2.0, 3.0)),
        ("10mm and 2cm", (10.0, 20.0)),
        ("A 2.5 cm nodule, 3 cm from the nipple", (25.0,)),
        ("3 nodules", ()),
    ],
)
def test_sizes(text: str, expected: tuple[float, ...]) -> None:
    assert label(text).size_mm == expected


@pytest.mark.parametrize(
    "text",
    [
        "Right breast: a nodule. Left breast: calcification, no nodule.",
        "Right breast:\nA nodule is seen.\nLeft breast:\nCalcification. No nodule.",
        "A nodule in the right breast. Calcification in the left breast, no nodule in the left breast.",
    ],
)
def test_findings_by_side(text: str) -> None:
    assert label(text).by_side == {
        "left": {"mass": "absent", "calcification": "present"},
        "right": {"mass": "present"},
    }

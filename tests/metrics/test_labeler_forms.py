"""Ways of writing one value: every name of a field with every divider and every value, categories and densities too."""

import random
from itertools import permutations, product

import pytest

from metrics.labels.labeler import label

NAMES = {
    "mass": ("Mass", "Mass(es)", "Nodules", "Focal lesion", "Masses/nodules", "Space occupying lesion", "Tumour"),
    "calcification": ("Calcifications", "Calcs", "Micro-calcifications", "Calcification(s)", "Microcalcs"),
    "architectural_distortion": ("Architectural distortion", "AD", "Arch. distortion", "Parenchymal distortion"),
    "asymmetry": ("Asymmetry", "Focal asymmetry", "Asymmetric density"),
    "lymph_node": ("Axillary nodes", "Lymphadenopathy", "Adenopathy"),
    "skin": ("Skin thickening", "Skin changes", "Thickening of the skin"),
    "nipple": ("Nipple retraction", "Nipple changes", "Retraction of the nipple"),
}
DIVIDERS = (": ", " - ", "= ", " : ", " -- ", "... ", "\t", " | ", ": \n")
ABSENT = (
    "No", "None", "Absent", "Nil", "Negative", "Not seen", "None identified", "No evidence", "-ve", "N", "0",
    "Not visualised", "none.", "none noted",
)  # fmt: skip
PRESENT = (
    "Yes", "Present", "Y", "Positive", "+ve", "1", "noted", "yes, left", "Left, 3 o'clock", "stable", "single, right",
)  # fmt: skip
CATEGORY = (
    "BI-RADS {}", "BIRADS: {}", "Bi-Rads category {}", "BI-RADS score = {}", "ACR BI-RADS {}", "BI-RADS assessment {}",
    "Final BI-RADS: {}", "BI-RADS group {}", "BI-RADS number {}", "BI-RADS 2013: {}", "B-RADS {}", "BI RADS - {}",
    "I would classify this as BI-RADS {}", "Impression: BI-RADS {}", "BI-RADS according to ACR: {}", "by rads {}",
    "Category BI-RADS: {}", "BI-RADS now {}", "Assessment category: {}", "BI-RADS cat. {}",
)  # fmt: skip
VALUES = {"2": "2", "4A": "4A", "4 a": "4A", "four": "4", "4-B": "4B", "(3)": "3", "0": "0", "2 (benign)": "2"}
DENSITY = (
    "ACR {}", "ACR-{}", "ACR/{}", "ACR type {}", "ACR density type {}", "ACR category {}", "Breast density {}.",
    "Breast density is {}", "Breast density (ACR): {}", "Density: {}", "Density ({})", "Density [{}]",
    "Density grade {}",
    "Density level {}", "Density classified as {}", "Density rated {}", "Density unchanged, {}", "Dens {}", "BD: {}",
    "Comp: {}", "Composition {}", "Breast composition is category {}.", "Tissue type {}.", "Parenchymal pattern {}",
    "Mammographic pattern: {}", "The density of the breasts is {}.", "The breast tissue is category {}.", "(ACR {})",
    "The breast parenchyma is ACR type {}.", "Breasts with density {}", "Type {} breast density", "{} density",
    "VBD {}",
    "Class {} density", "BI-RADS density {}", "Quantra {}", "Volpara density {}", "VDG {}", "Density R/L: {}/{}",
    "Right breast density {}, left breast density {}", "Breast density [a/b/c/d]: {}", "Density corresponds to ACR {}.",
)  # fmt: skip
SHORT = {
    "mass": ("Mass", "Masses", "Nodules"),
    "calcification": ("Calc", "Calcifications", "Calcs"),
    "architectural_distortion": ("AD", "Arch dist", "Distortion"),
    "asymmetry": ("Asym", "Asymmetry"),
    "lymph_node": ("Nodes", "Lymph nodes", "Axillary nodes"),
    "skin": ("Skin",),
    "nipple": ("Nipple", "Nipples"),
}
NOTHING = ("N", "No", "0", "none", "nil", "neg", "-", "[none]", "absent", "negative", "-ve")
NORMAL = ("nl", "[nl]")
THERE = ("Y", "Yes", "1", "+", "[yes]", "present")
ASIDES = ("", "", " (left)", " (benign)", " (right, 8 mm)")
BETWEEN = (" ", "  ", "\t", "/", " / ", "|", " | ", "; ", ", ", ". ", "\n")
AS_MANY = {2: 1500, 3: 700}
"""As many forms of two and of three fields for each of `BETWEEN`."""


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("fields", AS_MANY)
def test_fields_in_a_row_say_each_its_own(between: str, fields: int) -> None:
    chosen = random.Random(f"{fields}{between}")
    orders = list(permutations(SHORT, fields))
    wrong = []
    for _ in range(AS_MANY[fields]):
        said, colon, case = {}, chosen.choice((": ", ":", " = ", " ")), chosen.choice((str, str.upper, str.lower))
        written = []
        for kind in chosen.choice(orders):
            normal = NORMAL if kind in ("lymph_node", "skin", "nipple") else ()
            value = chosen.choice(chosen.choice((THERE, NOTHING + normal)))
            said[kind] = "present" if value in THERE else "absent"
            aside = chosen.choice(ASIDES) if value in THERE else ""
            written.append(f"{chosen.choice(SHORT[kind])}{colon}{value}{aside}")
        text = case(between.join(written))
        if label(text).findings != said:
            wrong.append(f"{text!r} is {said}, read as {label(text).findings}")
    assert wrong == []


@pytest.mark.parametrize("kind", NAMES)
def test_a_field_says_the_same_however_it_is_written(kind: str) -> None:
    said = [(value, "absent") for value in ABSENT] + [(value, "present") for value in PRESENT]
    wrong = []
    for name, divider, (value, polarity) in product(NAMES[kind], DIVIDERS, said):
        text = f"{name}{divider}{value}"
        read = label(text).findings.get(kind)
        if read != polarity:
            wrong.append(f"{text!r} is {polarity}, read as {read}")
    assert wrong == []


@pytest.mark.parametrize("after", ["", "No mass. "])
def test_a_category_is_the_same_whatever_its_name(after: str) -> None:
    wrong = []
    for way, (value, category) in product(CATEGORY, VALUES.items()):
        text = f"{after}{way.format(value)}"
        if label(text).birads != category:
            wrong.append(f"{text!r} is {category}, read as {label(text).birads}")
    assert wrong == []


@pytest.mark.parametrize("letter", ["A", "B", "C", "D"])
def test_a_density_is_the_same_whatever_its_name(letter: str) -> None:
    wrong = []
    for way, written in product(DENSITY, (letter, letter.lower())):
        text = way.format(written, written)
        if label(text).density != letter:
            wrong.append(f"{text!r} is {letter}, read as {label(text).density}")
    assert wrong == []

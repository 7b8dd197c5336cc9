"""Fields of templates: what a field says of its finding holds, whatever the form calls it and whatever follows."""

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.labels.labeler import label

FIELDS = {
    "mass": ("Masses", "mass"),
    "calcification": ("Calcifications", "calcifications"),
    "asymmetry": ("Asymmetries", "asymmetry"),
    "architectural_distortion": ("Architectural distortion", "architectural distortion"),
    "lymph_node": ("Lymph nodes", "lymph nodes"),
    "skin": ("Skin", "skin thickening"),
    "nipple": ("Nipples", "nipple retraction"),
    "pectoral": ("Pectoral muscle", "pectoral muscle invasion"),
}
"""Each finding's field, and what it denies or affirms there."""
DENIED = (
    "{name}: No suspicious {noun}", "{name}: No {noun}", "{name}: No new {noun}", "{name}: There is no {noun}",
    "{name}: No {noun} is seen", "{name}: No {noun} identified in either breast", "{name}: Without {noun}",
    "{name}: No evidence of {noun}", "{name}: Negative for {noun}", "{name}: Neither breast shows {noun}",
    "{name} - No suspicious {noun}", "{name} - No {noun}", "{name}: None", "{name}: None seen bilaterally",
    "{name}: No suspicious findings", "{name}: No significant abnormality seen", "{name}: nothing suspicious",
    "{name}: absent", "{name}: negative", "{name}: No abnormality", "{name}:\nNo suspicious {noun}",
)  # fmt: skip
AFFIRMED = (
    "{name}: There is {noun}",
    "{name}: Stable {noun}",
    "{name}: {noun} in the left breast",
    "{name}: Suspicious {noun}, not seen previously",
)
FEW = settings(deadline=None, max_examples=150)


def said(kind: str, way: str) -> str:
    name, noun = FIELDS[kind]
    return way.format(name=name, noun=noun)


@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_alone(kind: str) -> None:
    denied = [said(kind, way) + end for way, end in product(DENIED, ("", "."))]
    affirmed = [said(kind, way) + end for way, end in product(AFFIRMED, ("", "."))]
    assert [text for text in denied if label(text).findings.get(kind) != "absent"] == []
    assert [text for text in affirmed if label(text).findings.get(kind) != "present"] == []


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.sampled_from((*DENIED, *AFFIRMED)), min_size=2),
    st.sampled_from([". ", "\n", "; ", ".\n- "]),
    st.randoms(use_true_random=False),
)
def test_a_field_among_others(ways: Mapping[str, str], divider: str, random: object) -> None:
    kinds = list(ways)
    random.shuffle(kinds)  # type: ignore[attr-defined]
    text = divider.join(said(kind, ways[kind]) for kind in kinds)
    assert label(text).findings == {kind: "present" if ways[kind] in AFFIRMED else "absent" for kind in ways}, text


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.booleans(), min_size=1),
    st.sampled_from(
        [
            ("0 = no, 1 = yes. ", "0", "1"),
            ("Coding (0 = absent, 1 = present): ", "0", "1"),
            ("Key: 1=yes; 2=no. ", "2", "1"),
        ]
    ),
    st.sampled_from(["; ", ", ", "\n"]),
    st.sampled_from(["{name} {code}", "{name}: {code}", "{name} = {code}"]),
)
def test_coded_fields(there: Mapping[str, bool], key: tuple[str, str, str], divider: str, written: str) -> None:
    fields = (written.format(name=FIELDS[kind][0], code=key[1 + stated]) for kind, stated in there.items())
    text = f"{key[0]}{divider.join(fields)}"
    expected = {kind: "present" if stated else "absent" for kind, stated in there.items() if kind not in ANATOMY}
    read = label(text).findings
    assert {kind: read.get(kind) for kind in expected} == expected, text


ANATOMY = ("skin", "nipple", "pectoral")
CHOICES = ("[none/describe]", "(none/present)", "[no | yes]", "(absent, present)", "[none / benign / suspicious]")


@FEW
@given(
    st.dictionaries(
        st.sampled_from([kind for kind in FIELDS if kind not in ANATOMY]), st.sampled_from(CHOICES), min_size=1
    ),
    st.sampled_from(["none", "present"]),
)
def test_choices_that_a_form_prints_state_nothing(choices: Mapping[str, str], value: str) -> None:
    text = "Density [A/B/C/D]: C. " + " ".join(
        f"{FIELDS[kind][0]} {choice}: {value}." for kind, choice in choices.items()
    )
    read = label(f"{text} BI-RADS [0-6]: 2.")
    assert (read.birads, read.density) == ("2", "C")
    assert read.findings == dict.fromkeys(choices, "absent" if value == "none" else "present")


SCALES = (
    "0 incomplete, 1 negative, 2 benign, 3 probably benign, 4 suspicious, 5 highly suggestive of malignancy",
    "0 = incomplete; 1 = negative; 2 = benign; 3 = probably benign; 4 = suspicious; 5 = malignant; 6 = known cancer",
    "incomplete (0), negative (1), benign (2), probably benign (3), suspicious (4), malignant (5)",
    "BI-RADS 1 negative, BI-RADS 2 benign, BI-RADS 3 probably benign, BI-RADS 4 suspicious, BI-RADS 5 malignant",
)


@pytest.mark.parametrize(("scale", "category"), product(SCALES, ("0", "1", "2", "3", "4A", "5")))
def test_scales_state_no_category(scale: str, category: str) -> None:
    for text in (f"Scale: {scale}. Result: BI-RADS {category}.", f"BI-RADS: {category}\n({scale})"):
        assert label(text).birads_all == (category,), text

"""Findings and their polarity, clause by clause of the labeler's specification."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.labels.labeler import label

_SHORT = {"p": "present", "a": "absent", "u": "uncertain"}
_KEYS = {
    "mass": "mass",
    "calc": "calcification",
    "asym": "asymmetry",
    "dist": "architectural_distortion",
    "node": "lymph_node",
    "skin": "skin",
    "nipple": "nipple",
    "pec": "pectoral",
}

CASES = """
A lump is felt. | mass p
Space occupying lesion. | mass p
Soft opacities. | mass p
A tumor. | mass p
Massive breasts. |
Mass-like density. |
Micro-calcifications. | calc p
Non-calcified nodule. | mass p
Symmetric breasts. |
Assymetry. | asym p
Asymmetrical breast density. | asym p
Distortion. | dist p
Lymphadenopathy. | node p
No evidence of a nodule. | mass a
Without calcifications. | calc a
Nil calcification. | calc a
Negative for masses. | mass a
Free of masses. | mass a
Absence of calcification. | calc a
She denies a lump. | mass a
Neither a nodule nor calcifications. | mass a, calc a
No dominant mass or discrete nodule. | mass a
No mass, nodule, calcification or distortion. | mass a, calc a, dist a
No mass, calcification, or distortion is identified. | mass a, calc a, dist a
No opacity; calcification is seen. | mass a, calc p
No opacity; calcifications. | mass a, calc p
No opacity, however calcification is seen. | mass a, calc p
No opacity except a calcification. | mass a, calc p
No opacities, calcifications are seen. | mass a, calc p
No opacity is seen, calcifications are present. | mass a, calc p
No opacity seen, benign calcification noted. | mass a, calc p
No opacity and few calcifications. | mass a, calc p
No opacity with calcification. | mass a, calc p
There is no mass on one side and a nodule on the other. | mass p
Nodules are not identified. | mass a
Opacities are not seen, calcifications are absent. | mass a, calc a
The nodule has resolved. | mass a
A nodule is ruled out. | mass a
The nodule is no longer seen. | mass a
Calcification: nil. | calc a
Calcification - none | calc a
Mass: no. Calcification: yes. | mass a, calc p
{"mass": "absent", "calcification": "present"} | mass a, calc p
No change in calcification. | calc p
No interval increase in the nodule. | mass p
Not only a nodule but also distortion. | mass p, dist p
The nodule is without change. | mass p
The nodule is not only present but larger. | mass p
The nodule is no longer increasing. | mass p
No no no nodule. | mass a
Possible nodule. | mass u
Questionable distortion. | dist u
May represent a nodule. | mass u
A nodule is not excluded. | mass u
Calcification cannot be ruled out. | calc u
We cannot exclude calcification. | calc u
Suspicious for a nodule. | mass u
Nodule versus asymmetry. | mass u, asym u
Possible nodule or asymmetry. | mass u, asym u
Possible nodule, calcification seen. | mass u, calc p
? nodule | mass u
Probably a benign lesion. | mass p
May suggest a benign lesion. | mass p
To exclude a nodule. |
Look for calcifications. |
If a nodule appears, return. |
History of breast lump. |
Clinical history: lump. Findings: calcification. | calc p
The earlier nodule is stable. | mass p
Coarse calcification; no suspicious calcification. | calc p
Possible calcification. No calcification. | calc u
A nodule without calcification. | mass p, calc a
A nodule, no calcification. | mass p, calc a
A nodule is seen and no calcification. | mass p, calc a
The nodule is not associated with calcification. | mass p, calc a
Not a nodule. | mass a
Skin thickening. | skin p
The skin is not thickened. | skin a
No thickening of the skin. | skin a
Skin: normal. | skin a
Possible skin thickening. | skin u
The nipple is not normal. | nipple p
Nipple retraction, the skin is normal. | skin a, nipple p
Normal nipple and thickened skin. | skin p, nipple a
The nipple is normal and the skin is thickened. | skin p, nipple a
Overlying skin and nipple retraction. | skin p, nipple p
No skin thickening or nipple retraction. | skin a, nipple a
Skin, nipple and pectoralis: unremarkable. | skin a, nipple a, pec a
Nipple and skin - no abnormality | skin a, nipple a
No abnormality of skin, nipple or pectoral muscle. | skin a, nipple a, pec a
Skin normal. Later mild skin thickening. | skin p
The pectoral muscle is not involved. | pec a
The pectoral muscle is spared. | pec a
Invasion of the pectoral muscle. | pec p
A nodule invading the skin. | mass p, skin p
A nodule 3 cm from the nipple. | mass p
A nodule behind the nipple. | mass p
No suspicious lesion or adenopathy, skin thickening present. | mass a, node a, skin p
Axillary nodes are normal. | node a
Normal axillary nodes. | node a
Lymph nodes are not enlarged. | node a
Enlarged nodes, skin and nipple normal. | node p, skin a, nipple a
Benign-looking adenopathy. | node p
Skin, nipple and axillary nodes appear normal. | node a, skin a, nipple a
""".strip().splitlines()


@pytest.mark.parametrize("case", CASES)
def test_polarity(case: str) -> None:
    text, _, expected = case.rpartition(" |")
    pairs = (pair.split() for pair in expected.split(",") if pair.strip())
    assert label(text).findings == {_KEYS[key]: _SHORT[polarity] for key, polarity in pairs}


def test_a_wrapped_line_does_not_end_a_negation() -> None:
    text = "No\nabnormal opacity or\nmicrocalcification\nseen.\nskin and nipple appear\nnormal."
    assert label(text).findings == {
        "mass": "absent",
        "calcification": "absent",
        "skin": "absent",
        "nipple": "absent",
    }


def test_a_new_line_is_a_new_statement() -> None:
    assert label("No abnormal opacity\nVascular calcifications").findings == {
        "mass": "absent",
        "calcification": "present",
    }


_NAMES = ["mass", "nodule", "soft opacity", "microcalcification", "focal asymmetry", "architectural distortion"]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(_NAMES),
    st.sampled_from(["", "small ", "irregular ", "suspicious "]),
    st.sampled_from(["", " is seen", " seen in the upper quadrant", " is noted"]),
)
def test_no_flips_the_polarity(name: str, adjective: str, rest: str) -> None:
    stated = label(f"{adjective}{name}{rest}.").findings
    denied = label(f"no {adjective}{name}{rest}.").findings
    assert set(stated.values()) == {"present"}
    assert denied == dict.fromkeys(stated, "absent")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=5, unique=True))
def test_a_negation_reaches_over_the_whole_list(names: list[str]) -> None:
    listed = ", ".join(names[:-1]) + (" or " if len(names) > 1 else "") + names[-1]
    assert set(label(f"There is no {listed}.").findings.values()) == {"absent"}
    assert set(label(f"{listed} not seen.").findings.values()) == {"absent"}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["A nodule is seen.", "No nodule.", "Possible nodule."]), min_size=1, max_size=4))
def test_present_beats_uncertain_beats_absent(sentences: list[str]) -> None:
    order = ["No nodule.", "Possible nodule.", "A nodule is seen."]
    strongest = max(sentences, key=order.index)
    assert label(" ".join(sentences)).findings == label(strongest).findings

"""The meaning of a report survives how it is written: case, spacing, dividers, order, spelling, line breaks."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.labels.labeler import Label, label
from metrics.labels.spelling import WORDS, mended

_LINES = (Path(__file__).parent / "reference" / "labeler_sentences.jsonl").read_text("utf-8").splitlines()
SENTENCES = [json.loads(line)["text"] for line in _LINES]
ONE_LINE = [text for text in SENTENCES if "\n" not in text and "\t" not in text]
FEW = settings(deadline=None, max_examples=80)

FIELDS = {
    "mass": ("Masses", "mass"),
    "calcification": ("Calcifications", "calcification"),
    "asymmetry": ("Asymmetry", "asymmetry"),
    "architectural_distortion": ("Architectural distortion", "architectural_distortion"),
    "lymph_node": ("Lymphadenopathy", "lymph_node"),
}
DIVIDERS = (" | ", "|", " / ", "\t", "\n", "; ", ". ", " ")
"""What stands between fields; with nothing but a space a colon has to say where a value is."""
VALUES: tuple[Callable[[str, str], str], ...] = (
    lambda name, value: f"{name}: {value}",
    lambda name, value: f"{name}:{value}",
    lambda name, value: f"{name} = {value}",
    lambda name, value: f"{name} ({value})",
    lambda name, value: f"{name} - {value}",
    lambda name, value: f"{name}? {value}",
)
STATEMENTS = (
    "There is an oval mass.",
    "No calcifications are seen.",
    "The skin is thickened.",
    "Possible architectural distortion.",
    "The nipple is normal.",
    "No axillary lymphadenopathy.",
    "BI-RADS 4A.",
    "Breast density is ACR C.",
)
SPELLINGS = {
    "tumour": "tumor", "oedema": "edema", "visualised": "visualized", "centimetre": "centimeter",
    "millimetre": "millimeter", "categorised": "categorized", "recognised": "recognized", "artefact": "artifact",
    "grey": "gray", "localised": "localized",
}  # fmt: skip
BRITISH = (
    "No tumour is visualised.",
    "A tumour of 2 centimetres is recognised; oedema of the skin.",
    "The mass, 7 millimetres, is not visualised in the second view. BI-RADS 4.",
    "The distortion was shown to be an artefact.",
)


def meaning(text: str) -> tuple[object, ...]:
    stated: Label = label(text)
    return stated.birads, stated.density, tuple(sorted(stated.findings.items()))


@FEW
@given(st.sampled_from(ONE_LINE), st.sampled_from([str.upper, str.lower, str.title, str.capitalize]))
def test_case(text: str, change: Callable[[str], str]) -> None:
    assert meaning(change(text)) == meaning(text)


@FEW
@given(st.sampled_from(ONE_LINE), st.sampled_from(["  ", "\u00a0", "\u2009", " \u200b"]))
def test_spacing(text: str, space: str) -> None:
    assert meaning(f"  {text.replace(' ', space)} ") == meaning(text)


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.booleans(), min_size=2),
    st.sampled_from(DIVIDERS),
    st.sampled_from(VALUES),
    st.sampled_from([("yes", "no"), ("present", "absent"), ("Yes", "None")]),
    st.randoms(use_true_random=False),
)
def test_dividers_and_order_of_fields(
    said: dict[str, bool], divider: str, written: Callable[[str, str], str], words: tuple[str, str], random: object
) -> None:
    kinds = list(said)
    random.shuffle(kinds)  # type: ignore[attr-defined]
    if divider == " " and ":" not in written("", ""):
        divider = ", "
    text = divider.join(written(FIELDS[kind][0], words[0] if said[kind] else words[1]) for kind in kinds)
    assert label(text).findings == {kind: "present" if there else "absent" for kind, there in said.items()}, text


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.booleans(), min_size=2),
    st.sampled_from([("[x]", "[ ]"), ("[X]", "[]"), ("\u2612", "\u2610"), ("\u2611", "\u2610"), ("(x)", "( )")]),
    st.sampled_from(["{box} {name}", "{box}{name}", "{name} {box}", "{name}: {box}"]),
    st.sampled_from(["  ", " ", "; ", "\n", " | "]),
    st.randoms(use_true_random=False),
)
def test_boxes_to_tick(
    said: dict[str, bool], boxes: tuple[str, str], written: str, divider: str, random: object
) -> None:
    kinds = list(said)
    random.shuffle(kinds)  # type: ignore[attr-defined]
    text = divider.join(written.format(box=boxes[not said[kind]], name=FIELDS[kind][0]) for kind in kinds)
    assert label(text).findings == {kind: "present" if there else "absent" for kind, there in said.items()}, text


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.tuples(st.booleans(), st.booleans()), min_size=1),
    st.sampled_from(
        ["{name} (R/L): {right} / {left}", "{name}: R {right}, L {left}", "{name}: left {left}; right {right}"]
    ),
    st.sampled_from([("yes", "no"), ("present", "absent")]),
    st.sampled_from([". ", "\n", "; "]),
)
def test_values_of_both_sides_in_one_field(
    said: dict[str, tuple[bool, bool]], written: str, words: tuple[str, str], divider: str
) -> None:
    text = divider.join(
        written.format(name=FIELDS[kind][0], right=words[not right], left=words[not left])
        for kind, (right, left) in said.items()
    )
    stated = label(text)
    assert stated.findings == {kind: "present" if any(sides) else "absent" for kind, sides in said.items()}, text
    for side, index in (("right", 0), ("left", 1)):
        expected = {kind: "present" if sides[index] else "absent" for kind, sides in said.items()}
        assert stated.by_side[side] == expected, text


@FEW
@given(st.permutations(STATEMENTS), st.sampled_from([" ", "\n", "\n\n", "\r\n"]))
def test_order_of_statements(statements: list[str], between: str) -> None:
    assert meaning(between.join(statements)) == meaning(" ".join(STATEMENTS))


@FEW
@given(st.sampled_from(BRITISH))
def test_spelling_on_either_side_of_the_atlantic(text: str) -> None:
    american = text
    for british, other in SPELLINGS.items():
        american = american.replace(british, other)
    assert american != text
    assert meaning(american) == meaning(text)
    assert label(american).size_mm == label(text).size_mm


WRAPPED = (
    "There is an irregular mass with spiculated margins in the upper outer quadrant, which was not seen previously.",
    "The breasts are heterogeneously dense, which may obscure small masses. No suspicious calcifications are seen.",
    "No mass, calcification or architectural distortion is seen in either breast. The skin is not thickened.",
    "The previously described asymmetry effaces on spot compression. Normal axillary lymph nodes.",
    "A mass cannot be excluded. The calcifications have been removed at biopsy.",
)


@FEW
@given(st.sampled_from(WRAPPED), st.data())
def test_line_breaks_within_sentences(text: str, data: st.DataObject) -> None:
    broken = re.sub(r"(?<![.:]) (?=[a-z])", lambda _: data.draw(st.sampled_from([" ", "\n", " "])), text)
    assert meaning(broken) == meaning(text)


LONG = sorted(word for word in WORDS if len(word) >= 6)


@FEW
@given(st.sampled_from(LONG), st.integers(0, 20))
def test_letters_changed_over_are_mended(word: str, place: int) -> None:
    place %= len(word) - 1
    slip = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    assert mended(slip) in {word, slip}
    assert mended(word) == word
    if slip not in WORDS:
        assert mended(slip) == word


CUT_SHORT = {
    "architectural distortion": ("arch. distortion", "arch dist", "arch. dist"),
    "suspicious": ("susp", "susp."),
    "asymmetry": ("asym", "asymm"),
    "negative": ("neg",),
    "within normal limits": ("wnl", "WNL"),
    "without": ("w/o",),
    "microcalcifications": ("mcalcs", "\u00b5calcs"),
    "significant": ("sig.", "signif."),
    "irregular mass": ("irreg. mass", "irreg mass"),
    "lymphadenopathy": ("LAD",),
}
WRITTEN_OUT = (
    "No suspicious mass, no architectural distortion.",
    "Nodes negative; skin within normal limits; nipple within normal limits.",
    "Focal asymmetry without suspicious microcalcifications. No significant change.",
    "There is an irregular mass with architectural distortion. No lymphadenopathy.",
    "No significant mass, asymmetry or architectural distortion; no suspicious microcalcifications.",
)


@FEW
@given(st.sampled_from(WRITTEN_OUT), st.data())
def test_words_cut_short(text: str, data: st.DataObject) -> None:
    short = text
    for words, forms in CUT_SHORT.items():
        if words in short:
            short = short.replace(words, data.draw(st.sampled_from((words, *forms))))
    assert meaning(short) == meaning(text), short


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.booleans(), min_size=2),
    st.sampled_from([" | ", "|", "\t"]),
    st.sampled_from([("yes", "no"), ("present", "absent"), ("Y", "N"), ("1", "0")]),
    st.randoms(use_true_random=False),
)
def test_names_of_columns_above_their_values(
    stated: dict[str, bool], divider: str, words: tuple[str, str], random: object
) -> None:
    kinds = list(stated)
    random.shuffle(kinds)  # type: ignore[attr-defined]
    names = divider.join(FIELDS[kind][0] for kind in kinds)
    values = divider.join(words[0] if stated[kind] else words[1] for kind in kinds)
    expected = {kind: "present" if asserted else "absent" for kind, asserted in stated.items()}
    assert label(f"{names}\n{values}").findings == expected

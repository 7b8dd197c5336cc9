"""The labeler as a whole: its cases, the real reports, and what holds for any text."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import product
from pathlib import Path
from pkgutil import iter_modules

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmark.data.dmid import read
from metrics import labels
from metrics.labels.labeler import Label, label
from metrics.labels.version import LABELER, signature

CASES = Path(__file__).parent / "reference" / "labeler_cases.jsonl"
SENTENCES = CASES.with_name("labeler_sentences.jsonl")

WORDS = (
    "BI-RADS BIRADS: 4 4a 3 5. , ; \n . ( ) and or no not mass calcification skin nipple normal retraction left right "
    "breast: ACR B density category previously if impression: possible ? cannot be excluded 4 mm cm x upper outer "
    "quadrant benign spiculated nodes axillary seen is with without but"
)
TEXTS = st.text(max_size=300) | st.lists(st.sampled_from(WORDS.split(" ")), max_size=60).map(" ".join)

REPORT = (
    "Breast Composition: scattered islands of tissue (ACR B).\nBIRADS: 4b\n"
    "Findings: an oval opacity, 12 x 8 mm, in the outer quadrant of the left breast. No calcification is seen. "
    "Skin and nipple appear normal."
)


def test_the_specifications_cases() -> None:
    failed = []
    for line in CASES.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        stated = label(case["text"]).to_dict()
        for key, value in case["expected"].items():
            right = set(value) <= set(stated[key]) if key == "flags" else stated[key] == value
            if not right:
                failed.append(f"{case['id']} {key}: expected {value}, got {stated[key]}")
    assert failed == []


def test_the_dmid_reports(dmid: Path) -> None:
    labels = {study.id: label(study.report) for study in read(dmid, reports_only=True).reports}
    assert Counter(stated.birads_major for stated in labels.values()) == {
        "0": 1, "1": 209, "2": 25, "3": 121, "4": 135, "5": 19,
    }  # fmt: skip
    assert Counter(stated.density for stated in labels.values()) == {
        "A": 79,
        "B": 203,
        "C": 186,
        "D": 40,
        None: 2,
    }
    assert sorted(name for name, stated in labels.items() if stated.density is None) == ["Img457", "Img458"]
    assert all(stated.birads_header for stated in labels.values())
    assert sum(len(stated.birads_header) > 1 for stated in labels.values()) == 20
    assert sum("birads_conflict" in stated.flags for stated in labels.values()) == 24
    assert not any(stated.laterality for stated in labels.values())


@settings(deadline=None, max_examples=60)
@given(TEXTS)
@example("\ud800 BI-RADS 4\x00")
@example("İ BI-RADS ４Ａ ß")
def test_any_text_gets_a_label_that_is_json(text: str) -> None:
    stated = label(text).to_dict()
    assert json.loads(json.dumps(stated)) == stated
    assert stated["birads"] is None or re.fullmatch(r"[0-6]|4[ABC]", stated["birads"])
    assert stated["density"] in {None, "A", "B", "C", "D"}
    assert stated["birads"] is None or stated["birads"] in stated["birads_all"]


@pytest.mark.parametrize("text", ["", "   \n\t ", "\u200b\u00a0\ufeff", "**"])
def test_blank_text_has_an_empty_label(text: str) -> None:
    assert label(text) == Label()


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_case_does_not_matter(change: Callable[[str], str]) -> None:
    assert label(change(REPORT)) == label(REPORT)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_spacing_does_not_matter(data: st.DataObject) -> None:
    spaces = st.sampled_from([" ", "  ", "\t", "\u00a0", " \u2009 "])
    text = re.sub(" ", lambda _: data.draw(spaces), REPORT)
    ends = data.draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \u2028"]))
    assert label(text.replace("\n", ends)) == label(REPORT)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["- ", "* ", "• ", "1) "]), st.sampled_from(["", "\n", " ...", "!", "\n\n---\n"]))
def test_bullets_markdown_and_closing_marks_do_not_matter(bullet: str, end: str) -> None:
    lines = [f"{bullet}{line}" if index == 2 else line for index, line in enumerate(REPORT.split("\n"))]
    assert label("\n".join(lines) + end) == label(REPORT)
    assert label(f"**{REPORT}**") == label(REPORT)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.integers(0, 3))
def test_labels_do_not_depend_on_what_was_labelled_before(text: str, times: int) -> None:
    first = label(text)
    for index in range(times):
        label(f"{text} {index}")
    label.cache_clear()
    assert label(text) == first


@pytest.mark.parametrize(
    "unit",
    ["no ", "b-", "b i r a d ", "bi-rads 4, ", "bi-rads 3 in 2020 or ", "(", "mass ", "no mass, ", "skin normal ",
     "possible mass or ", "upper and ", "4 x ", "1.", "- ", "\n", "left breast: mass. ", "cannot be ", "acr a or ",
     "impression: ", "irregular, ", "if ", "?", "[x] mass ", "mass: no / ", "assessment: 1. ",
     "mother had ", "a comma ", "mass: ", "masses: no mass ", "0 = no, 1 = yes ",
     "mass [none/describe]: ", "2 benign, ", "if any ", "a scattered ", "see any ", "stable skin ",
     "whether the mass ", "mass not assessed ", "recalled for a mass. it is ", "density from b to ",
     "the mass is a normal fat lobule ", "on spot views it, and they ", "a mass so close ",
     "had the mass not been, bi-rads 4 would ", "except for a cyst, the ", "not seen on the study of ",
     "one of the two masses, ", "recalled for a mass, views normal ", "recalled for a mass. views normal. ",
     "a mass, scratch that, ", "no mass on the right, one on the left, ", "no mass right. one left. ",
     "mass shape: n/a ", "possible mass. no mass now. ", "right breast: bi-rads 2. ", "m=1, c=0, ", "+mass -calc ",
     "gone save for two ", "the larger has resolved, the smaller ", "previous mass, no mass left, ", "excised mass ",
     "not excluded, neither ", "m(-) c(+) ", "q1 mass? a: no. ", "mass / calc / nodes: no / ",
     "mass: n calc: y ", "mass n calc y ", "mass 0. calcs 1 group. ", "mass, one of which ", "no true mass. "],
)  # fmt: skip
def test_a_hundred_kilobytes_of_anything_are_read(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    assert label(text + "\nBIRADS: 2").birads in {"2", "4"}


LABELS = {
    "1.0": "2d2a21d626be765b2416533fb1d76993892f9b4317a1a3c22a21d8d81e294783",
    "1.1": "446c0dda23cc720263a8a8b991f26a9cf53c7cbffb7fceee5289d4bd1b1defd7",
    "1.2": "9ad726b4f2e89cfe73e845cb29c2b267856bc9544af763f9a2adde61df288159",
    "1.3": "ba8164e637d196f4dc07633307cc8b5787a39cf63095062bd6dbca0d7db9916e",
    "1.4": "9ed1850fc18e1d1091cf8b800e41d3718e715e3b91ca6e6d6bcd06f247f62dde",
    "1.5": "b9ac3d4e6e1f849d94e95ec7132a1079300c20cdbdccfd0bea5fbd57e29e5a6d",
    "1.6": "bdc1d12f3f7ce309291380d9fb1327c78c6875b3f4632c3cb2f661dc4a658d7c",
    "1.7": "1aaf565cebb1547e749364c1e7a9b129ccb61c68957b5b4a30f27be729395bb5",
}
"""The digest of the labels of `texts()`, by the version that gives them."""
VOCABULARY = {
    "1.0": "0900e3c4f33b5028ad980e604eb57dbd249fe6504eed4e1430f14016f5440d0c",
    "1.1": "ba80919b7ba841617f04afa8d22a9a0bb5e05d468219dfbf0ae73c20f4248a61",
    "1.2": "1ac702473a61b54000b9f304c5b746d862f949040d88a5c87fa50535f7f7fbf7",
    "1.3": "a8e96aeafb4826266450d5ddc6a9bd3500fd2c206f952dd999cd46e303459ac2",
    "1.4": "6d32a791f15f2401d7973920612a59020cbc28aa9c78229be905e412da192361",
    "1.5": "748601a387950f7f34422c175bd652093b2c2f6064c9580c25ab712f8702fcfa",
    "1.6": "aec4679d5edc266cc646a30de98d1e7b0c8cd467b2b529386faaa72f33be9776",
    "1.7": "9d0ed7defef7ecb00f7bee1fba075c05027b931dbc1ec13b3f18682dc124a53c",
}
"""The digest of every pattern that labels are read with, by version: no list of texts meets all their words."""

NOUNS = (
    "mass", "masses", "lesion", "nodule", "soft opacity", "lump", "tumour", "calcification", "microcalcifications",
    "asymmetry", "focal asymmetric density", "architectural distortion", "distorted architecture", "lymph node",
    "axillary lymphadenopathy", "axillary nodes", "skin", "nipple", "pectoral muscle",
)  # fmt: skip
DESCRIBED = (
    "oval", "round", "irregular", "lobulated", "circumscribed", "obscured", "microlobulated", "indistinct",
    "ill-defined", "spiculated", "high density", "fat containing", "popcorn", "vascular", "coarse", "punctate",
    "amorphous", "pleomorphic", "fine linear", "clustered", "segmental", "diffuse", "retracted", "thickened",
    "enlarged", "normal",
)  # fmt: skip
SAID = (
    "There is a {}.", "{} is seen.", "No {} is seen.", "No evidence of {}.", "Without {}.", "Negative for {}.",
    "{} is not identified.", "{} cannot be excluded.", "Possible {}.", "{} is suspected.", "{} is unlikely.",
    "May represent {}.", "To rule out {}.", "History of {}.", "{} has resolved.", "No change in {}.",
    "{} is unchanged.", "Not only {} but calcification.", "{} appears normal.", "{} is abnormal.",
    "Neither {} nor mass.", "{}: none.", "If {}, biopsy.", "No longer {}.", "{} with calcification.",
    "No mass, {} or nodule.", "Malignant {}.",
)  # fmt: skip
PLACES = (
    "upper outer quadrant of the left breast", "right breast, lower inner", "retroareolar region", "both breasts",
    "at 3 o'clock, left", "between 10 and 11 o'clock", "axillary tail", "bilateral, central", "12 x 8 mm", "1.5 cm",
    "5 cm from the nipple", "RT breast: mass. LT breast: normal.", "MLO view", "posterior third", "subareolar",
)  # fmt: skip
CATEGORIES = (
    "0",
    "1",
    "2",
    "3",
    "4",
    "4a",
    "4 B",
    "4-C",
    "5",
    "6",
    "IV",
    "iii",
    "four",
    "3 and 5",
    "4a/4b",
    "7",
    "2012",
)
NAMED = (
    "BI-RADS {}", "BIRADS: {}", "bi rads category {}.", "Final assessment: category {}", "No BI-RADS {} lesion.",
    "Previously BI-RADS {}.", "Right breast BI-RADS {}, left breast BI-RADS 2.", "Impression: birds {}", "ACR {}",
    "breast density category {}", "BI-RADS-{} in 2019. Now BI-RADS 1.",
)  # fmt: skip
COMPOSED = (
    "almost entirely fatty", "scattered fibroglandular densities", "scattered islands of tissue (ACR B)",
    "heterogeneously dense", "extremely dense", "ACR A", "ACR type c", "density D", "ACR b to c", "not dense",
    "breast composition: c", "fatty breasts", "dense parenchyma", "BI-RADS density 3",
)  # fmt: skip


def texts() -> Iterator[str]:
    """The cases, and every combination of the words above, in a fixed order."""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["text"]
    yield REPORT
    yield from (said.format(noun) for noun, said in product(NOUNS, SAID))
    yield from (f"{word} {noun} in the {place}" for noun, word, place in product(NOUNS, DESCRIBED, PLACES))
    yield from (named.format(category) for category, named in product(CATEGORIES, NAMED))
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["text"]
    yield from (f"Breast composition: {words}. BIRADS: {category}" for words, category in product(COMPOSED, CATEGORIES))


def raise_the_version(what: str, digest: str) -> str:
    return f"{what} changed: raise LABELER and write the new digest here: the next after {LABELER} has {digest}"


def test_labels_change_with_the_version_only() -> None:
    assert signature() == f"amrg-rules/{LABELER}"
    total = hashlib.sha256()
    for text in texts():
        total.update(json.dumps([text, label(text).to_dict()], sort_keys=True).encode() + b"\n")
    assert LABELS.get(LABELER) == total.hexdigest(), raise_the_version("labels", total.hexdigest())


def test_the_vocabulary_changes_with_the_version_only() -> None:
    # All files of the package, so that none is forgotten when one is parted.
    modules = [import_module(f"metrics.labels.{found.name}") for found in iter_modules(labels.__path__)]
    patterns = {
        pattern
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("__")
        for pattern in patterns_in(value)
    }
    total = hashlib.sha256("\n".join(sorted(patterns)).encode()).hexdigest()
    assert len(patterns) > 50
    assert VOCABULARY.get(LABELER) == total, raise_the_version("the vocabulary", total)


def patterns_in(value: object, depth: int = 0) -> Iterator[str]:
    """Every compiled pattern in a module's constant, with its flags, and the words of its tables; not their names."""
    if isinstance(value, re.Pattern):
        yield f"{value.pattern}\0{int(value.flags)}"
    elif isinstance(value, str) and depth:
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from (*patterns_in(key, depth + 1), *patterns_in(part, depth + 1))
    elif isinstance(value, list | tuple | frozenset):
        for part in sorted(value) if isinstance(value, frozenset) else value:
            yield from patterns_in(part, depth + 1)

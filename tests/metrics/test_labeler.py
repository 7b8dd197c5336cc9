"""The labeler as a whole: its cases, the real reports, and what holds for any text."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import metrics
from benchmark.data.dmid import read
from metrics.labeler import SOURCES, Label, label, signature, source_hash

CASES = Path(__file__).parent / "reference" / "labeler_cases.jsonl"
PACKAGE = Path(metrics.__path__[0])

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


def test_the_specifications_cases():
    failed = []
    for line in CASES.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        found = label(case["text"]).to_dict()
        for key, value in case["expected"].items():
            right = set(value) <= set(found[key]) if key == "flags" else found[key] == value
            if not right:
                failed.append(f"{case['id']} {key}: expected {value}, got {found[key]}")
    assert failed == []


def test_the_dmid_reports(dmid):
    labels = {study.id: label(study.report) for study in read(dmid, reports_only=True).reports}
    assert Counter(found.birads_major for found in labels.values()) == {
        "0": 1, "1": 209, "2": 25, "3": 121, "4": 135, "5": 19,
    }  # fmt: skip
    assert Counter(found.density for found in labels.values()) == {"A": 79, "B": 203, "C": 186, "D": 40, None: 2}
    assert sorted(name for name, found in labels.items() if found.density is None) == ["Img457", "Img458"]
    assert all(found.birads_header for found in labels.values())
    assert sum(len(found.birads_header) > 1 for found in labels.values()) == 20
    assert sum("birads_conflict" in found.flags for found in labels.values()) == 24
    assert not any(found.laterality for found in labels.values())


@settings(deadline=None, max_examples=60)
@given(TEXTS)
@example("\ud800 BI-RADS 4\x00")
@example("İ BI-RADS ４Ａ ß")
def test_any_text_gets_a_label_that_is_json(text):
    found = label(text).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["birads"] is None or re.fullmatch(r"[0-6]|4[ABC]", found["birads"])
    assert found["density"] in {None, "A", "B", "C", "D"}
    assert found["birads"] is None or found["birads"] in found["birads_all"]


@pytest.mark.parametrize("text", ["", "   \n\t ", "\u200b\u00a0\ufeff", "**"])
def test_blank_text_has_an_empty_label(text):
    assert label(text) == Label()


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_case_does_not_matter(change):
    assert label(change(REPORT)) == label(REPORT)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_spacing_does_not_matter(data):
    spaces = st.sampled_from([" ", "  ", "\t", "\u00a0", " \u2009 "])
    text = re.sub(" ", lambda _: data.draw(spaces), REPORT)
    ends = data.draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \u2028"]))
    assert label(text.replace("\n", ends)) == label(REPORT)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["- ", "* ", "• ", "1) "]), st.sampled_from(["", "\n", " ...", "!", "\n\n---\n"]))
def test_bullets_markdown_and_closing_marks_do_not_matter(bullet, end):
    lines = [f"{bullet}{line}" if index == 2 else line for index, line in enumerate(REPORT.split("\n"))]
    assert label("\n".join(lines) + end) == label(REPORT)
    assert label(f"**{REPORT}**") == label(REPORT)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.integers(0, 3))
def test_labels_do_not_depend_on_what_was_labelled_before(text, times):
    first = label(text)
    for index in range(times):
        label(f"{text} {index}")
    label.cache_clear()
    assert label(text) == first


@pytest.mark.parametrize(
    "unit",
    ["no ", "b-", "b i r a d ", "bi-rads 4, ", "bi-rads 3 in 2020 or ", "(", "mass ", "no mass, ", "skin normal ",
     "possible mass or ", "upper and ", "4 x ", "1.", "- ", "\n", "left breast: mass. ", "cannot be ", "acr a or ",
     "impression: ", "irregular, ", "if ", "?"],
)  # fmt: skip
def test_a_hundred_kilobytes_of_anything_are_read(unit):
    text = unit * (100_000 // len(unit))
    assert label(text + "\nBIRADS: 2").birads in {"2", "4"}


def test_the_signature_names_every_file_that_a_label_depends_on():
    assert re.fullmatch(r"amrg-rules/\d+\.\d+\|sha256:[0-9a-f]{12}", signature())
    needed, waiting = set(), ["labeler"]
    while waiting:
        name = waiting.pop()
        needed.add(f"{name}.py")
        for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("metrics"):
                continue
            modules = [node.module.split(".")[1]] if "." in node.module else [alias.name for alias in node.names]
            waiting += [module for module in modules if f"{module}.py" not in needed]
    assert needed == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_the_signature_changes_with_the_vocabulary_and_the_code(tmp_path, name):
    for source in SOURCES:
        (tmp_path / source).write_bytes((PACKAGE / source).read_bytes())
    assert source_hash(tmp_path) == source_hash(PACKAGE)
    with (tmp_path / name).open("a", encoding="utf-8") as file:
        file.write("# another word\n")
    assert source_hash(tmp_path) != source_hash(PACKAGE)

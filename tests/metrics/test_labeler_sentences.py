"""What other radiologists' sentences mean: invented ones of many kinds, labelled by hand, and ways of saying one thing.

`labeler_sentences.jsonl` has sentences with labels by hand, in the layout of the labeler's cases; where one can be read
in two ways, `alternatives` has the other. `set` says whether the rules were made with a sentence in sight or whether it
was held back; the figures of the first reading of those are in docs/labeler.md. No sentence is of a patient.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from metrics.labels.kinds import KINDS
from metrics.labels.labeler import label

REFERENCE = Path(__file__).parent / "reference"
SENTENCES = [json.loads(line) for line in (REFERENCE / "labeler_sentences.jsonl").read_text("utf-8").splitlines()]
WAYS = [line.split(" | ", 1) for line in (REFERENCE / "labeler_ways.txt").read_text("utf-8").splitlines()]
NOUNS = {
    "mass": ("mass", "masses"),
    "calcification": ("calcification", "calcifications"),
    "architectural_distortion": ("area of architectural distortion", "areas of architectural distortion"),
    "asymmetry": ("asymmetry", "asymmetries"),
}
UNORDERED = ("laterality", "quadrant", "clock")


def test_there_are_many_sentences_of_many_kinds() -> None:
    assert len(SENTENCES) >= 8400
    assert len(Counter(one["kind"] for one in SENTENCES)) >= 23
    assert len({one["text"] for one in SENTENCES}) >= 0.99 * len(SENTENCES)


@pytest.mark.parametrize("kind", sorted({one["kind"] for one in SENTENCES}))
def test_sentences_mean_what_hands_read(kind: str) -> None:
    assert [wrong for one in SENTENCES if one["kind"] == kind for wrong in misread(one)] == []


def misread(one: dict[str, Any]) -> list[str]:
    """What the rules read otherwise than the hand, category, density and every finding always, the rest if listed."""
    expected, stated = one["expected"], label(one["text"]).to_dict()
    pairs: dict[str, tuple[Any, Any]] = {name: (expected[name], stated[name]) for name in ("birads", "density")}
    pairs |= {f"findings.{k}": (expected["findings"].get(k), stated["findings"].get(k)) for k in KINDS}
    pairs |= {f"attrs.{k}": (v, stated["attrs"].get(k, [])) for k, v in expected.get("attrs", {}).items()}
    listed = (*UNORDERED, "size_mm", "birads_by_side", "by_side")
    pairs |= {name: (expected[name], stated[name]) for name in listed if name in expected}
    return [
        f"{one['id']} {one['text']!r}: {name} is {want}, read as {read}"
        for name, (want, read) in pairs.items()
        if _plain(name, read)
        not in [_plain(name, value) for value in (want, *one.get("alternatives", {}).get(name, ()))]
    ]


def _plain(name: str, value: Any) -> Any:
    return sorted(value) if name in UNORDERED or name.startswith("attrs.") else value


@pytest.mark.parametrize("kind", NOUNS)
def test_ways_of_saying_one_thing(kind: str) -> None:
    singular, plural = NOUNS[kind]
    wrong = []
    for polarity, way in WAYS:
        text = way.format(s=singular, p=plural)
        text = text.replace("A a", "An a").replace(" a a", " an a")
        text = text[0].upper() + text[1:]
        read = label(text).findings.get(kind, "silent")
        if read != polarity:
            wrong.append(f"{text!r} is {polarity}, read as {read}")
    assert wrong == []

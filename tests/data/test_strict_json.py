"""JSON of users: nothing is dropped or guessed, and what is wrong is a sentence."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.split_rules import load
from benchmark.data.strict_json import has_control, parse, read_text, shown
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.scoring.labels import label_file
from benchmark.scoring.texts import read_texts

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)  # fmt: skip


@given(json_values, st.booleans())
def test_sound_json_is_read_as_the_library_reads_it(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"id": "1", "id": "2"}', "the key 'id' is given 2 times"),
        ('{"a": [{"b": 1, "b": 1}]}', "the key 'b' is given 2 times"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"a": 1e999}', "beyond the largest"),
        ('{"a": ' + "9" * 5000 + "}", "a number of 5000 digits"),
        ('{"a": "\\ud83d"}', "half of a surrogate pair"),
        ('{"\\udc00": 1}', "half of a surrogate pair"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1', "not JSON"),
        ("", "not JSON"),
        ('{"a": 1} {"a": 2}', "not JSON"),
    ],
)
def test_what_would_be_dropped_or_guessed_is_an_error(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(text)


def test_whole_surrogate_pairs_are_characters() -> None:
    assert parse('"\\ud83d\\ude00"') == "😀"


def test_both_lines_of_a_key_are_told_where_there_are_lines() -> None:
    with pytest.raises(ValueError, match=r"'train' is given 2 times \(lines 2, 4\)"):
        parse('{\n "train": [],\n "test": [],\n "train": ["Img001"]\n}')


@pytest.mark.parametrize(
    ("content", "says"),
    [("Prüfung".encode("latin-1"), "line 1: not UTF-8"), ("x".encode("utf-16"), "UTF-16")],
)
def test_other_encodings_are_told(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_text(tmp_path / "file")


def test_what_is_no_file_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, says in (("pipe", "device or a pipe"), (".", "is a folder"), ("none", "no such file")):
        with pytest.raises(ValueError, match=says):
            read_text(tmp_path / name)


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert has_control("a\x1b[31m")
    assert "\x1b" not in shown("a\x1b[31m")
    assert len(shown("x" * 500)) < 50


RECORDS = [
    ('{"id": "2", "prediction": "x", "id": "3"}', "'id' is given 2 times"),
    ('{"id": "2", "prediction": "\\udead"}', "surrogate"),
    ('{"id": "a\\u001bb", "prediction": "x"}', "control character"),
    ('{"id": 2, "prediction": "x"}', "'id' is int"),
    ('{"id": "2", "prediction": 5}', "'prediction' is int"),
    ('{"id": "2", "prediction": null}', "'prediction' is NoneType"),
    ('{"id": "2", "prediction": "x", "block": 7}', "'block' is int"),
    ('{"id": "2", "prediction": "' + "x" * 300_000 + '"}', "too many for a report"),
    ('["2", "x"]', "a JSON list"),
    ('{"id": "1", "prediction": "x"}', "duplicate id '1', first in line 1"),
]


@pytest.mark.parametrize(("line", "says"), RECORDS)
def test_a_bad_record_is_told_with_its_line_and_without_its_text(line: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_text('{"id": "1", "prediction": "secret"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"line 2: ") as error:
        read_texts(path, "prediction")
    assert says in str(error.value)
    assert "secret" not in str(error.value)


def test_labels_are_read_by_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    path.write_text('{"id": 1, "report": "a", "report": "b"}\n{"id": ' + "1" * 5000 + ', "report": "a"}\n')
    with pytest.raises(UserError) as error:
        label_file(path)
    assert "line 1: the key 'report' is given 2 times" in str(error.value)
    assert "line 2: a number of 5000 digits" in str(error.value)


STUDIES = [
    Study(id=f"Img{n:03d}", image=None, report=f"Report {n}.", density=None, birads=(), highest_birads=None)
    for n in range(1, 7)
]
SPLIT = {"train": ["Img001", "Img002"], "validation": ["Img003"], "test": ["Img004"]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (json.dumps(SPLIT | {"blocks": {"Img001": 1}}), "'blocks' has to be"),
        (json.dumps(SPLIT | {"blocks": ["a"]}), "'blocks' has to be"),
        (json.dumps(SPLIT | {"seed": True}), "'seed' has to be a whole number"),
        (json.dumps(SPLIT | {"seed": "1"}), "'seed' has to be a whole number"),
        (json.dumps(SPLIT | {"rule": 5}), "'rule' has to be text"),
        (json.dumps(SPLIT | {"train": "Img001"}), "expected lists of ids"),
        (json.dumps(SPLIT | {"train": [1]}), "expected lists of ids"),
        (json.dumps(SPLIT | {"train": ["Img009"]}), "'Img009' (train) is not among the studies"),
        (json.dumps(SPLIT | {"train": ["\x1b[31m"]}), "\\x1b"),
        (json.dumps(SPLIT | {"train": [f"Img{n:03d}" for n in range(100, 200)]}), "and 81 more"),
        (json.dumps(SPLIT | {"train": []}), "'train' is empty"),
        (json.dumps(SPLIT | {"test": ["Img001"]}), "named 2 times"),
        (json.dumps(SPLIT)[:-1] + ', "test": ["Img005"]}', "the key 'test' is given 2 times"),
        ("", "not JSON"),
        ("[]", "expected lists of ids"),
    ],
)
def test_a_split_file_is_read_whole_or_refused(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(UserError) as error:
        load(path, STUDIES)
    assert str(error.value).startswith(str(path))
    assert says in str(error.value)


def test_a_sound_split_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(json.dumps(SPLIT), encoding="utf-8-sig")
    assert load(tmp_path / "split.json", STUDIES).test == ("Img004",)

"""Suites are read as they look, or every value that isn't is told with its line."""

import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.suites.load import load_suite, parse, read_suite
from benchmark.suites.strict_yaml import decode, read

GOOD = """\
name: field
title: Field test
data: {source: phantom, studies: 36, seed: 1, size: 160}
split: {name: blocked}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2], alpha: [8], seed: [0]}
protocol:
  steps: 10
  learning_rate: 5.0e-3
  warmup_steps: 2
"""
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def refusal(text: str) -> str:
    with pytest.raises(UserError) as error:
        parse(text, where="field.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    "spelt",
    ["010", "+010", "0x10", "0o17", "0b1", "1_000", "1:30", "true", ".inf", "-.inf", ".nan", "1e400", "'2'", "2.0",
     "1e3", "2020-01-01", "!!int 3", "!!python/name:os.system", "~", "[2]", "{a: 2}", "0", "-1", "9" * 5000, "yes",
     "9223372036854775808", "99999999999999999999999"],
)  # fmt: skip
def test_a_rank_is_a_plain_whole_number_within_bounds(spelt: str) -> None:
    assert "field.yaml, line 7: " in refusal(GOOD.replace("rank: [2]", f"rank: [{spelt}]"))


@pytest.mark.parametrize(
    "spelt", [".inf", "-.inf", ".nan", "1e400", "-1e400", "0", "0.0", "-1", "true", "'1'", "nan", "inf", "1,5", "11",
              "1_0.5", "1:30.5", "~"]
)  # fmt: skip
def test_a_learning_rate_is_a_finite_number_above_0(spelt: str) -> None:
    assert "field.yaml, line 10: " in refusal(GOOD.replace("5.0e-3", spelt))


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("seed: 1,", "seed: -1,", 3),
        ("seed: 1,", "seed: 9223372036854775808,", 3),
        ("seed: [0]", "seed: [-1]", 7),
        ("name: blocked", "name: blocked, seed: -1", 4),
        ("studies: 36", "studies: 1000000000000", 3),
        ("size: 160", "size: 1e300", 3),
        ("steps: 10", "steps: 100000000000000000000", 9),
        ("warmup_steps: 2", "dropout: .nan", 11),
        ("warmup_steps: 2", "max_new_tokens: 1000000000", 11),
        ("warmup_steps: 2", "compile: yes", 11),
        ("name: field", f"name: {'x' * 300}", 1),
    ],
)
def test_values_that_would_fail_later_are_refused_at_once(right: str, wrong: str, line: int) -> None:
    assert f"field.yaml, line {line}: " in refusal(GOOD.replace(right, wrong))


def test_a_key_that_stands_twice_is_told_with_both_lines_at_every_depth() -> None:
    text = GOOD.replace("  steps: 10\n", "  steps: 10\n  steps: 5\n") + "grid: {rank: [64], alpha: [1], alpha: [2]}\n"
    message = refusal(text.replace("checkpoint: miniature", "checkpoint: miniature, name: x"))
    for line, key, first in ((10, "steps", 9), (13, "grid", 7), (6, "name", 6)):
        assert f"field.yaml, line {line}: the key '{key}' is given twice; it stands in line {first} already." in message


def test_mistakes_of_the_spelling_and_of_the_schema_are_told_together() -> None:
    message = refusal(GOOD.replace("rank: [2]", "rank: [010, true]"))
    assert "line 7: 010 is a different number to different readers" in message
    assert "'grid.rank.1': a whole number is expected, not true" in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a suite is a mapping"),
        ("# nothing\n", "a suite is a mapping"),
        ("- 1\n- 2\n", "a suite is a mapping"),
        ("just text\n", "a suite is a mapping"),
        (GOOD + "---\na: b\n", "line 12: a second document"),
        (GOOD + "? [a]\n: b\n", "line 12: a key has to be a word"),
        (GOOD + "a: *b\n", "line 12: not YAML"),
        (GOOD + "a: &a [*a]\n", "line 12: an alias stands within what it stands for"),
        (GOOD + "a: " + "[" * 5000, "line 12: nested more than 20 levels deep"),
        (GOOD + "a: " + "{a: " * 5000, "line 12: nested more than 20 levels deep"),
        (GOOD + "a: [" + "x," * 30_000 + "]", "more than 20,000 values"),
        (LAUGHS, "aliases blow this file up"),
        (GOOD + 'a: "\\ud800"\n', "line 12: a value holds the character U+D800"),
        (GOOD + 'a: "\\0"\n', "line 12: a value holds the character U+0000"),
        (GOOD + 'a: "\\UFFFFFFFF"\n', "not YAML"),
        (GOOD + "a: b\x00\n", "line 12: holds the control character U+0000"),
        (GOOD + "a: b\x1b[31m\n", "line 12: holds the control character U+001B"),
        (GOOD + "<<: 3\n", "line 12: a merge key"),
        (GOOD + "\tb: 1\n", "not YAML"),
    ],
)
def test_what_is_no_suite_is_a_sentence(text: str, says: str) -> None:
    assert says in refusal(text)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (GOOD.replace("Field", "Prüfung").encode("latin-1"), 2),
        (GOOD.encode("utf-16"), 1),
        (GOOD.encode("utf-16-le"), 1),
        (GOOD.encode("utf-32"), 1),
        (b"\xff", 1),
    ],
)
def test_other_encodings_are_told_with_the_line(content: bytes, line: int, tmp_path: Path) -> None:
    (tmp_path / "field.yaml").write_bytes(content)
    with pytest.raises(UserError, match=rf"field\.yaml, line {line}: .*UTF-8"):
        load_suite(str(tmp_path / "field.yaml"))


def test_utf_8_is_read_with_and_without_a_byte_order_mark() -> None:
    text = GOOD.replace("Field", "Prüfung")
    assert parse(decode(text.encode("utf-8-sig"), where="x"), where="x") == parse(text, where="x")


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text(GOOD + "#" * 200_000)
    for name, says in (
        ("large.yaml", "larger than"),
        (".", "is a folder"),
        ("x" * 5000 + ".yaml", "no name that a file can have"),
    ):
        with pytest.raises(UserError, match=says):
            load_suite(f"{tmp_path}/{name}")


def test_anchors_and_merge_keys_mean_what_they_mean_in_yaml() -> None:
    text = GOOD.replace("grid: {", "grid: &grid {").replace(
        "  steps: 10\n", "  <<: {steps: 4, batch_size: 3}\n  steps: 6\n"
    )
    suite = parse(text, where="field.yaml")
    assert (suite.protocol.steps, suite.protocol.batch_size) == (6, 3)


@pytest.mark.parametrize("title", ["no", "on", "2020-01-01", "12:61", "0z", "'010'", '"1_000"', "é"])
def test_text_stays_text(title: str) -> None:
    assert parse(GOOD.replace("Field test", title), where="x").title == title.strip("'\"")


scalars = st.one_of(
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Co"]), max_size=20),
    st.none(),
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(trees)
def test_what_pyyaml_writes_is_read_back_as_it_was(tree: object) -> None:
    text = yaml.safe_dump({"content": tree}, allow_unicode=True)
    assert read(text, where="x").content == {"content": tree}


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*GOOD.split("\n"), "? ", "- ", "&a", "*a", "<<: *a", "!", "'"])).map("\n".join)
)
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        read(text, where="x")
    except UserError as error:
        assert str(error).startswith("x")  # noqa: PT017 (either outcome is right)


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_plain_decimals_are_the_numbers_they_look_like(whole: int, places: int) -> None:
    content = read(f"[{whole}, {whole}.{'5' * places}, {whole}e-2]", where="x").content
    assert isinstance(content, list)
    assert content[0] == whole
    assert content[1] == float(f"{whole}.{'5' * places}")
    assert isinstance(content[2], float)
    assert math.isclose(content[2], whole / 100, abs_tol=1e-12)


def test_a_suite_knows_the_lines_of_its_values_and_how_it_was_named(tmp_path: Path) -> None:
    path = tmp_path / "field.yaml"
    path.write_text(GOOD)
    source = read_suite(str(path))
    assert source.at("protocol", "warmup_steps") == "field.yaml, line 11"
    assert source.at("grid", "rank", 0) == "field.yaml, line 7"
    assert (source.shown, source.argument, source.is_file) == ("field.yaml", str(path), True)
    assert (read_suite("smoke").shown, read_suite("smoke").is_file) == ("smoke", False)

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.text import decode_text, normalise, read_text
from benchmark.results.store import write_text

LINES = st.lists(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=30), min_size=1, max_size=6)


def is_text(lines: list[str]) -> str:
    return "\n".join(lines).strip()


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_every_encoding_and_line_end_gives_the_same_text(lines: list[str], newline: str, encoding: str) -> None:
    assert decode_text(newline.join(lines).encode(encoding)) == is_text(lines).removeprefix("\ufeff")


@given(st.text("abcäöüßé µ°\n", max_size=40))
def test_latin_1_is_read_where_it_is_no_utf_8(text: str) -> None:
    content = text.encode("latin-1")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        assert decode_text(content) == text.strip()


@given(st.binary(max_size=200))
def test_any_bytes_have_a_reading_without_carriage_returns(content: bytes) -> None:
    text = decode_text(content)
    assert "\r" not in text
    assert text == text.strip()


@given(LINES, st.sampled_from([" ", "  ", "\t", "\n", "\r\n", " \n\n "]))
def test_texts_are_compared_without_case_and_blank_space(lines: list[str], blank: str) -> None:
    words = " ".join(lines).split()
    # Only ASCII has one upper case for each lower case: "ı" comes back as "i".
    shouted = "".join(c.upper() if c.isascii() else c for c in blank.join(words))
    assert normalise(shouted) == normalise(" ".join(words))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"BIRADS\0\0\1\2")
    with pytest.raises(ValueError, match="not text"):
        read_text(path)
    path.write_bytes(b"x" * 1_000_001)
    with pytest.raises(ValueError, match="larger"):
        read_text(path)


def test_a_text_is_written_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "new/a.json", "{}\n")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.json"]
    assert (tmp_path / "new/a.json").read_text() == "{}\n"

"""The table of families in the documents is what is counted today."""

from families_table import DOCUMENT, renewed


def test_the_table_of_families_is_not_stale() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(text) == text, "run: python tests/backbones/families_table.py --write"

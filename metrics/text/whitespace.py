"""Whitespace, made harmless before any tokeniser sees it."""

import re
from functools import lru_cache

_RUN = re.compile(r"\s+")


@lru_cache(maxsize=50_000)
def collapse_whitespace(text: str) -> str:
    """Return `text` with every run of whitespace as one space, and none at its ends.

    Line breaks of any kind (CR, LF, form feed, U+2028 ...) inside a report shift every later report by one in
    pycocoevalcap's PTB tokeniser and desynchronise its METEOR process; `str.split` and the regular
    expressions of the other metrics don't notice the difference.
    """
    return _RUN.sub(" ", text).strip()

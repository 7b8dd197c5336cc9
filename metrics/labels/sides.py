"""Left and right in a report."""

import re

SIDE_WORD = re.compile(r"\b(?P<side>left|right|lt|rt|[lr](?=\s?:))(?![a-z])")
_SIDES = {"left": "left", "lt": "left", "l": "left", "right": "right", "rt": "right", "r": "right"}
_BREAK = re.compile(r"[,;.\n]|\band\b|\bbut\b")


def side_of(before: str, after: str) -> str | None:
    """Return the side that a statement between `before` and `after` is about: "left", "right" or None.

    Within its own clause first (before it, then after it), then the nearest side before it.
    """
    breaks = list(_BREAK.finditer(before))
    clause = before[breaks[-1].end() :] if breaks else before
    following = _BREAK.search(after)
    for text, last in (
        (clause, True),
        (after[: following.start()] if following else after, False),
        (before, True),
    ):
        words = [match["side"] for match in SIDE_WORD.finditer(text)]
        if words:
            return _SIDES[words[-1 if last else 0]]
    return None

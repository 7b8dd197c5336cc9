"""Numbers, names and tables as markdown and plain text."""

import re
from collections.abc import Sequence

from rich.cells import cell_len

from benchmark.board.model import Number

DIGITS_SHOWN = 3
"""Digits after the point of a score in tables."""
UNKNOWN = "—"
MINUS = "−"
NBSP = "\u00a0"
"""A space at which no cell breaks into two lines."""
_SPECIAL = re.compile(r"[\\`*|<>\[\]~]|(?<![^\W_])_|_(?![^\W_])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+")


def escape(text: str) -> str:
    """Escape text, so that it is itself in a line or cell of markdown, whatever it holds."""
    return _SPECIAL.sub(lambda m: "\\" + m[0], _CONTROL.sub(" ", text)).replace("&", "&amp;").strip()


def decimal(value: float | None, digits: int = DIGITS_SHOWN, *, sign: bool = False) -> str:
    """Return a number with a real minus; no negative zero."""
    if value is None:
        return UNKNOWN
    rounded = round(value, digits) + 0.0
    text = f"{abs(rounded):.{digits}f}"
    return (MINUS if rounded < 0 else "+" if sign else "") + text


def with_interval(number: Number | None, digits: int = DIGITS_SHOWN, *, sign: bool = False) -> str:
    """Return `0.612 [0.581, 0.648]`; the value alone where there is no interval."""
    if number is None or number.value is None:
        return UNKNOWN
    value = decimal(number.value, digits, sign=sign)
    if number.low is None or number.high is None:
        return value
    return f"{value} [{decimal(number.low, digits, sign=sign)},{NBSP}{decimal(number.high, digits, sign=sign)}]"


def count(value: int | None) -> str:
    """Return a large number, of parameters say: `32.8 M`, `4.3 B`."""
    if value is None:
        return UNKNOWN
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{NBSP}{unit}"
    return str(value)


def duration(seconds: float | None) -> str:
    """Return a time in the unit that suits it: `1.4 h`, `3.2 min`, `0.9 s`."""
    if seconds is None:
        return UNKNOWN
    if seconds >= 3600:
        return f"{seconds / 3600:.1f}{NBSP}h"
    if seconds >= 100:
        return f"{seconds / 60:.1f}{NBSP}min"
    return f"{seconds:.1f}{NBSP}s"


def percent(share: float | None) -> str:
    """Return a share as a whole percentage."""
    return UNKNOWN if share is None else f"{decimal(100 * share, 0)}{NBSP}%"


def several(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 trial`, `3 trials`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return a markdown table whose source is aligned, so that it reads well as plain text.

    Args:
        head, rows: cells, escaped already.
        right: columns of numbers.
    """
    widths = [max(cell_len(r[i]) for r in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for i, cell in enumerate(cells):
            space = " " * (widths[i] - cell_len(cell))
            padded.append(space + cell if i in right else cell + space)
        return f"| {' | '.join(padded)} |"

    rule = "|".join("-" * (w + 1) + ":" if i in right else "-" * (w + 2) for i, w in enumerate(widths))
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])

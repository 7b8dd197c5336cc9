"""A fresh run against a published leaderboard, for a terminal, as plain text of at most 120 columns."""

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from benchmark.board.against import AGREES, Agreement, Change, Comparison
from benchmark.board.format import UNKNOWN, decimal, with_interval
from benchmark.pages.terminal import plain_text
from metrics.registry import METRICS

LONGEST = 40
"""Characters of a fingerprint, signature or version that are shown."""


def terminal(comparison: Comparison, published: str) -> str:
    """Return the verdict on every row, what was chosen otherwise, and what differs in what made them.

    Args:
        comparison: the comparison.
        published: the published leaderboard, in words.
    """
    label = METRICS[comparison.primary].label if comparison.primary in METRICS else comparison.primary
    table = _table("row", "rank, α", f"{label} here", "published", "difference [95 %]", "verdict")
    for place, row in enumerate(comparison.rows):
        if place and comparison.rows[place - 1].kind != row.kind:
            table.add_section()
        table.add_row(*map(Text, _cells(row)))
    parts: list[RenderableType] = [table, "", Text(comparison.sentence(published))]
    if any(row.verdict == "within rounding" for row in comparison.rows):
        parts.append(
            Text(f"Within rounding: every score within {comparison.rounding:g}, half of the last digit printed.")
        )
    if any(row.verdict == "within both intervals" for row in comparison.rows):
        parts.append(
            Text(
                "Within both intervals: each score lies in the other's own 95 % interval, which asks for less than the "
                "paired one, which isn't known there."
            )
        )
    for title, changes in (("Chosen otherwise", comparison.chosen), ("What made them differs in", comparison.changes)):
        if changes:
            parts += ["", _changes(title, changes)]
    return plain_text(*parts)


def _cells(row: Agreement) -> list[str]:
    point = "" if row.rank is None else ", ".join(str(value) for value in (row.rank, row.alpha, *row.axes.values()))
    further = ""
    if row.verdict not in AGREES and row.furthest:
        further = f" ({row.furthest[0]} by {decimal(row.furthest[1])})"
    difference = UNKNOWN if row.difference is None else with_interval(row.difference, 4, sign=True)
    return [row.name, point, decimal(row.here), decimal(row.there), difference, row.verdict + further]


def _changes(title: str, changes: tuple[Change, ...]) -> Table:
    table = _table(title, "here", "published")
    for change in changes:
        table.add_row(*(Text(_cut(text)) for text in (change.what, change.here, change.there)))
    return table


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _table(*heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table

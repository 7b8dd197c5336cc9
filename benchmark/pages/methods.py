"""The methods statement of a run as markdown: a methods section, its blanks, and the checklists' items in a table."""

import re
from collections.abc import Sequence

from benchmark.board.format import UNKNOWN, escape, table
from benchmark.board.methods import methods
from benchmark.board.methods_model import SOURCES, Checklist, Item, Statement
from benchmark.board.model import Board
from benchmark.pages.environment import render
from benchmark.pages.sentences import NOT_A_DEVICE, nature

BLANK = "to be filled in by the authors"


def document(board: Board) -> str:
    """Return the methods statement of a leaderboard."""
    statement = methods(board)
    return render(
        "methods.md.j2",
        board=board,
        statement=statement,
        sections={item.section: [i for i in statement.items if i.section == item.section] for item in statement.items},
        nature=nature(board),
        warning=NOT_A_DEVICE,
        blank=BLANK,
        sources=SOURCES,
        checklists=_checklists(statement),
        indented=_indented,
        askers=_askers,
    )


def _checklists(statement: Statement) -> str:
    """Return a table of the checklists' items that the statement speaks of, with what is left to the authors."""
    items: dict[tuple[Checklist, str], list[Item]] = {}
    for item in statement.items:
        for by in item.asked_by:
            items.setdefault((by.checklist, by.number or item.topic), []).append(item)
    rows = [
        [
            checklist,
            number if number[0].isdigit() else UNKNOWN,
            escape("; ".join(item.topic for item in entries)),
            _state(entries),
        ]
        for (checklist, number), entries in sorted(items.items(), key=lambda entry: _place(*entry[0]))
    ]
    return table(["checklist", "item", "here under", "state"], rows)


def _place(checklist: Checklist, number: str) -> tuple[int, int, str]:
    """Return what orders items: checklists as in the list of sources, numbers as numbers, topics as they come."""
    digits = re.match(r"\d+", number)
    return list(SOURCES).index(checklist), int(digits[0]) if digits else 0, number if digits else ""


def _state(items: Sequence[Item]) -> str:
    blank = sum(item.text is None for item in items)
    return f"**{BLANK}**" if blank == len(items) else "in part" if blank else "filled in"


def _askers(item: Item) -> str:
    """Return who asks for an item, each checklist once."""
    listed = []
    for checklist in SOURCES:
        numbers = [by.number for by in item.asked_by if by.checklist == checklist]
        if numbers:
            listed.append(" ".join([checklist, ", ".join(n for n in numbers if n)]).strip())
    return "; ".join(listed)


def _indented(text: str) -> str:
    """Return text as a block of code of markdown, as it is but for characters that no page shows."""
    lines = ["".join(c for c in line if c.isprintable() or c == "\t") for line in text.splitlines()]
    return "\n".join(f"    {line}" for line in lines)

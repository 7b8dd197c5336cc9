"""The main table of a leaderboard for a terminal, and how any table becomes plain text."""

from io import StringIO

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from benchmark.board.format import decimal, duration, percent, with_interval
from benchmark.board.model import Board, Row
from benchmark.pages import sentences
from metrics.registry import METRICS

WIDTH = 120


def plain_text(*parts: RenderableType) -> str:
    """Return what a terminal of 120 columns would show of these parts, one below the other."""
    # Without a link to the terminal: the same text wherever it is written.
    console = Console(file=StringIO(), width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    for part in parts:
        console.print(part)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def main_table(board: Board) -> str:
    """Return what was compared, the rows of the main table, the floors, and what they show, in 120 columns."""
    label = METRICS[board.primary].label
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="")
    table.add_column("ranks", no_wrap=True)
    table.add_column("backbone", overflow="fold")
    table.add_column("rank, α", no_wrap=not board.suite.grid.varying)
    table.add_column(label, no_wrap=True)
    table.add_column("above the floor", no_wrap=True)
    gained = ["gained by\ntuning"] if board.untuned else []
    for head in ("lost on\nanother's", *gained, "halluci-\nnated", "omitted", "time"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in board.main_rows:
        table.add_row(*map(Text, _cells(row, board)))
    if board.untuned:
        table.add_section()
    for row in board.untuned:
        table.add_row(*map(Text, _untuned(row, board)))
    if board.floors:
        table.add_section()
    for floor in board.floors:
        value = with_interval(floor.scores.get(board.primary))
        rates = [floor.scores.get(n) for n in ("hallucination_rate", "omission_rate")]
        shares = [percent(s.value if s else None) for s in rates]
        mark = "the floor" if floor.name == board.best_floor else ""
        table.add_row("", floor.name, "", value, mark, "", *([""] * len(gained)), *shares, "")
    findings = [Text(sentence.replace("`", "")) for sentence in sentences.findings(board)]
    return plain_text(Text(sentences.nature(board)), "", table, "", *findings)


def _cells(row: Row, board: Board) -> list[str]:
    fall = row.falls.get("all_pairs", {}).get(board.primary)
    above = decimal(row.above_floor.value if row.above_floor else None, sign=True)
    mark = (
        {True: "", False: ", doesn't beat the floors", None: ", unknown"}[row.clears_floor] if row.above_floor else ""
    )
    return [
        str(row.main_ranks),
        row.name,
        row.short_point,
        with_interval(row.scores.get(board.primary)),
        f"{above}{mark}",
        decimal(fall.value if fall else None, sign=True),
        *([decimal(row.gain.value if row.gain else None, sign=True)] if board.untuned else []),
        *_rates(row),
        duration(sum(row.seconds.values())),
    ]


def _untuned(row: Row, board: Board) -> list[str]:
    """Return the cells of an untuned row; how the backbone was asked stands with its name."""
    fall = row.falls.get("all_pairs", {}).get(board.primary)
    return [
        "",
        f"{row.name}, {row.point}",
        "",
        with_interval(row.scores.get(board.primary)),
        decimal(row.above_floor.value if row.above_floor else None, sign=True),
        decimal(fall.value if fall else None, sign=True),
        "",
        *_rates(row),
        duration(sum(row.seconds.values())),
    ]


def _rates(row: Row) -> list[str]:
    names = ("hallucination_rate", "omission_rate")
    return [percent(row.scores[name].value if name in row.scores else None) for name in names]

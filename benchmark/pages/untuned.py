"""Untuned rows and what tuning gains over them, in a leaderboard's tables and sentences."""

from benchmark.board.format import NBSP, UNKNOWN, decimal, duration, escape, percent, several, table, with_interval
from benchmark.board.model import Board, Gain, Row
from benchmark.forms.untuned import said
from metrics.registry import METRICS
from metrics.statistics.least_blocks import blocks_needed

GAINED = "gained by tuning"
RATES = ("hallucination_rate", "omission_rate")


def head(board: Board) -> list[str]:
    """Return the head of the column of gains; none where nothing is untuned."""
    return [GAINED] if board.untuned else []


def cells(row: Row, board: Board, *, in_grid: bool = False) -> list[str]:
    """Return the cell below it.

    Args:
        row: of the main table or the grid.
        board: with the untuned rows.
        in_grid: with p among all points of the grid, not among the rows of the main table.
    """
    if not board.untuned:
        return []
    if row.gain is None:
        return [UNKNOWN]
    p = row.gain.p_grid if in_grid else row.gain.p
    return [with_interval(row.gain, sign=True) + ("" if p is None else f", p{NBSP}{_p(p)}")]


def table_of(board: Board) -> str:
    """Return the untuned rows, set apart from the tuned ones; nothing where there are none."""
    if not board.untuned:
        return ""
    rows = [
        [
            escape(row.name),
            said(row.untuned) if row.untuned else UNKNOWN,
            with_interval(row.scores.get(board.primary)),
            decimal(row.validation.get(board.primary)),
            with_interval(row.above_floor, sign=True),
            with_interval(row.falls.get("all_pairs", {}).get(board.primary), sign=True),
            *(percent(row.scores[name].value if name in row.scores else None) for name in RATES),
            percent(row.length_limit_rate),
            duration(sum(row.seconds.values())),
            "gains are over this" if row.best else "",
        ]
        for row in board.untuned
    ]
    label = METRICS[board.primary].label
    heads = [
        "backbone, untuned", "asked with", f"{label} [95{NBSP}%]", "validation", "above the best floor",
        "lost on another's image", "hallucinated", "omitted", "cut off", "time", "",
    ]  # fmt: skip
    return table(heads, rows, right=(3, 6, 7, 8, 9))


def sentence(board: Board) -> list[str]:
    """Return what tuning gains in the rows of the main table; nothing where nothing is untuned."""
    if not board.untuned:
        return []
    label, rows = METRICS[board.primary].label, board.main_rows
    known = [(row, row.gain) for row in rows if row.gain is not None]
    if not known:
        return [f"What tuning gains in {label} isn't known: no untuned row has a result to judge by."]
    listed = "; ".join(f"{with_interval(gain, sign=True)} ({_named(row, gain, rows)})" for row, gain in known)
    start = f"What tuning gains in {label} over the same backbone untuned, asked in the way that did best on validation"
    if all(gain.p is None for _, gain in known):
        needed = blocks_needed(len(known), 0.05)
        verdict = (
            f"With {several(board.blocks, 'block')} no gain can be shown to be more than chance; it takes {needed}."
        )
        return [f"{start}: {listed}. {verdict}"]
    helped, hurt = (sum(gain.verdict is word for _, gain in known) for word in (True, False))
    verdict = f"Of {several(len(known), 'row')} tuning helps {helped or 'none'} beyond chance"
    return [f"{start}: {listed}. {verdict}" + (f", and hurts {hurt}." if hurt else ".")]


def _named(row: Row, gain: Gain, rows: list[Row]) -> str:
    several_points = sum(other.name == row.name for other in rows) > 1
    return f"{row.name}{f' at {row.point}' if several_points else ''}, over the {gain.over}"


def _p(p: float) -> str:
    return f"<{NBSP}0.001" if p < 0.001 else f"{p:.3f}"

"""What a leaderboard says of ranks at learning rates of their own, and of further axes: tables and sentences."""

from collections.abc import Sequence

from benchmark.board.axes import NAMES, in_words
from benchmark.board.format import (
    NBSP,
    UNKNOWN,
    count,
    decimal,
    duration,
    escape,
    percent,
    several,
    table,
    with_interval,
)
from benchmark.board.model import Board, RanksAtRates, Row
from benchmark.board.settings import settings_at_their_best
from metrics.registry import METRICS


def rates_table(board: Board) -> str:
    """Return the ranks of each backbone, each at the rate that the validation part chose for it."""
    label = METRICS[board.primary].label
    head = ["ranks", "backbone", "rank", "alpha", "chosen rate", "validation", f"{label} [95{NBSP}%]"]
    cells = []
    for one in board.ranks_at_rates:
        for place, places in zip(one.rows, one.ranks, strict=True):
            row = board.rows[place]
            point = [str(row.rank), str(row.alpha), f"{rate_of(row):g}{_edge(row, board)}"]
            scores = [decimal(row.validation.get(board.primary)), with_interval(row.scores.get(board.primary))]
            cells.append([str(places), escape(row.name), *point, *scores])
    return table(head, cells, right=(2, 3, 4, 5)) if cells else ""


def rate_of(row: Row) -> float:
    """Return the learning rate of a row of a suite where it varies."""
    return float(row.axes["learning_rate"])


def is_at_the_edge(row: Row, board: Board) -> bool:
    """Return whether a row's rate is the least or the greatest that its rank was tuned at."""
    rates = [rate_of(r) for r in board.rows if r.backbone == row.backbone and r.rank == row.rank]
    return rate_of(row) in (min(rates), max(rates))


def _edge(row: Row, board: Board) -> str:
    return " (edge)" if is_at_the_edge(row, board) else ""


def rates_sentences(board: Board) -> list[str]:
    """Say what is left of the differences between ranks and alphas, once each has a rate of its own."""
    return [sentence for one in board.ranks_at_rates for sentence in _left(one, board)]


def _left(one: RanksAtRates, board: Board) -> list[str]:
    label, name = METRICS[board.primary].label, board.rows[one.rows[0]].name
    shared = dict(one.spreads)
    common = shared.get(one.common_rate) if one.common_rate is not None else None
    settings = len({(row.rank, row.alpha) for row in board.rows if row.backbone == one.backbone})
    chosen = [board.rows[place] for place in one.rows]
    edges = sum(is_at_the_edge(row, board) for row in chosen)
    sentences = []
    if common is not None and one.own_spread is not None:
        share = f": {percent(one.own_spread / common)} of it is left" if common > 0 else ""
        if all(rate_of(row) == one.common_rate for row in chosen):
            share = "; all ranks chose that very rate"
        others = [value for rate, value in one.spreads if rate != one.common_rate and value is not None]
        rest = ""
        if others:
            rest = f" At other rates shared by all it is {decimal(min(others))} to {decimal(max(others))}."
        sentences.append(
            f"{name}: at one rate for all ({one.common_rate:g}, the best for all on validation) the {settings} "
            f"settings of rank and alpha differ in {label} by {decimal(common)} from the least to the greatest; each "
            f"at the rate that validation chose for it, by {decimal(one.own_spread)}{share}.{rest}"
        )
    if edges:
        sentences.append(
            f"{name}: {edges} of {several(len(chosen), 'chosen rate')} {'is' if edges == 1 else 'are'} at the edge of "
            "those that were tried, so a better one may lie beyond."
        )
    pairs = one.comparisons
    found = len(pairs.significant)
    few = (
        f"; it takes {pairs.blocks_needed} blocks to find one, and there are {board.blocks}"
        if pairs.blocks_needed > board.blocks
        else ""
    )
    detectable = (
        f"; one would have to be about {decimal(pairs.detectable)} to be found with a probability of 80{NBSP}%"
        if pairs.detectable is not None
        else ""
    )
    sentences.append(
        f"{name}: of {several(pairs.pairs, 'pair')} of ranks, each at its chosen rate, {found or 'none'} "
        f"{'differs' if found == 1 else 'differ'} in {label} after Holm's correction{few}{detectable}."
    )
    return sentences


AXES_COMPARED = ("targets", "variant", "initialisation", "scaling", "dropout")


def axes_table(board: Board) -> str:
    """Return each value of the further axes at the point that validation chose for it, with what it cost."""
    label = METRICS[board.primary].label
    head = [
        "axis", "value", "backbone", "point", "validation", f"{label} [95{NBSP}%]", "trainable", "training", "writing",
        "memory", "trained",
    ]  # fmt: skip
    cells = []
    for axis in (axis for axis in AXES_COMPARED if axis in board.suite.grid.varying):
        for backbone in dict.fromkeys(row.backbone for row in board.rows):
            rows = [row for row in board.rows if row.backbone == backbone]
            for row in settings_at_their_best(rows, axis, board.primary):
                cells.append([NAMES.get(axis, axis), in_words(row.axes[axis]), *_cost(row, board)])
    return table(head, cells, right=(4, 6, 7, 8, 9)) if cells else ""


def _cost(row: Row, board: Board) -> list[str]:
    memory = UNKNOWN if row.peak_memory_bytes is None else f"{row.peak_memory_bytes / 1e9:.1f}{NBSP}GB"
    return [
        escape(row.name),
        row.point,
        decimal(row.validation.get(board.primary)),
        with_interval(row.scores.get(board.primary)),
        count(row.parameters),
        duration(row.seconds.get("train")),
        duration(row.seconds.get("generate")),
        memory,
        "alone, by plain peft" if row.alone else "packed" if board.suite.engine == "packed" else "by plain peft",
    ]


def alone_sentences(rows: Sequence[Row]) -> list[str]:
    """Say which points were not packed, and why."""
    sentences = []
    for reason in dict.fromkeys(row.alone for row in rows):
        points = [row for row in rows if row.alone == reason]
        if reason is not None:
            sentences.append(f"{several(len(points), 'point')} one after another, by plain peft: {reason}")
    return sentences

"""Figures of suites whose learning rate varies: scores against the rate by rank, and chosen rates against ranks."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from benchmark.board.format import several
from benchmark.board.model import Board, Row
from benchmark.board.settings import best_by_validation
from benchmark.pages.figures_grid import MARKERS, WIDTH, label_of, look, value_of
from benchmark.pages.rates import is_at_the_edge, rate_of


def scores_by_rate(board: Board) -> tuple[Figure, str, str] | None:
    """Draw the primary score against the learning rate by rank: validation, which chooses, and test beside it."""
    if not board.ranks_at_rates:
        return None
    names = [one.backbone for one in board.ranks_at_rates]
    ranks = sorted({row.rank for row in board.rows})
    shades = dict(zip(ranks, (colormaps["cividis"](x) for x in np.linspace(0.0, 0.85, len(ranks))), strict=True))
    markers = {rank: MARKERS[place % len(MARKERS)] for place, rank in enumerate(ranks)}
    figure = Figure(figsize=(WIDTH, 0.7 + 2.7 * len(names)), layout="constrained")
    grid = figure.subplots(len(names), 2, squeeze=False, sharex=True, sharey="row")
    for line, one in enumerate(board.ranks_at_rates):
        chosen = [board.rows[place] for place in one.rows]
        for rank in ranks:
            rows = _by_rate(board, one.backbone, rank)
            style: dict[str, Any] = {"color": shades[rank], "marker": markers[rank], "markersize": 5, "linewidth": 1.3}
            _validation(grid[line, 0], rows, board, chosen, style)
            _test(grid[line, 1], rows, board, style)
        for axes, what in zip(grid[line], ("validation", "test"), strict=True):
            axes.set_title(f"{chosen[0].name}: {what}")
            _rates_axis(axes, board)
        grid[line, 0].set_ylabel(label_of(board))
    handles = [Line2D([], [], color=shades[rank], marker=markers[rank], markersize=5) for rank in ranks]
    figure.legend(handles, [f"rank {r}" for r in ranks], loc="outside lower center", ncols=len(ranks), frameon=False)
    return figure, *_told(board)


def _told(board: Board) -> tuple[str, str]:
    """Return caption and alternative text of the scores by rate."""
    points = "; ".join(
        f"{board.rows[place].name}, rank {board.rows[place].rank} at {rate_of(board.rows[place]):g}"
        for one in board.ranks_at_rates
        for place in one.rows
    )
    alt = (
        f"{label_of(board)} against the learning rate, a line a rank, on the validation part and on the test part. "
        f"Chosen on validation: {points}."
    )
    caption = (
        f"{label_of(board)} against the learning rate by rank, means over seeds: left on the validation part, where a "
        "ring marks the rate that it chose for a rank; right on the test part, with 95 % intervals."
    )
    return caption, alt


def _by_rate(board: Board, backbone: str, rank: int) -> list[Row]:
    """Return a rank's row at each rate; of several the one that the validation part chooses."""
    rows = [row for row in board.rows if row.backbone == backbone and row.rank == rank]
    rates = sorted({rate_of(row) for row in rows})
    return [best_by_validation([row for row in rows if rate_of(row) == rate], board.primary) for rate in rates]


def _validation(axes: Axes, rows: list[Row], board: Board, chosen: list[Row], style: dict[str, Any]) -> None:
    known = [(rate_of(r), value, r) for r in rows if (value := r.validation.get(board.primary)) is not None]
    axes.plot([rate for rate, *_ in known], [value for _, value, _ in known], **style)
    for rate, value, row in known:
        if row in chosen:
            axes.plot(rate, value, "o", markersize=12, markerfacecolor="none", markeredgecolor="#D55E00", zorder=4)


def _test(axes: Axes, rows: list[Row], board: Board, style: dict[str, Any]) -> None:
    known = [(row, value) for row in rows if (value := value_of(row, board)) is not None]
    axes.plot([rate_of(row) for row, _ in known], [value for _, value in known], **style)
    for row, _ in known:
        score = row.scores[board.primary]
        if score.low is not None and score.high is not None:
            place = rate_of(row)
            axes.plot([place, place], [score.low, score.high], color=style["color"], linewidth=1, alpha=0.6)


def _rates_axis(axes: Axes, board: Board) -> None:
    rates = sorted({rate_of(row) for row in board.rows})
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(rates))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{rate:g}" for rate in rates]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_tick_params(labelbottom=True)
    axes.set_xlabel("learning rate")
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)


def chosen_rates(board: Board) -> tuple[Figure, str, str] | None:
    """Draw the rate that the validation part chose for each rank."""
    if not board.ranks_at_rates:
        return None
    figure = Figure(figsize=(WIDTH * 0.6, 3.2), layout="constrained")
    axes: Axes = figure.add_subplot()
    styles = look(board)
    edges = 0
    for one in board.ranks_at_rates:
        rows = sorted((board.rows[place] for place in one.rows), key=lambda row: row.rank)
        colour, marker = styles[one.backbone]
        axes.plot([r.rank for r in rows], [rate_of(r) for r in rows], "-", color=colour, linewidth=1.2, zorder=2)
        for row in rows:
            edge = is_at_the_edge(row, board)
            edges += edge
            face = "white" if edge else colour
            axes.plot(row.rank, rate_of(row), marker, color=colour, markerfacecolor=face, markersize=8, zorder=3)
        axes.plot([], [], marker, color=colour, label=rows[0].name)
    ranks, rates = (sorted({value(row) for row in board.rows}) for value in (lambda row: row.rank, rate_of))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(ranks))
    axes.xaxis.set_major_formatter(FixedFormatter([str(rank) for rank in ranks]))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(rates))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{rate:g}" for rate in rates]))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    axes.set_ylim(rates[0] / 1.5, rates[-1] * 1.5)
    axes.set_xlabel("rank")
    axes.set_ylabel("chosen learning rate")
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(frameon=False)
    chosen = [rate_of(board.rows[place]) for one in board.ranks_at_rates for place in one.rows]
    alt = (
        f"Chosen learning rate against rank for {several(len(board.ranks_at_rates), 'backbone')}; from {min(chosen):g} "
        f"to {max(chosen):g}."
    )
    caption = "The learning rate that the validation part chose for each rank, of those on the axis."
    if edges:
        caption += " A hollow marker is at the edge of them: a better rate may lie beyond."
    return figure, caption, alt

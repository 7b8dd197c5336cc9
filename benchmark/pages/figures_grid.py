"""Figures of the grid: every row against the floors, rank × alpha, and the spread of seeds."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.board.format import decimal, several
from benchmark.board.model import Board, Row
from benchmark.board.settings import best_by_validation
from metrics.registry import METRICS

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Okabe and Ito's."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST_ROWS = 60
WIDTH = 9.0


def look(board: Board) -> dict[str, tuple[str, str]]:
    """Return colour and marker of each backbone, by name."""
    return {c.backbone: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, c in enumerate(board.checkpoints)}


def label_of(board: Board) -> str:
    """Return the primary score's label."""
    return METRICS[board.primary].label


def value_of(row: Row, board: Board) -> float | None:
    """Return the row's primary score."""
    score = row.scores.get(board.primary)
    return score.value if score else None


def defined(board: Board) -> list[tuple[Row, float]]:
    """Return rows with a primary score, best first."""
    sign = 1 if METRICS[board.primary].higher_is_better is False else -1
    rows = [(row, value) for row in board.rows if (value := value_of(row, board)) is not None]
    return sorted(rows, key=lambda pair: (sign * pair[1], pair[0].name, pair[0].rank, pair[0].alpha))


def forest(board: Board) -> tuple[Figure, str, str] | None:
    """Draw rows and floors with their intervals, best first."""
    rows = defined(board)
    if not rows:
        return None
    shown = rows if len(rows) <= MOST_ROWS else [(r, v) for r, v in rows if r.best] + rows[: MOST_ROWS - 8]
    shown = [pair for i, pair in enumerate(shown) if pair not in shown[:i]]
    floors = [f for f in board.floors if board.primary in f.scores and f.scores[board.primary].value is not None]
    figure = Figure(figsize=(WIDTH, 1.3 + 0.24 * (len(shown) + len(floors))), layout="constrained")
    axes: Axes = figure.add_subplot()
    styles = look(board)
    labels = []
    for place, (row, value) in enumerate(shown):
        colour, marker = styles[row.backbone]
        score = row.scores[board.primary]
        _whisker(axes, place, value, score.low, score.high, colour, marker, filled=row.clears_floor is not False)
        labels.append(f"{row.name}, {row.point}{' (chosen)' if row.best else ''}")
    for place, floor in enumerate(floors, start=len(shown)):
        score = floor.scores[board.primary]
        assert score.value is not None
        _whisker(axes, place, score.value, score.low, score.high, "#555555", "|", filled=True)
        labels.append(f"{floor.name}{'' if floor.blind else ' (not blind)'}")
        if floor.name == board.best_floor:
            axes.axvline(score.value, color="#555555", linewidth=1, linestyle="--", zorder=0)
    if floors:
        axes.axhline(len(shown) - 0.5, color="#bbbbbb", linewidth=0.8)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel(f"{label_of(board)} on the test part, 95 % interval")
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    first, last = shown[0], shown[-1]
    alt = (
        f"Forest plot of {several(len(shown), 'row')} and {several(len(floors), 'floor')} by {label_of(board)}: from "
        f"{decimal(last[1])} ({last[0].name}, {last[0].point}) to {decimal(first[1])} ({first[0].name}, "
        f"{first[0].point}); the best image-blind floor is at {_floor_value(board)}."
    )
    caption = (
        f"{label_of(board)} of every row with its interval; hollow markers don't beat the best image-blind floor "
        "(dashed line)."
    )
    if len(shown) < len(rows):
        caption += f" Shown are the chosen points and the best others: {len(shown)} of {len(rows)}."
    return figure, caption, alt


def _floor_value(board: Board) -> str:
    values = [f.scores[board.primary].value for f in board.floors if f.name == board.best_floor]
    return decimal(values[0]) if values else "no value"


def _whisker(
    axes: Axes, place: float, value: float, low: float | None, high: float | None, colour: str, marker: str, *,
    filled: bool,
) -> None:  # fmt: skip
    if low is not None and high is not None:
        axes.plot([low, high], [place, place], color=colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
    face = colour if filled else "white"
    size = 10 if marker == "|" else 6
    axes.plot(value, place, marker=marker, color=colour, markerfacecolor=face, markersize=size, zorder=3)


def heat_maps(board: Board) -> tuple[Figure, str, str] | None:
    """Draw rank × alpha of each backbone; None where the grid has one point, or one alpha a rank and one rank an alpha.

    None, too, where rows are of others' adapters. Where further axes vary, a cell is the point that the validation part
    chooses among those of its rank and alpha.
    """
    if board.evaluated:
        return None
    ranks, alphas = board.suite.grid.ranks, board.suite.grid.alphas
    shown = [row for name in {row.backbone for row in board.rows} for row in _cells(board, name).values()]
    values = [value for row in shown if (value := value_of(row, board)) is not None]
    pairs = {(point.rank, point.alpha) for point in board.suite.points()}
    if not values or len(pairs) < 2 or len(pairs) == len(ranks) == len(alphas):
        return None
    names = [c for c in board.checkpoints if any(r.backbone == c.backbone for r in board.rows)]
    columns = 1 if len(alphas) > 5 else min(len(names), 2)
    lines = -(-len(names) // columns)
    height = 0.9 + lines * (0.75 + 0.48 * len(ranks))
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    low, high = min(values), max(values)
    image = None
    for place, axes in enumerate(grid.flat):
        if place >= len(names):
            axes.set_axis_off()
            continue
        image = _heat_map(axes, board, names[place].backbone, names[place].name, (low, high))
    if image is not None:
        figure.colorbar(image, ax=list(grid.flat), label=label_of(board), shrink=0.8)
    best = defined(board)[0]
    alt = (
        f"Heat maps of {label_of(board)} over rank and alpha for {several(len(names), 'backbone')}; values go from "
        f"{decimal(low)} to {decimal(high)}, the highest at {best[0].name}, {best[0].point}."
    )
    frame = "; a frame marks the point that the validation part chose" if any(row.best for row in board.rows) else ""
    caption = (
        f"{label_of(board)} by rank and alpha, each cell with its 95 % interval{frame}. Cells whose intervals overlap "
        "may be equal."
    )
    if board.suite.grid.varying:
        caption += " Of each rank and alpha the point is shown that the validation part chooses among the further axes."
    return figure, caption, alt


def _cells(board: Board, backbone: str) -> dict[tuple[int, int], Row]:
    """Return the row of each rank and alpha; of several the one that the validation part chooses."""
    rows = [row for row in board.rows if row.backbone == backbone]
    pairs = sorted({(row.rank, row.alpha) for row in rows})
    return {pair: best_by_validation([r for r in rows if (r.rank, r.alpha) == pair], board.primary) for pair in pairs}


def _heat_map(axes: Axes, board: Board, backbone: str, name: str, ends: tuple[float, float]):  # type: ignore[no-untyped-def]
    ranks, alphas = board.suite.grid.ranks, board.suite.grid.alphas
    cells = np.full((len(ranks), len(alphas)), np.nan)
    rows = _cells(board, backbone)
    for (rank, alpha), row in rows.items():
        value = value_of(row, board)
        cells[ranks.index(rank), alphas.index(alpha)] = np.nan if value is None else value
    image = axes.imshow(cells, aspect="auto", vmin=ends[0], vmax=ends[1] if ends[1] > ends[0] else ends[0] + 1)
    axes.set_facecolor("#eeeeee")
    for i in range(1, len(ranks)):
        axes.axhline(i - 0.5, color="white", linewidth=1.5)
    for j in range(1, len(alphas)):
        axes.axvline(j - 0.5, color="white", linewidth=1.5)
    middle = (ends[0] + ends[1]) / 2
    for (rank, alpha), row in rows.items():
        score = row.scores.get(board.primary)
        i, j = ranks.index(rank), alphas.index(alpha)
        if score is None or score.value is None:
            continue
        colour = "black" if score.value > middle else "white"
        axes.text(j, i - 0.12, decimal(score.value), ha="center", va="center", color=colour, fontsize=9)
        if score.low is not None:
            ends_text = f"[{decimal(score.low)}, {decimal(score.high)}]"
            size = 7 if len(alphas) <= 4 else 6
            axes.text(j, i + 0.24, ends_text, ha="center", va="center", color=colour, fontsize=size)
        if row.best:
            frame = {"fill": False, "edgecolor": "#D55E00", "linewidth": 2.5}
            axes.add_patch(_rectangle((j - 0.48, i - 0.46), 0.96, 0.92, **frame))
    missing = [(i, j) for i, r in enumerate(ranks) for j, a in enumerate(alphas) if (r, a) not in rows]
    for i, j in missing:
        axes.text(j, i, "none", ha="center", va="center", color="#555555", fontsize=8)
    axes.set_xticks(range(len(alphas)), [str(a) for a in alphas])
    axes.set_yticks(range(len(ranks)), [str(r) for r in ranks])
    axes.set_xlabel("alpha")
    axes.set_ylabel("rank")
    axes.set_title(name)
    return image


def _rectangle(corner: tuple[float, float], width: float, height: float, **style):  # type: ignore[no-untyped-def]
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, **style)


def seeds(board: Board) -> tuple[Figure, str, str] | None:
    """Draw every seed's score of each row; None where there is one seed."""
    rows = [row for row, _ in defined(board) if len(row.seeds) > 1]
    rows = [row for row in rows if None not in row.scores[board.primary].by_seed][:MOST_ROWS]
    if not rows:
        return None
    figure = Figure(figsize=(WIDTH, 1.2 + 0.24 * len(rows)), layout="constrained")
    axes: Axes = figure.add_subplot()
    styles = look(board)
    spreads = []
    for place, row in enumerate(rows):
        colour, marker = styles[row.backbone]
        values = np.array(row.scores[board.primary].by_seed, dtype=float)
        spreads.append(float(values.std(ddof=1)))
        axes.plot([values.min(), values.max()], [place, place], color="#bbbbbb", linewidth=1.2, zorder=1)
        axes.plot(values, [place] * len(values), marker, color=colour, markersize=5, alpha=0.85, zorder=2)
        axes.plot(values.mean(), place, "|", color="black", markersize=11, zorder=3)
    axes.set_yticks(range(len(rows)), [f"{row.name}, {row.point}" for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(f"{label_of(board)} of each seed; the bar is the mean")
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    alt = (
        f"Scores of each seed for {several(len(rows), 'row')}; the standard deviation between seeds goes from "
        f"{decimal(min(spreads))} to {decimal(max(spreads))}, its median is {decimal(float(np.median(spreads)))}."
    )
    caption = (
        f"The same point tuned with other seeds: differences between rows smaller than this spread "
        f"(standard deviation {decimal(float(np.median(spreads)))} in the median) say nothing."
    )
    return figure, caption, alt

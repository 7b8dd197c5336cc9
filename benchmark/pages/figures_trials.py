"""Figures of trials: learning curves, confusion of categories, and scores against what they cost."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from benchmark.board.format import decimal, several
from benchmark.board.model import Board, Row
from benchmark.pages.figures_grid import WIDTH, defined, label_of, look

CATEGORIES = ("0", "1", "2", "3", "4", "5", "6", "none")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (1, 3)), (0, (5, 1, 1, 1, 1, 1)))


def learning_curves(board: Board) -> tuple[Figure, str, str] | None:
    """Draw the loss of every trial in training, and on the validation part where that is known, a panel per backbone.

    Where both are there, training is drawn thinner and fainter; the step whose adapter was kept is marked.
    """
    names = [c for c in board.checkpoints if any(r.backbone == c.backbone and r.losses for r in board.rows)]
    if not names:
        return None
    ranks = sorted({row.rank for row in board.rows})
    columns = min(len(names), 2)
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(WIDTH, 0.6 + 2.3 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    shades = [colormaps["cividis"](x) for x in np.linspace(0.0, 0.85, len(ranks))]
    ends = []
    for place, axes in enumerate(grid.flat):
        if place >= len(names):
            axes.set_axis_off()
            continue
        for row in (r for r in board.rows if r.backbone == names[place].backbone):
            index = ranks.index(row.rank)
            for curve in row.losses.values():
                steps, losses = zip(*curve, strict=True)
                style = DASHES[index % len(DASHES)]
                look = {"linewidth": 0.8, "alpha": 0.45} if row.validations else {"linewidth": 1.1}
                axes.plot(steps, losses, color=shades[index], linestyle=style, **look)
                ends.append(losses[-1])
            _validation(axes, row, shades[index], DASHES[index % len(DASHES)])
        axes.set_title(names[place].name)
        axes.grid(color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)
        if place % columns == 0:
            axes.set_ylabel("loss")
        if place >= len(names) - columns:
            axes.set_xlabel("step")
            axes.xaxis.set_tick_params(labelbottom=True)
    handles = [Line2D([], [], color=s, linestyle=DASHES[i % len(DASHES)]) for i, s in enumerate(shades)]
    figure.legend(handles, [f"rank {r}" for r in ranks], loc="outside lower center", ncols=len(ranks), frameon=False)
    validated = [row for row in board.rows if row.validations]
    if validated:
        handles = [Line2D([], [], color="#555555", linewidth=0.8, alpha=0.45), Line2D([], [], color="#555555")]
        handles.append(Line2D([], [], color="#555555", marker="o", linestyle="none", markersize=5))
        names_of = ["training", "validation", "kept"]
        grid.flat[0].legend(handles, names_of, loc="upper right", frameon=False, fontsize=8)
    alt = (
        f"Training loss against steps for {several(len(ends), 'trial')} of {several(len(names), 'backbone')}, a line a "
        f"trial by rank; the last losses go from {decimal(min(ends))} to {decimal(max(ends))}."
    )
    caption = "Training loss of every trial, averaged over neighbouring steps, by rank"
    return figure, f"{caption}{_overfitting(validated)}.", f"{alt}{_turns(validated)}"


def _validation(axes: Axes, row: Row, shade: Any, style: Any) -> None:
    """Draw a row's losses on the validation part, and mark the steps that were kept."""
    for seed, curve in row.validations.items():
        steps, losses = zip(*curve, strict=True)
        axes.plot(steps, losses, color=shade, linestyle=style, linewidth=1.4)
        found = dict(curve)
        for step in set(row.kept.get(seed, ())) & found.keys():
            axes.plot([step], [found[step]], color=shade, marker="o", markersize=5, linestyle="none")


def _overfitting(rows: list[Row]) -> str:
    """Return what the lines on the validation part are, for the caption; nothing where there is none."""
    if not rows:
        return ""
    return "; the stronger lines are the loss on the validation part, and a dot the step whose adapter was kept"


def _turns(rows: list[Row]) -> str:
    """Return how many trials' losses on the validation part rise again before the end; nothing where none is known."""
    curves = [curve for row in rows for curve in row.validations.values()]
    if not curves:
        return ""
    turned = sum(curve[-1][1] > min(loss for _, loss in curve) for curve in curves)
    trials = several(len(curves), "trial")
    return f" On the validation part the loss of {turned} of {trials} is higher at the end than before."


def confusion(board: Board) -> tuple[Figure, str, str] | None:
    """Draw BI-RADS categories said against those of the references, for the rows of the main table."""
    rows = [row for row in board.main_rows if row.confusion][:6]
    if not rows:
        return None
    seen = {truth for row in rows for truth in row.confusion}
    stated = {guess for row in rows for counts in row.confusion.values() for guess in counts}
    truths = [c for c in CATEGORIES if c in seen]
    guesses = [c for c in CATEGORIES if c in seen | stated]
    columns = min(len(rows), 3)
    lines = -(-len(rows) // columns)
    figure = Figure(figsize=(WIDTH, 0.5 + lines * (0.9 + 0.36 * len(truths))), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place < len(rows):
            _matrix(axes, rows[place], truths, guesses, first=place % columns == 0)
        else:
            axes.set_axis_off()
    first = rows[0]
    right = sum(first.confusion.get(c, {}).get(c, 0) for c in truths)
    every = sum(sum(counts.values()) for counts in first.confusion.values())
    alt = (
        f"Confusion matrices of BI-RADS categories for {several(len(rows), 'row')}; {first.name} names the major "
        f"category of {right} of {every} reports rightly."
    )
    caption = "Reports by the category of the reference and the one that was said; right ones lie on the diagonal."
    return figure, caption, alt


def _matrix(axes: Axes, row: Row, truths: list[str], guesses: list[str], *, first: bool) -> None:
    counts = np.array([[row.confusion.get(t, {}).get(g, 0) for g in guesses] for t in truths], dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for i, truth in enumerate(truths):
        for j, guess in enumerate(guesses):
            if counts[i, j]:
                colour = "black" if shares[i, j] > 0.5 else "white"
                weight = "bold" if truth == guess else "normal"
                text = f"{counts[i, j]:.0f}"
                axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=8, fontweight=weight)
    axes.set_xticks(range(len(guesses)), guesses)
    axes.set_yticks(range(len(truths)), truths)
    axes.set_xlabel("said")
    if first:
        axes.set_ylabel("reference")
    axes.set_title(f"{row.name}\n{row.point}", fontsize=9)


def cost(board: Board) -> tuple[Figure, str, str] | None:
    """Draw the primary score against trainable parameters and against time."""
    rows = [(row, value) for row, value in defined(board) if row.parameters]
    if len(rows) < 2:
        return None
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    styles = look(board)
    for row, value in rows:
        colour, marker = styles[row.backbone]
        style = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 6}
        face = colour if row.best else "white"
        left.plot(row.parameters, value, markerfacecolor=face, **style)
        right.plot(sum(row.seconds.values()), value, markerfacecolor=face, **style)
    left.set_xlabel("trainable parameters")
    right.set_xlabel("seconds of one trial (training, writing, scoring)")
    left.set_ylabel(label_of(board))
    for axes in (left, right):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)
    names = [c for c in board.checkpoints if any(row.backbone == c.backbone for row, _ in rows)]
    handles = [
        Line2D([], [], color=styles[c.backbone][0], marker=styles[c.backbone][1], linestyle="none") for c in names
    ]
    figure.legend(handles, [c.name for c in names], loc="outside lower center", ncols=min(len(names), 3), frameon=False)
    least, most = min(row.parameters or 0 for row, _ in rows), max(row.parameters or 0 for row, _ in rows)
    alt = (
        f"Scatter plots of {label_of(board)} against trainable parameters ({least:,} to {most:,}) and against seconds "
        f"a trial, {several(len(rows), 'row')}."
    )
    chosen = "; filled markers are the points that validation chose" if any(row.best for row, _ in rows) else ""
    return figure, f"What a score costs{chosen}.", alt

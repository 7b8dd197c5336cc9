"""The axes of a suite's grid beside rank and alpha, as a leaderboard names them."""

from benchmark.board.format import several
from benchmark.forms.grid import EXTRA_AXES, Grid
from benchmark.forms.suite import Suite, Trial

NAMES = {"learning_rate": "learning rate"}
"""Axes that are called otherwise in words."""


def axes_of(trial: Trial, suite: Suite) -> dict[str, float | str]:
    """Return the values of the axes that vary in a suite beside rank and alpha, in the order of `EXTRA_AXES`."""
    return {axis: value_of(trial, axis) for axis in EXTRA_AXES if axis in suite.grid.varying}


def value_of(trial: Trial, axis: str) -> float | str:
    """Return a trial's value of an axis."""
    source = trial.protocol if axis in ("learning_rate", "dropout") else trial
    value: float | str = getattr(source, axis)
    return value


def grid_in_words(grid: Grid) -> str:
    """Return what a grid combines."""
    axes = [f"{NAMES.get(axis, axis)} {_values(grid, axis)}" for axis in grid.axes]
    seeds = several(len(grid.seed), "seed")
    if grid.points:
        of = ", ".join([f"rank {_values(grid, 'rank')}", f"alpha {_values(grid, 'alpha')}", *axes])
        return f"{several(len(grid.every()) // len(grid.seed), 'point')} (of {of}) × {seeds}"
    ranks, alphas = (", ".join(map(str, values)) for values in (grid.rank, grid.alpha))
    return " × ".join([f"rank {ranks}", f"alpha {alphas}", *axes, seeds])


def _values(grid: Grid, axis: str) -> str:
    return ", ".join("the protocol's" if value is None else in_words(value) for value in grid.values(axis))


def in_words(value: float | str) -> str:
    """Return a value of an axis as tables have it."""
    return value if isinstance(value, str) else f"{value:g}"

"""`amrg bench --scaling`: what the packed engine takes for 4, 16 and 64 trials, and whether that is a straight line."""

import statistics
from collections.abc import Mapping, Sequence
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.bench.model import Contender, Line, Lines, Scaling, ScalingResult, ScalingRun
from benchmark.bench.process import Cost, contend_in_turn
from benchmark.bench.run import Say, about, make_task, stage_medians
from benchmark.bench.task import Task
from benchmark.forms.grid import Grid, Point
from benchmark.forms.suite import Suite

TRIALS = (4, 16, 64)
STEPS = 12
TRAIN = 24
"""Studies, from the head of the suite's split: what a trial adds, not how long it trains, is measured here."""
TEST = 4


def run(suite: Suite, data: Path | None, rounds: int, say: Say) -> ScalingResult:
    """Measure the packed engine on `TRIALS` trials of the suite's grid, extended by seeds.

    Each number of trials runs in a process of its own with empty caches, interleaved over the rounds.

    Args:
        suite, data, rounds, say: as `benchmark.bench.run.run` takes them.

    Raises:
        UserError, RunFailed: as `benchmark.bench.run.run` does.
    """
    full_task = make_task(suite, data, say)
    tasks: dict[int, tuple[Contender, Task]] = {
        number: ("D", shortened(full_task, suite.grid, number)) for number in TRIALS
    }

    def told(turn: int, number: int, took: Cost) -> None:
        say(f"round {turn} of {rounds}, {number} trials: {took.wall:.1f} s")

    with TemporaryDirectory(prefix="amrg-bench-") as folder:
        costs = contend_in_turn(tasks, rounds, Path(folder), told)
    measured = about(suite, tasks[TRIALS[0]][1], rounds)
    return ScalingResult(**dict(measured), trials=TRIALS, scaling=summary(costs))


def shortened(task: Task, grid: Grid, number: int) -> Task:
    """Return the task with `number` points, and little to train and test."""
    return task.model_copy(
        update={
            "points": points(grid, number),
            "train": task.train[:TRAIN],
            "test": task.test[:TEST],
            "protocol": task.protocol.model_copy(update={"steps": STEPS, "epochs": None}),
        }
    )


def points(grid: Grid, number: int) -> tuple[Point, ...]:
    """Return `number` points, further seeds following the grid's own.

    Ranks change fastest, so that few and many trials have the same share of each.
    """
    seeds = (*grid.seed, *islice(count(max(grid.seed) + 1), number))
    settings = sorted(dict.fromkeys(point.model_copy(update={"seed": 0}) for point in grid.every()), key=_ranks_last)
    every = (point.model_copy(update={"seed": seed}) for seed in seeds for point in settings)
    return tuple(islice(every, number))


def _ranks_last(point: Point) -> tuple[int, int]:
    return point.alpha, point.rank


def fit(trials: Sequence[int], costs: Sequence[float]) -> Line:
    """Return the line through measured costs; several of one number of trials count each."""
    line = np.polynomial.Polynomial.fit(trials, costs, deg=1).convert()
    fixed, per_trial = line.coef
    residuals = np.abs(line(np.asarray(trials)) - costs)
    return Line(fixed=float(fixed), per_trial=float(per_trial), largest_residual=float(residuals.max()))


def summary(costs: Mapping[int, Sequence[Cost]]) -> Scaling:
    """Return medians by number of trials, and a line each for wall time, processor time and memory."""
    trials = [number for number, runs in costs.items() for _ in runs]
    every = [cost for runs in costs.values() for cost in runs]
    return Scaling(
        runs={number: run_of(number, rounds) for number, rounds in costs.items()},
        lines=Lines(
            wall=fit(trials, [cost.wall for cost in every]),
            processor=fit(trials, [cost.processor for cost in every]),
            peak_memory=fit(trials, [cost.memory for cost in every]),
        ),
    )


def run_of(number: int, costs: Sequence[Cost]) -> ScalingRun:
    """Return what some trials took, over the rounds."""
    return ScalingRun(
        wall=tuple(cost.wall for cost in costs),
        processor=statistics.median(cost.processor for cost in costs),
        stages=stage_medians(costs),
        peak_memory=max(cost.memory for cost in costs),
        seconds_per_trial=statistics.median(cost.wall for cost in costs) / number,
        trained_together=max(cost.together for cost in costs),
    )

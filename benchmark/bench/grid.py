"""`amrg bench --grid`: what a grid of 27 points, ranks × learning rates, takes beside one point of it."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.bench.model import Contender, GridResult, GridTimes
from benchmark.bench.process import Cost, contend_in_turn
from benchmark.bench.run import Say, about, make_task
from benchmark.bench.scaling import run_of
from benchmark.bench.task import Task
from benchmark.board.format import several
from benchmark.forms.grid import Point
from benchmark.forms.suite import Suite

POINTS = 27
STEP = 10**0.25
"""Between neighbouring rates: four to a power of ten."""
WORK = ("train", "generate")
"""Stages that each point has to itself."""


def run(suite: Suite, data: Path | None, rounds: int, say: Say) -> GridResult:
    """Measure the packed engine on one point and on a grid of 27, each in a process of its own with empty caches.

    Args:
        suite, data, rounds, say: as `benchmark.bench.run.run` takes them; ranks are the suite's, at its first alpha.

    Raises:
        UserError, RunFailed: as `benchmark.bench.run.run` does.
    """
    full_task = make_task(suite, data, say)
    every = points(suite)
    tasks: dict[int, tuple[Contender, Task]] = {
        number: ("D", full_task.model_copy(update={"points": chosen}))
        for number, chosen in ((1, every[len(every) // 2 :][:1]), (len(every), every))
    }

    def told(turn: int, number: int, took: Cost) -> None:
        seconds = f"{took.wall:.1f} s, processor {took.processor:.1f} s"
        say(f"round {turn} of {rounds}, {several(number, 'point')}: {seconds}")

    with TemporaryDirectory(prefix="amrg-bench-") as folder:
        costs = contend_in_turn(tasks, rounds, Path(folder), told)
    return GridResult(**dict(about(suite, full_task, rounds)), grid=summary(costs))


def points(suite: Suite) -> tuple[Point, ...]:
    """Return 27 points: the suite's ranks at its first alpha and seed, at rates around its protocol's."""
    ranks, first = suite.grid.ranks, suite.points()[0]
    number = POINTS // len(ranks)
    rates = [suite.protocol.learning_rate * STEP ** (place - number // 2) for place in range(number)]
    return tuple(first.model_copy(update={"rank": rank, "learning_rate": rate}) for rank in ranks for rate in rates)


def summary(costs: Mapping[int, Sequence[Cost]]) -> GridTimes:
    """Return medians by number of points, and what the grid takes in times one point."""
    few, many = min(costs), max(costs)

    def times(cost: Callable[[Cost], float]) -> float:
        of_grid, of_one = (statistics.median(map(cost, costs[number])) for number in (many, few))
        return of_grid / of_one

    return GridTimes(
        runs={number: run_of(number, rounds) for number, rounds in costs.items()},
        processor=times(lambda cost: cost.processor),
        wall=times(lambda cost: cost.wall),
        work=times(lambda cost: sum(cost.stages[stage] for stage in WORK)),
    )

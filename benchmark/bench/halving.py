"""`amrg bench --halving`: what leaving early is worth, apart from what packing is worth, and how often it is right."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.bench.model import Contender, HalvingResult, HalvingSpeed, Survival
from benchmark.bench.process import Cost, contend, contend_in_turn
from benchmark.bench.run import Say, about, make_task
from benchmark.bench.scaling import points
from benchmark.bench.survival import OTHERS, survival
from benchmark.bench.task import Task, read_outputs
from benchmark.errors import UserError
from benchmark.forms.suite import Halving, Suite
from benchmark.results.halving import refuse_rungs

SEEDS = 20
"""Of every point, whose full runs say how often halving keeps the winner."""
TRAIN = 32
"""Studies that those learn, from the head of the suite's split: there are many of them."""
OF_A_POINT = (1, 3)
"""Seeds of a point, of which sets are drawn from those."""
CONTENDERS: dict[str, Contender] = {"sequential": "C", "packed": "D", "unevaluated": "D", "halving": "D"}


def run(suite: Suite, data: Path | None, rounds: int, say: Say) -> HalvingResult:
    """Measure the suite's grid in full and with its halving, then run it in full with `SEEDS` seeds.

    Args:
        suite, data, rounds, say: as `benchmark.bench.run.run` takes them; the suite has to ask for halving.

    Raises:
        UserError, RunFailed: as `benchmark.bench.run.run` does.
    """
    if suite.search is None:
        raise UserError(f"suite {suite.name}: amrg bench --halving needs `search: halving` in it, as mini-halving has.")
    halving, task = suite.search.halving, make_task(suite, data, say)
    refuse_rungs(halving, len(task.protocol.evaluation_steps(len(task.train))))
    tasks = {name: (CONTENDERS[name], one) for name, one in _tasks(task, halving).items()}

    def told(turn: int, name: str, took: Cost) -> None:
        say(f"round {turn} of {rounds}, {name}: {took.wall:.1f} s")

    with TemporaryDirectory(prefix="amrg-bench-") as folder:
        work = Path(folder)
        costs = contend_in_turn(tasks, rounds, work, told)
        survived = _survival(suite, task, halving, work, say)
    return HalvingResult(
        **dict(about(suite, task, rounds)),
        trials=len(task.points),
        validation=len(task.validation),
        criterion=task.protocol.keep_by,
        speed=speed(costs, survived[0].work),
        survival=survived,
    )


def _tasks(task: Task, halving: Halving) -> dict[str, Task]:
    return {
        "sequential": task,
        "packed": task,
        "unevaluated": task.model_copy(update={"protocol": task.protocol.unevaluated}),
        "halving": task.model_copy(update={"halving": halving}),
    }


def speed(costs: Mapping[str, Sequence[Cost]], steps: float) -> HalvingSpeed:
    """Return medians of training, and their ratios.

    Args:
        costs: of each round, by contender.
        steps: share of the full grid's steps that halving takes.
    """
    train = {name: tuple(cost.training for cost in rounds) for name, rounds in costs.items()}
    median = {name: statistics.median(seconds) for name, seconds in train.items()}
    return HalvingSpeed(
        wall={name: tuple(cost.wall for cost in rounds) for name, rounds in costs.items()},
        train=train,
        same_work=median["sequential"] / median["packed"],
        early_exit=median["packed"] / median["halving"],
        together=median["sequential"] / median["halving"],
        steps=steps,
        evaluation=median["packed"] / median["unevaluated"] - 1,
    )


def _survival(suite: Suite, task: Task, halving: Halving, work: Path, say: Say) -> tuple[Survival, ...]:
    """Run the full grid with many seeds, packed, and return how often each way of halving keeps its winner."""
    settings = len({point.setting for point in suite.points()})
    many = {"points": points(suite.grid, settings * SEEDS), "train": task.train[:TRAIN], "test": task.test[:1]}
    whole = task.model_copy(update=many)
    path = whole.write(work / "seeds.json")
    cost = contend("D", path, whole, work / "seeds")
    say(f"{settings} points with {SEEDS} seeds each, in full: {cost.wall:.1f} s")
    trials, outputs = whole.trials(), read_outputs(work / "seeds", whole)
    evaluations = {trial.id: output.evaluations for trial, output in zip(trials, outputs, strict=True)}
    last = len(outputs[0].evaluations)
    ways = [halving, *(one for one in OTHERS if one != halving and one.rungs[-1] < last)]
    return tuple(survival(trials, evaluations, way, seeds) for way in ways for seeds in OF_A_POINT)

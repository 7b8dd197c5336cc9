"""`amrg bench`: how long a sweep takes, by us and by the script that a careful user would write.

Five contenders run the same trials on the same images:

A: the Trainer with peft, a process per trial, each image decoded as it comes, one report written at a time.
B: A with each image decoded once for all trials, a data-loader worker, and reports written in batches.
P: where it is asked for, a peer from its own environment (LLaMA-Factory), by the commands that it documents.
N: what an expert would write by hand: plain peft in one process, libraries, base and images loaded once.
C: our sequential engine, with its caches, which are empty at first.
D: our packed engine, with the same.

They run one after another, one process at a time on one thread (B's data-loader worker beside it), and in another
order in each round, so that what else the machine does meets all of them. All are scored by the same code, each once
all its trials are done. Losses are compared in runs of their own, 60 steps at a learning rate at which training isn't
chaotic.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.bench.model import (
    CONTENDERS,
    ORDER,
    STAGES,
    BenchMachine,
    BenchResult,
    BenchStudy,
    Contender,
    Equality,
    Measured,
    Sweeps,
)
from benchmark.bench.process import Cost, contend
from benchmark.bench.task import EQUALITY_RATE, EQUALITY_STEPS, Task, read_outputs
from benchmark.data.records import read_records
from benchmark.errors import UserError
from benchmark.executors.execute import default_processes, executor
from benchmark.forms.suite import PhantomData, Suite
from benchmark.phantoms.folder import draw_phantoms
from benchmark.progress.events import listen
from benchmark.provenance import machine, versions
from benchmark.tuning.weights import find_weights

OVERHEAD = ("start", "load", "score", "rest")
"""Stages that a trial's length doesn't change."""

LOSSES_OF: tuple[Contender, ...] = ("A", "N", "C", "D")
LOSSES_COMPARED: tuple[tuple[Contender, Contender], ...] = (("D", "C"), ("C", "A"), ("N", "A"))
TEXTS_COMPARED: tuple[tuple[Contender, Contender], ...] = (*LOSSES_COMPARED, ("B", "A"))

Say = Callable[[str], None]


def run(suite: Suite, data: Path | None, rounds: int, say: Say, *, peer: Path | None = None) -> BenchResult:
    """Measure.

    Args:
        suite: whose first backbone and grid are run; it has to be a miniature's.
        data: a DMID folder to take studies from, instead of the suite's phantoms.
        rounds: how often each contender runs.
        say: told what happens.
        peer: the command of P, a peer in its own environment; None to run without one.

    Raises:
        UserError: the suite's backbone isn't a miniature, or its data are not there.
        RunFailed: a contender's process failed.
    """
    with TemporaryDirectory(prefix="amrg-bench-") as folder:
        work = Path(folder)
        task = make_task(suite, data, say)
        path = task.write(work / "task.json")
        names: tuple[Contender, ...] = CONTENDERS if peer is None else ("P", *CONTENDERS)
        costs: dict[Contender, list[Cost]] = {name: [] for name in names}
        for number in range(rounds):
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                costs[name].append(contend(name, path, task, work / f"{name}-{number}", peer=peer))
                say(f"round {number + 1} of {rounds}, {name}: {costs[name][-1].wall:.1f} s")
        equality = compare(task, work, say)
        measured = about(suite, task, rounds)
        return BenchResult(**dict(measured), **dict(summary(costs)), trials=len(task.points), equality=equality)


def make_task(suite: Suite, data: Path | None, say: Say) -> Task:
    """Make the suite's data and miniature where they aren't there, and return the contenders' task."""
    entry = suite.backbones[0]
    if entry.checkpoint != "miniature":
        raise UserError(
            f"suite {suite.name}: amrg bench runs every baseline in full, so its first backbone has to be "
            f"`checkpoint: miniature`, not {entry.checkpoint!r}."
        )
    if data is None and not isinstance(suite.data, PhantomData):
        raise UserError(f"suite {suite.name} runs on DMID: give its folder with --data.")
    listen(lambda event: say(f"{event.name}: {event.detail}") if event.kind == "stage" else None)
    folder = data or draw_phantoms(suite.data, processes=1)  # type: ignore[arg-type]
    records = read_records(suite, folder, folder)
    what = records.data.summary if data else f"{len(records.studies)} phantoms of {suite.data.size} pixels"  # type: ignore[union-attr]
    with executor(1, lambda event: None) as workers:
        weights = find_weights(suite.model_copy(update={"backbones": (entry,)}), workers)[entry.name]

    def listed(part: str) -> tuple[BenchStudy, ...]:
        with_image = [study for study in records.part(part) if study.image is not None]
        return tuple(BenchStudy(id=s.id, image=str(s.image), report=s.report) for s in with_image)

    return Task(
        entry=entry,
        checkpoint=str(weights.source),
        dtype="float32",
        image=suite.image,
        protocol=suite.protocol,
        points=tuple(suite.points()),
        train=listed("train"),
        test=listed("test"),
        validation=listed("validation"),
        data=f"{records.split.name} split of {what}, shown to the model at {suite.image.size} pixels",
    )


def compare(task: Task, work: Path, say: Say) -> Equality:
    """Return losses of A, N, C and D in float64 and float32, and the texts of the first round."""
    texts = {name: [trial.texts for trial in read_outputs(work / f"{name}-0", task)] for name in CONTENDERS}
    return Equality(
        points=len(task.points),
        steps=EQUALITY_STEPS,
        learning_rate=EQUALITY_RATE,
        loss_float64=_losses(task, work, say, "float64"),
        loss_float32=_losses(task, work, say, "float32"),
        text_equal={
            f"{one}-{other}": sum(x == y for x, y in zip(texts[one], texts[other], strict=True))
            for one, other in TEXTS_COMPARED
        },
    )


def _losses(task: Task, work: Path, say: Say, dtype: str) -> dict[str, float]:
    """Return the greatest difference of losses, by pair of contenders."""
    exact = task.for_equality(dtype)
    path = exact.write(work / f"task-{dtype}.json")
    losses = {}
    for name in LOSSES_OF:
        contend(name, path, exact, work / f"{dtype}-{name}", losses_only=True)
        losses[name] = [trial.losses for trial in read_outputs(work / f"{dtype}-{name}", exact)]
    differences = {
        f"{one}-{other}": max(
            abs(x - y) for p, q in zip(losses[one], losses[other], strict=True) for x, y in zip(p, q, strict=True)
        )
        for one, other in LOSSES_COMPARED
    }
    say(f"equality in {dtype}: {differences}")
    return differences


def about(suite: Suite, task: Task, rounds: int) -> Measured:
    """Return what was measured, and on what."""
    return Measured(
        suite=suite.name,
        backbone=task.backbone,
        data=task.data,
        train=len(task.train),
        test=len(task.test),
        steps=task.steps,
        batch_size=task.protocol.batch_size,
        rounds=rounds,
        machine=BenchMachine(**dict(machine()), usable_cores=default_processes()),
        versions=versions(),
    )


def summary(costs: Mapping[Contender, Sequence[Cost]]) -> Sweeps:
    """Return medians over the rounds, and ratios of medians.

    `ratio` is of whole sweeps. `ratio_without_overhead` leaves out what a trial's length doesn't change (`OVERHEAD`):
    it is what long trials come nearer to.
    """
    names = [name for name in ORDER if name in costs]
    wall = {name: statistics.median(cost.wall for cost in costs[name]) for name in names}
    work = {
        name: statistics.median(cost.wall - sum(cost.stages[stage] for stage in OVERHEAD) for cost in costs[name])
        for name in names
    }
    others = [name for name in names if name != "D"]
    return Sweeps(
        ratio={f"{name}/D": wall[name] / wall["D"] for name in others},
        ratio_without_overhead={f"{name}/D": work[name] / work["D"] for name in others},
        wall={name: tuple(cost.wall for cost in costs[name]) for name in names},
        processor={name: statistics.median(cost.processor for cost in costs[name]) for name in names},
        stages={name: stage_medians(costs[name]) for name in names},
        peak_memory={name: max(cost.memory for cost in costs[name]) for name in names},
    )


def stage_medians(costs: Sequence[Cost]) -> dict[str, float]:
    """Return the median wall seconds of each stage over the rounds."""
    return {stage: statistics.median(cost.stages[stage] for cost in costs) for stage in (*STAGES, "rest")}

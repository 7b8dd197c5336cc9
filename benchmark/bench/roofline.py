"""`amrg bench --roofline`: what bounds a training step on this processor, one trial by itself and trials together.

A step can't be faster than its arithmetic at the core's best rate. Where it comes near, packing more trials saves
nothing more: each has its own activations, so the arithmetic of a step grows with them, and only what is paid once an
operation is saved. How far a step is from that bound, and whether memory could be why, is measured here.
"""

import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from backbones.private.operations import Asked, counted
from benchmark.bench.roofline_model import Peaks, RooflineResult, StepBound
from benchmark.bench.run import Say, about, make_task
from benchmark.bench.scaling import points
from benchmark.bench.task import Task
from benchmark.forms.suite import Suite, Trial

if TYPE_CHECKING:
    from backbones.base import Backbone
    from benchmark.tuning.interface import TrainingSet

TRIALS = (1, 4, 9, 16)
WARM, TIMED = 2, 6
"""Steps before the clock, and on it, of each round."""
REPORTS = 16
SIDE, VECTOR = 1024, 32 * 1024 * 1024
"""Of the matrices, and numbers of the vector, by which the machine's peaks are measured."""


def run(suite: Suite, data: Path | None, rounds: int, say: Say) -> RooflineResult:
    """Measure steps of the suite's first backbone in this process, on one thread.

    Args:
        suite, data, rounds, say: as `benchmark.bench.run.run` takes them.

    Raises:
        UserError: as `benchmark.bench.run.make_task` does.
    """
    from benchmark.executors.execute import keep_freed_memory, prepare_worker
    from benchmark.tuning.interface import TrainingSet

    prepare_worker()
    keep_freed_memory()
    task = make_task(suite, data, say)
    backbone = task.load()
    side = task.image.size
    pictures = [np.random.default_rng(place).integers(0, 255, (side, side), np.uint8) for place in range(REPORTS)]
    reports = [study.report for study in (task.train * REPORTS)[:REPORTS]]
    training = TrainingSet(reports, backbone.encode_images(pictures))
    peaks = Peaks(operations=_operations(rounds), bytes=_bytes(rounds))
    say(f"one core: {peaks.operations / 1e9:.1f} GFLOP/s, {peaks.bytes / 1e9:.1f} GB/s")
    bounds = [_sequential(backbone, training, _trials(task, 1), rounds)]
    say(_line(bounds[-1]))
    for number in TRIALS:
        bounds.append(_packed(backbone, training, _trials(task, number), rounds))
        say(_line(bounds[-1]))
    return RooflineResult(**dict(about(suite, task, rounds)), peaks=peaks, bounds=tuple(bounds))


def _line(bound: StepBound) -> str:
    return f"{bound.engine}, {bound.trials} trials: {bound.seconds * 1000:.0f} ms a step"


def _trials(task: Task, number: int) -> list[Trial]:
    """Return so many trials of the task's points, and steps enough."""
    from benchmark.forms.grid import Grid

    chosen = points(Grid(rank=(task.points[0].rank,), alpha=(task.points[0].alpha,), seed=(0,)), number)
    protocol = task.protocol.model_copy(update={"steps": WARM + TIMED + 1, "epochs": None})
    return task.model_copy(update={"points": chosen, "protocol": protocol}).trials()


def _operations(rounds: int) -> float:
    """Return floating-point operations a second of one thread, at best, by a product of matrices."""
    import torch

    a, b = torch.randn(2, SIDE, SIDE)
    return 2 * SIDE**3 / _best(lambda: a @ b, 4 * rounds)


def _bytes(rounds: int) -> float:
    """Return bytes a second that one thread reads and writes, at best, of a vector that no cache holds."""
    import torch

    vector = torch.zeros(VECTOR)
    return 2 * vector.numel() * vector.element_size() / _best(lambda: vector.add_(1.0), 2 * rounds)


def _best(work: Callable[[], object], times: int) -> float:
    work()
    seconds = []
    for _ in range(times):
        began = process_time()
        work()
        seconds.append(process_time() - began)
    return min(seconds)


def _packed(backbone: "Backbone", data: "TrainingSet", trials: list[Trial], rounds: int) -> StepBound:
    from benchmark.tuning.packed.engine import Packed
    from benchmark.tuning.packed.stepping import Stepping
    from benchmark.tuning.snapshots import Snapshot

    seconds: list[float] = []
    asked = Asked()
    for _ in range(rounds):
        merge = Packed().merges(backbone, trials)
        pack = Stepping(backbone, [Snapshot(trial) for trial in trials], data, merge=merge)
        with pack.begun():
            pack.take(range(WARM))
            for step in range(WARM, WARM + TIMED):
                began = process_time()
                pack.take([step])
                seconds.append(process_time() - began)
            if not asked.operations:
                with counted() as asked:
                    pack.take([WARM + TIMED])
    return _bound("packed", len(trials), seconds, asked)


def _sequential(backbone: "Backbone", data: "TrainingSet", trials: list[Trial], rounds: int) -> StepBound:
    from benchmark.tuning.adapters import taken_out
    from benchmark.tuning.sequential import Alone

    seconds: list[float] = []
    asked = Asked()
    for turn in range(rounds):
        ended: list[float] = []
        with TemporaryDirectory(prefix="amrg-adapter-") as first, taken_out(backbone):
            alone = Alone(backbone, trials[0], data, Path(first), until=WARM + TIMED)
            if failure := alone.run(lambda _, ended=ended: ended.append(process_time())):  # type: ignore[misc]
                raise RuntimeError(failure)
            seconds += [after - before for before, after in zip(ended[WARM - 1 :], ended[WARM:], strict=False)]
            if turn == 0:
                alone.until = None
                with counted() as asked:
                    alone.run(lambda _: None)
    return _bound("sequential", 1, seconds, asked)


def _bound(engine: str, trials: int, seconds: list[float], asked: Asked) -> StepBound:
    return StepBound(
        trials=trials,
        engine=engine,
        seconds=statistics.median(seconds),
        operations=asked.operations,
        products=asked.products,
        bytes=asked.bytes,
    )

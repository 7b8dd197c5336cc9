"""Steps and reports a second of the bench's contenders, in one process: A the Trainer, C sequential, D packed."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmark.forms.suite import Trial
from benchmark.gpu_check.found import Found
from benchmark.gpu_check.model import Speed
from benchmark.gpu_check.rate import speed_of
from benchmark.gpu_check.subject import Subject
from benchmark.results.store import TrialFolder
from benchmark.tuning import kernels, losses, saving
from benchmark.tuning.adapters import taken_out
from benchmark.tuning.packed import capacity, engine
from benchmark.tuning.packed.stepping import Stepping
from benchmark.tuning.sequential import Alone, Sequential
from benchmark.tuning.snapshots import Snapshot


def speed(subject: Subject) -> Found:
    """Time A and C with one trial, which is all that they train at a time, and D with several."""
    found = Found(note="A and C take trials one after another: of more of them, each takes as long")
    ways: list[tuple[str, Callable[[Subject], Speed]]] = [("A", _trainer), ("C", sequential)]
    known: dict[int, Speed] = {}
    ways += [(f"D, {number} trials", partial(_packed_once, known, number)) for number in subject.sizes.trials]
    for name, measure in ways:
        try:
            found.speeds.append(measure(subject))
        except Exception as error:
            found.problems.append(f"{name}: {type(error).__name__}: {error}")
        subject.forget_folders()
        subject.release()
    return found


def with_and_without_kernels(subject: Subject) -> Found:
    """Time a pack with all logits held, without Liger's kernels, and with them where they run here."""
    number = subject.sizes.trials[1]
    found = Found()
    ways: list[tuple[str, Callable[[], AbstractContextManager[None]]]] = [
        ("all logits held", losses.by_head),
        ("without Liger", kernels.left_out),
    ]
    if kernels.used(subject.device):
        ways.append((kernels.name(), nullcontext))
    else:
        found.skipped = "liger_kernel isn't installed, or doesn't run on this device; a pack without it was timed"
    for way, within in ways:
        found.speeds.append(packed(subject, number, way=way, within=within()))
        subject.release()
    return found


def compiled(subject: Subject) -> Found:
    """Time a pack with compiled layers beside one without."""
    number = subject.sizes.trials[1]
    found = Found(speeds=[packed(subject, number)])
    subject.release()
    found.speeds.append(packed(subject, number, way="compiled", protocol={"compile": True}))
    return found


def sequential(subject: Subject) -> Speed:
    """Time the sequential engine's steps, each of which reads its loss, and the reports that it writes."""
    sizes = subject.sizes
    [trial] = _trials(subject, 1)
    data, ended = subject.data(sizes.report), [perf_counter()]
    folders = subject.folders([trial])

    def after(_: float) -> None:
        subject.synchronize()
        ended.append(perf_counter())

    with TemporaryDirectory(prefix="amrg-adapter-") as first, taken_out(subject.backbone):
        alone = Alone(subject.backbone, trial, data, Path(first))
        if failure := alone.run(after):
            raise RuntimeError(failure)
        saving.write(folders[trial.id], subject.backbone, trial, alone.model.save_pretrained)
        rows = alone.rows
    seconds = (ended[-1] - ended[sizes.warm]) / sizes.timed
    rate = _reports(subject, lambda: list(Sequential().generate(subject.backbone, [trial], folders, data.features)), 1)
    return speed_of(subject, "C", 1, 1, seconds, reports=rate, first=ended[1] - ended[0], way=_cut(subject, rows))


def packed(
    subject: Subject,
    number: int,
    *,
    way: str = "",
    within: AbstractContextManager[None] | None = None,
    protocol: Mapping[str, Any] | None = None,
    write: bool = False,
) -> Speed:
    """Time a pack's steps, and the reports that the packed engine writes.

    Args:
        subject: of which backbone.
        number: of trials; where memory holds fewer at a time, so many are timed: the others take as long.
        way: what is other than usual.
        within: what the steps are taken in.
        protocol: settings other than usual.
        write: whether reports are written too, of all the trials.
    """
    sizes = subject.sizes
    trials = _trials(subject, number, **(protocol or {}))
    data = subject.data(sizes.report)
    folders = subject.folders(trials)
    with within or nullcontext():
        together = fitting(subject, trials)
        snapshots = [Snapshot(trial) for trial in trials[:together]]
        began = perf_counter()
        pack = Stepping(subject.backbone, snapshots, data, merge=False)
        with pack.begun():
            pack.take([0])
            subject.synchronize()
            first = perf_counter() - began
            pack.take(range(1, sizes.warm))
            subject.synchronize()
            began = perf_counter()
            pack.take(range(sizes.warm, sizes.warm + sizes.timed))
            subject.synchronize()
            seconds = (perf_counter() - began) / sizes.timed
            pack.look()
            if write:
                _save(subject, pack, trials, folders)
    reports = None
    if write:
        written = lambda: list(engine.Packed().generate(subject.backbone, trials, folders, data.features))  # noqa: E731
        reports = _reports(subject, written, number)
    return speed_of(subject, "D", number, together, seconds, reports=reports, first=first, way=way)


def fitting(subject: Subject, trials: list[Trial]) -> int:
    """Return how many of the trials memory holds at a time, as the engine plans it."""
    data = subject.data(subject.sizes.report)
    needed = engine.footprint(subject.backbone, trials, data, merge=False)
    free = capacity.free_memory(subject.device)
    return capacity.largest(needed, [trial.rank for trial in trials], subject.sizes.rows, free)


def _trainer(subject: Subject) -> Speed:
    """Time the Trainer; its script reads images by libraries that may be missing, which then is A's failure alone."""
    from benchmark.gpu_check.trainer import trainer

    return trainer(subject)


def _packed_once(known: dict[int, Speed], number: int, subject: Subject) -> Speed:
    """Time so many trials; where memory didn't hold all of the fewer that were timed last, that is their speed."""
    before = known[max(known)] if known else None
    if before is not None and before.together < before.trials:
        return before.model_copy(update={"trials": number, "reports_per_second": None, "new_tokens": None})
    known[number] = packed(subject, number, write=True)
    return known[number]


def _trials(subject: Subject, number: int, **protocol: Any) -> list[Trial]:
    points = [(subject.sizes.ranks[0], seed) for seed in range(number)]
    return subject.trials(points, steps=subject.sizes.warm + subject.sizes.timed, **protocol)


def _save(subject: Subject, pack: Stepping, trials: list[Trial], folders: Mapping[str, TrialFolder]) -> None:
    """Put down the adapters of a pack; the trials that it had no room for get copies, since values change no speed."""
    there = pack.trials
    for place, trial in enumerate(trials):
        if place < len(there):
            saving.write(folders[trial.id], subject.backbone, trial, partial(pack.save_adapter, trial))
        else:
            source = folders[there[place % len(there)].id].adapter
            shutil.copytree(source, folders[trial.id].adapter)


def _reports(subject: Subject, write: Callable[[], object], trials: int) -> float:
    """Return reports a second, of so many trials for each picture."""
    began = perf_counter()
    write()
    subject.synchronize()
    return trials * len(subject.pictures) / (perf_counter() - began)


def _cut(subject: Subject, rows: int) -> str:
    return "" if rows == subject.sizes.rows else f"{rows} reports at once"

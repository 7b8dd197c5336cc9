"""A suite, run: data → miniatures → trials → packs → results. What is done is not done again."""

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.data import dmid
from benchmark.data.content import cache_folder
from benchmark.data.image import ImageCache, ImageSettings
from benchmark.data.leakage import leakage
from benchmark.data.records import Records
from benchmark.data.split import SPLITS, Split, choose
from benchmark.data.study import Study
from benchmark.errors import RunFailed, UserError
from benchmark.execute import Executor, default_processes, executor, one_arithmetic, one_thread
from benchmark.pack import Pack
from benchmark.phantoms import miniatures, write
from benchmark.planning.plan import missing
from benchmark.progress.events import Event, Listener
from benchmark.scoring.floor import Floor
from benchmark.store import Store, write_json, write_lines
from benchmark.suite import Entry, PhantomData, Suite, Trial

PACK_ON_CPU = 16
"""Trials that one process of several is given at a time on a CPU, at most."""

FLOOR = "the floor "
"""How the label of a floor begins, beside those of trials."""


@dataclass
class Summary:
    """How a sweep ended.

    Attributes:
        suite: which suite.
        trials: all of it.
        already: how many were done before.
        ran: how many were done now.
        failed: why, by the trial's label.
        data: what the data set is, in one line.
        results: where the results lie.
        record: the file that a leaderboard is made from.
    """

    suite: Suite
    trials: list[Trial]
    already: int
    ran: int
    data: str
    results: Path
    record: Path
    failed: dict[str, str] = field(default_factory=dict)


def run(
    suite: Suite,
    *,
    data: Path | None,
    results: Path,
    listener: Listener,
    processes: int | None = None,
) -> Summary:
    """Run a suite.

    Args:
        suite: what to run.
        data: the DMID folder, for suites on DMID.
        results: where results go; existing ones are used.
        listener: told what happens.
        processes: on a CPU, one a core by default; with GPUs, one a GPU.

    Raises:
        UserError: something is missing that the suite needs; all of it is listed, and nothing was begun.
        RunFailed: trials failed; the others are kept.
    """
    if data is not None and isinstance(suite.data, PhantomData):
        raise UserError(
            f"suite {suite.name} runs on phantoms, so --data {data} has no use. "
            "Leave it out, or choose a suite on DMID."
        )
    if needs := missing(suite, data):
        listed = "\n".join(f"  - {need}" for need in needs)
        raise UserError(f"suite {suite.name} can't run here yet:\n{listed}")
    one_thread()
    if all(entry.dtype != "bfloat16" for entry in suite.backbones):
        # torch's attention in bfloat16 fails on a processor with AMX that is held to AVX2.
        one_arithmetic()
    devices = _devices(suite)
    asked = processes or (len(devices) if devices[0] != "cpu" else default_processes())
    with executor(min(asked, _useful(suite, devices)), listener) as workers:
        return _run(suite, data, results, listener, workers, devices)


def _run(
    suite: Suite,
    data: Path | None,
    results: Path,
    listener: Listener,
    workers: Executor,
    devices: Sequence[str],
) -> Summary:
    def stage(name: str, detail: str = "") -> None:
        listener(Event("stage", name, detail=detail))

    def bar(name: str) -> Callable[[int, int], None]:
        return lambda done, total: listener(Event("progress", name, done, total))

    folder = _phantoms(suite.data, workers.processes, stage, bar) if isinstance(suite.data, PhantomData) else data
    assert folder is not None
    release = dmid.read(folder)
    stage("data", release.summary_line())
    studies = release.studies
    split = choose(studies, suite.split.name, seed=suite.split.seed)
    stage(
        "split", f"{split.name}: {len(split.train)} train, {len(split.validation)} validation, {len(split.test)} test"
    )
    records = records_of(suite, release, split, results, data)
    stage("images", f"decoded once, kept in {records.cache / 'images'}")
    _images(records, workers.processes, bar("images"))
    stage("checkpoints")
    sources = _checkpoints(suite, workers, stage, bar)
    trials = trials_of(suite, sources, release.fingerprint, split)
    store = Store(results)
    floors = [Floor(name, release.fingerprint, records) for name in suite.baselines]
    record = store.suite(suite.name)
    write_lines(store.references(suite.name), references_of(records, folder))
    leaks = leakage(split, studies).to_dict()
    write_json(record, record_of(suite, trials, sources, release, split, leaks, floors, records))
    done = [trial for trial in trials if store.of(trial).is_done()]
    detail = f"{len(trials)} in the grid, {len(done)} done already, {len(trials) - len(done)} to run"
    listener(Event("stage", "trials", len(done), len(trials), detail))
    packs = _packs(suite, trials, sources, records, devices, workers.processes, store)
    ended: dict[str, str | None] = {}
    # Floors last: by then a worker's METEOR is warm, and the long packs have begun.
    for _, outcome in workers.run([*packs, *floors]):
        ended.update(outcome)
    labels = {trial.id: trial.label for trial in trials} | {floor.id: f"{FLOOR}{floor.name}" for floor in floors}
    failed = {labels[i]: reason for i, reason in ended.items() if reason is not None}
    return Summary(
        suite=suite,
        trials=trials,
        already=len(done),
        ran=sum(ended.get(trial.id, "") is None for trial in trials if trial not in done),
        data=release.summary_line(),
        results=results,
        record=record,
        failed=failed,
    )


def check(summary: Summary) -> None:
    """Raise for failed trials, once everything else is stored and shown.

    Raises:
        RunFailed: naming each failed trial and its reason.
    """
    if summary.failed:
        listed = "\n".join(f"  - {label}: {reason}" for label, reason in summary.failed.items())
        floors = sum(label.startswith(FLOOR) for label in summary.failed)
        counts = [f"{len(summary.failed) - floors} of {len(summary.trials)} trials"] * (floors < len(summary.failed))
        counts += [f"{floors} of {len(summary.suite.baselines)} floors"] * (floors > 0)
        raise RunFailed(f"{' and '.join(counts)} failed; the others are kept:\n{listed}")


def _devices(suite: Suite) -> list[str]:
    """GPUs where there are any and published checkpoints are run; else the CPU."""
    if all(entry.checkpoint == "miniature" for entry in suite.backbones):
        return ["cpu"]
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def _useful(suite: Suite, devices: Sequence[str]) -> int:
    """How many processes a suite can keep busy; a tiny one is done before a second process has started."""
    points = len(suite.points()) * len(suite.backbones)
    if devices[0] != "cpu":
        return len(devices)
    return 1 if points <= 2 else points


def phantom_folder(part: PhantomData) -> Path:
    """Where a suite's phantoms lie once they are drawn: another folder for others, or for another version."""
    key = hashlib.sha256(f"{part.model_dump_json()} {write.PHANTOMS}".encode()).hexdigest()[:16]
    return cache_folder() / "phantoms" / key


def records_of(suite: Suite, release: dmid.Release, split: Split, results: Path, data: Path | None) -> Records:
    """Return what every pack of a sweep is given."""
    return Records(
        studies=release.studies,
        split=split,
        image=ImageSettings(**suite.image.model_dump()),
        cache=cache_folder(),
        results=results,
        command=_command(suite, data),
    )


def _phantoms(
    part: PhantomData,
    processes: int,
    stage: Callable[[str, str], None],
    bar: Callable[[str], Callable[[int, int], None]],
) -> Path:
    """The folder of the suite's phantoms, written if it isn't there."""
    folder = phantom_folder(part)
    if not folder.is_dir():
        stage("phantoms", f"{part.studies} images of {part.size} pixels, written as a DMID folder to {folder}")
        write.write(
            folder,
            studies=part.studies,
            seed=part.seed,
            size=part.size,
            dialect=part.dialect,
            jobs=processes,
            progress=bar("phantoms"),
        )
    return folder


def _images(records: Records, processes: int, progress: Callable[[int, int], None]) -> None:
    """Decode every image once.

    Raises:
        UserError: images that can't be decoded, all of them.
    """
    cache = ImageCache(records.cache / "images", records.image)
    paths = [study.image for study in records.studies if study.image is not None]
    if bad := cache.warm(paths, jobs=processes, progress=progress):
        listed = "\n".join(f"  - {path}: {reason}" for path, reason in bad.items())
        raise UserError(f"{len(bad)} images can't be decoded. Replace or remove them (`amrg data check`):\n{listed}")


@dataclass(frozen=True)
class Weights:
    """Where an entry's checkpoint lies and what its fingerprint is."""

    source: Path | None
    fingerprint: str


def _checkpoints(
    suite: Suite,
    workers: Executor,
    stage: Callable[[str, str], None],
    bar: Callable[[str], Callable[[int, int], None]],
) -> dict[str, Weights]:
    """Return where each checkpoint lies and its fingerprint, by backbone; miniatures are trained that lie nowhere."""
    given: dict[str, Path | miniatures.MiniatureJob | None] = {}
    for entry in suite.backbones:
        if entry.checkpoint == "miniature":
            given[entry.name] = miniatures.source_of(suite, entry.name)
        else:
            given[entry.name] = None if entry.checkpoint == "hub" else Path(entry.checkpoint)
    jobs = [job for job in given.values() if isinstance(job, miniatures.MiniatureJob)]
    if new := [job for job in jobs if not job.folder.is_dir()]:
        names = ", ".join(job.backbone for job in new)
        stage("miniatures", f"trained on {new[0].part.examples} phantoms of their own: {names}")
        miniatures.draw_examples(new[0], processes=workers.processes, progress=bar("miniatures: phantoms"))
    work = [partial(_prepare, entry, given[entry.name]) for entry in suite.backbones]
    found = dict(workers.run(work))
    return {entry.name: found[index] for index, entry in enumerate(suite.backbones)}


def _prepare(entry: Entry, given: Path | miniatures.MiniatureJob | None) -> Weights:
    """Make or find one checkpoint, in a worker."""
    import torch

    from backbones.checkpoint import fingerprint, locate
    from backbones.registry import get
    from benchmark.execute import quiet
    from benchmark.progress.events import progress

    torch.set_num_threads(1)
    quiet()
    if isinstance(given, miniatures.MiniatureJob):
        given = miniatures.build(given, progress(f"{entry.name}: miniature"))
    return Weights(given, fingerprint(locate(given, get(entry.name).checkpoint)))


def trials_of(suite: Suite, sources: dict[str, Weights], data: str, split: Split) -> list[Trial]:
    """Return every trial of a suite's grid, backbones in the suite's order.

    Args:
        sources: each backbone's weights.
        data: fingerprint of the data set.
        split: of its studies.
    """
    return [
        Trial(
            backbone=entry.name,
            checkpoint=sources[entry.name].fingerprint,
            quantization=entry.quantization,
            dtype=entry.dtype,
            data=data,
            image=suite.image,
            split=split.fingerprint,
            protocol=suite.protocol,
            rank=rank,
            alpha=alpha,
            seed=seed,
        )
        for entry in suite.backbones
        for rank, alpha, seed in suite.points()
    ]


def _packs(
    suite: Suite,
    trials: Sequence[Trial],
    sources: dict[str, Weights],
    records: Records,
    devices: Sequence[str],
    processes: int,
    store: Store,
) -> list[Pack]:
    """Unfinished trials by backbone, each backbone's in as many packs as keep all processes busy.

    On a CPU a long grid is parted further, so that no process ends up alone with it; on GPUs that would load large
    checkpoints more than once.
    """
    packs: list[Pack] = []
    fewest = -(-processes // len(suite.backbones))
    for entry in suite.backbones:
        todo = [trial for trial in trials if trial.backbone == entry.name and not store.of(trial).is_done()]
        # Trials of one seed see the same reports in the same order, so together they need less padding.
        todo.sort(key=lambda trial: (trial.seed, trial.rank))
        finer = -(-len(todo) // PACK_ON_CPU) if devices[0] == "cpu" and processes > 1 else 1
        parts = max(fewest, finer)
        size = -(-len(todo) // parts)
        for start in range(parts):
            if chosen := todo[start * size : (start + 1) * size]:
                packs.append(
                    Pack(
                        entry=entry,
                        source=sources[entry.name].source,
                        engine=suite.engine,
                        device=devices[len(packs) % len(devices)],
                        trials=tuple(chosen),
                        records=records,
                    )
                )
    return packs


def record_of(
    suite: Suite,
    trials: Sequence[Trial],
    sources: dict[str, Weights],
    release: dmid.Release,
    split: Split,
    leaks: Mapping[str, Any],
    floors: Sequence[Floor],
    records: Records,
) -> dict[str, Any]:
    """Return what a leaderboard needs to know beside the trials' own files; no report text.

    Args:
        leaks: the split's leakage.
    """
    return {
        "suite": suite.model_dump(mode="json"),
        "trials": {trial.id: trial.model_dump(mode="json") for trial in trials},
        "baselines": {floor.name: floor.id for floor in floors},
        "data": {
            "source": suite.data.source,
            "fingerprint": release.fingerprint,
            "summary": release.summary_line(),
            "studies": len(release.studies),
        },
        "split": split.to_dict() | {"leakage": leaks},
        "split_made_of": split_made_of(release.studies),
        "checkpoints": {name: weights.fingerprint for name, weights in sources.items()},
        "command": records.command,
    }


def split_made_of(studies: Sequence[Study]) -> dict[str, Any]:
    """Return the version of the split's rules, and a digest of all that they look at: studies without their images."""
    described = [{name: value for name, value in vars(study).items() if name != "image"} for study in studies]
    text = json.dumps(described, sort_keys=True, default=vars)
    return {"version": SPLITS, "studies": hashlib.sha256(text.encode()).hexdigest()}


def references_of(records: Records, folder: Path) -> list[dict[str, Any]]:
    """Return what predictions are compared with, a line a study; images by their place in the data's folder."""
    return [
        {
            "id": study.id,
            "part": part,
            "block": records.split.blocks[study.id],
            "report": study.report,
            "image": Path(os.path.relpath(study.image, folder)).as_posix() if study.image else None,
        }
        for part in ("train", "validation", "test")
        for study in records.part(part)
    ]


def _command(suite: Suite, data: Path | None) -> str:
    """The command that runs this again, without a path of this machine."""
    given = " DMID=/path/to/DMID" if data is not None else ""
    return f"make sweep SUITE={shlex.quote(suite.name)}{given}"

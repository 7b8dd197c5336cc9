"""A suite, run: suite → records → weights → trials → packs → results. What is done is not done again.

Each arrow is a function here: what it takes stands left of it, what it returns right.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmark.data.folds import pooled_leakage
from benchmark.data.leakage import leakage
from benchmark.data.records import Records, decode_images, find_lesions, read_records
from benchmark.data.split_rules import SPLITS
from benchmark.data.study import Study
from benchmark.errors import RunFailed, UserError
from benchmark.execute import Executor, default_processes, executor, one_arithmetic, one_thread
from benchmark.halving import decide, evaluations_of, refuse_rungs
from benchmark.pack.model import SETS, SETS_WITH_LESIONS, Pack
from benchmark.pack.run import run_pack
from benchmark.phantoms.folder import draw_phantoms
from benchmark.planning.dealing import dealt, dealt_by_fold, trials_of
from benchmark.planning.missing import missing, processes_in_memory
from benchmark.progress.events import Event, Listener, listen, tell
from benchmark.record import FoldRecord, Leakage, SplitMadeOf, SuiteRecord
from benchmark.scoring.floor import Floor
from benchmark.store import Store, write_json, write_lines
from benchmark.suite import Halving, PhantomData, Suite, Trial
from benchmark.tuning.weights import Weights, find_weights


@dataclass(frozen=True)
class Planned:
    """All that a suite runs on its records.

    Attributes:
        suite, records: what and on what.
        weights: by backbone.
        trials: the grid, backbones in the suite's order.
        floors: one for each baseline, and fold.
    """

    suite: Suite
    records: Records
    weights: Mapping[str, Weights]
    trials: tuple[Trial, ...]
    floors: tuple[Floor, ...]

    def record(self, measured: Sequence[Leakage]) -> SuiteRecord:
        """Return what a leaderboard needs to know beside the trials' own files; no report text.

        Args:
            measured: the leakage of the split, or of each fold's.
        """
        records = self.records
        by_split: dict[str, dict[str, str]] = {}
        for floor in self.floors:
            by_split.setdefault(floor.records.split.fingerprint, {})[floor.name] = floor.id
        return SuiteRecord(
            suite=self.suite,
            trials={trial.id: trial for trial in self.trials},
            baselines={} if records.folds else by_split.get(records.split.fingerprint, {}),
            data=records.data,
            split=records.split.to_record(pooled_leakage(measured) if records.folds else measured[0]),
            split_made_of=split_made_of(records.studies),
            checkpoints={name: weights.fingerprint for name, weights in self.weights.items()},
            command=records.command,
            folds=tuple(
                FoldRecord(split=fold.to_record(one), baselines=by_split.get(fold.fingerprint, {}))
                for fold, one in zip(records.folds, measured if records.folds else (), strict=True)
            ),
        )


@dataclass(frozen=True)
class Summary:
    """How a sweep ended.

    Attributes:
        suite: which suite.
        trials: all of it.
        already: how many were done before.
        ran: how many were done now.
        failed, failed_floors: why, by the trial's label or the floor's name.
        exited: how many exited at a rung, before or now; those now aren't among `ran`.
    """

    suite: Suite
    trials: tuple[Trial, ...]
    already: int
    ran: int
    failed: Mapping[str, str] = field(default_factory=dict)
    failed_floors: Mapping[str, str] = field(default_factory=dict)
    exited: int = 0


def run(
    suite: Suite,
    *,
    data: Path | None,
    results: Path,
    listener: Listener,
    processes: int | None = None,
    allow_cpu: bool = False,
) -> Summary:
    """Run a suite.

    Args:
        suite: what to run.
        data: the DMID folder, for suites on DMID.
        results: where results go; existing ones are used.
        listener: told what happens.
        processes: on a CPU, one per core by default, or as many as memory holds; with GPUs, one per GPU.
        allow_cpu: whether the processor may run large checkpoints, where there is no GPU and its memory holds them.

    Returns:
        How it ended, its failed trials and floors among it; `check` raises for those.

    Raises:
        UserError: something is missing that the suite needs; all of it is listed, and nothing was begun.
        RunFailed: a worker process died.
    """
    refuse(suite, data, allow_cpu=allow_cpu)
    settle_arithmetic(suite)
    listen(listener)
    devices = devices_of(suite)
    most = processes or (len(devices) if devices[0] != "cpu" else processes_in_memory(suite, default_processes()))
    if allow_cpu and devices[0] == "cpu" and not suite.has_miniatures_only:
        tell_hours(suite, data, results)
    with executor(min(most, _useful_processes(suite, devices)), listener) as workers:
        records = prepare_records(suite, data, results, workers.processes)
        tell(Event("stage", "checkpoints"))
        weights = find_weights(suite, workers)
        planned = plan_trials(suite, records, weights)
        store_record(planned)
        packs = deal_packs(planned, devices, workers.processes)
        return run_packs(planned, packs, workers)


def tell_hours(suite: Suite, data: Path | None, results: Path) -> None:
    """Tell about how long this machine's processor takes for a suite."""
    from benchmark.planning.devices import CPU
    from benchmark.planning.plan import plan

    hours = plan(suite, data, gpu=CPU, results=results).hours
    known = "nobody knows how many" if hours is None else f"about {hours:,.1f}"
    tell(Event("stage", "no GPU", detail=f"the processor takes {known} hours, by arithmetic (amrg plan --gpu {CPU})"))


def refuse(suite: Suite, data: Path | None, *, allow_cpu: bool = False) -> None:
    """Raise where a suite can't run here.

    Args:
        suite, data, allow_cpu: as `run` takes them.

    Raises:
        UserError: lists all that is missing.
    """
    if data is not None and isinstance(suite.data, PhantomData):
        raise UserError(
            f"suite {suite.name} runs on phantoms, so --data {data} has no use. "
            "Leave it out, or choose a suite on DMID."
        )
    if needs := missing(suite, data, allow_cpu=allow_cpu):
        listed = "\n".join(f"  - {need}" for need in needs)
        raise UserError(f"suite {suite.name} can't run here yet:\n{listed}")


def settle_arithmetic(suite: Suite) -> None:
    """Settle threads and kernels of this process and its workers, before torch is imported."""
    one_thread()
    if all(entry.dtype != "bfloat16" for entry in suite.backbones):
        # torch's attention in bfloat16 fails on a processor with AMX that is held to AVX2.
        one_arithmetic()


def devices_of(suite: Suite) -> list[str]:
    """Return the GPUs where there are any and published checkpoints are run; else the CPU."""
    if suite.has_miniatures_only:
        return ["cpu"]
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def _useful_processes(suite: Suite, devices: Sequence[str]) -> int:
    """Return how many processes a suite can keep busy; a tiny one is done before a second process has started."""
    trials = suite.count_trials()
    if devices[0] != "cpu":
        return len(devices)
    return 1 if trials <= 2 else trials


def prepare_records(suite: Suite, data: Path | None, results: Path, processes: int) -> Records:
    """Read a suite's data, part them and decode their images; phantoms are drawn that aren't there.

    Raises:
        UserError: all that is wrong with the data.
    """
    folder = draw_phantoms(suite.data, processes) if isinstance(suite.data, PhantomData) else data
    assert folder is not None, "`refuse` lets no suite on DMID pass without its folder"
    records = read_records(suite, folder, results)
    first = records.splits[0]
    sizes = f"{len(first.train)} train, {len(first.validation)} validation, {len(first.test)} test"
    if records.folds:
        sizes = f"{len(records.folds)} folds, the first {sizes}"
    tell(Event("stage", "data", detail=records.data.summary))
    tell(Event("stage", "split", detail=f"{first.name}: {sizes}"))
    _refuse_evaluations(suite, records)
    tell(Event("stage", "images", detail=f"decoded once, kept in {records.cache / 'images'}"))
    decode_images(records, processes)
    if suite.lesions:
        find_lesions(records, processes)
    return records


def _refuse_evaluations(suite: Suite, records: Records) -> None:
    """Raise where a suite evaluates within training what it can't.

    Raises:
        UserError: a split has no validation part, or points would leave where nothing is evaluated.
    """
    protocol = suite.protocol
    if protocol.evaluate_every is None:
        return
    if empty := [split.name for split in records.splits if not split.validation]:
        raise UserError(
            f"suite {suite.name}: protocol: evaluate_every needs a validation part, and the split {empty[0]} has none. "
            "Choose another split, or leave evaluate_every out."
        )
    if suite.search is not None:
        fewest = min(len(protocol.evaluation_steps(len(split.train))) for split in records.splits)
        refuse_rungs(suite.search.halving, fewest)


def plan_trials(suite: Suite, records: Records, weights: Mapping[str, Weights]) -> Planned:
    """Return a suite's grid and floors, with the ids that its records and weights give them."""
    folds = suite.fold_numbers()
    fingerprints = {fold: split.fingerprint for fold, split in zip(folds, records.splits, strict=True)}
    trials: list[Trial] = []
    for entry in suite.backbones:
        checkpoint = weights[entry.name].fingerprint
        trials += trials_of(suite, entry, checkpoint=checkpoint, data=records.data.fingerprint, splits=fingerprints)
    floors = tuple(Floor(name, records.of_fold(fold), fold) for fold in folds for name in suite.baselines)
    return Planned(suite, records, weights, tuple(trials), floors)


def store_record(planned: Planned) -> None:
    """Store what a leaderboard needs beside the trials' own files."""
    store, name, records = Store(planned.records.results), planned.suite.name, planned.records
    write_lines(store.references(name), records.references())
    write_json(store.suite(name), planned.record([leakage(split, records.studies) for split in records.splits]))


def deal_packs(planned: Planned, devices: Sequence[str], processes: int) -> list[Pack]:
    """Return unfinished trials by backbone, each backbone's in as many packs as keep all processes busy."""
    suite, store = planned.suite, Store(planned.records.results)
    packs: list[Pack] = []
    for entry in suite.backbones:
        of_backbone = [trial for trial in planned.trials if trial.backbone == entry.name]
        for part in _parts(suite, of_backbone, store, processes, on_cpu=devices[0] == "cpu"):
            packs.append(
                Pack(
                    entry=entry,
                    source=planned.weights[entry.name].source,
                    engine=suite.engine,
                    device=devices[len(packs) % len(devices)],
                    trials=tuple(part),
                    records=planned.records,
                    sets=SETS_WITH_LESIONS if suite.lesions else SETS,
                    halving=None if suite.search is None else suite.search.halving,
                )
            )
    return packs


def _parts(suite: Suite, trials: list[Trial], store: Store, processes: int, *, on_cpu: bool) -> list[list[Trial]]:
    """Return what is to run of a backbone's trials, in as many parts as keep all processes busy."""
    if suite.search is None:
        todo = [trial for trial in trials if not store.of(trial).is_done(lesions=suite.lesions)]
        return dealt(todo, len(suite.backbones), processes, on_cpu=on_cpu)
    waiting = {trial.fold for trial in _unfinished(suite, trials, store)}
    competing = [trial for trial in trials if trial.fold in waiting]
    return dealt_by_fold(competing, len(suite.backbones), processes)


def _unfinished(suite: Suite, trials: Sequence[Trial], store: Store) -> list[Trial]:
    """Return trials that aren't done and didn't exit; what failed is tried again."""
    exited = _exited(trials, store, suite.search.halving) if suite.search else set()
    return [t for t in trials if t.id not in exited and not store.of(t).is_done(lesions=suite.lesions)]


def _exited(trials: Sequence[Trial], store: Store, halving: Halving) -> set[str]:
    """Return the ids of trials that exited at a rung, as far as stored evaluations decide.

    A trial that failed is tried again, so more is waited for of it.
    """
    return set(decide(trials, evaluations_of(store, trials), halving).exits)


def run_packs(planned: Planned, packs: Sequence[Pack], workers: Executor) -> Summary:
    """Run packs and floors; what each leaves is in the store, and how all ended is returned."""
    trials, floors = planned.trials, planned.floors
    suite, store = planned.suite, Store(planned.records.results)
    packed = {trial.id for pack in packs for trial in pack.trials}
    todo = {trial.id for trial in _unfinished(suite, trials, store)} & packed
    done = len(trials) - len(todo)
    detail = f"{len(trials)} in the grid, {done} done already, {len(todo)} to run"
    tell(Event("stage", "trials", done, len(trials), detail))
    ended: dict[str, str | None] = {}
    # Floors last: by then a worker's METEOR is warm, and the long packs have begun.
    for _, outcome in workers.run([*(partial(run_pack, pack) for pack in packs), *floors]):
        ended.update(outcome)
    exited = _exited(trials, store, suite.search.halving) if suite.search else set()
    return Summary(
        suite=suite,
        trials=trials,
        already=done,
        ran=sum(identity in ended and ended[identity] is None for identity in todo - exited),
        failed={trial.label: why for trial in trials if (why := ended.get(trial.id)) is not None},
        failed_floors={floor.label: why for floor in floors if (why := ended.get(floor.id)) is not None},
        exited=len(exited),
    )


def check(summary: Summary) -> None:
    """Raise for failed trials, once everything else is stored and shown.

    Raises:
        RunFailed: naming each failed trial and its reason.
    """
    floors = {f"the floor {name}": why for name, why in summary.failed_floors.items()}
    if not summary.failed and not floors:
        return
    listed = "\n".join(f"  - {name}: {why}" for name, why in {**summary.failed, **floors}.items())
    counts = [f"{len(summary.failed)} of {len(summary.trials)} trials"] if summary.failed else []
    planned = len(summary.suite.baselines) * len(summary.suite.fold_numbers())
    counts += [f"{len(floors)} of {planned} floors"] if floors else []
    raise RunFailed(f"{' and '.join(counts)} failed; the others are kept:\n{listed}")


def split_made_of(studies: Sequence[Study]) -> SplitMadeOf:
    """Return what a split comes about from: the version of its rules, and a digest of all that they look at."""
    described = [{name: value for name, value in vars(study).items() if name != "image"} for study in studies]
    text = json.dumps(described, sort_keys=True, default=vars)
    return SplitMadeOf(version=SPLITS, studies=hashlib.sha256(text.encode()).hexdigest())

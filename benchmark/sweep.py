"""A suite, run: suite → records → weights → trials → packs → results. What is done is not done again.

Each arrow is a function here: what it takes stands left of it, what it returns right.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from backbones.locks import POLL_SECONDS, holder
from benchmark.data.examples import choose_examples
from benchmark.data.folds import pooled_leakage
from benchmark.data.leakage import leakage
from benchmark.data.records import Records, decode_images, find_lesions, read_records
from benchmark.data.split_rules import SPLITS
from benchmark.data.study import Study
from benchmark.disk.cache import cache_folder
from benchmark.disk.faults import try_folder
from benchmark.errors import UserError
from benchmark.executors.execute import (
    Executor,
    Needs,
    Work,
    Workers,
    default_processes,
    executor,
    one_arithmetic,
    one_thread,
)
from benchmark.executors.remote import Remote
from benchmark.forms.record import FoldRecord, Leakage, SplitMadeOf, SuiteRecord
from benchmark.forms.suite import PhantomData, Suite, Trial
from benchmark.forms.untuned import FewShot
from benchmark.pack.model import SETS, SETS_WITH_LESIONS, Pack
from benchmark.pack.run import run_pack
from benchmark.phantoms.folder import draw_phantoms
from benchmark.planning import values
from benchmark.planning.dealing import Examples, dealt, dealt_by_fold, trials_of
from benchmark.planning.elsewhere import devices_elsewhere, folders_elsewhere, memory_elsewhere, needs_of
from benchmark.planning.missing import missing, processes_in_memory
from benchmark.progress.events import Event, Listener, listen, spanned, tell
from benchmark.provenance import now
from benchmark.results.dealt import dealt_before, remember_dealt
from benchmark.results.halving import exits_among, groups_of, refuse_rungs
from benchmark.results.store import Store, write_record
from benchmark.results.summary import Summary
from benchmark.results.upkeep import clear_up
from benchmark.scoring.floor import Floor
from benchmark.suites.load import SuiteSource
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


def run(
    suite: Suite,
    *,
    data: Path | None,
    results: Path,
    listener: Listener,
    processes: int | None = None,
    allow_cpu: bool = False,
    source: SuiteSource | None = None,
    remote: Remote | None = None,
) -> Summary:
    """Run a suite.

    Args:
        suite: what to run.
        data: the DMID folder, for suites on DMID.
        results: where results go; existing ones are used.
        listener: told what happens.
        processes: on a CPU, one per core by default, or as many as memory holds; with GPUs, one per GPU.
        allow_cpu: whether the processor may run large checkpoints, where there is no GPU and its memory holds them.
        source: where the suite was read: how it is named where it is run, and the lines of its values.
        remote: other machines that run its packs; None for this one.

    Returns:
        How it ended, its failed trials and floors among it; `benchmark.results.summary.check` raises for those.

    Raises:
        UserError: something is missing that the suite needs; all of it is listed, and nothing was begun.
        RunFailed: a worker process died, or the machine failed: results or cache can't be written, say.
    """
    remarks = values.remarks(suite, data, source)
    unfit = [remark.told(source) for remark in remarks if remark.fatal]
    memory = None if remote is None else memory_elsewhere(suite, remote)
    refuse(suite, data, allow_cpu=allow_cpu, unfit=unfit, source=source, gpu_memory=memory)
    try_folder(results, "results")
    try_folder(cache_folder(), "the cache")
    settle_arithmetic(suite)
    listen(listener)
    for remark in remarks:
        tell(Event("stage", "mind", detail=remark.told(source)))
    if remote is not None:
        # Other machines know no folder by where this process stands.
        results, data = results.resolve(), data and data.resolve()
        os.environ["AMRG_CACHE_DIR"] = str(cache_folder().resolve())
    devices = devices_of(suite) if remote is None else devices_elsewhere(suite, remote)
    needs = {} if remote is None else needs_of(suite, data, results, devices)
    if allow_cpu and devices[0] == "cpu" and not suite.has_miniatures_only:
        tell_hours(suite, data, results)
    clear_up(results)
    clear_up(cache_folder())
    named = source.shown if source is not None else None
    try:
        with workers_for(suite, data, results, devices, listener, processes, remote) as workers:
            if isinstance(workers, Executor) and not Store(results).suite(suite.name).exists():
                workers.warm_up()  # a sweep that goes on may have nothing left for them
            records = prepare_records(suite, data, results, workers.here, named=named)
            tell(Event("stage", "checkpoints"))
            weights = find_weights_here(suite, workers, listener)
            planned = plan_trials(suite, records, weights)
            with spanned("record"):
                store_record(planned)
            return run_packs(planned, partial(deal_packs, planned, devices, workers.processes), workers, needs)
    except BaseException:
        # What workers that were ended at once were writing.
        clear_up(results)
        clear_up(cache_folder())
        raise


def workers_for(
    suite: Suite,
    data: Path | None,
    results: Path,
    devices: Sequence[str],
    listener: Listener,
    wanted: int | None,
    remote: Remote | None,
) -> AbstractContextManager[Workers]:
    """Return what runs a suite's packs: as many processes as are wanted, or as it can keep busy, or other machines.

    Args:
        suite, data, results, listener, remote: as `run` takes them.
        devices: that packs are spread over.
        wanted: how many at a time.
    """
    on_cpu = devices[0] == "cpu"
    if remote is None:
        most = wanted or (processes_in_memory(suite, default_processes()) if on_cpu else len(devices))
        return executor(min(most, _useful_processes(suite, devices)), listener)
    remote.set_processes(wanted, gpus=not on_cpu)
    if on_cpu:
        # Dealt as by this machine's processes: a trial that trains beside others ends in other last digits.
        remote.processes = min(remote.processes, _useful_processes(suite, devices))
    folder = Store(results).suite_folder(suite.name)
    return remote.open(folder, listener, folders=folders_elsewhere(suite, data), same_kernels=has_one_arithmetic(suite))


def find_weights_here(suite: Suite, workers: Workers, listener: Listener) -> dict[str, Weights]:
    """Return the weights of each backbone, found or made by this machine's processes: no pack needs a machine yet."""
    if isinstance(workers, Executor):
        return find_weights(suite, workers)
    with executor(min(workers.here, len(suite.backbones)), listener) as here:
        return find_weights(suite, here)


def tell_hours(suite: Suite, data: Path | None, results: Path) -> None:
    """Tell about how long this machine's processor takes for a suite."""
    from benchmark.planning.devices import CPU
    from benchmark.planning.plan import plan

    hours = plan(suite, data, gpu=CPU, results=results).hours
    known = "nobody knows how many" if hours is None else f"about {hours:,.1f}"
    tell(Event("stage", "no GPU", detail=f"the processor takes {known} hours, by arithmetic (amrg plan --gpu {CPU})"))


def refuse(
    suite: Suite,
    data: Path | None,
    *,
    allow_cpu: bool = False,
    unfit: Sequence[str] = (),
    source: SuiteSource | None = None,
    gpu_memory: float | None = None,
) -> None:
    """Raise where a suite can't run here.

    Args:
        suite, data, allow_cpu, source: as `run` takes them.
        unfit: values that it can't run with, each with what to do.
        gpu_memory: GB of memory of a GPU elsewhere; None for this machine's.

    Raises:
        UserError: lists all that is missing.
    """
    if data is not None and isinstance(suite.data, PhantomData):
        raise UserError(
            f"suite {suite.name} runs on phantoms, so --data {data} has no use. "
            "Leave it out, or choose a suite on DMID."
        )
    if needs := [*unfit, *missing(suite, data, allow_cpu=allow_cpu, source=source, gpu_memory=gpu_memory)]:
        listed = "\n".join(f"  - {need}" for need in needs)
        raise UserError(f"suite {suite.name} can't run here yet:\n{listed}")


def settle_arithmetic(suite: Suite) -> None:
    """Settle threads and kernels of this process and its workers, before torch is imported."""
    one_thread()
    if has_one_arithmetic(suite):
        one_arithmetic()


def has_one_arithmetic(suite: Suite) -> bool:
    """Return whether a suite computes by the same kernels on every processor."""
    # torch's attention in bfloat16 fails on a processor with AMX that is held to AVX2.
    return all(entry.dtype != "bfloat16" for entry in suite.backbones)


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


def prepare_records(
    suite: Suite, data: Path | None, results: Path, processes: int, *, named: str | None = None
) -> Records:
    """Read a suite's data, part them and decode their images; phantoms are drawn that aren't there.

    Args:
        suite, data, results: as `run` takes them.
        processes: that draw and decode.
        named: as `benchmark.data.records.read_records` takes it.

    Raises:
        UserError: all that is wrong with the data.
    """
    folder = data
    if isinstance(suite.data, PhantomData):
        with spanned("phantoms"):
            folder = draw_phantoms(suite.data, processes)
    assert folder is not None, "`refuse` lets no suite on DMID pass without its folder"
    with spanned("records"):
        records = read_records(suite, folder, results, named=named)
    first = records.splits[0]
    sizes = f"{len(first.train)} train, {len(first.validation)} validation, {len(first.test)} test"
    if records.folds:
        sizes = f"{len(records.folds)} folds, the first {sizes}"
    tell(Event("stage", "data", detail=records.data.summary))
    tell(Event("stage", "split", detail=f"{first.name}: {sizes}"))
    _refuse_evaluations(suite, records)
    tell(Event("stage", "images", detail=f"decoded once, kept in {records.cache / 'images'}"))
    with spanned("images"):
        decode_images(records, processes)
    if suite.lesions:
        with spanned("lesions"):
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
    """Return a suite's grid and floors, with the ids that its records and weights give them.

    Raises:
        UserError: the training part has too few examples for an untuned trial.
    """
    folds = suite.fold_numbers()
    fingerprints = {fold: split.fingerprint for fold, split in zip(folds, records.splits, strict=True)}
    examples = choose_all_examples(suite, records)
    trials: list[Trial] = []
    for entry in suite.backbones:
        trials += trials_of(
            suite,
            entry,
            checkpoint=weights[entry.name].fingerprint,
            data=records.data.fingerprint,
            splits=fingerprints,
            examples=examples,
        )
    return Planned(suite, records, weights, tuple(trials), floors_of(suite, records))


def choose_all_examples(suite: Suite, records: Records) -> Examples:
    """Return what untuned trials are shown, by fold and what is asked.

    Raises:
        UserError: a fold has too few training reports for it.
    """
    shown = {
        (fold, way): choose_examples(records.studies, records.of_fold(fold).split, way)
        for fold in suite.fold_numbers()
        for way in suite.untuned
        if isinstance(way, FewShot)
    }
    return lambda fold, way: shown[fold, way]


def floors_of(suite: Suite, records: Records) -> tuple[Floor, ...]:
    """Return a suite's floors, of every fold."""
    return tuple(Floor(name, records.of_fold(f), f) for f in suite.fold_numbers() for name in suite.baselines)


def store_record(planned: Planned) -> None:
    """Store what a leaderboard needs beside the trials' own files."""
    records = planned.records
    record = planned.record([leakage(split, records.studies) for split in records.splits])
    write_record(Store(records.results), record, records.references())


def deal_packs(
    planned: Planned, devices: Sequence[str], processes: int, among: Container[str] | None = None
) -> list[Pack]:
    """Return unfinished trials by backbone, each backbone's in as many packs as keep all processes busy.

    What an interrupted sweep of as many processes dealt together stays together.

    Args:
        planned: what the suite runs.
        devices: that packs are spread over.
        processes: that work at the same time.
        among: ids of trials to choose from; all if None.
    """
    suite, store = planned.suite, Store(planned.records.results)
    packs: list[Pack] = []
    waiting = {one.id: one for one in unfinished(suite, planned.trials, store)}
    before = dealt_before(store, suite.name, processes, waiting)
    together: list[Sequence[str]] = [*before]
    for entry in suite.backbones:
        of_backbone = [trial for trial in planned.trials if trial.backbone == entry.name]
        todo = [one for one in of_backbone if one.id in waiting and (among is None or one.id in among)]
        for part in _parts(suite, of_backbone, todo, before, processes, on_cpu=devices[0] == "cpu"):
            together += [] if any(trial.id in pack for pack in before for trial in part) else [[t.id for t in part]]
            packs.append(
                Pack(
                    entry=entry,
                    source=planned.weights[entry.name].source,
                    engine=suite.engine,
                    device=devices[len(packs) % len(devices)],
                    trials=tuple(part),
                    records=planned.records,
                    sets=SETS_WITH_LESIONS if suite.lesions else SETS,
                    halving=suite.halving,
                )
            )
    if among is None and suite.search is None:
        remember_dealt(store, suite.name, processes, together)
    return packs


def _parts(
    suite: Suite,
    trials: Sequence[Trial],
    todo: Sequence[Trial],
    before: Sequence[Sequence[str]],
    processes: int,
    *,
    on_cpu: bool,
) -> list[list[Trial]]:
    """Return what is to run of a backbone's trials, in as many parts as keep all processes busy.

    Where points leave at rungs, those that what is to run competes with are among it.

    Args:
        suite, trials, todo: of the backbone's, and what of them is to run.
        before: ids of trials that were dealt together before.
        processes, on_cpu: as `benchmark.planning.dealing.dealt` takes them.
    """
    if suite.search is None:
        of = {trial.id: trial for trial in todo}
        kept = [[of[identity] for identity in pack if identity in of] for pack in before]
        known = {identity for pack in before for identity in pack}
        new = [trial for trial in todo if trial.id not in known]
        return [*filter(None, kept), *dealt(new, len(suite.backbones), processes, on_cpu=on_cpu)]
    waiting = {trial.fold for trial in todo}
    competing = [trial for trial in trials if trial.fold in waiting]
    return dealt_by_fold(competing, len(suite.backbones), processes)


def unfinished(suite: Suite, trials: Sequence[Trial], store: Store) -> list[Trial]:
    """Return trials that aren't done and didn't leave at a rung; what failed is tried again.

    Args:
        suite: of the trials.
        trials: all that compete with each other.
        store: where their results are.
    """
    exited = exits_among(trials, store, suite.halving)
    return [
        trial
        for trial in trials
        if trial.id not in exited and not store.of(trial).is_done(lesions=suite.shows_lesions_to(trial))
    ]


Deal = Callable[[Container[str] | None], list[Pack]]
"""Gives packs of what isn't done, among the trials of these ids, or among all."""


def run_packs(planned: Planned, deal: Deal, workers: Workers, needs: Mapping[str, Needs] | None = None) -> Summary:
    """Run packs and floors; what each leaves is in the store, and how all ended is returned.

    Where another sweep works on some of them, it is waited for; what it leaves undone is run here.

    Args:
        planned: the suite.
        deal: gives packs.
        workers: run them.
        needs: what a pack takes of a machine, by backbone, where that decides on which it runs.
    """
    suite, trials, store = planned.suite, planned.trials, Store(planned.records.results)
    packs = deal(None)
    packed = {trial.id for pack in packs for trial in pack.trials}
    todo = {trial.id for trial in unfinished(suite, trials, store)} & packed
    done = len(trials) - len(todo)
    detail = f"{len(trials)} in the grid, {done} done already, {len(todo)} to run"
    tell(Event("stage", "trials", done, len(trials), detail))
    ended: dict[str, str | None] = {}
    floors = {floor.id: floor for floor in planned.floors}
    left = floors.keys() | todo
    elsewhere: set[str] = set()
    began = now()
    while True:
        # Floors last: by then a worker's METEOR is warm, and the long packs have begun.
        work: list[Work] = [
            *(partial(run_pack, pack) for pack in packs),
            *(floors[one] for one in floors if one in left),
        ]
        of_packs = [(needs or {}).get(pack.entry.name, Needs()) for pack in packs]
        for _, outcome in workers.run(work, [*of_packs, *[Needs()] * (len(work) - len(packs))]):
            ended.update(outcome)
        left = left - ended.keys()
        elsewhere |= (left & todo) - {trial.id for trial in unfinished(suite, trials, store)}
        left = left - elsewhere
        ended.update(failed := {one: why for one in left if (why := _failed_since(planned, one, began))})
        left = left - failed.keys()
        if not left:
            break
        groups = [[trial.id for trial in group if trial.id in left] for group in groups_of(trials, suite.halving)]
        packs = deal(wait_for_any(store, sorted(left), groups))
    exited = exits_among(trials, store, suite.halving)
    return Summary(
        suite=suite,
        trials=trials,
        already=done,
        ran=sum(identity in ended and ended[identity] is None for identity in todo - exited.keys()),
        elsewhere=len(elsewhere),
        failed={trial.label: why for trial in trials if (why := ended.get(trial.id)) is not None},
        failed_floors={floor.label: why for floor in planned.floors if (why := ended.get(floor.id)) is not None},
        exited=len(exited),
    )


def _failed_since(planned: Planned, identity: str, began: datetime) -> str | None:
    """Return why another sweep failed with it meanwhile; None where it didn't, or is at it."""
    store = Store(planned.records.results)
    try:
        failure = store.of(identity).read_failure()
    except UserError:
        return None
    return failure.reason if failure.at >= began and holder(store.lock(identity).path) is None else None


def wait_for_any(store: Store, identities: Sequence[str], groups: Sequence[Sequence[str]] = ()) -> set[str]:
    """Wait until somebody else lets go of a trial or a floor; return those that nobody holds.

    Args:
        store: of the locks.
        identities: what is waited for.
        groups: of these, which run together: none of a group is free before all of it are.
    """
    told = False
    while True:
        holders = {identity: holder(store.lock(identity).path) for identity in identities}
        held = {identity for identity, who in holders.items() if who is not None}
        held |= {identity for group in groups if not held.isdisjoint(group) for identity in group}
        if free := set(identities) - held:
            return free
        if not told:
            listed = "; ".join(sorted({str(who) for who in holders.values() if who is not None}))
            tell(Event("stage", "waiting", detail=f"another sweep is at the last {len(identities)}: {listed}"))
            told = True
        time.sleep(POLL_SECONDS)


def split_made_of(studies: Sequence[Study]) -> SplitMadeOf:
    """Return what a split comes about from: the version of its rules, and a digest of all that they look at."""
    described = [{name: value for name, value in vars(study).items() if name != "image"} for study in studies]
    text = json.dumps(described, sort_keys=True, default=vars)
    return SplitMadeOf(version=SPLITS, studies=hashlib.sha256(text.encode()).hexdigest())

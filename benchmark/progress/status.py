"""How far a suite is: what is done, running, failed and left, from its results and from what its sweep last told."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field

from backbones.locks import Holder, Lock, holder
from benchmark.disk.files import remove, remove_stale
from benchmark.errors import UserError
from benchmark.forms.record import Stored
from benchmark.progress.events import Event, Listener
from benchmark.progress.timeline import Timeline, timeline_file
from benchmark.results.halving import exits_of
from benchmark.results.store import Store, TrialFolder, read_model, read_record, write_json

EVERY_SECONDS = 1.0
State = Literal["done", "running", "failed", "left", "exited"]


class UnderWay(BaseModel):
    """A piece of work that a sweep is at.

    Attributes:
        since: seconds since the epoch when it was first heard of.
        start: how far it was then.
        trial: id of the trial that it is of; empty where it is of none.
        done, total, detail: as the latest event had them.
    """

    since: float
    start: int
    trial: str
    done: int = 0
    total: int = 0
    detail: str = ""


class LatestProgress(BaseModel):
    """The content of `progress.json`: what a sweep told last; times in seconds since the epoch.

    Attributes:
        schema_version: of this model.
        began, ended, at: of the sweep, and of this file; `ended` is None while it runs.
        stage: in words.
        work: under way, by name.
        finished: trials that ended in this sweep.
    """

    schema_version: Literal[3] = 3
    began: float
    ended: float | None = None
    at: float
    stage: str = ""
    work: dict[str, UnderWay] = {}
    finished: int = 0


class Recorder:
    """Keeps a sweep's latest events in a file for `amrg status`, and passes them on; used as a context.

    A sweep is known by a lock that it holds while it runs. Several sweeps of a suite may share its results, so there
    are several places for file and lock; a sweep takes the first that is free.

    Args:
        store: of the results.
        suite: whose sweep it is.
        listener: told everything.
        clock: seconds since the epoch.
    """

    def __init__(self, store: Store, suite: str, listener: Listener, clock: Callable[[], float] = time.time) -> None:
        self._store, self._suite, self._listener, self._clock = store, suite, listener, clock
        self._written: float | None = None
        self._latest = LatestProgress(began=clock(), at=clock())
        self._timeline = Timeline(timeline_file(store, suite), self._latest.began)
        self._place = 0
        self._lock: Lock | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A sweep that couldn't begin leaves nothing behind.
        if self._lock is None:
            return
        try:
            if self._place:
                remove(progress_file(self._store, self._suite, self._place))
            else:
                self._latest.ended = self._clock()
                self._write()
        finally:
            self._lock.release()

    def _take_place(self) -> Lock:
        """Return the lock of the first free place, held."""
        remove_stale(self._store.suite_folder(self._suite))
        while not (lock := Lock(sweep_lock(self._store, self._suite, self._place))).take():
            self._place += 1
        return lock

    def __call__(self, event: Event) -> None:
        """Take up an event, write the file where it is time to, and pass the event on."""
        work = self._latest.work
        if event.kind == "stage":
            self._latest.stage = f"{event.name}: {event.detail}" if event.detail else event.name
        elif event.kind == "span":
            pass
        elif event.kind != "progress" or event.done >= event.total:
            work.pop(event.name, None)
            self._latest.finished += event.kind == "trial"
        else:
            began = work.get(event.name, UnderWay(since=self._clock(), start=event.done, trial=event.trial))
            now = {"done": event.done, "total": event.total, "detail": event.detail}
            work[event.name] = began.model_copy(update=now)
        if self._written is None or self._clock() - self._written >= EVERY_SECONDS:
            self._write()
        self._timeline(event)
        self._listener(event)

    def _write(self) -> None:
        if self._lock is None:
            self._lock = self._take_place()
        self._written = self._latest.at = self._clock()
        write_json(progress_file(self._store, self._suite, self._place), self._latest)


def progress_file(store: Store, suite: str, place: int = 0) -> Path:
    """Return where a sweep tells how far it is: the first of those that run, or a further one."""
    return store.references(suite).with_name(f"progress-{place}.json" if place else "progress.json")


def sweep_lock(store: Store, suite: str, place: int = 0) -> Path:
    """Return the lock that a sweep holds while it runs."""
    return progress_file(store, suite, place).with_suffix(".lock")


def running_sweeps(store: Store, suite: str) -> dict[Path, Holder]:
    """Return who runs sweeps of a suite, by the file in which each tells how far it is."""
    found = store.references(suite).parent.glob("progress*.lock")
    locks = sorted(found, key=lambda path: (len(path.name), path.name))
    return {lock.with_suffix(".json"): who for lock in locks if (who := holder(lock)) is not None}


@dataclass(frozen=True)
class Work:
    """A piece of work that is under way.

    Attributes:
        name: of the trial or the work.
        done, total: steps, or images, or reports.
        detail: the loss, for a trial.
        rate: how many per second; None where it isn't known yet.
        trial: id of the trial that it is of; empty where it is of none.
    """

    name: str
    done: int
    total: int
    detail: str
    rate: float | None
    trial: str = ""


class TrialState(Stored):
    """A trial's label, id, backbone and state, and why it failed, or what of it is damaged."""

    label: str
    id: str
    backbone: str
    state: State
    reason: str | None = Field(default=None, exclude_if=lambda reason: reason is None)


class StatusRecord(Stored):
    """How far a suite is, as `amrg status --json` prints it; see `Status`."""

    schema_version: int = 1
    suite: str
    alive: bool
    sweeps: tuple[str, ...] = ()
    stage: str
    done: int
    running: int
    failed: int
    left: int
    exited: int = Field(default=0, exclude_if=lambda number: not number)
    seconds_left: float | None
    trials: tuple[TrialState, ...]
    work: tuple[Work, ...]


@dataclass(frozen=True)
class Status:
    """How far a suite is.

    Attributes:
        suite: its name.
        sweeps: who runs a sweep of it, in words.
        stage: what the first of them does, or the last one did.
        trials: what is known of each; empty before the grid is known.
        work: what is under way.
        seconds_left: until all trials are done, by the rate of this sweep; None where nothing is known of it.
    """

    suite: str
    sweeps: tuple[str, ...]
    stage: str
    trials: tuple[TrialState, ...]
    work: tuple[Work, ...] = ()
    seconds_left: float | None = None

    @property
    def alive(self) -> bool:
        """Whether a sweep of it is running."""
        return bool(self.sweeps)

    def count(self, state: State) -> int:
        """Return how many trials are in a state."""
        return sum(trial.state == state for trial in self.trials)

    def to_record(self) -> StatusRecord:
        """Return what `amrg status --json` prints."""
        return StatusRecord(
            suite=self.suite,
            alive=self.alive,
            sweeps=self.sweeps,
            stage=self.stage,
            done=self.count("done"),
            running=self.count("running"),
            failed=self.count("failed"),
            left=self.count("left"),
            exited=self.count("exited"),
            seconds_left=self.seconds_left,
            trials=self.trials,
            work=self.work,
        )


def status(results: Path, suite: str, clock: Callable[[], float] = time.time) -> Status:
    """Read how far a suite is.

    Raises:
        UserError: neither results nor a sweep of it.
    """
    store = Store(results)
    sweeps = running_sweeps(store, suite)
    told = [latest for path in sweeps or [progress_file(store, suite)] if (latest := _read_latest(path))]
    work = _work(told, clock()) if sweeps else ()
    stage = told[0].stage if told else ""
    who = tuple(map(str, sweeps.values()))
    if (told or sweeps) and not store.suite(suite).is_file():
        return Status(suite, who, stage, (), work)
    record = read_record(store, suite)
    under_way = {w.trial for w in work}
    began = min(one.began for one in told) if sweeps and told else None
    exits = exits_of(store, record)
    trials = []
    for identity, trial in record.trials.items():
        lesions = record.suite.shows_lesions_to(trial)
        state, reason = _state(store.of(identity), identity, exits, under_way, began, lesions=lesions)
        trials.append(TrialState(label=trial.label, id=identity, backbone=trial.backbone, state=state, reason=reason))
    remaining = sum(trial.state in ("left", "running") for trial in trials)
    seconds = _seconds_left(told, work, remaining, clock()) if told and sweeps and remaining else None
    return Status(suite, who, stage, tuple(trials), work, seconds)


def _state(
    folder: TrialFolder,
    identity: str,
    exits: Collection[str],
    under_way: Collection[str],
    began: float | None,
    *,
    lesions: bool,
) -> tuple[State, str | None]:
    """Return the state of a trial, and why it failed or what of it can't be used as it lies there."""
    if identity in exits:
        return "exited", None
    if folder.is_done(lesions=lesions):
        return "done", None
    if identity in under_way:
        return "running", None
    if failure := _failure(folder, began):
        return "failed", failure
    # A sweep makes what is damaged again, so it is left to do.
    return "left", "; ".join(f"{name} {why}" for name, why in folder.damage().items()) or None


def _failure(folder: TrialFolder, began: float | None) -> str | None:
    """Return why a trial failed; None where it didn't, or before a sweep that runs now, which tries it again."""
    if not folder.failure.exists():
        return None
    try:
        failure = folder.read_failure()
    except UserError:
        return None  # damaged: it is tried again
    return failure.reason if began is None or failure.at.timestamp() >= began else None


def _read_latest(path: Path) -> LatestProgress | None:
    """Return what a sweep told last; None where it told nothing, or what can't be read, as of another version."""
    try:
        return read_model(path, LatestProgress) if path.is_file() else None
    except UserError:
        return None


def _work(told: Sequence[LatestProgress], now: float) -> tuple[Work, ...]:
    """Return what sweeps are at."""
    work = []
    for name, under_way in sorted((item for one in told for item in one.work.items()), key=lambda item: item[0]):
        spent, gained = now - under_way.since, under_way.done - under_way.start
        rate = gained / spent if spent > 0 and gained > 0 else None
        work.append(Work(name, under_way.done, under_way.total, under_way.detail, rate, under_way.trial))
    return tuple(work)


def _seconds_left(told: Sequence[LatestProgress], work: tuple[Work, ...], remaining: int, now: float) -> float | None:
    """Return seconds left, by trials of the sweeps that run, those under way counted by their share."""
    share = sum(w.done / w.total for w in work if w.trial and w.total)
    ended = sum(latest.finished for latest in told) + share
    if ended <= 0:
        return None
    return float((now - min(latest.began for latest in told)) / ended * max(0.0, remaining - share))

"""How far a suite is: what is done, running, failed and left, from its results and from what its sweep last told."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field

from benchmark.errors import UserError
from benchmark.halving import exits_of
from benchmark.progress.events import Event, Listener
from benchmark.record import Stored
from benchmark.store import Store, TrialFolder, read_model, read_record, write_json

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
        process, process_began: number of the sweep's process, and when the system began it.
        began, ended, at: of the sweep, and of this file; `ended` is None while it runs.
        stage: in words.
        work: under way, by name.
        finished: trials that ended in this sweep.
    """

    schema_version: Literal[2] = 2
    process: int
    process_began: float | None = None
    began: float
    ended: float | None = None
    at: float
    stage: str = ""
    work: dict[str, UnderWay] = {}
    finished: int = 0


class Recorder:
    """Keeps a sweep's latest events in a file for `amrg status`, and passes them on; used as a context.

    Args:
        store: of the results.
        suite: whose sweep it is.
        listener: told everything.
        clock: seconds since the epoch.
    """

    def __init__(self, store: Store, suite: str, listener: Listener, clock: Callable[[], float] = time.time) -> None:
        self._path, self._listener, self._clock = progress_file(store, suite), listener, clock
        self._written: float | None = None
        self._latest = LatestProgress(process=os.getpid(), process_began=_began(), began=clock(), at=clock())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A sweep that couldn't begin leaves nothing behind.
        if self._written is not None:
            self._latest.ended = self._clock()
            self._write()

    def __call__(self, event: Event) -> None:
        """Take up an event, write the file where it is time to, and pass the event on."""
        work = self._latest.work
        if event.kind == "stage":
            self._latest.stage = f"{event.name}: {event.detail}" if event.detail else event.name
        elif event.kind != "progress" or event.done >= event.total:
            work.pop(event.name, None)
            self._latest.finished += event.kind == "trial"
        else:
            began = work.get(event.name, UnderWay(since=self._clock(), start=event.done, trial=event.trial))
            now = {"done": event.done, "total": event.total, "detail": event.detail}
            work[event.name] = began.model_copy(update=now)
        if self._written is None or self._clock() - self._written >= EVERY_SECONDS:
            self._write()
        self._listener(event)

    def _write(self) -> None:
        self._written = self._latest.at = self._clock()
        write_json(self._path, self._latest)


def progress_file(store: Store, suite: str) -> Path:
    """Return where a sweep tells how far it is."""
    return store.references(suite).with_name("progress.json")


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
    """A trial's label, id and state, and why it failed where it did."""

    label: str
    id: str
    state: State
    reason: str | None = Field(default=None, exclude_if=lambda reason: reason is None)


class StatusRecord(Stored):
    """How far a suite is, as `amrg status --json` prints it; see `Status`."""

    schema_version: int = 1
    suite: str
    alive: bool
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
        alive: whether a sweep of it is running.
        stage: what that sweep does, or did last.
        trials: label, id and state of each trial; empty before the grid is known.
        reasons: why trials failed, by label.
        work: what is under way.
        seconds_left: until all trials are done, by the rate of this sweep; None where nothing is known of it.
    """

    suite: str
    alive: bool
    stage: str
    trials: tuple[tuple[str, str, State], ...]
    reasons: dict[str, str] = field(default_factory=dict)
    work: tuple[Work, ...] = ()
    seconds_left: float | None = None

    def count(self, state: State) -> int:
        """Return how many trials are in a state."""
        return sum(trial_state == state for _, _, trial_state in self.trials)

    def to_record(self) -> StatusRecord:
        """Return what `amrg status --json` prints."""
        return StatusRecord(
            suite=self.suite,
            alive=self.alive,
            stage=self.stage,
            done=self.count("done"),
            running=self.count("running"),
            failed=self.count("failed"),
            left=self.count("left"),
            exited=self.count("exited"),
            seconds_left=self.seconds_left,
            trials=tuple(
                TrialState(label=label, id=identity, state=state, reason=self.reasons.get(label))
                for label, identity, state in self.trials
            ),
            work=self.work,
        )


def status(results: Path, suite: str, clock: Callable[[], float] = time.time) -> Status:
    """Read how far a suite is.

    Raises:
        UserError: neither results nor a sweep of it.
    """
    store = Store(results)
    latest = _read_latest(progress_file(store, suite))
    alive = latest is not None and latest.ended is None and _runs(latest)
    work = _work(latest, clock()) if latest and alive else ()
    stage = latest.stage if latest else ""
    if latest and not store.suite(suite).is_file():
        return Status(suite, alive, stage, (), {}, work)
    record = read_record(store, suite)
    under_way = {w.trial for w in work}
    trials: list[tuple[str, str, State]] = []
    reasons = {}
    exits = exits_of(store, record)
    for identity, trial in record.trials.items():
        label = trial.label
        folder = store.of(identity)
        state: State = "left"
        if identity in exits:
            state = "exited"
        elif folder.is_done(lesions=record.suite.lesions):
            state = "done"
        elif identity in under_way:
            state = "running"
        elif folder.failure.is_file() and _failed_now(folder, latest if alive else None):
            state = "failed"
            reasons[label] = folder.read_failure().reason
        trials.append((label, identity, state))
    remaining = sum(state in ("left", "running") for _, _, state in trials)
    seconds = _seconds_left(latest, work, remaining, clock()) if latest and alive and remaining else None
    return Status(suite, alive, stage, tuple(trials), reasons, work, seconds)


def _failed_now(folder: TrialFolder, latest: LatestProgress | None) -> bool:
    """Return whether a failure is of now: a running sweep tries again what failed before it began."""
    return latest is None or folder.read_failure().at.timestamp() >= latest.began


def _read_latest(path: Path) -> LatestProgress | None:
    """Return what a sweep told last; None where it told nothing, or what can't be read, as of another version."""
    try:
        return read_model(path, LatestProgress) if path.is_file() else None
    except UserError:
        return None


def _began() -> float:
    """Return when the system began this process."""
    import psutil

    return float(psutil.Process().create_time())


def _runs(latest: LatestProgress) -> bool:
    """Return whether its process runs, and isn't another one that has its number now."""
    import psutil

    try:
        process = psutil.Process(latest.process)
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and abs(process.create_time() - (latest.process_began or process.create_time())) < 1
        )
    except psutil.Error:
        return False


def _work(latest: LatestProgress, now: float) -> tuple[Work, ...]:
    work = []
    for name, under_way in sorted(latest.work.items()):
        spent, gained = now - under_way.since, under_way.done - under_way.start
        rate = gained / spent if spent > 0 and gained > 0 else None
        work.append(Work(name, under_way.done, under_way.total, under_way.detail, rate, under_way.trial))
    return tuple(work)


def _seconds_left(latest: LatestProgress, work: tuple[Work, ...], remaining: int, now: float) -> float | None:
    """Return seconds left, by trials of this sweep, those under way counted by their share."""
    share = sum(w.done / w.total for w in work if w.trial and w.total)
    ended = latest.finished + share
    if ended <= 0:
        return None
    return float((now - latest.began) / ended * max(0.0, remaining - share))

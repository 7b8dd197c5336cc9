"""How far a suite is: what is done, running, failed and left, from its results and from what its sweep last told."""

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from benchmark.errors import UserError
from benchmark.progress.events import Event, Listener
from benchmark.store import Store, read_record, write_json
from benchmark.suite import Trial

EVERY_SECONDS = 1.0
State = Literal["done", "running", "failed", "left"]


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
        self._state: dict[str, Any] = {
            "process": os.getpid(), "began": clock(), "ended": None, "stage": "", "work": {}, "finished": 0,
        }  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A sweep that couldn't begin leaves nothing behind.
        if self._written is not None:
            self._state["ended"] = self._clock()
            self._write()

    def __call__(self, event: Event) -> None:
        work = self._state["work"]
        if event.kind == "stage":
            self._state["stage"] = f"{event.name}: {event.detail}" if event.detail else event.name
        elif event.kind == "trial":
            work.pop(event.name, None)
            self._state["finished"] += " r=" in event.name  # a floor is no trial
        elif event.done >= event.total:
            work.pop(event.name, None)
        else:
            since = work.get(event.name, {"since": self._clock(), "from": event.done})
            work[event.name] = {**since, "done": event.done, "total": event.total, "detail": event.detail}
        if self._written is None or self._clock() - self._written >= EVERY_SECONDS:
            self._write()
        self._listener(event)

    def _write(self) -> None:
        self._written = self._clock()
        write_json(self._path, {**self._state, "at": self._written})


def progress_file(store: Store, suite: str) -> Path:
    """Where a sweep tells how far it is."""
    return store.references(suite).with_name("progress.json")


@dataclass(frozen=True)
class Work:
    """A piece of work that is under way.

    Attributes:
        name: of the trial or the work.
        done, total: steps, or images, or reports.
        detail: the loss, for a trial.
        rate: how many a second; None where it isn't known yet.
    """

    name: str
    done: int
    total: int
    detail: str
    rate: float | None


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
        """How many trials are in a state."""
        return sum(found == state for _, _, found in self.trials)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "suite": self.suite,
            "alive": self.alive,
            "stage": self.stage,
            **{state: self.count(state) for state in ("done", "running", "failed", "left")},
            "seconds_left": self.seconds_left,
            "trials": [
                {"label": label, "id": identity, "state": state, **({"reason": self.reasons[label]} if label in
                 self.reasons else {})}
                for label, identity, state in self.trials
            ],
            "work": [vars(work) for work in self.work],
        }  # fmt: skip


def status(results: Path, suite: str, clock: Callable[[], float] = time.time) -> Status:
    """Read how far a suite is.

    Raises:
        UserError: neither results nor a sweep of it.
    """
    store = Store(results)
    told = _told(progress_file(store, suite))
    alive = bool(told) and told["ended"] is None and _runs(told["process"])
    if not store.suite(suite).is_file():
        if not told:
            read_record(store, suite)  # says what there is instead
        return Status(suite, alive, told["stage"], (), {}, _work(told, clock()) if alive else ())
    record = read_record(store, suite)
    work = _work(told, clock()) if alive else ()
    under_way = {re.sub(r": reports$", "", w.name) for w in work}
    trials: list[tuple[str, str, State]] = []
    reasons = {}
    for identity, described in record["trials"].items():
        label = Trial.model_validate(described).label
        folder = store.of(identity)
        state: State = "left"
        if folder.is_done():
            state = "done"
        elif label in under_way:
            state = "running"
        elif folder.failure.is_file():
            state = "failed"
            reasons[label] = str(folder.read(folder.failure)["reason"])
        trials.append((label, identity, state))
    left = sum(state in ("left", "running") for _, _, state in trials)
    seconds = _seconds_left(told, work, left, clock()) if alive and left else None
    return Status(suite, alive, told.get("stage", ""), tuple(trials), reasons, work, seconds)


def _told(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON: {error.msg}. Remove it; the next sweep writes it again.") from error
    return content


def _runs(process: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _work(told: dict[str, Any], now: float) -> tuple[Work, ...]:
    found = []
    for name, one in sorted(told["work"].items()):
        spent, gained = now - one["since"], one["done"] - one["from"]
        rate = gained / spent if spent > 0 and gained > 0 else None
        found.append(Work(name, one["done"], one["total"], one["detail"], rate))
    return tuple(found)


def _seconds_left(told: dict[str, Any], work: tuple[Work, ...], left: int, now: float) -> float | None:
    """By trials of this sweep, those under way counted by their share."""
    share = sum(w.done / w.total for w in work if " r=" in w.name and w.total)
    made = told["finished"] + share
    if made <= 0:
        return None
    return float((now - told["began"]) / made * max(0.0, left - share))

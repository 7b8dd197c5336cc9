"""What happens during a sweep, told as it happens: from workers to whoever shows it."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import psutil

Kind = Literal["stage", "progress", "trial", "floor", "span"]


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: a `stage` of the whole sweep, the `progress` of a piece of work, a `trial` or `floor` that ended, or a
            `span` of time that a process was at something.
        name: of the stage, the work, the trial or the floor; for people. Of a span, what the process was at.
        done, total: how far it is; equal when it is finished.
        detail: a loss, a reason, a count; for people.
        trial: id of the trial that the progress or the end is of; empty where it is of none.
        span: of an event of that kind.
    """

    kind: Kind
    name: str
    done: int = 0
    total: int = 0
    detail: str = ""
    trial: str = ""
    span: "TimeSpan | None" = None


@dataclass(frozen=True)
class TimeSpan:
    """A time that one process was at one thing.

    Attributes:
        process: host and process id.
        born: when the process was started, in seconds since the epoch.
        began: in seconds since the epoch.
        seconds: how long it took.
        processor_seconds: that the process computed meanwhile, without processes that it started.
    """

    process: str
    born: float
    began: float
    seconds: float
    processor_seconds: float


Listener = Callable[[Event], None]
_listener: Listener = lambda event: None  # noqa: E731


def listen(listener: Listener) -> None:
    """Send this process's events to `listener`."""
    global _listener
    _listener = listener


def tell(event: Event) -> None:
    """Tell an event to whoever listens in this process."""
    _listener(event)


def progress(name: str, detail: str = "") -> Callable[[int, int], None]:
    """Return a callback (done, total) that tells the progress of the work `name`."""
    return lambda done, total: tell(Event("progress", name, done, total, detail))


def listen_to_queue(queue: Any) -> None:
    """Send this process's events into a queue that another process reads."""
    listen(queue.put)


@contextmanager
def spanned(name: str, detail: str = "") -> Iterator[None]:
    """Tell, once it ends, how long this process was at something.

    Args:
        name: of what it was at: the same for all that is one colour in a timeline.
        detail: on what.
    """
    began, since, busy = time.time(), time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        process = psutil.Process()
        span = TimeSpan(
            process=f"{socket.gethostname()}:{os.getpid()}",
            born=round(process.create_time(), 3),
            began=round(began, 3),
            seconds=round(time.perf_counter() - since, 3),
            processor_seconds=round(time.process_time() - busy, 3),
        )
        tell(Event("span", name, detail=detail, span=span))


def event_of(stored: dict[str, Any]) -> Event:
    """Return an event as `asdict` stored it.

    Raises:
        TypeError: it is none.
    """
    span = stored.pop("span", None)
    return Event(**stored, span=None if span is None else TimeSpan(**span))

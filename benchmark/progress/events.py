"""What happens during a sweep, told as it happens: from workers to whoever shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["stage", "progress", "trial", "floor"]


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: a `stage` of the whole sweep, the `progress` of a piece of work, or a `trial` or `floor` that ended.
        name: of the stage, the work, the trial or the floor; for people.
        done, total: how far it is; equal when it is finished.
        detail: a loss, a reason, a count; for people.
        trial: id of the trial that the progress or the end is of; empty where it is of none.
    """

    kind: Kind
    name: str
    done: int = 0
    total: int = 0
    detail: str = ""
    trial: str = ""


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

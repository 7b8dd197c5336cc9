"""Events of workers on other machines: each writes its own file on the shared folder, and the sweep reads them all."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from benchmark.progress.events import Event, event_of

EVERY_SECONDS = 0.5
"""Time between two that are written of a piece of work's progress; a network file system takes each on its own."""
SUFFIX = ".events"


class EventFile:
    """Writes events into a file, a line each; used as a listener.

    Args:
        path: of the file, this worker's alone.
        clock: seconds, of which only differences count.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock, self._last = path, clock, -EVERY_SECONDS

    def __call__(self, event: Event) -> None:
        """Write an event; of a work's progress only as often as is looked at, its end always."""
        now = self._clock()
        if event.kind == "progress" and event.done < event.total and now - self._last < EVERY_SECONDS:
            return
        self._last = now
        # A sweep that was killed takes the folder with it when the next one begins; the work goes on.
        with suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(event)) + "\n")


class EventFolder:
    """Reads what workers wrote, each line once.

    Args:
        folder: of their files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def events(self) -> Iterator[Event]:
        """Yield what was written since the last time, worker by worker."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            start = self._read.get(path, 0)
            with suppress(OSError), path.open("rb") as file:
                file.seek(start)
                content = file.read()
                whole = content[: content.rfind(b"\n") + 1]  # the last line may still be written
                self._read[path] = start + len(whole)
                for line in whole.splitlines():
                    with suppress(ValueError, TypeError):
                        yield event_of(json.loads(line))

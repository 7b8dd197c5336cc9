"""What every process of a sweep was at, and when: stored as it is told, read for a picture and a table."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from benchmark.disk.files import read_models
from benchmark.errors import UserError
from benchmark.progress.events import Event
from benchmark.results.store import Store

MOST_BYTES = 4_000_000
"""Of the file; the next sweep begins it anew when it is longer. A span takes about 250."""


class Span(BaseModel):
    """A line of `timeline.jsonl`: a time that one process of a sweep was at one thing.

    Attributes:
        schema_version: of this model.
        sweep: when its sweep began, in seconds since the epoch; the same for all spans of a sweep.
        name, detail: what the process was at, and on what.
        process: host and process id.
        born: when the process was started, in seconds since the epoch.
        began, seconds: of the span.
        processor_seconds: that the process computed meanwhile, without processes that it started.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    sweep: float
    name: str
    detail: str
    process: str
    born: float
    began: float
    seconds: float
    processor_seconds: float

    @property
    def end(self) -> float:
        """When it ended, in seconds since the epoch."""
        return self.began + self.seconds


class Timeline:
    """Writes the spans of a sweep into a file.

    Args:
        path: of the file; other sweeps' lines in it stay.
        sweep: when this one began, in seconds since the epoch.
    """

    def __init__(self, path: Path, sweep: float) -> None:
        self._path, self._sweep = path, round(sweep, 3)
        self._begun = False

    def __call__(self, event: Event) -> None:
        """Write an event that is a span; whatever is wrong with the disk is told by what a sweep can't do without."""
        if event.span is None:
            return
        span = Span(sweep=self._sweep, name=event.name, detail=event.detail, **vars(event.span))
        with suppress(OSError):
            if not self._begun and self._path.exists() and self._path.stat().st_size > MOST_BYTES:
                self._path.unlink()
            self._begun = True
            with self._path.open("a", encoding="utf-8") as file:
                file.write(span.model_dump_json() + "\n")


def timeline_file(store: Store, suite: str) -> Path:
    """Return where the sweeps of a suite tell what they were at."""
    return store.references(suite).with_name("timeline.jsonl")


def read_timeline(store: Store, suite: str) -> list[Span]:
    """Return the spans of the last sweep of a suite that has any, by their beginning.

    Raises:
        UserError: there is no such sweep, or what it left is damaged.
    """
    path = timeline_file(store, suite)
    if not path.is_file():
        raise UserError(
            f"{path}: no sweep of {suite} has told what it was at. Run one (amrg sweep {suite}), or name another "
            "folder of results with --results."
        )
    spans = read_models(path, Span)
    if not spans:
        raise UserError(f"{path}: is empty. Remove it, and run the next sweep.")
    last = max(span.sweep for span in spans)
    return sorted((span for span in spans if span.sweep == last), key=lambda span: span.began)


class Busy(BaseModel):
    """How much of a sweep's time its processes worked.

    Attributes:
        schema_version: of this model.
        seconds: from the start of the first process to the end of the last span.
        processes: that worked at all.
        share: of the time of as many processes as worked at the same time at most, that spans cover.
        by_name: seconds and processor seconds of all processes, by what they were at; the most first.
    """

    schema_version: Literal[1] = 1
    seconds: float
    processes: int
    share: float
    by_name: dict[str, tuple[float, float]]


def busy(spans: Sequence[Span]) -> Busy:
    """Return how much of a sweep's time its processes worked.

    A process that waits for its own pool counts as idle: the pool's processes tell of themselves.

    Args:
        spans: of one sweep, at least one.
    """
    began, end = min(span.born for span in spans), max(span.end for span in spans)
    totals: dict[str, tuple[float, float]] = {}
    for span in spans:
        seconds, processor = totals.get(span.name, (0.0, 0.0))
        totals[span.name] = (seconds + span.seconds, processor + span.processor_seconds)
    most, worked = _at_once(spans)
    return Busy(
        seconds=end - began,
        processes=len({span.process for span in spans}),
        share=worked / (most * (end - began)) if most and end > began else 1.0,
        by_name=dict(sorted(totals.items(), key=lambda item: -item[1][0])),
    )


def _at_once(spans: Sequence[Span]) -> tuple[int, float]:
    """Return how many processes worked at the same time at most, and for how many seconds all of them, added up.

    Of one process the end of a span and the beginning of the next may overlap by the rounding of their times, and one
    span may lie within another: it works once.
    """
    changes = sorted([(s.began, 1, s.process) for s in spans] + [(s.end, -1, s.process) for s in spans])
    open_spans: Counter[str] = Counter()
    most, worked, before = 0, 0.0, changes[0][0]
    for moment, change, process in changes:
        working = sum(number > 0 for number in open_spans.values())
        worked += working * (moment - before)
        before = moment
        open_spans[process] += change
        most = max(most, sum(number > 0 for number in open_spans.values()))
    return most, worked

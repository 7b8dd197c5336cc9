"""A sweep's events for people: bars in a terminal, plain lines elsewhere, JSON lines for machines."""

import json
import time
from dataclasses import asdict
from typing import Any, Literal, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from benchmark.progress.events import Event

Mode = Literal["people", "quiet", "json-lines"]
EVERY_SECONDS = 10.0
"""At most one plain line in this time for each piece of work."""


class Rate(ProgressColumn):
    """Steps per second of a piece of work."""

    def render(self, task: Task) -> Text:
        """Return the column's text; nothing until it is known."""
        return Text(f"{task.speed:.3g}/s" if task.speed else "", style="dim")


class Show:
    """Shows events as they come; used as a context.

    Args:
        mode: bars or plain lines for `people`; nothing; or `json-lines` on standard output.
        console: where; standard error, so that standard output stays free for results.
    """

    def __init__(self, mode: Mode = "people", console: Console | None = None) -> None:
        self.mode = mode
        self.console = console or Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            Rate(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=self.console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last_line: dict[str, float] = {}
        self._began: dict[str, tuple[float, int]] = {}
        self._trials: tuple[int, int] | None = None
        self._live = mode == "people" and self.console.is_terminal

    def __enter__(self) -> Self:
        if self._live:
            self._bars.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live:
            self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if self.mode == "json-lines":
            print(json.dumps({"time": round(time.time(), 3), **asdict(event)}), flush=True)
        elif self.mode == "people":
            if event.kind == "progress":
                self._progress(event)
            elif event.kind != "span":  # a picture shows those afterwards
                self._line(event)
                self._count(event)

    def _count(self, event: Event) -> None:
        """Count all trials in one bar, from the stage that begins them."""
        if event.kind == "stage" and event.total:
            self._trials = (event.done, event.total)
        elif event.kind == "trial" and self._trials is not None:
            self._trials = (self._trials[0] + 1, self._trials[1])
        else:
            return
        self._progress(Event("progress", "all trials", *self._trials))

    def _line(self, event: Event) -> None:
        if event.kind in ("trial", "floor"):
            self._end(event.name)
            mark = "[green]done[/green]" if event.done else "[red]failed[/red]"
            detail = "" if event.done else f": {escape(event.detail)}"
            self.console.print(f"{mark}  {escape(event.name)}{detail}", highlight=False)
        else:
            detail = f": {escape(event.detail)}" if event.detail else ""
            self.console.print(f"[bold]{escape(event.name)}[/bold]{detail}", highlight=False, soft_wrap=True)

    def _progress(self, event: Event) -> None:
        if self._live:
            if event.name not in self._tasks:
                self._tasks[event.name] = self._bars.add_task(escape(event.name), total=event.total, detail="")
            self._bars.update(self._tasks[event.name], completed=event.done, total=event.total, detail=event.detail)
            if event.done >= event.total:
                self._end(event.name)
            return
        now = time.monotonic()
        last = event.done >= event.total
        if event.name not in self._last_line:
            self._last_line[event.name] = now  # short work is told once, at its end
            self._began[event.name] = (now, event.done)
        elif last or now - self._last_line[event.name] >= EVERY_SECONDS:
            self._last_line[event.name] = now
            detail = f"  {event.detail}" if event.detail else ""
            detail += self._pace(event, now)
            self.console.print(escape(f"  {event.name}: {event.done} of {event.total}{detail}"), highlight=False)

    def _pace(self, event: Event, now: float) -> str:
        """Return rate and time left, since the work was first heard of."""
        since, start = self._began[event.name]
        gained = event.done - start
        if gained <= 0 or now <= since:
            return ""
        rate = gained / (now - since)
        seconds_left = (event.total - event.done) / rate
        return f"  {rate:.3g}/s" + (f", {seconds_left:.0f} s left" if seconds_left > 0 else "")

    def _end(self, name: str) -> None:
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))

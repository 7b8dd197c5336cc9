"""A sweep's events for people: bars in a terminal, plain lines elsewhere, JSON lines for machines."""

import json
import time
from dataclasses import asdict
from typing import Any, Literal, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from benchmark.events import Event

Mode = Literal["people", "quiet", "json-lines"]
EVERY_SECONDS = 10.0
"""At most one plain line in this time for each piece of work."""


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
            TextColumn("[dim]{task.fields[detail]}"),
            console=self.console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, float] = {}
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
            else:
                self._line(event)

    def _line(self, event: Event) -> None:
        if event.kind == "trial":
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
        if event.name not in self._said:
            self._said[event.name] = now  # short work is told once, at its end
        elif last or now - self._said[event.name] >= EVERY_SECONDS:
            self._said[event.name] = now
            detail = f"  {event.detail}" if event.detail else ""
            self.console.print(escape(f"  {event.name}: {event.done} of {event.total}{detail}"), highlight=False)

    def _end(self, name: str) -> None:
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))

"""The verb `amrg status`."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from benchmark.progress.status import Status


def status(
    suite: Annotated[str, typer.Argument(help="A suite, by name or by file.")] = "mini",
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the results lie.")] = Path("results"),
    watch: Annotated[bool, typer.Option("--watch", help="Stay, until the sweep ends.")] = False,
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="With --watch: how often to look.")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what of a suite is done, running, failed and left, and when it will be done.

    Example: amrg status mini --watch
    """
    import json

    from rich.console import Console

    from benchmark.errors import UserError
    from benchmark.progress.status import status as look
    from benchmark.suites.load import suite_name

    if watch and as_json:
        raise UserError("--watch and --json exclude each other; `amrg sweep --json-lines` tells machines what happens.")
    suite = suite_name(suite)
    found = look(results, suite)
    if as_json:
        typer.echo(json.dumps(found.to_record().model_dump(mode="json"), indent=1, ensure_ascii=False))
        return
    console = Console()
    if watch and found.alive:
        _watch(console, suite, results, every)
        found = look(results, suite)
    console.print(_shown(found))


def _watch(console: "object", suite: str, results: Path, every: float) -> None:
    """Live in a terminal; elsewhere a line whenever something changed."""
    import time

    from rich.console import Console
    from rich.live import Live

    from benchmark.progress.status import status as look

    assert isinstance(console, Console)
    last = ""
    if console.is_terminal:
        with Live(console=console, transient=True, auto_refresh=False) as live:
            while (found := look(results, suite)).alive:
                live.update(_shown(found), refresh=True)
                time.sleep(every)
        return
    while (found := look(results, suite)).alive:
        line = _line(found)
        if line != last:
            typer.echo(line)
        last = line
        time.sleep(every)


def _line(found: "Status") -> str:
    from benchmark.board.format import duration

    counts = Counter(state for _, _, state in found.trials)
    parts = [f"{counts[state]} {state}" for state in ("done", "running", "failed", "left")]
    end = f"; {duration(found.seconds_left)} left" if found.seconds_left is not None else ""
    return f"{found.suite}: {', '.join(parts) if found.trials else found.stage}{end}"


def _shown(found: "Status") -> "RenderableType":
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from benchmark.board.format import duration

    parts: list[RenderableType] = [Text(_line(found), style="bold")]
    parts.append(Text(f"sweep: {found.stage}" if found.alive else "no sweep of it is running"))
    if found.trials:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("backbone")
        for state in ("done", "running", "failed", "left"):
            table.add_column(state, justify="right")
        for backbone in dict.fromkeys(label.split(" r=")[0] for label, _, _ in found.trials):
            counts = Counter(state for label, _, state in found.trials if label.split(" r=")[0] == backbone)
            table.add_row(Text(backbone), *(str(counts[s] or "") for s in ("done", "running", "failed", "left")))
        parts += [Text(""), table]
    if found.work:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for head in ("under way", "", "", "rate", "left"):
            table.add_column(head, justify="left" if head == "under way" else "right")
        for work in found.work:
            left = duration((work.total - work.done) / work.rate) if work.rate else ""
            rate = f"{work.rate:.2g} a second" if work.rate else ""
            table.add_row(Text(work.name), f"{work.done} of {work.total}", Text(work.detail), rate, left)
        parts += [Text(""), table]
    for label, reason in found.reasons.items():
        parts.append(Text(f"failed: {label}: {reason}", style="red"))
    return Group(*parts)


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(status)

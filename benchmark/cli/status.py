"""The verb `amrg status`."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.output import print_json

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from benchmark.progress.status import State, Status

STATES: "tuple[State, ...]" = ("done", "running", "failed", "left")
"""Of trials, in the order shown; `exited` is shown where there is one."""


def status(
    suite: Annotated[str, typer.Argument(help="A suite, by name or by file.")] = "mini",
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the results lie.")] = Path("results"),
    watch: Annotated[bool, typer.Option("--watch", help="Refresh until the sweep ends.")] = False,
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="With --watch: how often to look.")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    timeline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw what each process of the last sweep was at, as .png or .svg."),
    ] = None,
) -> None:
    """Say what of a suite is done, running, failed and left, and when it will be done.

    Example: amrg status mini --watch

    Example: amrg status mini --timeline mini.svg
    """
    from rich.console import Console

    from benchmark.errors import UserError
    from benchmark.progress.status import status as look
    from benchmark.suites.load import suite_name

    if watch and as_json:
        raise UserError("--watch and --json exclude each other; `amrg sweep --json-lines` tells machines what happens.")
    suite = suite_name(suite)
    if timeline is not None:
        _draw_timeline(results, suite, timeline, as_json=as_json)
        return
    suite_status = look(results, suite)
    if as_json:
        print_json(suite_status.to_record().model_dump(mode="json"))
        return
    console = Console()
    if watch and suite_status.alive:
        _watch(console, suite, results, every)
        suite_status = look(results, suite)
    console.print(_shown(suite_status))


def _draw_timeline(results: Path, suite: str, path: Path, *, as_json: bool) -> None:
    """Draw what the processes of the last sweep were at, and print the sums."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from benchmark.board.format import duration
    from benchmark.pages.figures_timeline import write_timeline
    from benchmark.progress.timeline import busy, read_timeline
    from benchmark.results.store import Store

    spans = read_timeline(Store(results), suite)
    write_timeline(spans, path)
    whole = busy(spans)
    if as_json:
        print_json(whole.model_dump(mode="json"))
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("", "seconds", "processor seconds"):
        table.add_column(head, justify="right" if head else "left")
    for name, (seconds, processor) in whole.by_name.items():
        table.add_row(name, f"{seconds:.1f}", f"{processor:.1f}")
    Console().print(table)
    typer.echo(
        f"{duration(whole.seconds)} in all; of the time of the processes that worked at once, {whole.share:.0%} was "
        f"worked.\nTimeline: {path}"
    )


def _watch(console: "Console", suite: str, results: Path, every: float) -> None:
    """Show the status until the sweep ends: live in a terminal, elsewhere by a line whenever something changed."""
    import time

    from rich.live import Live

    from benchmark.progress.status import status as look

    last = ""
    if console.is_terminal:
        with Live(console=console, transient=True, auto_refresh=False) as live:
            while (suite_status := look(results, suite)).alive:
                live.update(_shown(suite_status), refresh=True)
                time.sleep(every)
        return
    while (suite_status := look(results, suite)).alive:
        line = _line(suite_status)
        if line != last:
            typer.echo(line)
        last = line
        time.sleep(every)


def _line(suite_status: "Status") -> str:
    from benchmark.board.format import duration

    counts = Counter(trial.state for trial in suite_status.trials)
    states: tuple[State, ...] = (*STATES, "exited") if counts["exited"] else STATES
    parts = [f"{counts[state]} {state}" for state in states]
    end = f"; {duration(suite_status.seconds_left)} left" if suite_status.seconds_left is not None else ""
    return f"{suite_status.suite}: {', '.join(parts) if suite_status.trials else suite_status.stage}{end}"


def _shown(suite_status: "Status") -> "RenderableType":
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from benchmark.board.format import duration

    parts: list[RenderableType] = [Text(_line(suite_status), style="bold")]
    parts.append(Text(f"sweep: {suite_status.stage}" if suite_status.alive else "no sweep of it is running"))
    parts += [Text(f"by {who}") for who in suite_status.sweeps]
    if suite_status.trials:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("backbone")
        exited = any(trial.state == "exited" for trial in suite_status.trials)
        states: tuple[State, ...] = (*STATES, "exited") if exited else STATES
        for state in states:
            table.add_column(state, justify="right")
        for backbone in dict.fromkeys(trial.backbone for trial in suite_status.trials):
            counts = Counter(trial.state for trial in suite_status.trials if trial.backbone == backbone)
            table.add_row(Text(backbone), *(str(counts[s] or "") for s in states))
        parts += [Text(""), table]
    if suite_status.work:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for head in ("under way", "", "", "rate", "left"):
            table.add_column(head, justify="left" if head == "under way" else "right")
        for work in suite_status.work:
            time_left = duration((work.total - work.done) / work.rate) if work.rate else ""
            rate = f"{work.rate:.2g} a second" if work.rate else ""
            table.add_row(Text(work.name), f"{work.done} of {work.total}", Text(work.detail), rate, time_left)
        parts += [Text(""), table]
    for trial in suite_status.trials:
        if trial.reason is not None:
            what = "failed" if trial.state == "failed" else "damaged, the next sweep makes it again"
            parts.append(Text(f"{what}: {trial.label}: {trial.reason}", style="red"))
    return Group(*parts)


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(status)

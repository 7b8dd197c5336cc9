"""The verb `amrg bench`."""

from pathlib import Path
from typing import Annotated, Any

import typer


def bench(
    suite: Annotated[str, typer.Option(help="A suite on a miniature that comes with amrg, or a suite file.")] = "bench",
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Mammograms in DMID's layout to run on.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender runs.")] = 3,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Time whole sweeps: ours, packed and sequential, beside a script over the Hugging Face Trainer with peft.

    Every trial of every contender is really run, in interleaved rounds, and losses and texts are compared.

    Example: amrg bench

    Example: amrg bench --data /data/DMID --json
    """
    import json

    from rich.console import Console

    from benchmark.bench import run
    from benchmark.suite import load_suite

    console = Console(stderr=True)
    result = run(load_suite(suite), data, rounds, lambda line: console.print(line, markup=False, highlight=False))
    if json_:
        typer.echo(json.dumps(result, indent=1))
    else:
        show(result)


def show(result: dict[str, Any]) -> None:
    """Print the result as tables."""
    import statistics

    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(
        title=f"{result['trials']} trials of {result['backbone']}, {result['train']} images to train on and "
        f"{result['test']} to test, {result['rounds']} rounds, {result['machine']['processor']}",
        box=box.MARKDOWN,
    )
    titles = {"A": "A: Trainer", "B": "B: Trainer, cached", "C": "C: sequential", "D": "D: packed"}
    table.add_column("median")
    for title in titles.values():
        table.add_column(title, justify="right")
    walls = {name: statistics.median(result["wall"][name]) for name in titles}
    table.add_row("whole sweep, s", *(f"{walls[name]:.1f}" for name in titles))
    table.add_row("times D", *(f"{result['ratio'].get(f'{name}/D', 1.0):.2f}" for name in titles))
    table.add_row("processor, s", *(f"{result['processor'][name]:.1f}" for name in titles))
    for stage in result["stages"]["A"]:
        table.add_row(f"{stage}, s", *(f"{result['stages'][name][stage]:.1f}" for name in titles))
    table.add_row("peak memory, MB", *(f"{result['peak_memory'][name] / 1e6:.0f}" for name in titles))
    console.print(table)
    equality = result["equality"]
    for dtype in ("float64", "float32"):
        shown = ", ".join(f"{pair} {value:.1e}" for pair, value in equality[f"loss_{dtype}"].items())
        console.print(f"Greatest difference of losses in {dtype}, {equality['steps']} steps: {shown}.")
    shown = ", ".join(f"{pair} {value} of {equality['points']}" for pair, value in equality["text_equal"].items())
    console.print(f"Points whose texts are all equal: {shown}.")


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command()(bench)

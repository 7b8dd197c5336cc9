"""`amrg plan`: what a suite will cost, before it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from benchmark.planning.model import BackbonePlan, BackboneSize, Design, Plan


def plan(
    suite: Annotated[str, typer.Argument(metavar="SUITE", help="A suite's name, or a suite file.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The DMID folder, for suites that run on it.")
    ] = None,
    gpu_memory: Annotated[
        float | None, typer.Option(metavar="GB", min=1, help="Plan for a GPU of so much memory, instead of this one.")
    ] = None,
    results: Annotated[
        Path, typer.Option(metavar="DIR", help="Earlier results, whose measured rates are taken.")
    ] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Show what a suite will cost and what it lacks on this machine: memory, packs, bytes, operations, hours.

    Hours are arithmetic, with the assumptions printed; where a sweep has run here, its measured rate is taken. Exit
    code 2: the suite can't run here.

    Example: amrg plan paper --gpu-memory 80
    """
    from benchmark.planning.plan import plan as make_plan
    from benchmark.suites.load import load_suite

    planned = make_plan(load_suite(suite), data, gpu_memory=gpu_memory, results=results)
    if as_json:
        print_json(planned.model_dump(mode="json"))
    else:
        _show(planned)
    if planned.missing:
        raise typer.Exit(2)


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command()(plan)


def _show(planned: "Plan") -> None:
    from rich.console import Console
    from rich.markup import escape

    from benchmark.planning.model import BackbonePlan, BackboneSize

    console = Console(highlight=False)
    machine = planned.machine
    where = f"{machine.gpu}, {machine.gpu_memory_gb:.0f} GB" if machine.gpu else "without a GPU"
    console.print(f"Plan of {escape(planned.suite)}: {planned.trials} trials, {escape(where)}")
    if planned.design is not None:
        _show_design(console, planned.design)
    rows = [row for row in planned.backbones if isinstance(row, BackboneSize)]
    complete = [row for row in rows if isinstance(row, BackbonePlan)]
    _table(
        console,
        "What it takes",
        ("parameters", "download", "disk", "weights", "a pack", "packs", "hours"),
        [(row.name, *_needs(row)) for row in rows],
    )
    ranks = sorted({rank for row in complete for rank in row.trainable_parameters})
    _table(
        console,
        "Trainable parameters by rank",
        [str(rank) for rank in ranks],
        [(row.name, *(f"{row.trainable_parameters[rank]:,}" for rank in ranks)) for row in complete],
    )
    _table(
        console,
        "Operations in PFLOP, and hours",
        [f"{stage} {unit}" for stage in ("vision", "train", "write") for unit in ("PFLOP", "h")],
        [(row.name, *_stages(row)) for row in complete],
    )
    if planned.hours is not None:
        console.print(f"All together about {_hours(planned.hours)}, on one device.")
    for note in dict.fromkeys(note for row in rows for note in row.assumptions):
        console.print(f"- {escape(note)}", style="dim")
    if planned.missing:
        console.print("\n[red]It can't run here yet:[/red]")
        for need in planned.missing:
            console.print(f"- {escape(need)}", soft_wrap=True)
    else:
        console.print(f"It can run here: amrg sweep {escape(planned.suite)}")


def _show_design(console: "Console", design: "Design") -> None:
    """Print what the leaderboard will be able to decide."""
    from rich.box import SIMPLE
    from rich.table import Table

    from metrics.registry import METRICS

    label = METRICS[design.primary].label
    how = f"in {design.folds} folds" if design.folds else "on one test part"
    table = Table(
        title=f"What it can decide, {how}: {design.tested} of {design.studies} studies tested, {design.blocks} blocks",
        title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for column in ("compared", "pairs", "blocks needed", f"smallest difference in {label}"):
        table.add_column(column, justify="left" if column == "compared" else "right")
    for one in design.comparisons:
        if design.blocks < one.blocks_needed:
            smallest = "none can be found"
        else:
            smallest = "not known" if one.detectable is None else f"about {one.detectable:.2f}"
        table.add_row(one.what, f"{one.pairs:,}", str(one.blocks_needed), smallest)
    console.print(table)
    if design.spread is not None:
        console.print(
            f"Found with a probability of 80 %, after the correction for all pairs. Assumed: two equal predictors "
            f"differ by {design.spread:.2f} per block and seed (standard deviation), and there are {design.seeds} "
            "seeds a point.",
            style="dim",
        )


def _table(console: "Console", title: str, columns: "Sequence[str]", rows: "Sequence[tuple[str, ...]]") -> None:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("backbone", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def _needs(row: "BackboneSize") -> list[str]:
    from benchmark.planning.model import BackbonePlan

    count = row.parameters
    cells = [
        f"{count / 1e9:.2f} G" if count >= 1e9 else f"{count / 1e6:.2f} M",
        _gigabytes(row.bytes.download),
        _gigabytes(row.bytes.disk),
    ]
    if not isinstance(row, BackbonePlan):
        return [*cells, "–", "–", "–", "–"]
    return [
        *cells,
        f"{row.memory.weights_gb:.1f} GB",
        f"{row.memory.pack_gb:.1f} GB",
        f"{row.packs} of {row.pack_size}",
        _short(row.hours.total),
    ]


def _stages(row: "BackbonePlan") -> list[str]:
    pairs = (
        (row.operations.vision, row.hours.vision),
        (row.operations.train, row.hours.train),
        (row.operations.write, row.hours.write),
    )
    return [_short(value) for operations, hours in pairs for value in (operations / 1e15, hours)]


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _hours(hours: float) -> str:
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"

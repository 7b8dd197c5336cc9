"""The results of `amrg bench` as tables for a terminal, in Markdown, so that they can be pasted into a document."""

import statistics
from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from benchmark.bench.model import BenchResult, Contender, GridResult, HalvingResult, Measured, ScalingResult, ScalingRun

TITLES: dict[Contender, str] = {
    "A": "A: Trainer",
    "B": "B: Trainer, cached",
    "P": "P: peer",
    "N": "N: by hand",
    "C": "C: sequential",
    "D": "D: packed",
}
SHOWN_VERSIONS = ("python", "torch", "transformers", "peft", "amrg")


def wide() -> Console:
    """Return a console on which a table's cells aren't broken where output goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def machine_lines(result: Measured) -> list[str]:
    """Return what machine and versions were measured."""
    machine, versions = result.machine, result.versions
    return [
        f"Machine: {machine.processor}, {machine.usable_cores} of {machine.cores} cores usable, "
        f"{machine.memory_bytes / 1e9:.0f} GB, {machine.system}; one process at a time, one thread.",
        "Versions: " + ", ".join(f"{name} {versions[name]}" for name in SHOWN_VERSIONS if name in versions) + ".",
    ]


def heading(result: BenchResult | ScalingResult | GridResult | HalvingResult, console: Console) -> None:
    """Print what was measured, and on what machine."""
    if isinstance(result, GridResult):
        counts = tuple(result.grid.runs)
    else:
        counts = result.trials if isinstance(result, ScalingResult) else (result.trials,)
    shown = ", ".join(map(str, counts[:-1])) + f" and {counts[-1]}" if len(counts) > 1 else str(counts[0])
    lines = [
        f"{shown} trials of {result.backbone} (suite {result.suite}), each {result.steps} steps of "
        f"{result.batch_size} reports; {result.train} images to train on, {result.test} to test; "
        f"{result.rounds} round{'s' if result.rounds > 1 else ''}.",
        f"Data: {result.data}.",
        *machine_lines(result),
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def show(result: BenchResult, console: Console | None = None) -> None:
    """Print the contenders side by side."""
    console = console or wide()
    heading(result, console)
    table = Table(box=box.MARKDOWN)
    table.add_column("median")
    walls = result.wall
    for name in walls:
        table.add_column(TITLES[name], justify="right")
    table.add_row("whole sweep, s", *(f"{statistics.median(walls[name]):.1f}" for name in walls))
    table.add_row("least to most, s", *(f"{min(walls[name]):.1f}–{max(walls[name]):.1f}" for name in walls))
    table.add_row("times D", *(f"{result.ratio.get(f'{name}/D', 1.0):.2f}" for name in walls))
    work = result.ratio_without_overhead
    table.add_row("times D, work alone", *(f"{work.get(f'{name}/D', 1.0):.2f}" for name in walls))
    table.add_row("processor, s", *(f"{result.processor[name]:.1f}" for name in walls))
    for stage in result.stages["A"]:
        table.add_row(f"{stage}, s", *(f"{result.stages[name][stage]:.1f}" for name in walls))
    table.add_row("peak memory, MB", *(f"{result.peak_memory[name] / 1e6:.0f}" for name in walls))
    console.print(table)
    console.print("Work alone: without start, load, score and rest, which longer trials leave as they are.")
    equality = result.equality
    for dtype, losses in (("float64", equality.loss_float64), ("float32", equality.loss_float32)):
        shown = ", ".join(f"{pair} {value:.1e}" for pair, value in losses.items())
        console.print(
            f"Greatest difference of losses in {dtype}, {equality.steps} steps: {shown}.",
            highlight=False,
            soft_wrap=True,
        )
    shown = ", ".join(f"{pair} {value} of {equality.points}" for pair, value in equality.text_equal.items())
    console.print(f"Points whose texts are all equal: {shown}.", highlight=False, soft_wrap=True)


def show_scaling(result: ScalingResult, console: Console | None = None) -> None:
    """Print what 4, 16 and 64 trials take, and the lines through it."""
    console = console or wide()
    heading(result, console)
    lines = result.scaling.lines
    console.print(_runs(result.scaling.runs, "trials"))
    shown = (("wall", lines.wall, "s", 1.0), ("processor", lines.processor, "s", 1.0))
    for name, line, unit, scale in (*shown, ("peak memory", lines.peak_memory, "MB", 1e6)):
        sign = "−" if line.per_trial < 0 else "+"
        console.print(
            f"{name} = {line.fixed / scale:.1f} {unit} {sign} {abs(line.per_trial) / scale:.2f} {unit} "
            f"× trials; no measurement is farther than {line.largest_residual / scale:.1f} {unit} from that.",
            highlight=False,
            soft_wrap=True,
        )


def show_grid(result: GridResult, console: Console | None = None) -> None:
    """Print what one point and a grid of 27 take, and the grid in times one point."""
    console = console or wide()
    heading(result, console)
    console.print(_runs(result.grid.runs, "points"))
    console.print(
        f"The grid takes {result.grid.processor:.2f} times the processor time of one point, "
        f"{result.grid.wall:.2f} times its wall time, and {result.grid.work:.2f} times its training and writing.",
        highlight=False,
        soft_wrap=True,
    )


def _runs(runs: Mapping[int, ScalingRun], what: str) -> Table:
    """Return a table with a column for each number of trials."""
    table = Table(box=box.MARKDOWN)
    table.add_column("median")
    for number in runs:
        table.add_column(f"{number} {what}", justify="right")
    table.add_row("whole sweep, s", *(f"{statistics.median(run.wall):.1f}" for run in runs.values()))
    table.add_row("a trial, s", *(f"{run.seconds_per_trial:.2f}" for run in runs.values()))
    table.add_row("processor, s", *(f"{run.processor:.1f}" for run in runs.values()))
    for stage in next(iter(runs.values())).stages:
        table.add_row(f"{stage}, s", *(f"{run.stages[stage]:.1f}" for run in runs.values()))
    table.add_row("trained together", *(str(run.trained_together) for run in runs.values()))
    table.add_row("peak memory, MB", *(f"{run.peak_memory / 1e6:.0f}" for run in runs.values()))
    return table


def show_halving(result: HalvingResult, console: Console | None = None) -> None:
    """Print what a grid takes in full and with halving, and how often halving keeps the winner."""
    console = console or wide()
    heading(result, console)
    speed = result.speed
    table = Table(box=box.MARKDOWN)
    table.add_column("median")
    for head in ("full, sequential", "full, packed", "full, packed, not evaluated", "halving, packed"):
        table.add_column(head, justify="right")
    names = ("sequential", "packed", "unevaluated", "halving")
    table.add_row("training, processor s", *(f"{statistics.median(speed.train[name]):.1f}" for name in names))
    table.add_row("whole sweep, s", *(f"{statistics.median(speed.wall[name]):.1f}" for name in names))
    console.print(table)
    for line in (
        f"Same work, training: packed is {speed.same_work:.2f} times as fast as sequential.",
        f"Early exit, training: halving takes {speed.steps:.0%} of the steps and is {speed.early_exit:.2f} times as "
        f"fast as the full grid, both packed; {speed.together:.2f} times as fast as the full grid, sequential.",
        f"Evaluations within training, on {result.validation} studies, add {speed.evaluation:.1%} to it.",
    ):
        console.print(line, highlight=False, soft_wrap=True)
    table = Table(box=box.MARKDOWN)
    heads = ("rungs", "stay", "steps", "seeds a point", "draws", "winner survives", "regret", "best to worst")
    for head in heads:
        table.add_column(head, justify="right")
    for one in result.survival:
        table.add_row(
            ", ".join(map(str, one.halving.rungs)),
            f"{one.halving.keep:.0%}",
            f"{one.work:.0%}",
            str(one.seeds),
            f"{one.draws:,}",
            f"{one.survived:.1%}",
            f"{one.regret:.4f}",
            f"{one.spread:.3f}",
        )
    console.print(table)
    console.print(f"Regret is in the {result.criterion} of the validation part.", highlight=False, soft_wrap=True)

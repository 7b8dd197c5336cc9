"""A plan as a screen: the answer first, then what fits, hours and disk, what can be decided, and what is missing."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmark.board.format import count
from benchmark.planning.model import BackbonePlan, BackboneSize, Design, Plan, PlannedMode, UnfitBackbone
from metrics.registry import METRICS


def show(planned: Plan) -> None:
    """Print a plan."""
    console = Console(highlight=False)
    rows = [row for row in planned.backbones if isinstance(row, BackbonePlan)]
    console.print(escape(_answer(planned)))
    for line in _unfit(planned):
        console.print(escape(line))
    if planned.device.note:
        console.print(escape(planned.device.note))
    if planned.device.name:
        _table(console, "Trials that fit together, by mode (*: the suite's)", *_fitting(rows))
    _table(console, "Hours, and disk", *_costs(planned))
    _table(console, "One after another, by plain peft", *_alone(rows))
    if planned.design is not None:
        _show_design(console, planned.design)
    known = [row for row in planned.backbones if isinstance(row, BackboneSize)]
    for note in dict.fromkeys(note for row in known for note in row.assumptions):
        console.print(f"- {escape(note)}", style="dim")
    if planned.missing:
        console.print("\n[red]It can't run here yet:[/red]")
        for need in planned.missing:
            console.print(f"- {escape(need)}", soft_wrap=True)
    else:
        console.print(f"It can run here: amrg sweep {escape(planned.suite)}")


def _answer(planned: Plan) -> str:
    """Return the plan in a sentence."""
    device, disk = planned.device, planned.disk
    where = "this machine's processor"
    if device.name:
        count = f"{device.devices} × " if device.devices > 1 else ""
        where = f"{count}{device.name} ({device.memory_gb:.0f} GB)"
    hours = "hours not known" if planned.hours is None else f"about {_duration(planned.hours)}"
    kinds = {**disk.model_dump(), "images": planned.images}
    listed = ", ".join(f"{kind} {_gigabytes(size)}" for kind, size in kinds.items() if size >= 5e7)
    return (
        f"Plan of {planned.suite} on {where}: {planned.trials} trials, {hours}; "
        f"{_gigabytes(sum(kinds.values()))} GB of disk{f' ({listed})' if listed else ''}; "
        f"{planned.host_memory_gb:.0f} GB of host memory."
    )


def _unfit(planned: Plan) -> list[str]:
    """Return which backbones don't fit as the suite has them, or can't be planned, and what would do."""
    if all(isinstance(row, BackbonePlan) and row.fits for row in planned.backbones):
        return ["All backbones fit as the suite has them."] if planned.device.name else []
    lines = []
    for row in planned.backbones:
        if isinstance(row, UnfitBackbone):
            lines.append(f"{row.name}: {row.error}")
        elif isinstance(row, BackbonePlan) and not row.fits:
            fitting = [_name(mode, row.dtype) for mode in row.modes if mode.together]
            way = f"it fits with {fitting[0]}" if fitting else "it fits in no mode"
            lines.append(f"{row.name} doesn't fit and isn't in the hours: it needs {row.own.needed_gb:.1f} GB; {way}.")
    return lines


def _name(mode: PlannedMode, dtype: str) -> str:
    named = [mode.quantization] if mode.quantization else [{"bfloat16": "bf16"}.get(dtype, dtype)]
    return " + ".join([*named, *(["checkpointing"] if mode.activation_checkpointing else [])])


def _fitting(rows: Sequence[BackbonePlan]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return columns and lines of how many trials fit together in each mode."""
    dtypes = {row.dtype for row in rows}
    plain = dtypes.pop() if len(dtypes) == 1 else "not quantised"
    columns = [_name(mode, plain) for mode in rows[0].modes] if rows else []
    return columns, [(row.name, *map(_cell, row.modes)) for row in rows]


def _cell(mode: PlannedMode) -> str:
    fits = str(mode.together) if mode.together else f"needs {mode.needed_gb:.1f} GB"
    return f"{fits} *" if mode.chosen else fits


def _costs(planned: Plan) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return columns and lines of weights, packs, hours by stage and disk."""
    columns = ["weights GB", "packs", "vision h", "train h", "write h", "hours", "disk GB"]
    lines = []
    for row in planned.backbones:
        if isinstance(row, BackbonePlan):
            hours = row.hours
            stages = (hours.vision, hours.train, hours.write, hours.total)
            cells = [f"{row.packs} of {row.pack_size}", *map(_short, stages)] if row.fits else ["–"] * 5
            lines.append((row.name, f"{row.memory.weights_gb:.1f}", *cells, _gigabytes(row.bytes.disk)))
        elif isinstance(row, BackboneSize):
            lines.append((row.name, "–", *["–"] * 5, _gigabytes(row.bytes.disk)))
    return columns, lines


def _alone(rows: Sequence[BackbonePlan]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return columns and lines of trials that can't be packed: why, what they train, and what training takes."""
    columns = ["trials", "trainable", "training, times a packed one", "why"]
    lines: list[tuple[str, ...]] = []
    for row in rows:
        for part in row.alone:
            trained = ", ".join(f"{count(number)} (rank {rank})" for rank, number in part.trainable_parameters.items())
            lines.append((row.name, str(part.trials), trained, f"{part.times_a_packed_trial:.2f}", part.reason))
    return columns, lines


def _show_design(console: Console, design: Design) -> None:
    """Print what the leaderboard will be able to decide."""
    label = METRICS[design.primary].label
    how = f"in {design.folds} folds" if design.folds else "on one test part"
    lines = []
    for one in design.comparisons:
        if design.blocks < one.blocks_needed:
            smallest = "none can be found"
        else:
            smallest = "not known" if one.detectable is None else f"about {one.detectable:.2f}"
        lines.append((one.what, f"{one.pairs:,}", str(one.blocks_needed), smallest))
    title = f"What it can decide, {how}: {design.tested} of {design.studies} studies tested, {design.blocks} blocks"
    _table(console, title, ["pairs", "blocks needed", f"smallest difference in {label}"], lines, first="compared")
    if design.spread is not None:
        console.print(
            f"Found with a probability of 80 %, after the correction for all pairs. Assumed: two equal predictors "
            f"differ by {design.spread:.2f} per block and seed (standard deviation), and there are {design.seeds} "
            "seeds a point.",
            style="dim",
        )


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]], *, first: str = "backbone"
) -> None:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(first, no_wrap=first == "backbone")
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*map(escape, row))
    if rows:
        console.print(table)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _duration(hours: float) -> str:
    if hours >= 100:
        return f"{hours:,.0f} hours"
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"

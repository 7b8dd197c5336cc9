"""A rehearsal as a table for a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from benchmark.rehearsal.model import TOLERANCE, Rehearsal, StageCost

COLUMNS = (
    "stage", "s", "planned s", "CPU s", "memory GB", "planned GB", "disk MB", "planned MB", "GFLOP/s", "of peak", "note"
)  # fmt: skip


def show(rehearsal: Rehearsal, console: Console) -> None:
    """Print what each stage took beside what was planned, and the verdict."""
    cut = f"{rehearsal.layers} layers, {rehearsal.parameters / 1e9:.2f} G parameters"
    how = rehearsal.dtype if rehearsal.quantization is None else f"{rehearsal.quantization}, {rehearsal.dtype}"
    ranks = " and ".join(map(str, rehearsal.ranks))
    console.print(
        f"{rehearsal.backbone}: {cut}, random weights, {how}, on {rehearsal.device}; ranks {ranks}, "
        f"{rehearsal.rows} reports a trial and step.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    table = Table(box=box.MARKDOWN)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("stage", "note") else "right")
    for stage in rehearsal.stages:
        table.add_row(*_cells(stage))
    console.print(table)
    if not rehearsal.own_tokenizer:
        console.print("The published tokenizer isn't at hand: a stand-in of the same size took its place.")
    for stage in rehearsal.stages:
        for name, more in stage.excess.items():
            console.print(
                f"[red]{stage.stage}: {more:.0%} more {name} than planned[/red]; {TOLERANCE:.0%} are allowed.",
                highlight=False,
            )


def _cells(stage: StageCost) -> list[str]:
    return [
        stage.stage,
        f"{stage.seconds:.1f}",
        _number(stage.planned_seconds, 1, ".1f"),
        f"{stage.processor_seconds:.1f}",
        _number(stage.memory, 1e9, ".2f"),
        _number(stage.planned_memory, 1e9, ".2f"),
        _number(stage.disk, 1e6, ".1f"),
        _number(stage.planned_disk, 1e6, ".1f"),
        _number(stage.rate, 1e9, ".1f"),
        "" if stage.share_of_peak is None else f"{stage.share_of_peak:.0%}",
        stage.note,
    ]


def _number(value: float | None, unit: float, form: str) -> str:
    return "" if value is None else format(value / unit, form)

"""What bounds a training step, as a table for a terminal, in Markdown."""

from rich import box
from rich.console import Console
from rich.table import Table

from benchmark.bench.roofline_model import RooflineResult
from benchmark.bench.tables import machine_lines, wide


def show_roofline(result: RooflineResult, console: Console | None = None) -> None:
    """Print what a step of one trial and of several takes, beside the least that its arithmetic takes."""
    console, peaks = console or wide(), result.peaks
    of = (
        f"Steps of {result.batch_size} reports a trial, {result.backbone} (suite {result.suite}); {result.rounds} round"
    )
    for line in (
        f"{of}{'s' if result.rounds > 1 else ''}, medians.",
        *machine_lines(result),
        f"One core at best: {peaks.operations / 1e9:.1f} GFLOP/s by a product of large matrices, "
        f"{peaks.bytes / 1e9:.1f} GB/s of memory.",
    ):
        console.print(line, highlight=False, soft_wrap=True)
    table = Table(box=box.MARKDOWN)
    table.add_column("a step of", no_wrap=True)
    heads = ("ms", "ms a trial", "operations", "GFLOP", "ms by arithmetic", "MB", "ms by memory", "of peak")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for bound in result.bounds:
        least = bound.arithmetic_seconds(peaks)
        table.add_row(
            f"1 trial, {bound.engine}" if bound.trials == 1 else f"{bound.trials} trials, {bound.engine}",
            f"{1000 * bound.seconds:.1f}",
            f"{1000 * bound.seconds / bound.trials:.1f}",
            f"{bound.operations:,}",
            f"{bound.products / 1e9:.2f}",
            f"{1000 * least:.1f}",
            f"{bound.bytes / 1e6:.0f}",
            f"{1000 * bound.memory_seconds(peaks):.1f}",
            f"{least / bound.seconds:.0%}",
        )
    console.print(table)
    note = "ms are of the processor; by memory, as if no operation found anything in a cache."
    console.print(note, highlight=False, soft_wrap=True)
    alone, last = result.bounds[0], result.bounds[-1]
    console.print(
        f"By {last.trials} trials together a trial's step is {last.trials * alone.seconds / last.seconds:.2f} times as "
        f"fast as by itself. If arithmetic at its best rate were all that it took, it would be "
        f"{last.trials * alone.seconds / last.arithmetic_seconds(peaks):.2f} times: no packing of whole steps can gain "
        "more on this processor.",
        highlight=False,
        soft_wrap=True,
    )

"""What was found, as tables for a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from benchmark.gpu_check.model import Finding, GpuCheck

COLOURS = {"passed": "green", "failed": "red", "skipped": "yellow"}


def line(finding: Finding) -> str:
    """Return a finding in a line: what, how it ended, why, and what it measured."""
    how = f"{finding.quantization}, {finding.dtype}" if finding.quantization else finding.dtype
    measured = [finding.note] if finding.note else []
    measured += map(str, finding.differences)
    measured += [f"{m.stage} {m.measured / 1e9:.2f} of {m.planned / 1e9:.2f} GB planned" for m in finding.memory]
    parts = [f"{finding.backbone}, {how}: {finding.check}: {finding.ended}", f"{finding.seconds:.0f} s"]
    return "; ".join(filter(None, [*parts, finding.reason, *measured]))


def show(result: GpuCheck, console: Console) -> None:
    """Print all that was found."""
    size = "reduced size" if result.small else "full size, random weights"
    console.print(f"{result.device}: {size}, {result.seconds:.0f} s of {result.minutes:g} minutes.", highlight=False)
    table = Table(box=box.MARKDOWN)
    for column in ("backbone", "numbers", "check", "ended", "s", "measured"):
        table.add_column(column, justify="right" if column == "s" else "left")
    for finding in result.findings:
        how = f"{finding.quantization}, {finding.dtype}" if finding.quantization else finding.dtype
        ended = f"[{COLOURS[finding.ended]}]{finding.ended}[/]"
        table.add_row(finding.backbone, how, finding.check, ended, f"{finding.seconds:.1f}", _measured(finding))
    console.print(table)
    _show_speeds(result, console)
    if not result.complete:
        console.print("[red]It was ended before its end.[/red]")


def _measured(finding: Finding) -> str:
    parts = [finding.reason, finding.note]
    parts += map(str, finding.differences)
    parts += [f"{m.stage} {m.measured / 1e9:.2f} GB, planned {m.planned / 1e9:.2f}" for m in finding.memory]
    return "; ".join(filter(None, parts))


def _show_speeds(result: GpuCheck, console: Console) -> None:
    speeds = [(finding, speed) for finding in result.findings for speed in finding.speeds]
    if not speeds:
        return
    table = Table(box=box.MARKDOWN)
    columns = ("backbone", "who", "trials", "together", "steps/s", "TFLOP/s", "of peak", "first step s", "reports/s")
    for column in columns:
        table.add_column(column, justify="left" if column in ("backbone", "who") else "right")
    for finding, speed in speeds:
        table.add_row(
            finding.backbone,
            f"{speed.contender}, {speed.way}" if speed.way else speed.contender,
            str(speed.trials),
            str(speed.together),
            f"{speed.steps_per_second:.2f}",
            f"{speed.operations_per_second / 1e12:.3g}",
            "" if speed.share_of_peak is None else f"{speed.share_of_peak:.0%}",
            "" if speed.first_step_seconds is None else f"{speed.first_step_seconds:.1f}",
            "" if speed.reports_per_second is None else f"{speed.reports_per_second:.2f}",
        )
    console.print(table)
    _, first = speeds[0]
    console.print(
        f"A: the Trainer with peft; C: sequential; D: packed. {first.rows} reports of {first.tokens} tokens a step and "
        "trial; steps of all trials together. Reports written have "
        f"{next((s.new_tokens for _, s in speeds if s.new_tokens), 0)} tokens.",
        highlight=False,
    )

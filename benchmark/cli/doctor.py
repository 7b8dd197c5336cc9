"""The verb `amrg doctor`."""

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder in DMID's layout to look at.")] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where results would go.")] = Path("results"),
    network: Annotated[bool, typer.Option("--network", help="Ask the hub too, for 10 s at most.")] = False,
) -> None:
    """Say line by line what this machine can run, and the remedy where it can't; exit code 1 where nothing can run.

    Example: amrg doctor --network
    """
    from benchmark.errors import RunFailed
    from benchmark.planning.doctor import examine

    marks = {"well": "✓", "limited": "–", "missing": "✗"}
    missing = []
    for finding in examine(results, data, network=network):
        remedy = f"\n    {finding.remedy}" if finding.remedy else ""
        typer.echo(f"{marks[finding.state]} {finding.what}: {finding.found}{remedy}")
        if finding.state == "missing":
            missing.append(finding.what)
    if missing:
        raise RunFailed(f"nothing runs here before these are mended: {', '.join(missing)}")


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command()(doctor)

"""The verb `amrg leaderboard`."""

from pathlib import Path
from typing import Annotated

import typer


def leaderboard(
    suite: Annotated[str, typer.Argument(help="The name of a suite that ran.")] = "mini",
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the results lie.")] = Path("results"),
    leaderboards: Annotated[Path, typer.Option(metavar="DIR", help="Where the leaderboard goes.")] = Path(
        "leaderboards"
    ),
) -> None:
    """Write a suite's leaderboard from its stored results; nothing is run.

    Example: amrg leaderboard mini
    """
    from benchmark.leaderboard import write_leaderboard

    written = write_leaderboard(results, suite, leaderboards)
    typer.echo(f"{written.table()}\n\nLeaderboard: {written.readme}")


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(leaderboard)

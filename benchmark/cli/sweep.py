"""The verb `amrg sweep`."""

from pathlib import Path
from typing import Annotated

import typer


def sweep(
    suite: Annotated[str, typer.Argument(help="A suite that comes with amrg, or a suite file.")] = "mini",
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="A DMID folder, for suites on DMID.")] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where results go.")] = Path("results"),
    leaderboards: Annotated[Path, typer.Option(metavar="DIR", help="Where the leaderboard goes.")] = Path(
        "leaderboards"
    ),
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one a core, or one a GPU, by default.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but the result.")] = False,
    json_lines: Annotated[bool, typer.Option("--json-lines", help="Tell what happens as JSON lines.")] = False,
) -> None:
    """Run a suite end to end and write its leaderboard. What is done is not done again.

    Example: amrg sweep smoke

    Example: amrg sweep paper --data /data/DMID
    """
    from benchmark.errors import UserError
    from benchmark.leaderboard import write_leaderboard
    from benchmark.show import Show
    from benchmark.status import Recorder
    from benchmark.store import Store
    from benchmark.suite import load_suite
    from benchmark.sweep import check, run

    if quiet and json_lines:
        raise UserError("--quiet and --json-lines exclude each other: give one of them.")
    chosen = load_suite(suite)
    with (
        Show("json-lines" if json_lines else "quiet" if quiet else "people") as show,
        Recorder(Store(results), chosen.name, show) as listener,
    ):
        summary = run(chosen, data=data, results=results, listener=listener, processes=jobs)
    written = write_leaderboard(results, chosen.name, leaderboards)
    if not json_lines:
        done = f"{summary.ran} trials run, {summary.already} were done already"
        typer.echo(f"{written.table()}\n\n{done}{f', {len(summary.failed)} failed' if summary.failed else ''}.")
        typer.echo(f"Leaderboard: {written.readme}")
    check(summary)


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(sweep)

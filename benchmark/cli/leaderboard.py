"""The verbs `amrg leaderboard` and `amrg floors`."""

from pathlib import Path
from typing import Annotated

import typer

Leaderboards = Annotated[Path, typer.Option(metavar="DIR", help="Where leaderboards lie.")]


def leaderboard(
    suites: Annotated[list[str] | None, typer.Argument(metavar="[SUITE]...", help="Suites that ran.")] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the results lie.")] = Path("results"),
    leaderboards: Leaderboards = Path("leaderboards"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where a leaderboard differs.")] = False,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write nothing; compare with a published results.json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --against: print JSON.")] = False,
) -> None:
    """Write a suite's leaderboard from its stored results; nothing is run.

    With --check, compare leaderboards (all, if none is named) with the results, or with their own results.json where
    the results aren't here.

    With --against, say row by row whether the stored results agree with a published leaderboard, and what differs in
    what made them; exit code 1 where a row doesn't agree.

    Example: amrg leaderboard mini

    Example: amrg leaderboard --check

    Example: amrg leaderboard mini --against leaderboards/mini/results.json
    """
    from benchmark.errors import RunFailed, UserError
    from benchmark.executors.execute import one_thread

    one_thread()  # before numpy is imported: there is a process per core where there is much to do
    from benchmark.pages.leaderboard import check_leaderboard, write_leaderboard
    from benchmark.suites.load import suite_name

    suites = [suite_name(suite) for suite in suites or ()]
    if as_json and against is None:
        raise UserError("--json goes with --against.")
    if against is not None:
        if check:
            raise UserError("--check and --against exclude each other: give one of them.")
        _against(suites or ["mini"], results, against, as_json)
        return
    if not check:
        for suite in suites or ["mini"]:
            written = write_leaderboard(results, suite, leaderboards)
            typer.echo(f"{written.table()}\n\nLeaderboard: {written.readme}")
        return
    chosen = suites or sorted(p.parent.name for p in leaderboards.glob("*/results.json"))
    if not chosen:
        raise UserError(f"{leaderboards}: holds no leaderboard to check. `amrg leaderboard SUITE` writes one.")
    failed = []
    for suite in chosen:
        try:
            typer.echo(f"{leaderboards / suite}: as {check_leaderboard(results, suite, leaderboards)} would have it")
        except RunFailed as error:
            failed.append(str(error))
    if failed:
        raise RunFailed("\n".join(failed))


def _against(suites: list[str], results: Path, published: Path, as_json: bool) -> None:
    from benchmark.errors import UserError
    from benchmark.pages.against import terminal
    from benchmark.pages.leaderboard import against

    if len(suites) > 1:
        raise UserError(f"--against compares one suite with one leaderboard, not {', '.join(suites)}.")
    comparison = against(results, suites[0], published)
    typer.echo(comparison.to_json() if as_json else terminal(comparison, str(published)))
    if not comparison.agrees:
        raise typer.Exit(1)


def floors(
    data: Annotated[Path, typer.Argument(metavar="DMID", help="A folder in DMID's layout; its reports suffice.")],
    leaderboards: Leaderboards = Path("leaderboards"),
    name: Annotated[str, typer.Option(help="The leaderboard's name.")] = "dmid-floors",
) -> None:
    """Write what predictors that see no image score on real reports, by split and signature.

    Example: amrg floors /data/DMID
    """
    from rich.console import Console

    from benchmark.board.floors import floors as measure
    from benchmark.pages.leaderboard import write_board

    with Console(stderr=True).status("scoring") as status:
        board = measure(data, lambda done, total: status.update(f"{done} of {total} splits scored"))
    written = write_board(board, name, leaderboards)
    typer.echo(f"{written.table()}\n\nLeaderboard: {written.readme}")


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(leaderboard)
    app.command()(floors)

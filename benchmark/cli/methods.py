"""The verb `amrg methods`."""

from pathlib import Path
from typing import Annotated

import typer


def methods(
    suite: Annotated[str | None, typer.Argument(metavar="[SUITE]", help="A suite that ran; mini by default.")] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the results lie.")] = Path("results"),
    published: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Read a published results.json, not stored results.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the statement; else it is printed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The items as JSON.")] = False,
) -> None:
    """Write the methods statement of a run, by the items of TRIPOD-LLM, MI-CLEAR-LLM and CLAIM.

    What the run recorded is filled in; what no run can know is marked, for the authors to fill in. Nothing is run.

    Example: amrg methods mini --output methods.md

    Example: amrg methods --from leaderboards/mini/results.json
    """
    from benchmark.board.collect import collect
    from benchmark.board.earlier import published_text, read_board
    from benchmark.board.methods import methods as statement_of
    from benchmark.board.results import read_results
    from benchmark.errors import UserError
    from benchmark.pages.methods import document
    from benchmark.results.store import write_text
    from benchmark.suites.load import suite_name

    named = None if suite is None else suite_name(suite)
    if published is None:
        board = collect(read_results(results, named or "mini"))
    else:
        board = read_board(published_text(published), str(published))
        if named not in (None, board.suite.name):
            raise UserError(f"{published}: holds the suite {board.suite.name!r}, not {named!r}. Leave out one of them.")
    text = f"{statement_of(board).model_dump_json(indent=1)}\n" if as_json else document(board)
    if output is not None:
        write_text(output, text)
        return
    typer.echo(text, nl=False)


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(methods)

"""The verb `amrg stage`."""

from pathlib import Path
from typing import Annotated

import typer


def stage(
    suite: Annotated[str, typer.Argument(help="A suite that comes with amrg, or a suite file.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; a new or an empty folder.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The DMID folder, for suites on DMID; it isn't copied.")
    ] = None,
) -> None:
    """Gather what a suite needs on a machine without internet: checkpoints, packages' versions, digests, commands.

    Checkpoints that aren't here are fetched, so licences have to be accepted first (`amrg doctor`). The folder's
    README.md says how it is used.

    Example: amrg stage paper /media/disk/paper --data /data/DMID
    """
    from rich.console import Console

    from benchmark.planning.staging import stage as gather

    with Console(stderr=True).status("staging") as status:
        staged = gather(suite, folder, data, lambda what: status.update(f"staging: {what}"))
    found = ", ".join(staged.checkpoints) or "none but the miniatures that come with amrg"
    typer.echo(f"{staged.folder}: checkpoints: {found}; {staged.files} files of data with digests.")
    typer.echo(f"How it is used: {staged.folder / 'README.md'}")


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command()(stage)

"""What several verbs print: JSON on standard output, and a bar beside it on standard error."""

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


def print_json(content: object) -> None:
    """Print JSON, indented, in the words' own letters."""
    typer.echo(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))


def progress_bar(what: str, *, quiet: bool = False) -> "Progress":
    """Return a bar of the work `what`, used as a context, that is gone when the work is done; none if `quiet`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet)

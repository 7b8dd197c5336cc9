"""What several verbs print: JSON on standard output, and a bar beside it on standard error."""

import codecs
import io
import json
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


def print_anywhere() -> None:
    """Let standard output and error replace what their encoding doesn't have: an α or × must not end a sweep."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_error(said: str, *, label: str = "") -> None:
    """Print what ended a run on standard error, a label before it in red; plainly where memory is used up."""
    try:
        from rich.console import Console
        from rich.text import Text

        Console(stderr=True).print(Text.assemble((label, "red"), said), soft_wrap=True)
    except (MemoryError, ImportError, OSError):
        print(f"{label}{said}", file=sys.stderr)


def print_json(content: object) -> None:
    """Print JSON, indented, in the words' own letters where standard output has them all, else escaped."""
    typer.echo(as_json(content, indent=1))


def as_json(content: object, *, indent: int | None = None) -> str:
    """Return JSON that standard output can be given without a letter lost."""
    return json.dumps(content, indent=indent, ensure_ascii=not _is_unicode(sys.stdout), allow_nan=False)


def _is_unicode(stream: object) -> bool:
    """Return whether a stream's encoding has every letter."""
    try:
        return codecs.lookup(str(getattr(stream, "encoding", None) or "ascii")).name.startswith("utf")
    except LookupError:
        return False


def progress_bar(what: str, *, quiet: bool = False) -> "Progress":
    """Return a bar of the work `what`, used as a context, that is gone when the work is done; none if `quiet`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet)

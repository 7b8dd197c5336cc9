"""The verb `amrg compare`."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.output import print_json


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A trial's id, a suite, or a file of predictions.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the results lie.")] = Path("results"),
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="For two files: the DMID folder.")] = None,
    references: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For two files: JSON lines with id and report.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="With --data: the split whose test part was predicted.")] = None,
    score: Annotated[str | None, typer.Option(help="The score that is tested alone.")] = None,
    studies: Annotated[int, typer.Option(min=0, help="How many studies to list.")] = 10,
    texts: Annotated[bool, typer.Option("--texts", help="Show the reports of those studies.")] = False,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as markdown, too.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two trials, suites or files of predictions: paired differences with intervals and p-values.

    A suite stands for the chosen point of each backbone. The start of a trial's id is enough.

    Example: amrg compare fe83e2 8eb4d0

    Example: amrg compare mine.jsonl theirs.jsonl --data /data/DMID --markdown comparison.md
    """
    from benchmark.board.compare import comparisons, find
    from benchmark.data.dmid import read
    from benchmark.errors import UserError
    from benchmark.pages import compare
    from benchmark.results.store import write_text
    from benchmark.scoring.references import from_file, from_release

    if data is not None and references is not None:
        raise UserError("--data and --references exclude each other: give one of them.")
    first, second = find(a, results), find(b, results)
    against = None
    if references is not None:
        against = from_file(references)
    elif data is not None and first.file is not None:
        against = from_release(read(data, reports_only=True), list(first.file[1]), split)
    compared = comparisons(first, second, against, score)
    if markdown is not None:
        parts = [compare.markdown(f, studies=studies, texts=texts) for f in compared]
        write_text(markdown, "\n".join(parts), private=texts)
    if as_json:
        print_json([compare.record(f, studies=studies, texts=texts).model_dump(mode="json") for f in compared])
        return
    from rich.console import Console

    for comparison in compared:
        compare.show(comparison, Console(), studies=studies, texts=texts)


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(compare)

"""`amrg label`: what reports state, by the labeler that the clinical scores use."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.output import as_json


def label(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="JSON lines with id and report, prediction or text.", show_default=False),
    ],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the labels; else they are printed.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where the text stands, when a line has several.")
    ] = None,
) -> None:
    """Label reports: BI-RADS category, density, findings with polarity, location and size, a JSON line each.

    Rules only, the same for references and predictions; a label is null or empty where the report is silent.

    Example: amrg label predictions.jsonl --output labels.jsonl
    """
    from benchmark.results.store import write_lines
    from benchmark.scoring.labels import label_file

    labels = label_file(file, key)
    if output is not None:
        write_lines(output, labels)
        return
    for record in labels:
        typer.echo(as_json(record))

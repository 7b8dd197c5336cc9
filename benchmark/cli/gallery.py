"""The verb `amrg gallery`."""

from pathlib import Path
from typing import Annotated

import typer


def gallery(
    suite: Annotated[str, typer.Argument(help="A suite that ran, by name or by file.")] = "mini",
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The DMID folder with the images, for suites on DMID.")
    ] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the results lie.")] = Path("results"),
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to; by default beside the suite's results.")
    ] = None,
) -> None:
    """Write a page to read reports side by side: image, reference and each backbone's prediction.

    It opens from disk and loads nothing from a network. It holds the reports and images of the test part: on real
    data, keep it where those may be kept.

    Example: amrg gallery mini
    """
    from rich.console import Console

    from benchmark.pages.gallery import write_gallery
    from benchmark.suites.load import suite_name

    with Console(stderr=True).status("reading results") as status:
        written = write_gallery(
            results,
            suite_name(suite),
            data=data,
            output=output,
            progress=lambda done, total: status.update(f"{done} of {total} images"),
        )
    if written.without_image:
        hint = "give the folder that the suite ran on with --data" if data is None else "they aren't in the data"
        typer.echo(f"{written.without_image} of {written.studies} studies are without their image: {hint}.", err=True)
    typer.echo(f"Gallery of {written.studies} studies, {written.columns} columns: {written.page}")


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(gallery)

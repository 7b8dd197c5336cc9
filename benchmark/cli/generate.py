"""`amrg generate`: a report for an image, by a trained trial."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.output import print_json


def generate(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Mammograms: TIFF, DICOM, PNG or JPEG.")],
    trial: Annotated[str, typer.Option(metavar="ID", help="A trial's id, or its beginning; leaderboards list them.")],
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the sweep's results lie.")] = Path("results"),
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The base's folder, where it has moved since the sweep.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="E.g. cuda:0; by default a GPU where there is one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Write a report for images with a trial's adapter, base and adapter loaded as recorded. Not for clinical use.

    Example: amrg generate --trial 3f2a91c07b64d5e8 mammogram.tif
    """
    from benchmark.executors.execute import quiet
    from benchmark.tuning.infer import find_trial, write_reports

    quiet()
    folder = find_trial(results, trial)
    if folder.read_trial().trial.protocol.shuffles_images:
        typer.echo("A control, trained on shuffled images: its reports say nothing of these images.", err=True)
    written = write_reports(folder, images, checkpoint=checkpoint, device=device)
    if as_json:
        rows = [
            {"image": str(path), "report": answer.text, "tokens": answer.tokens, "stop": answer.stop}
            for path, answer in zip(images, written, strict=True)
        ]
        print_json(rows)
        return
    for path, answer in zip(images, written, strict=True):
        typer.echo(f"{path}\n{answer.text}" + ("\n(cut at the limit)" if answer.stop == "length" else "") + "\n")


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command()(generate)

"""`amrg data phantom`: write an archive of digital phantoms."""

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.output import progress_bar


def phantom(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    studies: Annotated[int, typer.Option(min=1, help="How many images; a patient has up to four.")] = 510,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same bytes.")] = 0,
    size: Annotated[int, typer.Option(min=64, help="Long side of an image, in pixels.")] = 512,
    dialect: Annotated[
        str, typer.Option(help="Manner of the reports: dmid, acr, letter, structured or impression.")
    ] = "dmid",
    dicom: Annotated[bool, typer.Option("--dicom", help="Write DICOM images as well.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that draw.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Write digital phantoms in the layout of DMID: images, masks, reports, Info.txt, Metadata.xlsx and their truth.

    Everything that reads the release runs on them. They are drawings: use them to try a sweep, not to judge a model.

    Example: amrg data phantom phantoms --studies 200 --seed 1
    """
    from collections import Counter

    from rich.console import Console
    from rich.table import Table

    from benchmark.phantoms.write import read_truth, write
    from metrics.labels.birads import BIRADS_SCALE

    with progress_bar("phantoms") as bar:
        task = bar.add_task("", total=studies)
        write(
            folder,
            studies=studies,
            seed=seed,
            size=size,
            dialect=dialect,
            dicom=dicom,
            jobs=jobs,
            progress=lambda done, _: bar.update(task, completed=done),
        )
    truths = list(read_truth(folder).values())
    categories = Counter(truth.birads for truth in truths)
    densities = Counter(truth.density for truth in truths)
    if as_json:
        summary = {
            "folder": str(folder),
            "studies": len(truths),
            "patients": len({truth.patient for truth in truths}),
            "birads": {name: categories[name] for name in BIRADS_SCALE},
            "density": {name: densities[name] for name in "ABCD"},
        }
        typer.echo(json.dumps(summary, indent=2))
        return
    table = Table(title=f"{len(truths)} phantoms of {len({truth.patient for truth in truths})} patients")
    table.add_column("BI-RADS")
    table.add_column("images", justify="right")
    table.add_column("density")
    table.add_column("images", justify="right")
    for row, name in enumerate(BIRADS_SCALE):
        letter = "ABCD"[row : row + 1]
        table.add_row(name, str(categories[name]), letter, str(densities[letter]) if letter else "")
    Console().print(table)
    typer.echo(f"Written to {folder}. Next: amrg data check {folder}")

"""The verb `amrg rehearse`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.rehearsal.materials import Wanted
    from benchmark.rehearsal.model import Rehearsal


def rehearse(
    what: Annotated[
        str,
        typer.Argument(
            metavar="BACKBONE|SUITE",
            help="A backbone by its name, OWNER/MODEL or a folder of its files; or a suite for all of its.",
        ),
    ],
    layers: Annotated[
        int | None, typer.Option(min=2, help="Cut decoder and encoder to so many layers, full width; all by default.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where weights and results go, and stay; else they are deleted.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, or cuda; cuda by default where there is one.")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="bfloat16 or float32; a backbone by itself on a CPU has float32 by default.")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What that backbone's files don't say: image_size=448, …"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Take a full-size checkpoint of random weights through a sweep, and measure it beside the plan.

    Weights' values change neither memory nor speed, so no download is needed. Exit code 1: a stage failed, or took
    over 10 % more memory than planned.

    Example: amrg rehearse medgemma-4b-it --layers 2

    Example: amrg rehearse Qwen/Qwen2-VL-2B-Instruct --state image_size=448 --layers 2

    Example: amrg rehearse paper --device cuda --json
    """
    from rich.console import Console

    from benchmark.rehearsal.model import Rehearsals
    from benchmark.rehearsal.table import show

    done: list[Rehearsal] = []
    for wanted in _wanted(what, state or [], layers, device, dtype):
        done.append(_apart(wanted, folder))
        if not as_json:
            show(done[-1], Console(width=170))
    if as_json:
        typer.echo(Rehearsals(rehearsals=done).model_dump_json(indent=1))
    if not all(rehearsal.passed for rehearsal in done):
        raise typer.Exit(1)


def _wanted(what: str, state: list[str], layers: int | None, device: str | None, dtype: str | None) -> "list[Wanted]":
    """Return what is to be rehearsed: a backbone under the protocol of `paper`, or a suite's under its own."""
    import torch

    from backbones.published_files import is_hub_id
    from backbones.registry import locations
    from benchmark.entries.named import published_entry
    from benchmark.errors import UserError
    from benchmark.forms.suite import Entry
    from benchmark.rehearsal.materials import Wanted
    from benchmark.suites.load import load_suite

    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    place = "cuda:0" if place == "cuda" else place
    by_itself = what in locations() or Path(what).is_dir() or is_hub_id(what)
    suite = load_suite("paper" if by_itself else what)
    usual = "float32" if place == "cpu" else "bfloat16"
    entries = suite.backbones
    if by_itself:
        entries = (published_entry(what, state).model_copy(update={"dtype": usual}),)
    elif state:
        raise UserError(f"--state is for a backbone by itself; {what} is a suite, whose entries state it.")
    ranks = tuple(sorted({min(suite.grid.ranks), max(suite.grid.ranks)}))
    protocol, image = suite.largest_protocol, suite.image
    return [
        Wanted(
            Entry.model_validate(entry.model_dump() | {"dtype": dtype or entry.dtype}),
            place,
            protocol,
            ranks,
            image,
            layers,
        )
        for entry in entries
    ]


def _apart(wanted: "Wanted", folder: Path | None) -> "Rehearsal":
    """Rehearse in a process of its own, so that its memory is its own."""
    from tempfile import TemporaryDirectory

    from benchmark.executors.execute import ended_at_once, pool
    from benchmark.rehearsal.measure import count_pages
    from benchmark.rehearsal.run import rehearse as run

    count_pages()
    with TemporaryDirectory(prefix="amrg-rehearsal-") as temporary, pool(1) as workers, ended_at_once():
        return workers.submit(run, wanted, folder or Path(temporary), _say).result()


def _say(line: str) -> None:
    typer.echo(line, err=True)


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command()(rehearse)

"""The verb `amrg bench`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.bench.model import Measured
    from benchmark.forms.suite import Suite


def bench(
    suite: Annotated[
        str | None,
        typer.Option(
            help="A suite on a miniature that comes with amrg, or a suite file; bench, or mini-halving with --halving."
        ),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|OWNER/MODEL|DIR", help="Instead of the suite's, the miniature of this backbone's classes."
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What that backbone's files don't say: end_token=</s>, …"),
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Mammograms in DMID's layout to run on.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each contender runs.")] = 3,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Instead, time the packed engine on 4, 16 and 64 trials.")
    ] = False,
    grid: Annotated[
        bool, typer.Option("--grid", help="Instead, time the packed engine on one point and on 27, ranks × rates.")
    ] = False,
    halving: Annotated[
        bool,
        typer.Option("--halving", help="Instead, time the grid in full and with points that leave early."),
    ] = False,
    roofline: Annotated[
        bool,
        typer.Option(
            "--roofline", help="Instead, say what bounds a training step on this processor, by 1 to 16 trials."
        ),
    ] = False,
    peer: Annotated[str | None, typer.Option(metavar="NAME", help="Beside the others, a peer: llamafactory.")] = None,
    peer_environment: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --peer: the environment in which it is installed.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Time whole sweeps: ours, packed and sequential, beside a script over the Hugging Face Trainer with peft.

    Every trial of every contender is really run, in interleaved rounds, and losses and texts are compared.

    Example: amrg bench

    Example: amrg bench --data /data/DMID --json

    Example: amrg bench --backbone Qwen/Qwen2-VL-2B-Instruct --rounds 1

    Example: amrg bench --scaling --rounds 1

    Example: amrg bench --grid --rounds 1

    Example: amrg bench --halving --rounds 1

    Example: amrg bench --roofline --rounds 1

    Example: amrg bench --peer llamafactory --peer-environment /opt/llamafactory
    """
    from rich.console import Console

    from benchmark.bench import grid as points
    from benchmark.bench import halving as leaving
    from benchmark.bench import roofline as bounds
    from benchmark.bench import run as contenders
    from benchmark.bench import scaling as growth
    from benchmark.bench.peer import command_of
    from benchmark.errors import UserError

    instead = {growth.run: scaling, points.run: grid, leaving.run: halving, bounds.run: roofline}
    if sum(instead.values()) > 1:
        raise UserError("--scaling, --grid, --halving and --roofline exclude each other: give one of them.")
    if peer is None and peer_environment is not None:
        raise UserError("--peer-environment goes with --peer.")
    if peer is not None and any(instead.values()):
        raise UserError("--peer runs beside the contenders, not with --scaling, --grid, --halving or --roofline.")
    console = Console(stderr=True)

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False)

    run = next((one for one, asked in instead.items() if asked), None) or partial(
        contenders.run, peer=command_of(peer, peer_environment) if peer else None
    )
    result = run(_suite(suite or ("mini-halving" if halving else "bench"), backbone, state), data, rounds, say)
    if json_:
        typer.echo(result.model_dump_json(indent=1))
    else:
        show(result)


def show(result: "Measured") -> None:
    """Print what was measured as a table."""
    from benchmark.bench import tables
    from benchmark.bench.model import BenchResult, GridResult, HalvingResult, ScalingResult
    from benchmark.bench.roofline_model import RooflineResult
    from benchmark.bench.roofline_table import show_roofline

    if isinstance(result, BenchResult):
        tables.show(result)
    elif isinstance(result, GridResult):
        tables.show_grid(result)
    elif isinstance(result, HalvingResult):
        tables.show_halving(result)
    elif isinstance(result, RooflineResult):
        show_roofline(result)
    elif isinstance(result, ScalingResult):
        tables.show_scaling(result)


def _suite(named: str, backbone: str | None, state: Sequence[str] | None) -> "Suite":
    """Return the suite that is timed: with a backbone in place of its own, where one is named."""
    from benchmark.entries.named import miniature_entry, with_backbone
    from benchmark.errors import UserError
    from benchmark.suites.load import load_suite

    if backbone is None:
        if state:
            raise UserError("--state goes with --backbone.")
        return load_suite(named)
    return with_backbone(load_suite(named), miniature_entry(backbone, state or []))


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command()(bench)

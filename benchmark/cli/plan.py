"""`amrg plan`: what a suite will cost, before it runs."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.output import print_json


def plan(
    suite: Annotated[str, typer.Argument(metavar="SUITE", help="A suite's name, or a suite file.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The DMID folder, for suites that run on it.")
    ] = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[xN]",
            help="Plan for N such GPUs (H100, A100-40, RTX4090 …), or for this machine's processor: cpu. "
            "By default for this machine's GPUs.",
        ),
    ] = None,
    gpu_memory: Annotated[
        float | None, typer.Option(metavar="GB", min=1, help="Memory of each GPU, instead of the device's own.")
    ] = None,
    results: Annotated[
        Path, typer.Option(metavar="DIR", help="Earlier results, whose measured rates are taken.")
    ] = Path("results"),
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|OWNER/MODEL|DIR", help="Plan the suite for this backbone's published weights alone."
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What that backbone's files don't say: image_size=448, …"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Show what a suite will cost on a GPU and what it lacks on this machine: what fits, hours, disk, host memory.

    Hours are arithmetic with the data sheet's rates, and the assumptions are printed; where a sweep has run on such a
    device, its measured rate is taken. Exit code 2: the suite can't run here.

    Example: amrg plan paper --gpu H100

    Example: amrg plan paper --gpu A100-80x4

    Example: amrg plan paper --backbone Qwen/Qwen2-VL-7B-Instruct --state image_size=896 --gpu H100
    """
    from benchmark.entries.named import published_entry, with_backbone
    from benchmark.planning.plan import plan as make_plan
    from benchmark.suites.load import read_suite

    source = read_suite(suite)
    chosen = source.suite
    if backbone is not None:
        chosen = with_backbone(chosen, published_entry(backbone, state or []))
    # Lines are those of the file, whose backbones another has taken the place of.
    lines = source if backbone is None else None
    planned = make_plan(chosen, data, gpu=gpu, gpu_memory=gpu_memory, results=results, source=lines)
    if as_json:
        print_json(planned.model_dump(mode="json"))
    else:
        from benchmark.cli.plan_screen import show

        show(planned, sweep_command(suite, data, backbone, state or []))
    if planned.missing:
        raise typer.Exit(2)


def sweep_command(suite: str, data: Path | None, backbone: str | None = None, state: Sequence[str] = ()) -> str:
    """Return the command that runs a suite, with the arguments as they were given."""
    on = [] if backbone is None else ["--backbone", backbone, *(part for one in state for part in ("--state", one))]
    return shlex.join(["amrg", "sweep", suite, *(["--data", str(data)] if data is not None else []), *on])


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command()(plan)

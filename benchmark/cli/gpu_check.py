"""The verb `amrg gpu-check`."""

import os
from pathlib import Path
from typing import Annotated

import typer

MINUTES = 8.0


def gpu_check(
    backbone: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|OWNER/MODEL|DIR",
            help="Which; may be given several times. medgemma-4b-it and qwen2.5-vl-3b by default.",
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What that backbone's files don't say: image_size=448, …"),
    ] = None,
    device: Annotated[str, typer.Option(help="cuda, or cpu, for which --small is meant.")] = "cuda",
    small: Annotated[bool, typer.Option("--small", help="Miniatures instead of full-size structures.")] = False,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="How long it may take: checks that no longer fit are left out, and named.")
    ] = MINUTES,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where all that is found goes.")] = Path("gpu-check.json"),
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Check on a GPU what was built without one: parity, waits, memory, speed, with random weights of full size.

    No network, hub account or weights are needed, but for OWNER/MODEL or DIR its configuration, tokenizer and
    processor. FILE is written anew after each check. Exit code 1: one failed.

    Example: amrg gpu-check

    Example: amrg gpu-check --device cpu --small

    Example: amrg gpu-check --backbone Qwen/Qwen2-VL-2B-Instruct --state image_size=896
    """
    # One GPU: the Trainer would share a step among all.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    import torch
    from rich.console import Console

    from benchmark.errors import UserError
    from benchmark.gpu_check.run import Wanted, run
    from benchmark.gpu_check.sizes import BACKBONES
    from benchmark.gpu_check.table import line, show

    if device not in ("cuda", "cpu"):
        raise UserError(f"--device {device}: expected cuda or cpu. Choose among several GPUs by CUDA_VISIBLE_DEVICES.")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("torch sees no GPU here. `amrg gpu-check --device cpu --small` does the same at reduced size.")
    place = "cuda:0" if device == "cuda" else "cpu"
    wanted = Wanted(place, small, minutes, out, tuple(backbone or BACKBONES), tuple(state or ()))
    if state and len(wanted.backbones) > 1:
        raise UserError("--state is for one --backbone by itself. Check them one by one.")
    for named in wanted.backbones:
        wanted.plugin(named)  # what is wrong with one is said before any is loaded
    result = run(wanted, lambda finding: typer.echo(line(finding), err=True))
    if as_json:
        typer.echo(result.model_dump_json(indent=1))
    else:
        show(result, Console(width=200))
    if not result.passed:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add this file's verb to `app`."""
    app.command("gpu-check")(gpu_check)

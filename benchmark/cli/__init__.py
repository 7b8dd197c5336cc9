"""`amrg`: one command a verb. Commands parse, call and print; no logic lives here.

Each group of verbs is a file of this package; none imports torch at its top: `amrg --help` answers at once.
"""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from benchmark.cli import (
    adapters,
    backbones,
    bench,
    compare,
    data,
    doctor,
    gallery,
    generate,
    gpu_check,
    leaderboard,
    methods,
    plan,
    rehearse,
    results,
    score,
    stage,
    status,
    sweep,
    track,
)
from benchmark.cli.output import print_anywhere
from benchmark.ending import Ended, end_at_signals
from benchmark.execute import end_quickly
from benchmark.faults import fault_of

app = typer.Typer(
    name="amrg",
    help="Which vision-language backbone, tuned how, writes the best mammography reports. "
    "Research software, not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"amrg {version('amrg')}")
        raise typer.Exit


@app.callback()
def _of_all_verbs(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Take what is asked of `amrg` itself."""


sweep.register(app)
plan.register(app)
doctor.register(app)
stage.register(app)
rehearse.register(app)
gpu_check.register(app)
data.register(app)
backbones.register(app)
score.register(app)
generate.register(app)
adapters.register(app)
leaderboard.register(app)
methods.register(app)
gallery.register(app)
bench.register(app)
compare.register(app)
status.register(app)
results.register(app)
track.register(app)


def main() -> None:
    """Run `amrg`.

    Exit code 0: done; 1: a run failed; 2: a mistake in what was given; 128 and its number: a signal ended it, 130 for
    Ctrl-C.
    """
    print_anywhere()
    console = Console(stderr=True)
    end_quickly()
    end_at_signals()
    try:
        app()
    except Ended as end:
        console.print(f"\nInterrupted ({end}). What was finished is kept; the same command goes on from there.")
        sys.exit(end.exit_code)
    except Exception as error:
        if not hasattr(error, "exit_code") and (fault := fault_of(error)) is not None:
            error = fault
        exit_code = getattr(error, "exit_code", None)
        if exit_code is None:
            raise
        console.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(exit_code)

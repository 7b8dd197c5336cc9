"""All verbs of `amrg`, and how it ends: by an exit code, an error as a sentence.

None of their files imports torch at its top: `amrg --help` answers at once.
"""

import sys
from typing import Annotated

import typer

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
from benchmark.cli.output import print_anywhere, print_error
from benchmark.cli.space import refuse_little_space_for
from benchmark.disk.faults import fault_of
from benchmark.executors.ending import Ended, end_at_signals
from benchmark.executors.execute import end_quickly

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
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Take what is asked of `amrg` itself."""
    refuse_little_space_for(context.invoked_subcommand)


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


def run() -> None:
    """Run the verb that the command line names, and end with an exit code, as `benchmark.cli.main` says them."""
    print_anywhere()
    end_quickly()
    end_at_signals()
    try:
        app()
    except Ended as end:
        print_error(f"\nInterrupted ({end}). What was finished is kept; the same command goes on from there.")
        sys.exit(end.exit_code)
    except Exception as error:
        if not hasattr(error, "exit_code") and (fault := fault_of(error)) is not None:
            error = fault
        exit_code = getattr(error, "exit_code", None)
        if exit_code is None:
            raise
        print_error(str(error), label="error: ")
        sys.exit(exit_code)

"""The verb `amrg sweep`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.forms.suite import Suite
    from benchmark.pages.written import Written
    from benchmark.results.summary import Summary
    from benchmark.suites.load import SuiteSource


def sweep(
    suite: Annotated[str, typer.Argument(help="A suite that comes with amrg, or a suite file.")] = "mini",
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="A DMID folder, for suites on DMID.")] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where results go.")] = Path("results"),
    leaderboards: Annotated[Path, typer.Option(metavar="DIR", help="Where the leaderboard goes.")] = Path(
        "leaderboards"
    ),
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one a core, or one a GPU, by default.")] = None,
    allow_cpu: Annotated[
        bool, typer.Option("--allow-cpu", help="Run large checkpoints on the processor, where its memory holds them.")
    ] = False,
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|OWNER/MODEL|DIR",
            help="Run the suite on this backbone alone, in place of its own: by its weights where they are here, by a "
            "miniature of its classes elsewhere.",
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What that backbone's files don't say: end_token=</s>, …"),
    ] = None,
    executor: Annotated[
        str, typer.Option(metavar="NAME", help="Where packs run: local, ray or slurm.", rich_help_panel="More machines")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The head of a Ray cluster.", rich_help_panel="More machines"),
    ] = None,
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="A setting of Slurm's jobs; repeatable.", rich_help_panel="More machines"
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but the result.")] = False,
    json_lines: Annotated[bool, typer.Option("--json-lines", help="Tell what happens as JSON lines.")] = False,
) -> None:
    """Run a suite end to end and write its leaderboard. What is done is not done again.

    Example: amrg sweep smoke

    Example: amrg sweep paper --data /data/DMID

    Example: amrg sweep mini --backbone Qwen/Qwen2-VL-2B-Instruct

    Example: amrg sweep paper --data /shared/DMID --executor slurm --slurm partition=gpu
    """
    from benchmark.errors import UserError
    from benchmark.pages.nothing_to_do import finished_sweep
    from benchmark.progress.events import Event, listen, spanned
    from benchmark.progress.show import Show
    from benchmark.results.summary import check
    from benchmark.suites.load import read_suite

    if quiet and json_lines:
        raise UserError("--quiet and --json-lines exclude each other: give one of them.")
    source = read_suite(suite)
    if backbone is not None:
        source = _on_backbone(source.suite, backbone, state or [], results, quiet=quiet or json_lines)
    chosen = source.suite
    with Show("json-lines" if json_lines else "quiet" if quiet else "people") as show:
        end = finished_sweep(chosen, data=data, results=results, leaderboards=leaderboards, named=source.shown)
        if end is None:
            # Only now: what reads data and runs packs takes longer to import than all of the above.
            from benchmark.disk.faults import try_folder
            from benchmark.executors import executor_named
            from benchmark.progress.status import Recorder
            from benchmark.results.store import Store
            from benchmark.sweep import run

            try_folder(leaderboards, "leaderboards")
            remote = executor_named(executor, address=address, settings=slurm or ())
            with Recorder(Store(results), chosen.name, show) as listener:
                summary = run(
                    chosen,
                    data=data,
                    results=results,
                    listener=listener,
                    processes=jobs,
                    allow_cpu=allow_cpu,
                    source=source,
                    remote=remote,
                )
                # Only now: it draws figures, and matplotlib takes a second to import.
                from benchmark.pages.leaderboard import write_leaderboard

                listener(Event("stage", "leaderboard"))
                listen(listener)
                with spanned("leaderboard"):
                    written = write_leaderboard(results, chosen.name, leaderboards, processes=jobs)
        else:
            trials = len(end.summary.trials)
            show(Event("stage", "trials", trials, trials, "all done already, and the leaderboard is current"))
            summary, written = end.summary, end.written
    if not json_lines:
        _print_end(summary, written)
    check(summary)


def _on_backbone(suite: "Suite", named: str, state: list[str], results: Path, *, quiet: bool) -> "SuiteSource":
    """Return the suite on one backbone, from a file of its own; say which weights, and how a file names it."""
    from benchmark.entries.named import entry_line, entry_of, told, with_backbone, write_suite
    from benchmark.suites.load import read_suite

    entry = entry_of(named, state)
    path = write_suite(with_backbone(suite, entry), results)
    if not quiet:
        typer.echo(told(entry))
        typer.echo(f"The suite is in {path}; another's file names the backbone so: backbones: [{entry_line(entry)}]")
    return read_suite(str(path))


def _print_end(summary: "Summary", written: "Written") -> None:
    done = f"{summary.ran} trials run, {summary.already} were done already"
    if summary.elsewhere:
        done += f", {summary.elsewhere} by another sweep meanwhile"
    failed = len(summary.failed) + len(summary.failed_floors)
    exited = f", {summary.exited} exited at a rung" if summary.exited else ""
    typer.echo(f"{written.table()}\n\n{done}{exited}{f', {failed} failed' if failed else ''}.")
    typer.echo(f"Leaderboard: {written.readme}")
    if written.agreement:
        typer.echo(
            f"{written.agreement}\nRow by row: amrg leaderboard {summary.suite.name} --against {written.published}"
        )


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(sweep)

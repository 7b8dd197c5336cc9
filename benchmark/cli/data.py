"""The verbs of `amrg` about data: `amrg data check`, `split`, `download`, `phantom`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.data_phantom import phantom
from benchmark.cli.output import print_json, progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from benchmark.data.check import Check
    from benchmark.data.leakage import Leakage
    from benchmark.data.problem import Problem
    from benchmark.data.split import Split

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the release.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON.")]


def check(
    folder: Folder,
    decode: Annotated[
        bool, typer.Option("--decode/--no-decode", help="Decode every image, or trust that they are sound.")
    ] = True,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes that decode; by default what memory allows.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Problems shown of each kind; 0 shows all.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Find everything that is wrong with a DMID folder, and count what is in it.

    Exit code 0: there are complete studies to work with; 2: there are none.

    Example: amrg data check dmid
    """
    from benchmark.data.check import check as check_folder

    with progress_bar("images", quiet=as_json) as bar:
        task = bar.add_task("", total=None)
        result = check_folder(
            folder,
            decode_images=decode,
            jobs=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        print_json(result.counts().model_dump(mode="json"))
    else:
        _show_check(result, limit)
    if not result.usable:
        raise typer.Exit(2)


def split(
    folder: Folder,
    name: Annotated[
        str, typer.Option("--split", metavar="NAME", help="blocked, random, sequential, or a file of ids.")
    ] = "blocked",
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Another seed gives another blocked or random split.")
    ] = 0,
    reports_only: Annotated[
        bool, typer.Option("--reports-only", help="Split by reports where images are missing.")
    ] = False,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the split to a file of ids.")] = None,
    as_json: AsJson = False,
) -> None:
    """Part the studies into train, validation and test, and report what leaks from train to test.

    Example: amrg data split dmid --split blocked --save split.json
    """
    from benchmark.data.dmid import read
    from benchmark.data.leakage import leakage
    from benchmark.data.split_rules import choose

    release = read(folder, reports_only=reports_only)
    studies = release.reports if reports_only else release.studies
    chosen = choose(studies, name, seed=seed)
    leaks = leakage(chosen, studies)
    if save:
        chosen.save(save)
    if as_json:
        print_json(chosen.to_record(leaks).model_dump(mode="json"))
    else:
        _show_split(chosen, leaks, len(studies))
        if save:
            typer.echo(f"Saved as {save}; `--split {save}` reads it.")


def download(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the release goes; made if missing.")],
    skip: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Files to leave out, e.g. 'DICOM*'; repeatable.")
    ] = None,
    keep_archives: Annotated[bool, typer.Option("--keep-archives", help="Keep the zips once unpacked.")] = False,
    api: Annotated[
        str, typer.Option(metavar="URL", help="The figshare API, for a mirror of it.")
    ] = "https://api.figshare.com/v2",
    as_json: AsJson = False,
) -> None:
    """Fetch the release from figshare (about 11 GB), verify it and unpack it.

    The same command goes on where a broken download stopped. Mind the licence: CC BY 4.0 by most accounts.

    Example: amrg data download dmid --skip 'DICOM*'
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from benchmark.data.download import download as fetch

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json) as bar:
        tasks: dict[str, int] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done)  # type: ignore[arg-type]

        fetched = fetch(folder, skip=skip or (), keep_archives=keep_archives, api=api, progress=show)
    if as_json:
        print_json(fetched.model_dump(mode="json"))
        return
    for name in fetched.fetched:
        typer.echo(f"fetched and verified: {name}")
    for name in fetched.present:
        typer.echo(f"was here already: {name}")
    typer.echo(f"The release is in {folder}. Next: amrg data check {folder}")


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    group = typer.Typer(help="Check, split and fetch data; draw phantoms.", no_args_is_help=True)
    for command in (check, split, download, phantom):
        group.command()(command)
    app.add_typer(group, name="data")


def _show_check(result: "Check", limit: int) -> None:
    from rich.console import Console
    from rich.markup import escape

    counts = result.counts()
    console = Console()
    if result.problems:
        console.print(_problem_table(result.problems, limit))
    table = _table(f"{result.release.folder}", "what", "how many")
    for label, number in (
        ("reports", counts.reports),
        ("images", counts.images),
        ("masks", counts.masks),
        ("complete studies", counts.complete),
        ("distinct reports", counts.distinct_reports),
        ("reports with several categories", counts.multiple_categories),
    ):
        table.add_row(label, str(number))
    words = counts.report_words
    table.add_row("words a report", f"{words.mean:.1f} ({words.min} to {words.max})")
    for label, by_name in (
        ("highest BI-RADS category", counts.birads_highest),
        ("density", counts.density),
        ("abnormality", counts.abnormality),
        ("view", counts.view),
    ):
        table.add_row(label, ", ".join(f"{escape(name)}: {n}" for name, n in by_name.items()))
    console.print(table)
    if result.usable:
        console.print(f"{len(result.complete)} complete studies can be used.", highlight=False)
    else:
        console.print("[red]No complete study: nothing can be used.[/red]")


def _problem_table(problems: "Sequence[Problem]", limit: int) -> "Table":
    """Return problems as a table, fatal ones first, a few of each kind and how many more there are."""
    from rich.markup import escape

    table = _table("Problems", "file", "record", "what is wrong")
    kinds: dict[str, list[Problem]] = {}
    for problem in sorted(problems, key=lambda p: not p.fatal):
        kinds.setdefault(_kind(problem.reason), []).append(problem)
    for alike in kinds.values():
        for problem in alike[: limit or None]:
            style = "red" if problem.fatal else ""
            table.add_row(escape(problem.path), problem.record or "", escape(problem.reason), style=style)
        if limit and len(alike) > limit:
            table.add_row("", "", f"… and {len(alike) - limit} more like these (--limit 0, or --json)", style="dim")
    return table


def _kind(reason: str) -> str:
    """Return what problems of one kind have in common: the reason without its ids, numbers and quotations."""
    import re

    return re.sub(r"'[^']*'|\S*\d\S*", "#", reason).split("#")[0]


def _show_split(chosen: "Split", leaks: "Leakage", studies: int) -> None:
    from rich.console import Console

    from benchmark.data.split import PARTS

    console = Console(highlight=False)
    title = f"{chosen.name} split" + (f", seed {chosen.seed}" if chosen.seed is not None else "")
    table = _table(title, "part", "studies", "blocks", "BI-RADS", "density")
    for part in PARTS:
        ids = getattr(chosen, part)
        table.add_row(
            part,
            str(len(ids)),
            str(len({chosen.blocks[i] for i in ids})),
            ", ".join(f"{name}: {n}" for name, n in leaks.birads[part].items()),
            ", ".join(f"{name}: {n}" for name, n in leaks.density[part].items()),
        )
    console.print(table)
    table = _table("Leakage from train to test", "what", "value")
    of = f"of {leaks.test}"
    neighbour = "–" if leaks.rouge_l_of_neighbour is None else f"{leaks.rouge_l_of_neighbour:.3f}"
    for row in (
        ("test reports verbatim in train", f"{leaks.verbatim_in_train} {of}"),
        ("test reports near-verbatim in train (ROUGE-L of 0.95 or more)", f"{leaks.near_verbatim_in_train} {of}"),
        ("test images whose neighbour is in train", f"{leaks.neighbour_in_train} {of}"),
        ("test images with a part of their block in train", f"{leaks.block_in_train} {of}"),
        ("ROUGE-L of copying the neighbour's report", neighbour),
        ("ROUGE-L of copying a random training report", f"{leaks.rouge_l_of_random:.3f}"),
    ):
        table.add_row(*row)
    console.print(table)
    left_out = studies - len(chosen.part_of())
    if left_out:
        console.print(f"{left_out} studies are in no part.")
    console.print(chosen.rule, style="dim")
    console.print(f"fingerprint {chosen.fingerprint}", style="dim")


def _table(title: str, *columns: str) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table

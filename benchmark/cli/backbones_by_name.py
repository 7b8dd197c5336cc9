"""`amrg backbones show` and `check` of a checkpoint that has no plugin: by its hub id, or by a folder of its files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from benchmark.cli.output import print_json

if TYPE_CHECKING:
    from backbones.contract import Clause


def is_plugin(name: str) -> bool:
    """Return whether a plugin has the name, or neither a folder nor a hub repository could."""
    from pathlib import Path

    from backbones.published_files import is_hub_id
    from backbones.registry import locations

    return name in locations() or not (Path(name).is_dir() or is_hub_id(name) or "/" in name)


def show_found(named: str, state: Sequence[str], *, as_json: bool) -> None:
    """Print what is found out of a checkpoint, each with its source, and what has to be stated."""
    from backbones.generic import findings_of
    from backbones.statements import parse
    from benchmark.entries.named import entry_line, entry_of
    from benchmark.entries.plugins import files_of
    from benchmark.executors.execute import quiet

    entry = entry_of(named, state)
    quiet()
    reading = findings_of(files_of(entry), parse(state))
    if as_json:
        found = [{"what": f.what, "value": f.value, "source": f.source} for f in reading.findings]
        asked = [{"what": q.what, "statement": q.statement, "candidates": list(q.candidates), "why": q.why}
                 for q in reading.questions]  # fmt: skip
        print_json({"backbone": entry.name, "found": found, "to_state": asked})
        return

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(entry.name), title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("found", overflow="fold")
    table.add_column("by", overflow="fold")
    for one in reading.findings:
        table.add_row(one.what, escape(one.value), escape(one.source))
    console = Console(highlight=False)
    console.print(table)
    for question in reading.questions:
        console.print(escape(f"To be stated: {question}."), soft_wrap=True)
    console.print(escape(f"In a suite's file: {entry_line(entry)}"), soft_wrap=True)


def check_found(named: str, state: Sequence[str], *, as_json: bool) -> None:
    """Print how a checkpoint's plugin, made of its files, keeps the contract, clause by clause; exit by the outcome."""
    from backbones.contract import fits_four_bits, sentence_of
    from backbones.generic import plugin_of
    from backbones.statements import parse
    from benchmark.entries.named import entry_of
    from benchmark.entries.plugins import files_of
    from benchmark.executors.execute import quiet
    from benchmark.tuning.checking import checked
    from benchmark.tuning.contract import packed_as_sequential

    entry = entry_of(named, state)
    quiet()
    files = files_of(entry)
    plugin = plugin_of(files, parse(state), miniature=True)
    without = {sentence_of(packed_as_sequential): "one by one", sentence_of(fits_four_bits): "no nf4"}
    clauses: list[Clause] = []

    def tell(clause: "Clause") -> None:
        clauses.append(clause)
        if not as_json:
            typer.echo(f"{'kept  ' if clause.kept else without.get(clause.sentence, 'BROKEN'):10}  {clause.sentence}")
            if not clause.kept:
                typer.echo(f"            {clause.reason}")

    verdict = checked(files, plugin, tell)
    if as_json:
        listed = [{"clause": c.sentence, "kept": c.kept, "reason": c.reason} for c in clauses]
        print_json({"backbone": entry.name, "kept": not verdict.broken, "clauses": listed} | verdict.model_dump())
    else:
        typer.echo(_summary(entry.name, len(clauses), len(verdict.broken), packed=verdict.packed))
    if verdict.broken:
        raise typer.Exit(1)


def _summary(name: str, clauses: int, broken: int, *, packed: bool) -> str:
    if broken:
        return f"{name}: {broken} of {clauses} clauses broken. It needs a plugin: `amrg backbones new`."
    trials = "packed" if packed else "one after another, since packed ones would differ"
    return f"{name}: runs without a plugin, on an automatic miniature of its classes; trials are trained {trials}."

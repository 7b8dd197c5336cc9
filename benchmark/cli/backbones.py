"""The verbs of `amrg` about backbones: `amrg backbones list`, `show`, `check`, `new`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from backbones.coverage import Coverage

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|OWNER/MODEL|DIR",
        help="A backbone (`amrg backbones list`), a repository of the hub, or a folder with a checkpoint's files.",
    ),
]
State = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="NAME=VALUE", help="What a checkpoint's files don't say: end_token=</s>, …"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON.")]


def list_backbones(as_json: AsJson = False) -> None:
    """List every backbone: the ones that come with amrg, and those of installed packages.

    A plugin that can't be imported is listed with the reason, and the others work.

    Example: amrg backbones list
    """
    from backbones.description import Described, described
    from backbones.registry import BUILT_IN, get, locations
    from benchmark.errors import UserError

    places = dict(sorted(locations().items()))
    descriptions: dict[str, Described | UserError] = {}
    for name in places:
        try:
            descriptions[name] = described(get(name))
        except UserError as error:
            descriptions[name] = error
    if as_json:
        rows = [
            {
                "name": name,
                "plugin": places[name],
                "built_in": name in BUILT_IN,
                **({"error": str(row)} if isinstance(row, UserError) else row.model_dump(mode="json")),
            }
            for name, row in descriptions.items()
        ]
        print_json({"backbones": rows})
        return

    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(title="Backbones", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("name", no_wrap=True)
    for column in ("parameters", "pixels", "image tokens"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("licence", overflow="fold")
    table.add_column("cached")
    for name, row in descriptions.items():
        if isinstance(row, UserError):
            console.print(f"[red]{escape(str(row))}[/red]", soft_wrap=True)
            continue
        table.add_row(
            escape(name),
            f"{row.parameters / 1e9:.2f} G",
            str(row.image_size),
            str(row.image_tokens),
            escape(row.licence) + (", gated" if row.gated else ""),
            "yes" if row.cached else "no",
        )
    console.print(table)


def show(name: Name, state: State = None, as_json: AsJson = False) -> None:
    """Show all that a backbone's plugin states, and which part of its decoder adapters reach.

    Of a checkpoint without a plugin: what is found out, and from where.

    Example: amrg backbones show medgemma-4b-it

    Example: amrg backbones show Qwen/Qwen2-VL-2B-Instruct
    """
    from benchmark.cli.backbones_by_name import is_plugin, show_found

    if not is_plugin(name):
        show_found(name, state or [], as_json=as_json)
        return
    from backbones.description import described, published_coverage
    from backbones.registry import get, locations

    plugin = get(name)
    stated: dict[str, object] = {"name": name, "plugin": locations()[name], **described(plugin).model_dump(mode="json")}
    if reached := published_coverage(plugin):
        stated["trainable_parameters"] = {str(rank): count for rank, count in reached.trainable.items()}
    if as_json:
        print_json({**stated, "coverage": reached.model_dump(mode="json")} if reached else stated)
        return

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(name), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in stated.items():
        if value is not None:
            table.add_row(key.replace("_", " "), escape(_shown(value)))
    console = Console()
    console.print(table)
    if reached:
        _print_coverage(console, reached)


def _print_coverage(console: "Console", reached: "Coverage") -> None:
    """Print which part of a decoder's linear weights adapters reach, by role, and what is left out."""
    from rich.markup import escape
    from rich.table import Table

    title = f"Adapters reach {reached.share:.1%} of the decoder's linear weights; trials run " + (
        "packed" if reached.alone is None else f"one after another: {reached.alone}"
    )
    table = Table(title=escape(title), title_justify="left")
    table.add_column("role", no_wrap=True)
    for column in ("layers", "weights", "with adapters"):
        table.add_column(column, justify="right", no_wrap=True)
    for role in reached.roles:
        table.add_row(role.role.replace("_", " "), f"{role.layers:,}", f"{role.weights:,}", f"{role.share:.1%}")
    console.print(table)
    for left in reached.left_out:
        what = f"{left.layers} layers of {left.weights:,} weights, such as {left.example}"
        console.print(escape(f"Left out: {what}: {left.reason}."))


def check(
    name: Name,
    state: State = None,
    files: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of the checkpoint's files, for a plugin that states no miniature."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a backbone's plugin against the contract, on its miniature: a line a clause, with the reason on failure.

    Needs no weights; without a stated miniature, the checkpoint's configuration, tokenizer and processor, which are
    found in the hub's cache or fetched. Exit code 0: all clauses are kept; 1: some are broken.

    Example: amrg backbones check medgemma-4b-it

    Example: amrg backbones check my-model --files /data/my-model

    Example: amrg backbones check /data/my-model --state end_token="</s>"
    """
    from benchmark.cli.backbones_by_name import check_found, is_plugin
    from benchmark.errors import UserError

    if not is_plugin(name):
        if files is not None:
            raise UserError(f"--files is for a backbone with a plugin. Check the folder itself: `check {files}`.")
        check_found(name, state or [], as_json=as_json)
        return
    from backbones.contract import check as check_plugin
    from backbones.made_after import with_files
    from backbones.registry import get
    from benchmark.executors.execute import quiet
    from benchmark.tuning.contract import CLAUSES

    plugin = get(name) if files is None else with_files(get(name), files)
    quiet()
    checked = []
    for clause in check_plugin(plugin, CLAUSES):
        checked.append(clause)
        if not as_json:
            typer.echo(f"{'kept  ' if clause.kept else 'BROKEN'}  {clause.sentence}")
            if not clause.kept:
                typer.echo(f"        {clause.reason}")
    broken = [clause for clause in checked if not clause.kept]
    if as_json:
        print_json(
            {
                "backbone": name,
                "kept": not broken,
                "clauses": [{"clause": c.sentence, "kept": c.kept, "reason": c.reason} for c in checked],
            }
        )
    elif broken:
        typer.echo(f"{name}: {len(broken)} of {len(checked)} clauses broken.")
    else:
        typer.echo(f"{name}: all {len(checked)} clauses kept.")
    if broken:
        raise typer.Exit(1)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What suites will call the backbone.")],
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder; amrg-NAME here if left out.")
    ] = None,
) -> None:
    """Write a package with a plugin for a backbone of your own: two blanks to fill, an entry point and a test.

    Example: amrg backbones new my-model
    """
    from backbones.starter import write_starter

    folder = folder or Path(f"amrg-{name}")
    plugin, *others = write_starter(name, folder)
    for path in (plugin, *others):
        typer.echo(f"written: {path}")
    typer.echo(
        f"Next: fill the two blanks in {plugin.name}, then `pip install --editable {folder}` "
        f"and `amrg backbones check {name}`."
    )


def miniatures(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Backbones; all by default.")] = None,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where they go, a folder a backbone.")] = Path(
        "backbones/miniatures"
    ),
    examples: Annotated[int | None, typer.Option(min=16, help="Phantoms they are trained on; fewer for a try.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of either part; fewer for a try.")] = None,
) -> None:
    """Train the miniature checkpoints that come with amrg, on phantoms: 20 minutes and more on two cores.

    Example: amrg backbones miniatures medgemma-4b-it --folder tried --examples 32 --steps 5
    """
    from benchmark.phantoms.miniatures import SHIPPED, make_shipped
    from benchmark.progress.show import Show

    with Show("people") as show:
        for written in make_shipped(names or SHIPPED, folder, show, examples=examples, steps=steps):
            typer.echo(f"written: {written}")


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    group = typer.Typer(help="The vision-language models that can be tuned.", no_args_is_help=True)
    group.command("list")(list_backbones)
    for command in (show, check, new, miniatures):
        group.command()(command)
    app.add_typer(group, name="backbones")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "\n".join(f"rank {key}: {count:,}" for key, count in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)

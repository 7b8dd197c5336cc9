"""The verbs of `amrg` about backbones: `amrg backbones list`, `show`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backbones.base import Backbone

Name = Annotated[str, typer.Argument(metavar="NAME", help="A backbone; `amrg backbones list` names them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON.")]


def list_backbones(as_json: AsJson = False) -> None:
    """List every backbone: the ones that come with amrg, and those of installed packages.

    A plugin that can't be imported is listed with the reason, and the others work.

    Example: amrg backbones list
    """
    from backbones.registry import BUILT_IN, get, locations
    from benchmark.errors import UserError

    rows: list[dict[str, Any]] = []
    for name, location in sorted(locations().items()):
        row: dict[str, Any] = {"name": name, "plugin": location, "built_in": name in BUILT_IN}
        try:
            rows.append({**row, **_described(get(name))})
        except UserError as error:
            rows.append({**row, "error": str(error)})
    if as_json:
        _print_json({"backbones": rows})
        return

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Backbones", title_justify="left")
    for column in ("name", "checkpoint", "licence", "parameters", "image", "in the cache"):
        table.add_column(column, overflow="fold", justify="right" if column in ("parameters", "image") else "left")
    for row in rows:
        if "error" in row:
            table.add_row(escape(row["name"]), f"[red]{escape(row['error'])}[/red]")
            continue
        table.add_row(
            escape(row["name"]),
            escape(row["checkpoint"]),
            escape(row["licence"]) + (" (gated)" if row["gated"] else ""),
            f"{row['parameters'] / 1e9:.2f} G",
            f"{row['image_size']} px, {row['image_tokens']} tokens",
            "yes" if row["cached"] else "no",
        )
    Console().print(table)


def show(name: Name, as_json: AsJson = False) -> None:
    """Show all that a backbone's plugin states.

    Example: amrg backbones show medgemma-4b-it
    """
    from backbones.registry import get, locations

    plugin = get(name)
    described = {"name": name, "plugin": locations()[name], **_described(plugin)}
    if as_json:
        _print_json(described)
        return

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(name), title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in described.items():
        shown = f"{value:,}" if key == "parameters" else {True: "yes", False: "no"}.get(value, str(value))
        table.add_row(key.replace("_", " "), escape(shown))
    Console().print(table)


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    group = typer.Typer(help="The vision-language models that can be tuned.", no_args_is_help=True)
    group.command("list")(list_backbones)
    group.command()(show)
    app.add_typer(group, name="backbones")


def _described(plugin: "type[Backbone]") -> dict[str, Any]:
    from backbones.checkpoint import is_cached

    pinned = plugin.checkpoint
    return {
        "checkpoint": pinned.hub_id,
        "revision": pinned.revision,
        "licence": pinned.licence,
        "gated": pinned.gated,
        "page": pinned.page,
        "parameters": pinned.parameters,
        "image_size": pinned.image_size,
        "image_tokens": pinned.image_tokens,
        "model_type": plugin.model_type,
        "end_token": plugin.end_token,
        "lora_targets": plugin.lora_targets,
        "cached": is_cached(pinned),
    }


def _print_json(content: object) -> None:
    import json

    typer.echo(json.dumps(content, indent=1, ensure_ascii=False))

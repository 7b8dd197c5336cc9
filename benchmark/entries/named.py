"""What a person names on a command line, a backbone, a hub repository or a folder, as an entry of a suite."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmark.disk.files import write_text
from benchmark.errors import UserError, unknown_name
from benchmark.forms.suite import Entry, MiniaturePart, Suite

QUICK = MiniaturePart(examples=64, vision_steps=20, language_steps=60)
"""How an automatic miniature is trained: for seconds, so that it runs and its reports end."""


def entry_of(named: str, state: Sequence[str] = ()) -> Entry:
    """Return the entry of a backbone: with its weights where they are here, else with its miniature.

    Args:
        named: a backbone's name, a hub repository's (`owner/model`), or a folder with a checkpoint or its files.
        state: what its files don't say, each `name=value`.

    Raises:
        UserError: there is no such backbone, or the statements can't be read.
    """
    from backbones.published_files import is_hub_id
    from backbones.registry import locations
    from backbones.statements import parse

    stated = {name: value for name, value in asdict(parse(state)).items() if value is not None}
    if named in locations():
        return Entry(name=named, checkpoint="miniature", **stated)
    folder = Path(named)
    if folder.is_dir():
        name, place = _name_of(folder), str(folder.resolve())
        if any(folder.glob("*.safetensors")):
            return Entry(name=name, checkpoint=place, **stated)
        return Entry(name=name, checkpoint="miniature", files=place, **stated)
    if is_hub_id(named):
        entry = Entry(name=named, **stated)
        return entry if _has_weights(entry) else entry.model_copy(update={"checkpoint": "miniature"})
    if "/" in named:
        raise UserError(f"{named}: no such folder, and no repository of the hub has such a name (owner/model).")
    raise unknown_name("backbone", named, locations())


def published_entry(named: str, state: Sequence[str] = ()) -> Entry:
    """Return the entry of a backbone's published weights, be they here or not: what a plan or a rehearsal is of.

    Args:
        named, state: see `entry_of`.

    Raises:
        UserError: see `entry_of`.
    """
    entry = entry_of(named, state)
    if entry.checkpoint != "miniature":
        return entry
    return entry.model_copy(update={"checkpoint": entry.files or "hub", "files": None})


def miniature_entry(named: str, state: Sequence[str] = ()) -> Entry:
    """Return the entry of a backbone's miniature, whether or not its weights are here.

    Args:
        named, state: see `entry_of`.

    Raises:
        UserError: see `entry_of`.
    """
    entry = entry_of(named, state)
    files = entry.checkpoint if entry.is_folder else entry.files
    return entry.model_copy(update={"checkpoint": "miniature", "files": files})


def _name_of(folder: Path) -> str:
    """Return a folder's name as a backbone's; it can't be a plugin's, whose meaning stays its own."""
    from backbones.registry import locations

    name = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._") or "model"
    return f"{name}-folder" if name in locations() else name


def _has_weights(entry: Entry) -> bool:
    from backbones.checkpoint import is_cached
    from benchmark.entries.plugins import files_of, plugin_of

    if not files_of(entry).has_weights:
        return False
    return is_cached(plugin_of(entry).checkpoint)


def told(entry: Entry) -> str:
    """Return which weights an entry's trials start from, in a sentence."""
    if entry.checkpoint == "miniature":
        why = "" if entry.files is None else " (there are no weights in its folder)"
        return (
            f"{entry.name}: a miniature of its classes, trained here{why}. Its scores say that it runs, and nothing of "
            "the published model."
        )
    return f"{entry.name}: the weights in {'the hub cache' if entry.checkpoint == 'hub' else entry.checkpoint}."


def entry_line(entry: Entry) -> str:
    """Return an entry as a suite's file has it."""
    values = entry.model_dump(mode="json", exclude_defaults=True)
    return "{" + ", ".join(f"{name}: {_yaml(value)}" for name, value in values.items()) + "}"


def _yaml(value: object) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9/][A-Za-z0-9/._-]*", value)
    return str(value) if plain or not isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def with_backbone(suite: Suite, entry: Entry) -> Suite:
    """Return a suite with one backbone in place of its own, under a name of its own.

    A miniature is trained for seconds: what comes of it shows that the checkpoint runs, and nothing of how well.
    """
    from benchmark.entries.plugins import folder_name

    slug = re.sub(r"[^a-z0-9._-]+", "-", folder_name(entry.name).lower())
    changed: dict[str, object] = {
        "name": f"{suite.name}-{slug}"[:100],
        "title": f"{suite.title}: {entry.name} alone",
        "backbones": (entry,),
    }
    if entry.checkpoint == "miniature":
        changed["title"] = f"{suite.title}: a miniature of {entry.name}'s classes, not the published model"
        changed["miniature"] = suite.miniature or QUICK
    return Suite.model_validate(suite.model_copy(update=changed).model_dump())


def write_suite(suite: Suite, results: Path) -> Path:
    """Write a suite's file beside the records of the results' suites, by which it can be run again; return it."""
    import yaml

    path = results / "suites" / f"{suite.name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    values = suite.model_dump(mode="json", exclude_defaults=True)
    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110))
    return path

"""The plugin behind a suite's entry: one that somebody wrote, or one made of the checkpoint's own files."""

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UserError, unknown_name
from benchmark.forms.suite import Entry

if TYPE_CHECKING:
    from backbones.base import Backbone
    from backbones.published_files import PublishedFiles


def is_by_name(entry: Entry) -> bool:
    """Return whether an entry's plugin is made of its checkpoint's files, as no plugin has its name."""
    from backbones.registry import locations

    return entry.name not in locations()


def plugin_of(entry: Entry) -> "type[Backbone]":
    """Return the plugin of an entry.

    Raises:
        UserError: it has none, and none can be made; or something has to be stated in the entry first.
    """
    from backbones.registry import get

    if not is_by_name(entry):
        if stated := [name for name, _ in entry.stated]:
            raise UserError(f"{entry.name}: has a plugin, which says {', '.join(stated)} itself. Leave them out.")
        plugin = get(entry.name)
        if entry.files is None:
            return plugin
        from backbones.made_after import with_files

        return with_files(plugin, Path(entry.files))
    from backbones.generic import plugin_of as made_of
    from backbones.statements import of
    from benchmark.entries.verdicts import verdict_of

    files = files_of(entry)
    made = made_of(files, of(dict(entry.stated), where=entry.name), miniature=entry.checkpoint == "miniature")
    verdict = verdict_of(files, made)
    if verdict is not None:
        verdict.put_on(made)
    return made


def files_of(entry: Entry) -> "PublishedFiles":
    """Return the files that an entry's plugin is made of: of its folder, or of the hub.

    Raises:
        UserError: there are none, or the name says of no checkpoint.
    """
    from backbones.published_files import in_folder, is_hub_id, of_hub
    from backbones.registry import locations

    folder = entry.files or (entry.checkpoint if entry.is_folder else None)
    if folder is not None:
        return in_folder(entry.name, Path(folder))
    if is_hub_id(entry.name):
        return of_hub(entry.name, entry.revision)
    raise unknown_name("backbone", entry.name, locations())


def folder_name(backbone: str) -> str:
    """Return what a folder of a backbone is called: a hub id has its owner before two dashes."""
    return backbone.replace("/", "--")

"""The files of a plugin's checkpoint that are at hand without its weights.

They lie in a folder that the plugin's package brings or that somebody names, or in the hub's cache, where they are
fetched if the network lets them: configuration, tokenizer, processor and chat template, some megabytes.
"""

from pathlib import Path
from sys import modules
from typing import TYPE_CHECKING, ClassVar, Protocol

from backbones.checkpoint import Checkpoint
from backbones.errors import UserError
from backbones.published_files import NEEDED, PublishedFiles, of_hub

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

STATE_ONE = "State a `miniature` in its plugin (backbones/base.py:Backbone.miniature; backbones/small has some)"


class HasFiles(Protocol):
    """What is asked of a plugin here; see `backbones.base.Backbone`, which asks here in turn."""

    name: ClassVar[str]
    checkpoint: ClassVar[Checkpoint]
    files: ClassVar[str | Path | None]


def folder_of(plugin: type[HasFiles]) -> Path | None:
    """Return the folder that a plugin names as its checkpoint's `files`; None where it names none.

    Raises:
        UserError: it isn't there.
    """
    if plugin.files is None:
        return None
    folder = Path(plugin.files)
    if not folder.is_absolute():
        stating = next(kind for kind in plugin.__mro__ if "files" in vars(kind))
        folder = Path(str(modules[stating.__module__].__file__)).parent / folder
    if not folder.is_dir():
        raise UserError(
            f"{plugin.name}: `files` of its plugin is {str(plugin.files)!r}, and there is no folder {folder}. Put the "
            f"checkpoint's configuration, tokenizer and processor there ({NEEDED}); a package has to ship them (in "
            "setuptools: package-data)."
        )
    return folder


def cached_folder(plugin: type[HasFiles]) -> Path | None:
    """Return the folder that a plugin names, or that of the pinned revision in the hub's cache; nothing is fetched."""
    from huggingface_hub import try_to_load_from_cache

    if (folder := folder_of(plugin)) is not None:
        return folder
    pinned = plugin.checkpoint
    found = try_to_load_from_cache(pinned.hub_id, "config.json", revision=pinned.revision)
    return Path(found).parent if isinstance(found, str) else None


def cached_configuration(plugin: type[HasFiles]) -> "PreTrainedConfig | None":
    """Return the configuration among those files; None where there is none."""
    from transformers import AutoConfig

    folder = cached_folder(plugin)
    if folder is None or not (folder / "config.json").is_file():
        return None
    return AutoConfig.from_pretrained(folder)


def files_of(plugin: type[HasFiles]) -> PublishedFiles:
    """Return the files of a plugin's checkpoint, fetched where they aren't at hand.

    Raises:
        UserError: they are nowhere; says which are to be put where.
    """
    pinned = plugin.checkpoint
    if (folder := folder_of(plugin)) is not None:
        return PublishedFiles(plugin.name, folder)
    try:
        return of_hub(pinned.hub_id, pinned.revision)
    except UserError as error:
        raise UserError(
            f"{plugin.name}: its plugin states no `miniature`, and the files that one is made after aren't at hand. "
            f"{error} It is given as `files` in the plugin, in a suite's entry, or with --files. {STATE_ONE} where "
            "that can't be."
        ) from error

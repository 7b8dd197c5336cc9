"""The files of a plugin's checkpoint that are at hand without its weights, and the miniature that is made after them.

They lie in a folder that the plugin's package brings or that somebody names, or in the hub's cache, where they are
fetched if the network lets them: configuration, tokenizer, processor and chat template, some megabytes.
"""

from functools import cache
from pathlib import Path
from sys import modules
from typing import TYPE_CHECKING, Any

import numpy as np

from backbones.base import Backbone
from backbones.errors import UserError
from backbones.loading import load_processor
from backbones.miniature import SIDE, MiniatureSpec
from backbones.published_files import NEEDED, PublishedFiles, check_files, of_hub
from backbones.stated import check_features, check_statements
from backbones.texts import use_tokenizers_template

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

    from backbones.automatic import Original

STATE_ONE = "State a `miniature` in its plugin (backbones/base.py:Backbone.miniature; backbones/small has some)"


def folder_of(plugin: type[Backbone]) -> Path | None:
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


def cached_folder(plugin: type[Backbone]) -> Path | None:
    """Return the folder that a plugin names, or that of the pinned revision in the hub's cache; nothing is fetched."""
    from huggingface_hub import try_to_load_from_cache

    if (folder := folder_of(plugin)) is not None:
        return folder
    pinned = plugin.checkpoint
    found = try_to_load_from_cache(pinned.hub_id, "config.json", revision=pinned.revision)
    return Path(found).parent if isinstance(found, str) else None


def cached_configuration(plugin: type[Backbone]) -> "PreTrainedConfig | None":
    """Return the configuration among those files; None where there is none."""
    from transformers import AutoConfig

    folder = cached_folder(plugin)
    if folder is None or not (folder / "config.json").is_file():
        return None
    return AutoConfig.from_pretrained(folder)


@cache
def with_files(plugin: type[Backbone], folder: Path) -> type[Backbone]:
    """Return a plugin whose miniature is made after the files of a folder.

    Raises:
        UserError: it states its miniature itself.
    """
    if states_its_miniature(plugin):
        raise UserError(
            f"{plugin.name}: its plugin states its miniature, so none is made after {folder}. Leave `files` out."
        )
    return type(plugin.__name__, (plugin,), {"files": str(folder.resolve()), "__module__": plugin.__module__})


def states_its_miniature(plugin: type[Backbone]) -> bool:
    """Return whether a plugin's miniature is its own, and not made after its checkpoint's files."""
    stated: Any = plugin.miniature
    default: Any = Backbone.miniature
    return stated.__func__ is not default.__func__


def files_of(plugin: type[Backbone]) -> PublishedFiles:
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


@cache
def automatic_miniature(plugin: type[Backbone]) -> MiniatureSpec:
    """Return what the miniature of a plugin that states none is built from: its checkpoint's files, made small.

    Raises:
        UserError: they aren't at hand, aren't what the plugin states, or no small model can be built.
    """
    from backbones.automatic import automatic

    return automatic(original_of(plugin))


def original_of(plugin: type[Backbone]) -> "Original":
    """Return what the automatic miniature of a plugin's checkpoint is made after.

    Raises:
        UserError: its files aren't at hand, or say otherwise than the plugin.
    """
    from backbones.automatic import Original
    from backbones.structure import build

    files = files_of(plugin)
    config = _configuration(plugin, files)
    processor = load_processor(files.folder, plugin.load_processor, name=plugin.name)
    use_tokenizers_template(processor)
    published = plugin(build(config), processor, source=files.folder, fingerprint="")
    if plugin.end_token not in published.tokenizer.get_vocab():
        raise UserError(
            f"{files.folder}: the tokenizer has no {plugin.end_token!r}, which its plugin states as the `end_token` of "
            f"{plugin.name}'s reports; by itself it ends a text with {published.tokenizer.eos_token!r}."
        )
    prompt = check_statements(published)

    def counted(model: Any, processor: Any) -> tuple[int, int]:
        small = plugin(model, processor, source=files.folder, fingerprint="")
        check_features(small)
        [features] = small.encode_images([np.zeros((SIDE, SIDE), np.uint8)])
        return len(features), small.image_tokens

    return Original(plugin.name, config, processor, plugin.end_token, True, prompt, counted, STATE_ONE)


def _configuration(plugin: type[Backbone], files: PublishedFiles) -> "PreTrainedConfig":
    """Return the checkpoint's configuration: that of the files, or the plugin's where they have none."""
    from transformers import AutoConfig

    if (files.folder / "config.json").is_file():
        check_files(files)
        config: Any = AutoConfig.from_pretrained(files.folder)
    else:
        config = plugin.full_configuration()
    if config is None:
        raise UserError(
            f"{plugin.name}: there is no config.json in {files.folder}. Put the checkpoint's there, or state "
            "`full_configuration` in its plugin."
        )
    if config.model_type != plugin.model_type:
        raise UserError(
            f"{plugin.name}: its plugin states model_type {plugin.model_type!r}, but its checkpoint's configuration "
            f"({files.folder}) is of {config.model_type!r}. State that one."
        )
    return config

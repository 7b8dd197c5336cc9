"""Miniatures of plugins that state none: made after a checkpoint's own files, which `backbones.at_hand` finds."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backbones.at_hand import STATE_ONE, files_of
from backbones.automatic import Original, automatic
from backbones.base import Backbone
from backbones.errors import UserError
from backbones.loading import load_processor
from backbones.miniature import SIDE, MiniatureSpec
from backbones.published_files import PublishedFiles, check_files
from backbones.stated import check_features, check_statements
from backbones.texts import use_tokenizers_template

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def miniature_of(plugin: type[Backbone]) -> MiniatureSpec:
    """Return what a plugin's miniature is built from: as it states it, or its checkpoint's files made small.

    Raises:
        UserError: it states none, and none can be made; see `automatic_miniature`.
    """
    return plugin.miniature() or automatic_miniature(plugin)


@cache
def with_files(plugin: type[Backbone], folder: Path) -> type[Backbone]:
    """Return a plugin whose miniature is made after the files of a folder.

    Raises:
        UserError: it states its miniature itself.
    """
    if plugin.miniature() is not None:
        raise UserError(
            f"{plugin.name}: its plugin states its miniature, so none is made after {folder}. Leave `files` out."
        )
    return type(plugin.__name__, (plugin,), {"files": str(folder.resolve()), "__module__": plugin.__module__})


@cache
def automatic_miniature(plugin: type[Backbone]) -> MiniatureSpec:
    """Return what the miniature of a plugin that states none is built from: its checkpoint's files, made small.

    Raises:
        UserError: they aren't at hand, aren't what the plugin states, or no small model can be built.
    """
    return automatic(original_of(plugin))


def original_of(plugin: type[Backbone]) -> Original:
    """Return what the automatic miniature of a plugin's checkpoint is made after.

    Raises:
        UserError: its files aren't at hand, or say otherwise than the plugin.
    """
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

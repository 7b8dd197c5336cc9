"""The structure of the checkpoint that a suite's entry names: published, a miniature, or a folder."""

import random
import string
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from backbones.structure import Structure, build, read, structure
from benchmark.suite import Entry

if TYPE_CHECKING:
    from backbones.base import Backbone


def structure_of(entry: Entry, plugin: "type[Backbone]") -> Structure | None:
    """Return its structure, without its weights; None where an outside plugin states no configuration."""
    if entry.checkpoint == "hub":
        return structure(plugin)
    if entry.checkpoint == "miniature":
        return _of_miniature(plugin)
    return _of_folder(plugin, Path(entry.checkpoint))


@cache
def _of_miniature(plugin: "type[Backbone]") -> Structure:
    from backbones.miniature import SIDE
    from backbones.miniature_checkpoint import untrained

    # Enough different words for a tokenizer of the full size; what they are doesn't matter for the structure.
    draw = random.Random(0)
    words = ["".join(draw.choices(string.ascii_lowercase, k=6)) for _ in range(400)]
    model, processor = untrained(plugin.miniature(), [" ".join(words)] * 2, 0, plugin.decoder)
    small = plugin(model, processor, source=Path(), fingerprint="")
    return read(plugin, model, model.config, SIDE, small.image_tokens)


def _of_folder(plugin: "type[Backbone]", folder: Path) -> Structure:
    from transformers import AutoConfig

    from backbones.loading import check_folder

    check_folder(folder, name=plugin.name, model_type=plugin.model_type)
    config = AutoConfig.from_pretrained(folder)
    processor = plugin.load_processor(folder)
    model = build(config)
    small = plugin(model, processor, source=folder, fingerprint="")
    return read(plugin, model, config, plugin.checkpoint.image_size, small.image_tokens, plugin.checkpoint.tiles)

"""The structure of the checkpoint that a suite's entry names (published, a miniature, or a folder), and its memory."""

import random
import string
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from backbones.private.heads import logits_are_the_heads
from backbones.structure import Structure, build, read, structure
from benchmark.entries.plugins import is_by_name
from benchmark.forms.suite import Entry, Protocol
from benchmark.planning.costs import LONGEST_REPORT_TOKENS, PROMPT_TOKENS, weights_in_memory

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from backbones.base import Backbone
    from benchmark.tuning.packed.footprint import Footprint


def structure_of(entry: Entry, plugin: "type[Backbone]") -> Structure | None:
    """Return its structure, without its weights; None where an outside plugin states no configuration.

    And where it can't be counted: of an encoder of timm's (Gemma 3n) no file says the patches.
    """
    try:
        if entry.checkpoint == "miniature":
            return _of_miniature(plugin)
        if entry.checkpoint == "hub" or is_by_name(entry):  # a plugin made of those very files
            return structure(plugin)
        return _of_folder(plugin, Path(entry.checkpoint))
    except AttributeError:
        return None


def footprint_of(
    entry: Entry, plugin: "type[Backbone]", protocol: Protocol, *, packed: bool = True, gpu: bool = False
) -> "Footprint | None":
    """Return what training takes in memory, the longest DMID report counted; None as for `structure_of`.

    Args:
        entry, plugin: which backbone.
        protocol: of training.
        packed: whether by the packed engine.
        gpu: whether on a GPU, where logits are computed a part at a time.
    """
    import torch

    from benchmark.tuning.head import part_of
    from benchmark.tuning.packed.footprint import Footprint
    from benchmark.tuning.packed.kept import ADAPTERS, Pass, kept

    shape, config = structure_of(entry, plugin), configuration_of(entry, plugin)
    if shape is None or config is None:
        return None
    dtype, text = getattr(torch, entry.dtype), config.get_text_config()
    in_parts = gpu and plugin.plain_logits and logits_are_the_heads(text) and dtype != torch.float64
    forward = Pass(
        dtype,
        shape.image_tokens + PROMPT_TOKENS,
        LONGEST_REPORT_TOKENS,
        protocol.dropout,
        packed=packed,
    )
    return Footprint(
        weights=weights_in_memory(shape, entry.dtype, entry.quantization),
        width=shape.trainable(1),
        number=ADAPTERS.get(dtype, dtype).itemsize,
        kept=kept(plugin, config, forward),
        checkpointing=protocol.activation_checkpointing,
        part=part_of(text) if in_parts else 0,
        keeps_best=protocol.keep == "best",
    )


def configuration_of(entry: Entry, plugin: "type[Backbone]") -> "PreTrainedConfig | None":
    """Return its configuration; None as for `structure_of`."""
    if entry.checkpoint == "hub":
        return plugin.full_configuration()
    if entry.checkpoint == "miniature":
        return _miniature(plugin)[0].config
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(Path(entry.checkpoint))


def _of_miniature(plugin: "type[Backbone]") -> Structure:
    from backbones.miniature import SIDE

    model, image_tokens = _miniature(plugin)
    return read(plugin, model, model.config, SIDE, image_tokens)


@cache
def _miniature(plugin: "type[Backbone]") -> "tuple[PreTrainedModel, int]":
    """Return an untrained miniature, and how many tokens an image takes in it."""
    from backbones.made_after import miniature_of
    from backbones.miniature_checkpoint import untrained

    # Enough different words for a tokenizer of the full size; what they are doesn't matter for the structure.
    draw = random.Random(0)
    words = ["".join(draw.choices(string.ascii_lowercase, k=6)) for _ in range(400)]
    model, processor = untrained(miniature_of(plugin), [" ".join(words)] * 2, 0, plugin.decoder)
    small = plugin(model, processor, source=Path(), fingerprint="")
    return model, small.image_tokens


def _of_folder(plugin: "type[Backbone]", folder: Path) -> Structure:
    from transformers import AutoConfig

    from backbones.loading import check_folder

    check_folder(folder, name=plugin.name, model_type=plugin.model_type)
    config = AutoConfig.from_pretrained(folder)
    processor = plugin.load_processor(folder)
    model = build(config)
    small = plugin(model, processor, source=folder, fingerprint="")
    return read(plugin, model, config, plugin.checkpoint.image_size, small.image_tokens, plugin.checkpoint.tiles)

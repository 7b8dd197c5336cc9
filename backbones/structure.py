"""The structure of a full-size model without its weights: built on the meta device from a published configuration."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from backbones.base import Backbone

RANKS = (8, 16, 32, 64)


def configuration(name: str) -> Any:
    """A configuration of `backbones/configurations`, as an object of transformers' class for it.

    In its file each value stands with the key of its source.
    """
    from transformers import AutoConfig

    text = files("backbones").joinpath("configurations", f"{name}.json").read_text(encoding="utf-8")
    values = _without_sources(json.loads(text)["values"])
    return AutoConfig.for_model(values.pop("model_type"), **values)


def _without_sources(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_sources(value) if isinstance(value, dict) else value[0] for key, value in values.items()
    }  # fmt: skip


def build(config: Any) -> nn.Module:
    """The model of a configuration on the meta device, with shapes and no numbers."""
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)


@dataclass(frozen=True)
class Structure:
    """What follows from a model's structure.

    Attributes:
        parameters: of the whole model.
        decoder_weights: weights of the decoder's projections, which quantisation makes small.
        adapted: (inputs, outputs) of each projection that gets an adapter.
        vision_weights: weights that each patch of an image is multiplied with.
        vision: layers, width and patches of the vision encoder, for its attention.
        layers, width, key_value_width, vocabulary: of the decoder; width is that of its queries.
        hidden: the decoder's hidden size.
        tokens: image tokens in the decoder.
    """

    parameters: int
    decoder_weights: int
    adapted: tuple[tuple[int, int], ...]
    vision_weights: int
    vision_layers: int
    vision_width: int
    layers: int
    hidden: int
    query_width: int
    key_value_width: int
    vocabulary: int

    def trainable(self, rank: int) -> int:
        """Parameters of a LoRA adapter: rank × (inputs + outputs) a projection (arXiv 2106.09685)."""
        return sum(rank * (inputs + outputs) for inputs, outputs in self.adapted)


@cache
def structure(plugin: "type[Backbone]") -> Structure | None:
    """The structure of a plugin's published checkpoint; None where the plugin states no configuration."""
    config = plugin.full_configuration()
    return None if config is None else read(build(config), config, plugin)


def read(model: nn.Module, config: Any, plugin: "type[Backbone]") -> Structure:
    """The structure of a model that is there, real, miniature or on the meta device."""
    linear = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.Conv3d)}
    inside = rf".*\.{plugin.decoder}\.layers\..*"
    decoder = {n: m for n, m in linear.items() if re.fullmatch(inside, n)}
    vision = {n: m for n, m in linear.items() if n not in decoder and "lm_head" not in n}
    text, encoder = config.get_text_config(), config.vision_config
    heads = text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // heads
    return Structure(
        parameters=sum(p.numel() for p in model.parameters()),
        decoder_weights=sum(m.weight.numel() for m in decoder.values()),
        adapted=tuple(
            (m.in_features, m.out_features)
            for n, m in linear.items()
            if isinstance(m, nn.Linear) and re.fullmatch(plugin.lora_targets, n)
        ),
        vision_weights=sum(m.weight.numel() for m in vision.values()),
        vision_layers=getattr(encoder, "num_hidden_layers", None) or encoder.depth,
        vision_width=encoder.hidden_size,
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        query_width=heads * width,
        key_value_width=text.num_key_value_heads * width,
        vocabulary=text.vocab_size,
    )

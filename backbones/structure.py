"""The structure of a full-size model without its weights: built on the meta device from a published configuration."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import nn

from backbones.errors import UserError
from backbones.kinds import check_kind
from backbones.roles import decoder_of
from backbones.targets import CHOICES, PROJECTORS
from backbones.widths import expert_weights, head_width, inner_width, key_value_width

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

    from backbones.base import Backbone

RANKS = (8, 16, 32, 64)


def build(config: "PreTrainedConfig") -> "PreTrainedModel":
    """Build the model of a configuration on the meta device, with shapes and no numbers.

    Raises:
        UserError: it is no decoder that takes images.
    """
    from transformers import AutoModelForImageTextToText

    check_kind(config, f"a configuration of type {config.model_type!r}")
    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)


def shallow(config: "PreTrainedConfig") -> "PreTrainedConfig":
    """Return a configuration of the same widths and few layers: one of the decoder more than it has kinds.

    The last is as all further ones are: its input needs a gradient, and its kind's mask is there already.
    """
    small = deepcopy(config)
    text, vision = small.get_text_config(), small.vision_config
    kinds = list(dict.fromkeys(getattr(text, "layer_types", None) or [""]))
    kinds = [*kinds, kinds[0]]
    if text.num_hidden_layers > len(kinds):
        text.num_hidden_layers = len(kinds)
        if getattr(text, "layer_types", None):
            text.layer_types = kinds
    for name in ("num_hidden_layers", "depth"):
        if hasattr(vision, name):
            setattr(vision, name, 1)
    return small


@dataclass(frozen=True)
class Structure:
    """What follows from a model's structure.

    Attributes:
        parameters: of the whole model.
        decoder_weights: weights of the decoder's projections, which quantisation makes small.
        met_experts: weights of experts that a token is multiplied with beside those, where a layer's are one parameter.
        adapted: (inputs, outputs) of each projection that gets an adapter.
        further: the same of other choices of `Backbone.targets`, by name, where the decoder has such layers.
        encoder_weights, projector_weights: weights of the vision encoder and of what joins it to the decoder.
        patches: that the encoder sees of an image, all tiles together.
        encoder_attention: multiplications of the encoder's attention an image: layers × patches × patches seen ×
            width, twice.
        image_tokens: that one image takes in the decoder.
        layers, hidden, intermediate, query_width, key_value_width, vocabulary: of the decoder.
        kept_layers: of the encoder, whose features are kept of an image: the last, and DeepStack's.
    """

    parameters: int
    decoder_weights: int
    adapted: tuple[tuple[int, int], ...]
    encoder_weights: int
    projector_weights: int
    patches: int
    encoder_attention: int
    image_tokens: int
    layers: int
    hidden: int
    intermediate: int
    query_width: int
    key_value_width: int
    vocabulary: int
    further: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    kept_layers: int = 1
    met_experts: int = 0

    @property
    def met_weights(self) -> int:
        """Weights of the decoder that a token is multiplied with: not those of experts that it isn't sent to."""
        return self.decoder_weights + self.met_experts

    def projections(self, targets: str = "all") -> tuple[tuple[int, int], ...]:
        """Return (inputs, outputs) of each projection that gets an adapter, by which `targets` do.

        Raises:
            UserError: the decoder has no such layers.
        """
        if targets != "all" and targets not in self.further:
            others = ", ".join(("all", *self.further))
            raise UserError(
                f"`targets: {targets}`: no layer of the decoder can have an adapter by it, but by {others}."
            )
        return self.adapted if targets == "all" else self.further[targets]

    def trainable(self, rank: int, targets: str = "all", *, magnitudes: bool = False) -> int:
        """Count parameters of a LoRA adapter: rank × (inputs + outputs) a projection (arXiv 2106.09685).

        Args:
            rank: of the adapter.
            targets: see `Backbone.targets`.
            magnitudes: whether it learns each output's magnitude too (DoRA, arXiv 2402.09353).
        """
        projections = self.projections(targets)
        own = sum(outputs for _, outputs in projections) if magnitudes else 0
        return sum(rank * (inputs + outputs) for inputs, outputs in projections) + own


@cache
def structure(plugin: "type[Backbone]") -> Structure | None:
    """Return the structure of a plugin's published checkpoint; None where the plugin states no configuration."""
    config = plugin.full_configuration()
    if config is None:
        return None
    pinned = plugin.checkpoint
    return read(plugin, build(config), config, pinned.image_size, pinned.image_tokens, pinned.tiles)


def read(
    plugin: "type[Backbone]",
    model: nn.Module,
    config: "PreTrainedConfig",
    image_size: int,
    image_tokens: int,
    tiles: int = 1,
) -> Structure:
    """Return the structure of a model that is there, or is on the meta device.

    Args:
        plugin: whose naming of modules.
        model, config: the model and its configuration.
        image_size: side of an image in pixels, for encoders that take any.
        image_tokens, tiles: of an image; see `Checkpoint`.
    """
    linear = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.Conv3d)}
    decoder = {n: m for n, m in linear.items() if re.fullmatch(rf"(.*\.)?{plugin.decoder}\..*", n)}
    vision = {n: m for n, m in linear.items() if n not in decoder and "lm_head" not in n}
    projector = {n: m for n, m in vision.items() if re.search(PROJECTORS, n)}
    text, encoder = config.get_text_config(), config.vision_config
    head = head_width(text)
    patch = _one(encoder.patch_size)
    side = _one(getattr(encoder, "image_size", image_size)) // patch
    return Structure(
        parameters=sum(p.numel() for p in model.parameters()),
        decoder_weights=_weights(decoder),
        adapted=_matching(linear, plugin.expression(model)),
        further=_further(plugin, model, linear),
        encoder_weights=_weights(vision) - _weights(projector),
        projector_weights=_weights(projector),
        patches=tiles * side**2,
        encoder_attention=2 * tiles * side**2 * encoder.hidden_size * _seen(encoder, side**2),
        image_tokens=image_tokens,
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=inner_width(text),
        query_width=text.num_attention_heads * head,
        key_value_width=key_value_width(text),
        vocabulary=text.vocab_size,
        kept_layers=1 + len(getattr(encoder, "deepstack_visual_indexes", None) or ()),
        met_experts=expert_weights(decoder_of(model, plugin.decoder)[1], text)[1],
    )


def _matching(linear: Mapping[str, nn.Module], pattern: str) -> tuple[tuple[int, int], ...]:
    """Return (inputs, outputs) of the linear layers whose names match."""
    matching = (m for n, m in linear.items() if isinstance(m, nn.Linear) and re.fullmatch(pattern, n))
    return tuple((m.in_features, m.out_features) for m in matching)


def _further(
    plugin: "type[Backbone]", model: nn.Module, linear: Mapping[str, nn.Module]
) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the same for each choice of `targets` beside all, without those that the model has no layers for."""
    further = {}
    for which in CHOICES:
        if which == "all":
            continue
        try:
            further[which] = _matching(linear, plugin.expression(model, which))
        except UserError:
            continue
    return further


def _one(size: int | Sequence[int]) -> int:
    """Return a side of a square that may be given as height and width."""
    return size if isinstance(size, int) else size[0]


def _weights(modules: Mapping[str, nn.Linear | nn.Conv2d | nn.Conv3d]) -> int:
    return sum(module.weight.numel() for module in modules.values())


def _seen(encoder: "PreTrainedConfig", patches: int) -> int:
    """Count patches that one patch attends to, summed over the layers of the encoder."""
    layers = getattr(encoder, "num_hidden_layers", None) or encoder.depth
    window = getattr(encoder, "window_size", None)
    if window is None:
        return layers * patches
    full = len(encoder.fullatt_block_indexes)
    return full * patches + (layers - full) * (window // encoder.patch_size) ** 2

"""Widths of decoders whose layers differ or have experts: what plans count a token's work and room by."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

EXPERTS = r"num_experts|num_local_experts|n_routed_experts|moe_num_experts"
CHOSEN = r"num_experts_per_tok(en)?|top_k_experts|moe_k|moe_top_?k|num_selected_experts"
"""What families call the number of a layer's experts, and of those that a token is sent to."""
EXPERT_WIDTH = r"moe_intermediate_size|expert_intermediate_size|moe_ffn_hidden_size"
SHARED_WIDTH = r"shared_expert_intermediate_size"
SHARED = r"n_shared_experts|num_shared_experts|moe_num_shared_experts"


def inner_width(text: "PreTrainedConfig") -> int:
    """Return how wide a token is within a layer's MLP: in the widest layer, or in all the experts that it is sent to.

    Args:
        text: configuration of a decoder.
    """
    settings = text.to_dict()
    dense = _greatest(settings.get("intermediate_size"))
    chosen, width = _first(settings, CHOSEN), _greatest(_first(settings, EXPERT_WIDTH)) or dense
    if not _first(settings, EXPERTS) or not chosen:
        return dense
    shared = _greatest(_first(settings, SHARED_WIDTH)) or width * int(_first(settings, SHARED) or 0)
    return max(dense, width * int(chosen) + shared)


def head_width(text: "PreTrainedConfig") -> int:
    """Return the width of an attention head, of the widest layer where layers differ (Gemma 4's)."""
    settings = text.to_dict()
    heads = [_greatest(settings.get(name)) for name in ("head_dim", "global_head_dim")]
    layers = settings.get("per_layer_config")
    if isinstance(layers, Mapping):
        heads += [_greatest(layer.get("head_dim")) for layer in layers.values() if isinstance(layer, Mapping)]
    return max(heads) or settings["hidden_size"] // settings["num_attention_heads"]


def key_value_width(text: "PreTrainedConfig") -> int:
    """Return the width of a token's keys in a layer, and of its values: of the widest layer where layers differ."""
    settings = text.to_dict()
    heads = (settings.get(name) for name in ("num_key_value_heads", "num_global_key_value_heads"))
    return head_width(text) * max(map(_greatest, heads))


def expert_weights(decoder: nn.Module, text: "PreTrainedConfig") -> tuple[int, int]:
    """Return the weights of experts that are one parameter a layer: all of them, and those that a token meets.

    They are no linear layers, so neither adapters nor 4-bit formats reach them; but they are in memory, and a token is
    multiplied with those of the experts that it is sent to.

    Args:
        decoder: with or without numbers.
        text: its configuration.
    """
    settings = text.to_dict()
    stacked = sum(parameter.numel() for parameter in _stacked(decoder))
    experts, chosen = int(_first(settings, EXPERTS) or 0), int(_first(settings, CHOSEN) or 0)
    return stacked, stacked * chosen // experts if experts and chosen else stacked


def _stacked(decoder: nn.Module) -> Iterator[nn.Parameter]:
    for module in decoder.modules():
        if not isinstance(module, nn.modules.conv._ConvNd):
            yield from (p for p in module._parameters.values() if p is not None and p.ndim == 3)


def _first(settings: Mapping[str, Any], names: str) -> Any:
    return next((value for name, value in settings.items() if re.fullmatch(names, name) and value), None)


def _greatest(value: Any) -> int:
    """Return a width, the greatest where each layer has its own; 0 where there is none."""
    if isinstance(value, list | tuple):
        return max((int(one) for one in value), default=0)
    return int(value or 0)

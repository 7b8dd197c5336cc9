"""What transformers' models are given, and how features of their vision encoders come out of them and go in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import ModelOutput


class ModelInputs(TypedDict, total=False):
    """Keyword arguments of a model's `forward`, of which a family takes some.

    Attributes:
        input_ids, labels, position_ids, token_type_ids, mm_token_type_ids: [rows, length].
        attention_mask: [rows, length], or a mask for each kind of layer.
        inputs_embeds: [rows, length, hidden].
        mm_encoder_outputs: the vision encoder's output, by which a model takes cached features instead of pixels.
        image_grid_thw: patches of each image in time, height and width.
    """

    input_ids: Tensor
    attention_mask: Tensor | dict[str, Tensor]
    labels: Tensor
    position_ids: Tensor
    token_type_ids: Tensor
    mm_token_type_ids: Tensor
    inputs_embeds: Tensor
    mm_encoder_outputs: dict[str, ModelOutput]
    image_grid_thw: Tensor


def image_features(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> ModelOutput:
    """Return what a model's vision encoder and projector make of pixels."""
    encode: Any = model.get_image_features
    return encode(**inputs)


def deepstack_output(last: Sequence[Tensor], deeper: Sequence[Sequence[Tensor]]) -> ModelOutput:
    """Return Qwen3-VL's vision output: the last layer's features, one tensor an image, and the same of DeepStack's."""
    from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

    return BaseModelOutputWithDeepstackFeatures(pooler_output=last, deepstack_features=deeper)  # type: ignore[arg-type]


def parameters_of(function: Any) -> set[str]:
    """Return the names of a function's parameters."""
    return set(inspect.signature(function).parameters)


def image_parameters(model: Any) -> set[str]:
    """Return what a model's `get_image_features` takes, what it hands on to its inner model's unnamed among it."""
    inner = getattr(getattr(model, "model", None), "get_image_features", model.get_image_features)
    return parameters_of(model.get_image_features) | parameters_of(inner)


def rotary_positions(
    model: PreTrainedModel, text: Mapping[str, Tensor], beside: Mapping[str, Tensor], token_types: str | None
) -> Tensor | None:
    """Return the first row's positions in time, height and width, [3, 1, length]; None where a model has no such.

    Args:
        model: the one with the head.
        text: token ids and types, [rows, length].
        beside: what the processor gives an image beside pixels, such as its grid of patches in time, height and width.
        token_types: name of the model input that tells an image's tokens from text, if it has one.
    """
    inner: Any = getattr(model, "model", None)
    if not hasattr(inner, "get_rope_index"):
        return None
    taken = parameters_of(inner.get_rope_index)
    given: dict[str, Any] = {name: value.cpu() for name, value in beside.items() if name in taken}
    if token_types in taken and token_types in text:
        given[token_types] = text[token_types][:1]
    positions, _ = inner.get_rope_index(text["input_ids"][:1], **given)
    return positions


def embeddings_of(model: PreTrainedModel) -> nn.Embedding:
    """Return a model's embeddings of tokens, which transformers types as any module."""
    return cast("nn.Embedding", model.get_input_embeddings())


def time_vision(model: PreTrainedModel, timed: Callable[[Any], Any]) -> None:
    """Put `timed` around the vision encoder of a model, which its inner model calls by itself."""
    model.get_image_features = model.model.get_image_features = timed(model.model.get_image_features)

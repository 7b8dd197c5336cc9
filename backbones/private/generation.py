"""The steps of transformers' `generate`, for a decoding loop of another kind."""

from typing import TYPE_CHECKING, Any

from torch import Tensor
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from backbones.private.inputs import ModelInputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import ModelOutput

GenerationState = dict[str, Any]
"""What `generate` keeps from step to step, by names of its own: masks, positions, the key-value cache."""


def first_inputs(model: "PreTrainedModel", tokens: Tensor, state: GenerationState) -> ModelInputs:
    """Return the model's inputs for the whole prompt."""
    prepare: Any = model.prepare_inputs_for_generation
    return prepare(tokens, is_first_iteration=True, **state)


def next_inputs(model: "PreTrainedModel", tokens: Tensor, state: GenerationState) -> ModelInputs:
    """Return the model's inputs for the token written last."""
    prepare: Any = model.prepare_inputs_for_generation
    return prepare(tokens, next_sequence_length=1, **state)


def next_state(model: "PreTrainedModel", outputs: "ModelOutput", state: GenerationState) -> GenerationState:
    """Return `generate`'s state after a step."""
    update: Any = model._update_model_kwargs_for_generation
    return update(outputs, state)


def select_rows(state: GenerationState, rows: Tensor) -> GenerationState:
    """Return `generate`'s state for some of its rows."""
    chosen = dict(state)
    for layer in chosen["past_key_values"].layers:
        # States of linear attention and convolutions have rows as keys and values have, but only the one method.
        has_states = isinstance(layer, LinearAttentionCacheLayerMixin)
        (layer.reorder_cache if has_states else layer.batch_select_indices)(rows)
    # Features of the images have gone into the cache.
    for name in ("mm_encoder_outputs", "image_grid_thw", "inputs_embeds"):
        chosen.pop(name, None)
    for name in ("attention_mask", "token_type_ids", "mm_token_type_ids", "position_ids"):
        value = chosen.get(name)
        if isinstance(value, Tensor):
            # Positions in three dimensions have rows second.
            chosen[name] = value[rows] if value.ndim == 2 else value[:, rows]
    return chosen

"""The steps of transformers' `generate`, for a decoding loop of another kind."""

from typing import TYPE_CHECKING, Any

import torch
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


def takes_guesses(state: GenerationState, prompt: int) -> bool:
    """Return whether several tokens a row can go through at a time, some of them wrong; make its mask and positions so.

    Args:
        state: after the prompt's step.
        prompt: tokens of the prompt.
    """
    positions, mask = state.get("position_ids"), state.get("attention_mask")
    if not isinstance(positions, Tensor) or (mask is not None and mask.ndim != 2):
        return False
    rows = len(state["past_key_values"].layers[0].keys)
    if positions.ndim not in (2, 3) or positions.shape[-2] != rows:
        return False
    # The token that was chosen has no keys yet: what covers it goes.
    ones = torch.ones(rows, prompt, dtype=torch.long, device=positions.device)
    state["attention_mask"] = ones if mask is None else mask[:, :prompt]
    state["position_ids"] = positions[..., -1:]
    return True


def guessed_inputs(model: "PreTrainedModel", tokens: Tensor, state: GenerationState) -> ModelInputs:
    """Return the model's inputs for the token written last and guesses of what follows it.

    Args:
        model: the model.
        tokens: [rows, tokens].
        state: as `takes_guesses` left it; its mask is made to cover the tokens, its positions stay those of the first.
    """
    prepare: Any = model.prepare_inputs_for_generation
    rows, number = tokens.shape
    mask, positions = state["attention_mask"], state["position_ids"]
    state["attention_mask"] = torch.cat([mask, mask.new_ones(rows, number)], dim=1)
    given = state | {"position_ids": positions + torch.arange(number, device=positions.device)}
    for name in ("token_type_ids", "mm_token_type_ids", "moe_mm_token_type_ids"):
        if isinstance(kinds := state.get(name), Tensor):
            given[name] = kinds[..., -1:].expand(*kinds.shape[:-1], number)
    if "logits_to_keep" in state:
        given["logits_to_keep"] = number
    return prepare(tokens, next_sequence_length=number, **given)


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

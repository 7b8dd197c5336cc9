"""Attention masks of Gemma's families, which let the tokens of an image, or of a prompt, see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbones.private.inputs import ModelInputs
from backbones.private.masks import prefix_masks

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def row_masks(model: PreTrainedModel, inputs: ModelInputs) -> dict[str, Tensor]:
    """Return the mask of each kind of layer, [1, 1, length, length], for a batch whose rows share their prompt.

    Takes the token types out of `inputs`. From them a model would make one mask a row, which takes a tenth of a
    miniature's step.
    """
    types, first = inputs.pop("token_type_ids")[:1], inputs["inputs_embeds"][:1]
    return prefix_masks(model, first, types)

"""Attention masks of transformers' models: made once for all rows, and without looking for several texts in a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def prefix_masks(model: PreTrainedModel, embeddings: Tensor, types: Tensor) -> dict[str, Tensor]:
    """Return a Gemma model's attention mask of each kind of layer, [rows, 1, length, length].

    Args:
        model: the one with the head.
        embeddings: [rows, length, hidden].
        types: token types, [rows, length].
    """
    make: Any = model.create_masks_for_generate
    return make(model.config, embeddings, None, None, None, types)


@contextmanager
def whole_rows() -> Iterator[None]:
    """Let models, within, take each row for one sequence.

    transformers looks for several in the rows' positions, which the host would have to read at every step.
    """
    from transformers import masking_utils

    looks_for_more = masking_utils.find_packed_sequence_indices
    masking_utils.find_packed_sequence_indices = lambda position_ids: None
    try:
        yield
    finally:
        masking_utils.find_packed_sequence_indices = looks_for_more

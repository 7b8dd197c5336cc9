"""The names that a model's tensors are published under, which transformers turns into its own when it reads them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def published_tensors(model: "PreTrainedModel") -> "dict[str, Tensor]":
    """Return a model's tensors by the names that they are saved under; those that are tied stand once.

    Args:
        model: on the meta device, or with its numbers.
    """
    from transformers.core_model_loading import revert_weight_conversion

    return revert_weight_conversion(model, dict(model.named_parameters()))

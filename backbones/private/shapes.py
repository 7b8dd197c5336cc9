"""A model run for the shapes of its tensors alone: whether sizes fit is known without a product being computed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

PRODUCTS = (
    "aten::linear",
    "aten::addmm",
    "aten::mm",
    "aten::bmm",
    "aten::baddbmm",
    "aten::convolution",
    "aten::mkldnn_convolution",
    "aten::conv2d",
    "aten::conv3d",
    "aten::scaled_dot_product_attention",
    "aten::_scaled_dot_product_flash_attention_for_cpu",
    "aten::native_layer_norm",
    "aten::layer_norm",
    "aten::gelu",
    "aten::silu",
)
"""What nearly all of an encoder's time goes to."""


class ShapesOnly(TorchDispatchMode):
    """Within it, products of a model give zeros of the right shape, and an error where shapes don't fit.

    Everything else is computed: integers that decide shapes, such as an image's grid of patches.
    """

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Return what an operation gives, or zeros like it."""
        named = dict(kwargs or {})
        if func._schema.name not in PRODUCTS:
            return func(*args, **named)
        device = next(value.device for value in args if isinstance(value, Tensor))
        on_meta: Callable[[Any], Any] = lambda value: value.to("meta") if isinstance(value, Tensor) else value  # noqa: E731
        shapes = func(*tree_map(on_meta, args), **tree_map(on_meta, named))
        return tree_map(
            lambda value: torch.zeros_like(value, device=device) if isinstance(value, Tensor) else value, shapes
        )

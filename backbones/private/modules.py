"""torch's modules: run by another `forward` for a while, or compiled and no longer; copies with other parts to try.

And the settings of a norm, and the derivatives of activations.
"""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn


def norm_settings(module: nn.Module) -> tuple[Tensor, float] | None:
    """Return weight and eps of a module that calls itself an RMSNorm; None for others, and where they aren't found.

    Families name eps differently, and some add 1 to the weight: what it computes has to be tried.
    """
    weight = getattr(module, "weight", None)
    eps = getattr(module, "eps", getattr(module, "variance_epsilon", None))
    if not type(module).__name__.endswith("RMSNorm") or weight is None or not isinstance(eps, float):
        return None
    return weight, eps


def with_weight(norm: nn.Module, weight: Tensor) -> nn.Module:
    """Return a copy of a norm that has another weight, of another width; the norm stays as it is."""
    other = copy(norm)
    other._parameters = {"weight": nn.Parameter(weight, requires_grad=False)}
    other._forward_hooks, other._forward_pre_hooks = type(norm._forward_hooks)(), type(norm._forward_pre_hooks)()
    return other


def with_layers(module: nn.Module, layers: Mapping[str, nn.Module]) -> nn.Module:
    """Return a copy of a module that has other layers in place of those of the same names; it stays as it is."""
    other = copy(module)
    other._modules = {**module._modules, **layers}
    other._forward_hooks, other._forward_pre_hooks = type(module._forward_hooks)(), type(module._forward_pre_hooks)()
    return other


def silu_backward(gradient: Tensor, x: Tensor) -> Tensor:
    """Return the gradient by x of silu(x), as torch's own backward pass computes it."""
    return torch.ops.aten.silu_backward(gradient, x)


def gelu_backward(approximate: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the function of a gradient and x that gives the gradient by x of gelu(x), as torch's own computes it."""

    def backward(gradient: Tensor, x: Tensor) -> Tensor:
        return torch.ops.aten.gelu_backward(gradient, x, approximate=approximate)

    return backward


def replace_forward(module: nn.Module, forward: Callable[..., Any]) -> None:
    """Have a module run by `forward`, its hooks around it, until `restore_forward`."""
    module.forward = forward


def forward_is_replaced(module: nn.Module) -> bool:
    """Return whether it runs by another `forward` than its class's."""
    return "forward" in vars(module)


def restore_forward(module: nn.Module) -> None:
    """Have a module run by its class's `forward` again."""
    del module.forward


def run_uncompiled(layer: nn.Module) -> None:
    """Undo `layer.compile()`, which torch itself can't."""
    layer._compiled_call_impl = None

"""torch's modules: run by another `forward` for a while, or compiled and no longer; and the settings of a norm."""

from collections.abc import Callable
from typing import Any

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

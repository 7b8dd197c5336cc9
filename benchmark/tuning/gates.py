"""The product of a decoder's gated MLP, act(gate) · up, which keeps gate and up and makes the activation anew.

The models' own keeps the activation too, as wide as either: of all that a layer keeps about a sixth.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from backbones.private.modules import (
    forward_is_replaced,
    gelu_backward,
    replace_forward,
    restore_forward,
    silu_backward,
    with_layers,
)

LAYERS = ("gate_proj", "up_proj", "down_proj")
"""What a gated MLP calls its layers in transformers' decoders, beside `act_fn`."""

Activation = Callable[[Tensor], Tensor]
Derivative = Callable[[Tensor, Tensor], Tensor]
"""Of the gradient by an activation's output, and its input."""


def _gelu_by_tanh(x: Tensor) -> Tensor:
    return functional.gelu(x, approximate="tanh")


ACTIVATIONS: dict[Activation, Derivative] = {
    functional.silu: silu_backward,
    _gelu_by_tanh: gelu_backward("tanh"),
    functional.gelu: gelu_backward("none"),
}
"""Those that decoders use, by torch's own functions, forward and backward."""


class Gated(torch.autograd.Function):
    """act(gate) · up, by the operations that the models' own take, forward and backward."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, activation: Activation) -> Tensor:
        """Return the product, of gate's and up's shape."""
        ctx.save_for_backward(gate, up)
        ctx.activation = activation
        return activation(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradients by gate and up."""
        gate, up = ctx.saved_tensors
        by_up = ctx.activation(gate).mul_(gradient)
        return ACTIVATIONS[ctx.activation](gradient * up, gate), by_up, None


def activation_of(module: nn.Module) -> Activation | None:
    """Return the activation of a module that computes down(act(gate(x)) · up(x)); None for anything else.

    It is tried on numbers, with small layers in place of its own.
    """
    if not all(isinstance(getattr(module, name, None), nn.Module) for name in LAYERS) or forward_is_replaced(module):
        return None
    sizes = ((8, 64), (8, 64), (64, 8))
    generator = torch.Generator().manual_seed(0)
    small = {name: nn.Linear(*size, bias=False, device="meta") for name, size in zip(LAYERS, sizes, strict=True)}
    for layer in small.values():
        layer.weight = nn.Parameter(torch.randn(layer.weight.shape, generator=generator), requires_grad=False)
    x = torch.randn(16, 8, generator=generator)
    try:
        expected = with_layers(module, small)(x)
    except Exception:
        return None  # it asks for more than these layers
    gate, up, down = small.values()
    for activation in ACTIVATIONS:
        if torch.equal(down(activation(gate(x)) * up(x)), expected):
            return activation
    return None


@contextmanager
def fused_gates(model: nn.Module) -> Iterator[None]:
    """Run the model's gated MLPs, within, by `Gated`."""
    changed: list[nn.Module] = []

    def forward_of(mlp: Any, activation: Activation) -> Activation:
        return lambda x: mlp.down_proj(Gated.apply(mlp.gate_proj(x), mlp.up_proj(x), activation))

    try:
        with torch.no_grad():
            gates = [(module, found) for module in model.modules() if (found := activation_of(module)) is not None]
        for module, activation in gates:
            replace_forward(module, forward_of(module, activation))
            changed.append(module)
        yield
    finally:
        for module in changed:
            restore_forward(module)

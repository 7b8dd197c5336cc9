"""RMSNorm with fewer passes over memory, in the number format of its input.

The models' own computes in float32 in ten operations, each a pass over all activations; and its float32 would drown
what a comparison in float64 is to show.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from backbones.private.modules import forward_is_replaced, norm_settings, replace_forward, restore_forward


class RootMeanSquareNorm(torch.autograd.Function):
    """x / sqrt(mean(x²) + eps) · scale over the last dimension (arXiv 1910.07467), for a frozen scale."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, eps: float) -> Tensor:
        """Return the normalised x, of x's shape."""
        mean = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        inverse = mean.add_(eps).rsqrt_()
        ctx.save_for_backward(x, scale, inverse)
        return (x * inverse).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradient by x, of x's shape; none by the frozen scale and eps."""
        x, scale, inverse = ctx.saved_tensors
        scaled = gradient * scale
        along = (scaled * x).sum(dim=-1, keepdim=True).mul_(inverse.pow(3)).div_(x.shape[-1])
        return scaled.mul_(inverse).addcmul_(x, along, value=-1), None, None


def scale_of(module: nn.Module) -> tuple[Tensor, float] | None:
    """Return a frozen RMSNorm's factor and its eps; None for anything that doesn't compute what an RMSNorm computes."""
    settings = norm_settings(module)
    if settings is None or forward_is_replaced(module):  # replaced already, by an enclosing `fused_norms`
        return None
    weight, eps = settings
    if weight.ndim != 1 or weight.requires_grad or weight.dtype not in (torch.float32, torch.float64):
        return None
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, weight.shape[0], generator=generator).to(weight.device, weight.dtype)
    expected = module(x)
    for scale in (weight.detach(), 1 + weight.detach()):  # Gemma's weights are kept as what is added to 1
        if torch.allclose(RootMeanSquareNorm.apply(x, scale, eps), expected, rtol=1e-5, atol=1e-6):
            return scale, eps
    return None


@contextmanager
def fused_norms(model: nn.Module) -> Iterator[None]:
    """Run the model's frozen RMSNorms, within, by `RootMeanSquareNorm`; each is tried on numbers before."""
    changed: list[nn.Module] = []
    try:
        with torch.no_grad():
            norms = [
                (module, scale_and_eps) for module in model.modules() if (scale_and_eps := scale_of(module)) is not None
            ]
        for module, (scale, eps) in norms:
            replace_forward(module, lambda x, scale=scale, eps=eps: RootMeanSquareNorm.apply(x, scale, eps))
            changed.append(module)
        yield
    finally:
        for module in changed:
            restore_forward(module)

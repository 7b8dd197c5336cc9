"""RMSNorm with fewer passes over memory, and nothing but its input kept for the backward pass.

The models' own computes in float32 in ten operations, each a pass over all activations, and keeps its float32 copies
until the backward pass: of a bfloat16 model they are larger than what else a norm's neighbours keep. In float64 its
float32 would drown what a comparison is to show.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from backbones.private.modules import (
    forward_is_replaced,
    norm_settings,
    replace_forward,
    restore_forward,
    with_weight,
)
from benchmark.tuning import kernels

NARROW = (torch.bfloat16, torch.float16)
"""Formats that the models' own norms leave for float32, and round back to."""

Norm = Callable[[Tensor, Tensor, float], Tensor]
"""Of an input, the factor and eps."""


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
        return _backward(x, gradient * scale, inverse), None, None


class RoundedNorm(torch.autograd.Function):
    """The same in float32 for an x of fewer bits, rounded where the models' own norms round.

    A scale in float32 is multiplied before rounding, as Gemma's; one of x's own format after it, as Llama's. The
    forward pass takes the models' own operations, so that it is equal to theirs to the last bit; of the backward pass
    only sums in float32 may differ.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, eps: float) -> Tensor:
        """Return the normalised x, of x's shape and format."""
        wide = x.float()
        inverse = wide.pow(2).mean(dim=-1, keepdim=True).add_(eps).rsqrt_()
        ctx.save_for_backward(x, scale, inverse)
        normed = wide * inverse
        return normed.mul_(scale).to(x.dtype) if scale.dtype == torch.float32 else normed.to(x.dtype).mul_(scale)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradient by x, of x's shape and format; none by the frozen scale and eps."""
        x, scale, inverse = ctx.saved_tensors
        return _backward(x.float(), (gradient * scale).float(), inverse).to(x.dtype), None, None


def _backward(x: Tensor, scaled: Tensor, inverse: Tensor) -> Tensor:
    """Return the gradient by x from that by the normalised x; `scaled` is overwritten."""
    along = (scaled * x).sum(dim=-1, keepdim=True).mul_(inverse.pow(3)).div_(x.shape[-1])
    return scaled.mul_(inverse).addcmul_(x, along, value=-1)


Factor = Callable[[Tensor], Tensor]


def norm_of(module: nn.Module) -> tuple[Norm, Tensor, float] | None:
    """Return how to compute what a frozen RMSNorm computes, its factor and its eps; None for anything else."""
    settings = norm_settings(module)
    if settings is None or forward_is_replaced(module):  # replaced already, by an enclosing `fused_norms`
        return None
    weight, eps = settings
    if weight.ndim != 1 or weight.requires_grad or not weight.is_floating_point():
        return None
    factor = _factor(module, weight.shape[0], weight.dtype, eps)
    return None if factor is None else (_norm(weight.dtype), factor(weight), eps)


# A function's `apply` is another object each time it is asked for, which torch.compile takes for another model.
def _rounded(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    normed: Tensor = RoundedNorm.apply(x, scale, eps)
    return normed


def _by_kernel(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    """Compute `RoundedNorm` by Liger's kernel, one pass each way in place of a dozen.

    On an H100 a pack of MedGemma takes 1.35 times as many steps a second with it, without dropout. Its gradient isn't
    written over that from above, which the residual stream needs too.
    """
    from liger_kernel.ops.rms_norm import LigerRMSNormFunction

    casting = "gemma" if scale.dtype == torch.float32 else "llama"
    normed: Tensor = LigerRMSNormFunction.apply(x, scale, eps, 0.0, casting, False)
    return normed


def _unrounded(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    normed: Tensor = RootMeanSquareNorm.apply(x, scale, eps)
    return normed


def _norm(dtype: torch.dtype) -> Norm:
    return _rounded if dtype in NARROW else _unrounded


def _factor(module: nn.Module, width: int, dtype: torch.dtype, eps: float) -> Factor | None:
    """Return what makes a norm's factor of its weight, found by trying; None where it computes something else.

    It is tried on numbers with another weight: Gemma's factor is 1 + weight, and its own weights may be zero.
    """
    generator = torch.Generator().manual_seed(0)
    weight, x = (torch.randn(*shape, generator=generator).to(dtype) for shape in ((width,), (16, width)))
    expected = with_weight(module, weight)(x)
    narrow = dtype in NARROW
    factors: tuple[Factor, ...] = (Tensor.detach, Tensor.float, _one_more) if narrow else (Tensor.detach, _one_more)
    for factor in factors:
        ours = _norm(dtype)(x, factor(weight), eps)
        if torch.equal(ours, expected) if narrow else torch.allclose(ours, expected, rtol=1e-5, atol=1e-6):
            return factor
    return None


def _one_more(weight: Tensor) -> Tensor:
    """Return Gemma's factor: its weights are kept as what is added to 1."""
    return 1 + (weight.float() if weight.dtype in NARROW else weight.detach())


@contextmanager
def fused_norms(model: nn.Module, *, by_kernels: bool = True) -> Iterator[bool]:
    """Run the model's frozen RMSNorms, within, by one function each; gives whether a library's kernels compute any.

    Args:
        model: whose.
        by_kernels: whether a library's kernels may compute them, where it has any.
    """
    changed: list[nn.Module] = []
    used = False
    try:
        with torch.no_grad():
            norms = [(module, found) for module in model.modules() if (found := norm_of(module)) is not None]
        for module, (norm, scale, eps) in norms:
            if norm is _rounded and by_kernels and kernels.used(scale.device):
                norm, used = _by_kernel, True
            replace_forward(module, lambda x, norm=norm, scale=scale, eps=eps: norm(x, scale, eps))
            changed.append(module)
        yield used
    finally:
        for module in changed:
            restore_forward(module)

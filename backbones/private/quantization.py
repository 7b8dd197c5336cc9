"""bitsandbytes' 4-bit layers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def forbid_repacking(model: nn.Module) -> None:
    """Make 4-bit layers compute alike on every processor.

    Where a processor has AVX-512 BF16, bitsandbytes (0.50) packs a weight anew at the first inference on a CPU. That
    rounds its scales and its products to bfloat16, so the same adapter would write other reports there than
    elsewhere; and a packed weight passes no gradient on, so a model that has written couldn't be trained again. The
    other path, which dequantises and multiplies, is the one that training takes anyway.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


def unpacked_size(parameter: nn.Parameter) -> int:
    """Return how many numbers a parameter is; those that bitsandbytes packs, two in a byte, count one each."""
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else prod(state.shape)

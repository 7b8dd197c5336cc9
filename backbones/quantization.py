"""4-bit bases: what is quantised, which widths fit, and one arithmetic on every processor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from backbones.errors import UserError
from backbones.private.quantization import unpacked_size

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import nn

BLOCK = 64
"""Weights that share a scale in bitsandbytes' 4-bit format. Its fast paths want rows of whole blocks."""
PANEL = 32
"""Rows that bitsandbytes' layout for AVX-512 BF16 packs together (`block_n` of `_convert_weight_packed_for_cpu`)."""


def quantization_config(folder: Path | str, decoder: str, quantization: str | None, dtype: torch.dtype) -> Any:
    """Return the settings of 4-bit NormalFloat with double quantisation (QLoRA, arXiv 2305.14314), or None.

    The decoder's layers are quantised. The vision encoder, the projector and the head are not: their names are
    matched whole, since a bare `vision_tower` matches nothing and would leave the encoder quantised silently.

    Args:
        folder: the checkpoint's.
        decoder: name of the module that holds the decoder's layers.
        quantization: "nf4", or None for none.
        dtype: of the computation.

    Raises:
        UserError: unknown quantization.
    """
    if quantization is None:
        return None
    if quantization != "nf4":
        raise UserError(f"unknown quantization {quantization!r}. Known: nf4, or none at all.")
    from transformers import AutoConfig, BitsAndBytesConfig

    from backbones.structure import build

    spared = spared_layers(build(AutoConfig.from_pretrained(folder)), decoder)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=[rf"(?!.*\.{decoder}\.layers\.).+", *(re.escape(name) for name in spared)],
    )


def misfit(widths: Iterable[tuple[int, int]]) -> str | None:
    """Say which of some projections can't be held in 4 bits on every machine, or return None where all can.

    bitsandbytes quantises any width, but computes with it by paths that differ with the device: on a processor with
    AVX-512 BF16 a weight is packed anew for inference, which needs inputs in whole blocks of 64 and outputs in
    panels of 32, and ends in an error otherwise; a GPU's kernel for one row needs whole blocks as well.

    Args:
        widths: (inputs, outputs) of each projection.
    """
    wrong = sorted({(i, o) for i, o in widths if i % BLOCK or o % PANEL})
    if not wrong:
        return None
    listed = ", ".join(f"{inputs} → {outputs}" for inputs, outputs in wrong[:4]) + (" …" if len(wrong) > 4 else "")
    return (
        f"projections of {listed} don't fit 4-bit blocks: inputs have to be multiples of {BLOCK} and outputs of {PANEL}"
    )


def decoder_widths(model: nn.Module, decoder: str) -> Iterator[tuple[int, int]]:
    """Yield (inputs, outputs) of each linear layer of a model's decoder that is quantised.

    Args:
        model: quantised or not.
        decoder: name of the module that holds the decoder's layers.
    """
    spared = set(spared_layers(model, decoder))
    for name, module in _linear_layers(model, decoder):
        if name not in spared:
            yield module.in_features, module.out_features


def spared_layers(model: nn.Module, decoder: str) -> list[str]:
    """Return the decoder's linear layers that stay as they are: they don't fit, and are next to nothing.

    Gemma 3n mixes its four streams by layers of 4 → 16 weights. Such a layer is smaller than an adapter of the least
    rank would be, and quantised it would save nothing.

    Args:
        model: with or without numbers.
        decoder: name of the module that holds the decoder's layers.
    """
    from backbones.roles import is_narrow  # only now, since it imports torch

    return [
        name
        for name, module in _linear_layers(model, decoder)
        if misfit([(module.in_features, module.out_features)]) and is_narrow(module.in_features, module.out_features)
    ]


def _linear_layers(model: nn.Module, decoder: str) -> Iterator[tuple[str, nn.Linear]]:
    from torch import nn

    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and f".{decoder}.layers." in name:
            yield name, module


def parameters(model: nn.Module) -> int:
    """Return how many parameters a model has; those that bitsandbytes packs, two in a byte, count one each."""
    return sum(unpacked_size(parameter) for parameter in model.parameters())

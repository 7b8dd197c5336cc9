"""Greedy decoding from cached image features, to an end token or a limit."""

from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel

from backbones.base import Backbone
from benchmark.forms.suite import Protocol
from benchmark.tuning import memory
from benchmark.tuning.interface import Generated
from benchmark.tuning.protocol import precision

BATCH = 64
"""Images whose reports are written together, where memory holds them."""


@torch.inference_mode()
def greedy(
    backbone: Backbone, model: PreTrainedModel | PeftModel, protocol: Protocol, features: Sequence[Tensor]
) -> list[Generated]:
    """Write a report for each image's features; features that are given more than once are written for once.

    Where memory runs out, half as many are written at once, down to one.

    Args:
        backbone: whose prompt and tokens.
        model: its model, with an adapter or without.
        protocol: prompt and limit.
        features: [image_tokens, hidden] an image.
    """
    shown, places = distinct(features)
    written: list[Generated] = []
    size = BATCH
    model.eval()
    while len(written) < len(shown):
        part = shown[len(written) : len(written) + size]
        try:
            written += _batch(backbone, model, protocol, part)
            continue
        except Exception as error:
            if not memory.ran_out(error) or len(part) == 1:
                raise
        size = len(part) // 2
        memory.release(backbone.device)
    return [written[place] for place in places]


def _batch(
    backbone: Backbone, model: PreTrainedModel | PeftModel, protocol: Protocol, part: Sequence[Tensor]
) -> list[Generated]:
    start = len(backbone.prompt_tokens(protocol.prompt))
    return [cut(backbone, row) for row in generate(backbone, model, protocol, part)[:, start:].tolist()]


def generate(
    backbone: Backbone,
    model: PreTrainedModel | PeftModel,
    protocol: Protocol,
    features: Sequence[Tensor],
    **further: Any,
) -> Any:
    """Return what transformers' `generate` gives for images: token ids, [images, prompt + new], where not told else.

    Args:
        backbone: whose prompt and tokens.
        model: its model, with an adapter or without.
        protocol: prompt and limit.
        features: [image_tokens, hidden] an image.
        further: arguments of `generate` that change what it returns or how it gets there, and no token.
    """
    text = backbone.encode_text([protocol.prompt] * len(features))
    write: Any = model.generate
    with precision(backbone):
        return write(**backbone.model_inputs(text, features), **settings(backbone, protocol), **further)


def settings(backbone: Backbone, protocol: Protocol) -> dict[str, int | float | None]:
    """Return keyword arguments of `generate` for greedy decoding, the same for every backbone."""
    return {
        "max_new_tokens": protocol.max_new_tokens,
        "do_sample": False,
        "num_beams": 1,
        # A checkpoint's own settings for sampling don't apply to greedy decoding.
        "temperature": None,
        "top_p": None,
        "top_k": None,
        "repetition_penalty": 1.0,
        "eos_token_id": backbone.end,
        "pad_token_id": backbone.padding,
    }


def distinct(features: Sequence[Tensor]) -> tuple[list[Tensor], list[int]]:
    """Return each tensor once, and each feature's place among them. Controls show images of the test set again."""
    places: dict[int, int] = {}
    shown: list[Tensor] = []
    for tokens in features:
        if id(tokens) not in places:
            places[id(tokens)] = len(shown)
            shown.append(tokens)
    return shown, [places[id(tokens)] for tokens in features]


def cut(backbone: Backbone, row: Sequence[int]) -> Generated:
    """Return generated ids up to the end token, as text."""
    if backbone.end in row:
        tokens = row[: row.index(backbone.end)]
        return Generated(backbone.decode(tokens), len(tokens) + 1, "end")
    return Generated(backbone.decode(row), len(row), "length")

"""Greedy decoding from cached image features, to an end token or a limit."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from backbones.base import Backbone
from benchmark.suite import Protocol
from benchmark.tuning.engine import Generated

BATCH = 64
"""Images whose reports are written together."""


@torch.inference_mode()
def greedy(backbone: Backbone, model: Any, protocol: Protocol, features: Sequence[Tensor]) -> list[Generated]:
    """A report for each image's features.

    Args:
        backbone: whose prompt and tokens.
        model: its model, with an adapter or without.
        protocol: prompt and limit.
        features: [image_tokens, hidden] an image.
    """
    written: list[Generated] = []
    for start in range(0, len(features), BATCH):
        part = features[start : start + BATCH]
        text = backbone.encode_text([protocol.prompt] * len(part))
        tokens = model.generate(
            **backbone.model_inputs(text, part),
            max_new_tokens=protocol.max_new_tokens,
            do_sample=False,
            num_beams=1,
            # A checkpoint's own settings for sampling don't apply to greedy decoding.
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=backbone.end,
            pad_token_id=backbone.padding,
        )
        for row in tokens[:, text["input_ids"].shape[1] :].tolist():
            written.append(cut(backbone, row))
    return written


def cut(backbone: Backbone, row: Sequence[int]) -> Generated:
    """Generated ids up to the end token, as text."""
    if backbone.end in row:
        tokens = row[: row.index(backbone.end)]
        return Generated(backbone.decode(tokens), len(tokens) + 1, "end")
    return Generated(backbone.decode(row), len(row), "length")

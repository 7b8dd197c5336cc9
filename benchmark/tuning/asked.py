"""Reports of a backbone that isn't tuned, or that one adapter tuned, by any prompt: many images as one batch."""

from collections.abc import Sequence

import torch
from torch import Tensor

from backbones.base import Backbone
from benchmark.forms.suite import Protocol
from benchmark.tuning import memory
from benchmark.tuning.generation import cut, distinct, generate, greedy
from benchmark.tuning.interface import Generated
from benchmark.tuning.norms import fused_norms
from benchmark.tuning.packed import capacity
from benchmark.tuning.packed.decoding import PackedDecoding
from benchmark.tuning.packed.drafts import Drafts


@torch.inference_mode()
def write_untuned(
    backbone: Backbone, protocol: Protocol, features: Sequence[Tensor], known: Sequence[str] = ()
) -> list[Generated]:
    """Write a report for each image's features with the backbone as it is, greedily, as a pack does.

    As many images as memory holds at a time, half as many where it runs out; a row that has ended leaves the batch.

    Args:
        backbone: with no adapter in its model.
        protocol: prompt and limit.
        features: [image_tokens, hidden] an image.
        known: reports that what is written may be like; they change no text.
    """
    if not backbone.packable:
        return greedy(backbone, backbone.model, protocol, features)
    shown, places = distinct(features)
    rows = capacity.rows_in_writing(backbone, protocol, capacity.free_memory(backbone.device))
    if backbone.device.type == "cpu":
        rows = min(rows, capacity.rows_in_cache(backbone, protocol))
    drafts = Drafts.of(backbone, known)
    written: list[Generated] = []
    while len(written) < len(shown):
        part = shown[len(written) : len(written) + rows]
        try:
            with fused_norms(backbone.model):
                decoding = PackedDecoding(None, drafts)
                tokens = generate(backbone, backbone.model, protocol, part, custom_generate=decoding)
            written += [cut(backbone, row) for row in tokens.tolist()]
            continue
        except Exception as error:
            if not memory.ran_out(error) or len(part) == 1:
                raise
        rows = len(part) // 2
        memory.release(backbone.device)
    return [written[place] for place in places]

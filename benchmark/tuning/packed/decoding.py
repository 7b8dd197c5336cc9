"""Greedy decoding for a pack: the reports of all its trials as one batch, with a key-value cache."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from peft import PeftModel
from torch import LongTensor, Tensor
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedModel, StoppingCriteriaList

from backbones.base import Backbone
from backbones.private.generation import first_inputs, next_inputs, next_state, select_rows, takes_guesses
from backbones.private.growing_cache import make_room
from benchmark.forms.suite import Protocol
from benchmark.tuning.generation import cut, settings
from benchmark.tuning.interface import Generated
from benchmark.tuning.packed.drafted import ROOM, DraftedWriting
from benchmark.tuning.packed.drafts import Drafts
from benchmark.tuning.packed.layers import PackedLayers
from benchmark.tuning.packed.rows import staying
from benchmark.tuning.packed.stacks import Stacks
from benchmark.tuning.protocol import precision

LOOK = 8
"""Tokens between two looks at which rows have ended, on a GPU, where a look waits for the device."""


class PackedDecoding:
    """The decoding loop that `generate` is given for a pack (its argument `custom_generate`).

    Rows are ordered by trial, the same number each. A row that has ended stays only as long as another trial has
    more rows that go on, because the batched products need the same number of rows a trial.

    Args:
        layers: of the pack, installed; None where there are no adapters, and all rows are of one trial.
        drafts: guesses of what is written; used where all that the decoder keeps of a token are its keys and values.
    """

    def __init__(self, layers: PackedLayers | None, drafts: Drafts) -> None:
        self.layers = layers
        self.drafts = drafts
        self.end = drafts.end

    def __call__(
        self,
        model: PreTrainedModel,
        input_ids: Tensor,
        logits_processor: LogitsProcessorList,
        stopping_criteria: StoppingCriteriaList,
        generation_config: GenerationConfig,
        **kwargs: Any,
    ) -> Tensor:
        """Return token ids [rows, new tokens]; what stands behind an end token means nothing."""
        prompt = input_ids.shape[1]
        limit = generation_config.max_length - prompt
        written = torch.full((len(input_ids), limit), self.end, device=input_ids.device)
        place = torch.arange(len(input_ids), device=input_ids.device)
        ended = torch.zeros_like(place, dtype=torch.bool)
        trials = len(self.layers.stacks) if self.layers else 1
        look = 1 if input_ids.device.type == "cpu" else LOOK
        inputs = first_inputs(model, input_ids, kwargs)
        for number in range(limit):
            outputs = model(**inputs, return_dict=True)
            # As `generate` does it: ties between logits in bfloat16 are decided alike.
            logits = outputs.logits[:, -1].to(copy=True, dtype=torch.float32)
            scores = logits_processor(cast(LongTensor, input_ids), logits)
            chosen = scores.argmax(dim=-1)
            written[place, number] = chosen
            ended |= chosen == self.end
            input_ids = torch.cat([input_ids, chosen[:, None]], dim=1)
            if number + 1 == limit:
                break
            kwargs = next_state(model, outputs, kwargs)
            del outputs
            if number == 0:
                grows = make_room(kwargs["past_key_values"], prompt + limit + ROOM)
                if grows and not logits_processor and takes_guesses(kwargs, prompt):
                    texts = DraftedWriting(model, self.layers, self.drafts, limit)(chosen, kwargs)
                    return torch.tensor([[*text, *[self.end] * (limit - len(text))] for text in texts])
                make_room(kwargs["past_key_values"], prompt + limit)
            if (number + 1) % look == 0:
                if bool(ended.all()):
                    break
                if stay := staying(~ended.view(trials, -1)):
                    rows, active = stay
                    input_ids, place, ended = input_ids[rows], place[rows], ended[rows]
                    kwargs = select_rows(kwargs, rows)
                    if self.layers and len(active) < trials:
                        self.layers.keep(active)
                        trials = len(active)
            inputs = next_inputs(model, input_ids, kwargs)
        return written


def write(
    backbone: Backbone,
    model: PeftModel,
    stacks: Stacks,
    protocol: Protocol,
    features: Sequence[Sequence[Tensor]],
    drafts: Drafts,
    *,
    merge: bool,
) -> list[list[Generated]]:
    """Return what each trial of a pack writes for its images, all in one batch.

    Args:
        backbone, model: with peft's layers in it, which nothing replaces at the time.
        stacks: the adapters.
        protocol: prompt and limit.
        features: of each trial's images, [image_tokens, hidden] each; as many a trial.
        drafts: guesses of what is written; they change no text, and learn it.
        merge: see `benchmark.tuning.packed.layers`.
    """
    layers = PackedLayers(model, stacks, merge=merge)
    trials, images = len(features), len(features[0])
    text = backbone.encode_text([protocol.prompt] * (trials * images))
    inputs = backbone.model_inputs(text, [one for shown in features for one in shown])
    decoding = PackedDecoding(layers, drafts)
    with layers.installed(), precision(backbone):
        tokens = model.generate(**inputs, **settings(backbone, protocol), custom_generate=decoding)
    return [[cut(backbone, row) for row in rows] for rows in tokens.view(trials, images, -1).tolist()]

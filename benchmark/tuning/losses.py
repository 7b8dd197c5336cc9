"""The loss of reports: on a GPU head and loss in one, elsewhere by the model's own head."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from backbones.base import IGNORED
from backbones.private.heads import head_alone, last_hidden_states, softcapping
from backbones.private.inputs import ModelInputs
from benchmark.tuning.head import HeadLoss

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


def report_losses(model: "PreTrainedModel | PeftModel", inputs: ModelInputs, start: int, trials: int = 1) -> Tensor:
    """Return the summed cross-entropy of each trial's reports.

    Only the hidden states that predict the report go through the head: of a MedGemma step's logits that is one part
    in five or so, and the rest would be thrown away.

    Args:
        model: the backbone's model, with adapters.
        inputs: from `Backbone.training_inputs`; rows ordered by trial, as many a trial.
        start: tokens of the prompt, which all rows share: where reports begin.
        trials: how many trials' rows there are.

    Returns:
        Losses [trials] in float32 (float64 where the model is).
    """
    labels = inputs["labels"]
    rest = inputs.copy()
    del rest["labels"]
    # The last position predicts a token behind the row's end; leaving it out would copy all logits.
    targets = functional.pad(labels[:, start:], (0, 1), value=IGNORED)
    if in_parts(model):
        return _in_parts(model, rest, targets, trials)
    with _given_whole(model):
        logits = model(**rest, logits_to_keep=targets.shape[1], use_cache=False).logits
    if logits.dtype != torch.float64:
        logits = logits.float()
    losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return losses.view(trials, -1).sum(dim=1)


def in_parts(model: "PreTrainedModel | PeftModel") -> bool:
    """Return whether head and loss are one, which never holds all logits (0.05 GB a report of MedGemma's).

    On a processor the model's own head is no slower, and all numbers stay those that were.
    """
    head = model.get_output_embeddings()
    return (
        (_pays_on(head.weight.device) if _by_parts is None else _by_parts)
        and type(head) is nn.Linear
        and not head.weight.requires_grad
        and head.weight.dtype in (torch.bfloat16, torch.float16, torch.float32)
        and head_alone(model)
    )


def _pays_on(device: torch.device) -> bool:
    return device.type == "cuda"


_by_parts: bool | None = None


@contextmanager
def by_head() -> Iterator[None]:
    """Compute losses, within, by the model's own head."""
    with _computed(by_parts=False):
        yield


@contextmanager
def by_parts() -> Iterator[None]:
    """Compute losses, within, as on a GPU, wherever the model is."""
    with _computed(by_parts=True):
        yield


@contextmanager
def _computed(*, by_parts: bool) -> Iterator[None]:
    global _by_parts
    before, _by_parts = _by_parts, by_parts
    try:
        yield
    finally:
        _by_parts = before


@contextmanager
def _given_whole(model: "PreTrainedModel | PeftModel") -> Iterator[None]:
    """Let the model's head, within, have its rows without gaps.

    Of a part of a longer tensor PyTorch makes a product of stacked matrices, with the head's weights once a row: on a
    processor those are copied, 0.6 GB a row of Qwen2.5-VL 3B in bfloat16. Whole, all rows are one matrix.
    """
    head = model.get_output_embeddings()
    handle = head.register_forward_pre_hook(lambda _, states: (states[0].contiguous(),))
    try:
        yield
    finally:
        handle.remove()


def _in_parts(model: "PreTrainedModel | PeftModel", inputs: ModelInputs, targets: Tensor, trials: int) -> Tensor:
    """Return losses [trials] without all logits, from the decoder's last hidden states."""
    hidden = last_hidden_states(model, inputs)[:, -targets.shape[1] :]
    head = model.get_output_embeddings()
    states = hidden.flatten(0, 1).to(head.weight.dtype)
    losses: Tensor = HeadLoss.apply(states, head.weight, head.bias, targets.flatten(), softcapping(model))
    return losses.view(trials, -1).sum(dim=1)

"""The loss of reports: by the model's own head, or by Liger's kernels where they are installed and there is a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from backbones.base import IGNORED
from backbones.private.heads import head_alone, last_hidden_states, softcapping
from backbones.private.inputs import ModelInputs

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
    if fuses(model):
        return _fused(model, rest, targets, trials)
    with _given_whole(model):
        logits = model(**rest, logits_to_keep=targets.shape[1], use_cache=False).logits
    if logits.dtype != torch.float64:
        logits = logits.float()
    losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return losses.view(trials, -1).sum(dim=1)


def fuses(model: "PreTrainedModel | PeftModel") -> bool:
    """Return whether head and loss are one: Liger never holds all logits (0.05 GB a report of MedGemma's).

    It counts labels on the host, which waits for the GPU once a trial and micro-batch.
    """
    head = model.get_output_embeddings()
    return (
        not _by_head
        and _kernels_run_on(head.weight.device)
        and type(head) is nn.Linear
        and head.weight.dtype in (torch.bfloat16, torch.float16, torch.float32)
        and head_alone(model)
    )


_by_head = False


@contextmanager
def by_head() -> Iterator[None]:
    """Compute losses, within, by the model's own head, whatever kernels are installed."""
    global _by_head
    before, _by_head = _by_head, True
    try:
        yield
    finally:
        _by_head = before


def kernels() -> str:
    """Return which kernels `fuses` speaks of, for the record."""
    return f"liger_kernel {version('liger_kernel')}"


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


@cache
def _kernels_run_on(device: torch.device) -> bool:
    return device.type == "cuda" and find_spec("liger_kernel") is not None


def _fused(model: "PreTrainedModel | PeftModel", inputs: ModelInputs, targets: Tensor, trials: int) -> Tensor:
    """Return losses [trials] without logits: the decoder's last hidden states go to Liger, a trial's at a time."""
    from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy

    hidden = last_hidden_states(model, inputs)[:, -targets.shape[1] :]
    head, softcap = model.get_output_embeddings(), softcapping(model)
    parts = zip(hidden.flatten(0, 1).chunk(trials), targets.flatten().chunk(trials), strict=True)
    losses = [
        liger_fused_linear_cross_entropy(
            states.to(head.weight.dtype), head.weight, labels, bias=head.bias, softcap=softcap, reduction="sum"
        )
        for states, labels in parts
    ]
    return torch.stack(losses)

"""What every backbone and every engine share: adapters, order of reports, learning rate, loss.

An engine that trained another order, another schedule or another loss would not be comparable; so all of them take
these from here.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from peft import LoraConfig
from torch import Tensor
from torch.nn import functional
from transformers import BatchEncoding

from backbones.base import IGNORED, Backbone
from benchmark.suite import Protocol, Trial

WINDOW = 8
"""Batches among which reports of like length are put together."""


def lora_config(backbone: Backbone | type[Backbone], trial: Trial) -> LoraConfig:
    """The adapter of a trial: LoRA (arXiv 2106.09685) on the decoder's projections, scaled by alpha / rank."""
    return LoraConfig(
        r=trial.rank,
        lora_alpha=trial.alpha,
        lora_dropout=trial.protocol.dropout,
        target_modules=backbone.lora_targets,
        bias="none",
        base_model_name_or_path=None,
    )


def order(lengths: Sequence[int], protocol: Protocol, seed: int) -> list[list[int]]:
    """Which reports each optimiser step sees: one list of indices a step.

    Every epoch sees every report once, in an order drawn from `seed`. Within windows of `WINDOW` batches, reports of
    like length come together, which saves padding; the order of the batches is drawn again, so that length tells
    nothing about when a report comes.

    Args:
        lengths: tokens of each report.
        protocol: batch size and number of steps.
        seed: the trial's.
    """
    generator = torch.Generator().manual_seed(seed)
    total = protocol.total_steps(len(lengths))
    steps: list[list[int]] = []
    while len(steps) < total:
        drawn = torch.randperm(len(lengths), generator=generator).tolist()
        epoch: list[list[int]] = []
        for start in range(0, len(drawn), WINDOW * protocol.batch_size):
            window = sorted(drawn[start : start + WINDOW * protocol.batch_size], key=lambda i: lengths[i])
            epoch += [window[b : b + protocol.batch_size] for b in range(0, len(window), protocol.batch_size)]
        steps += [epoch[i] for i in torch.randperm(len(epoch), generator=generator).tolist()]
    return steps[:total]


def learning_rate(protocol: Protocol, step: int, total: int) -> float:
    """The learning rate of a step counted from 0: linear warm-up, then a cosine or a line to zero, or constant."""
    if step < protocol.warmup_steps:
        return protocol.learning_rate * (step + 1) / (protocol.warmup_steps + 1)
    if protocol.schedule == "constant":
        return protocol.learning_rate
    done = (step - protocol.warmup_steps) / max(1, total - protocol.warmup_steps)
    share = 1 - done if protocol.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return protocol.learning_rate * share


def dropout_seed(trial: Trial, step: int) -> int:
    """The seed of a step's dropout masks: a trial's own stream, the same however trials are packed."""
    return (trial.seed * 1_000_003 + step) % 2**63


def report_losses(model: Any, inputs: dict[str, Any], start: int) -> Tensor:
    """The summed cross-entropy of each row's report.

    Only the hidden states that predict the report go through the head: of a MedGemma step's logits that is one part
    in five or so, and the rest would be thrown away.

    Args:
        model: the backbone's model, with adapters.
        inputs: from `Backbone.model_inputs`, padded on the right, `labels` among them.
        start: tokens of the prompt, which all rows share: where reports begin.

    Returns:
        Losses [rows] in float32 (float64 where the model is).
    """
    labels = inputs["labels"]
    # No report's token sees the padding behind it, and without a mask attention takes its causal kernel.
    rest = {name: value for name, value in inputs.items() if name not in ("labels", "attention_mask")}
    logits = model(**rest, logits_to_keep=labels.shape[1] - start + 1, use_cache=False).logits
    if logits.dtype != torch.float64:
        logits = logits.float()
    # The last position predicts a token behind the row's end; leaving it out would copy all logits.
    targets = functional.pad(labels[:, start:], (0, 1), value=IGNORED)
    losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return losses.view(targets.shape).sum(dim=1)


@contextmanager
def training(backbone: Backbone, protocol: Protocol) -> Iterator[None]:
    """Within, the backbone's model trains: activations are computed anew in the backward pass where the protocol
    asks for it, and a bfloat16 model's adapters, which are kept in float32, compute in bfloat16."""
    model = backbone.model
    if protocol.activation_checkpointing:
        model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    try:
        with precision(backbone):
            yield
    finally:
        model.eval()
        if protocol.activation_checkpointing:
            model.activation_checkpointing_disable()


def precision(backbone: Backbone) -> torch.autocast:
    """bfloat16 for the products of a bfloat16 model's adapters; nothing for another model's."""
    enabled = backbone.model.dtype == torch.bfloat16
    return torch.autocast(backbone.device.type, dtype=torch.bfloat16, enabled=enabled)


def not_finite(loss: float, step: int, total: int) -> str:
    """Why a trial that diverged is given up."""
    return f"the loss is {loss} at step {step} of {total}"


def micro_batches(batch: Sequence[int], protocol: Protocol) -> list[list[int]]:
    """A step's reports cut into what goes through the model at once."""
    size = protocol.micro_batch_size or len(batch)
    return [list(batch[start : start + size]) for start in range(0, len(batch), size)]


def training_text(backbone: Backbone, protocol: Protocol, reports: Sequence[str]) -> BatchEncoding:
    """Prompt and reports of a batch. Training and generation build their prompt by the same function."""
    return backbone.encode_text([protocol.prompt] * len(reports), reports)

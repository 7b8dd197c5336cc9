"""What every backbone and every engine share: adapters, order of reports, learning rate, precision.

An engine that trained another order or another schedule would not be comparable; so all of them take these from here,
and the loss from `benchmark.tuning.losses`.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from peft import LoraConfig

from backbones.base import Backbone
from backbones.private.masks import whole_rows
from benchmark.forms.suite import Protocol, Trial
from benchmark.tuning.compilation import compiled_layers

WINDOW = 8
"""Batches among which reports of like length are put together."""


def lora_config(backbone: Backbone, trial: Trial) -> LoraConfig:
    """Return the adapter of a trial, as peft makes it; see `benchmark.forms.grid` for what its settings mean."""
    return LoraConfig(
        r=trial.rank,
        lora_alpha=trial.alpha,
        lora_dropout=trial.protocol.dropout,
        target_modules=backbone.targets(trial.targets),
        use_rslora=trial.scaling == "rslora",
        use_dora=trial.variant == "dora",
        init_lora_weights=True if trial.initialisation == "default" else trial.initialisation,
        bias="none",
        base_model_name_or_path=None,
    )


def order(lengths: Sequence[int], protocol: Protocol, seed: int) -> list[list[int]]:
    """Return which reports each optimiser step sees: one list of indices a step.

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
    """Return a step's learning rate, counted from 0: linear warm-up, then a cosine or a line to zero, or constant."""
    if step < protocol.warmup_steps:
        return protocol.learning_rate * (step + 1) / (protocol.warmup_steps + 1)
    if protocol.schedule == "constant":
        return protocol.learning_rate
    done = (step - protocol.warmup_steps) / max(1, total - protocol.warmup_steps)
    share = 1 - done if protocol.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return protocol.learning_rate * share


def dropout_seed(trial: Trial, step: int) -> int:
    """Return the seed of a step's dropout masks: a trial's own stream, the same however trials are packed."""
    return (trial.seed * 1_000_003 + step) % 2**63


@contextmanager
def training(backbone: Backbone, protocol: Protocol) -> Iterator[None]:
    """Let the backbone's model, within, train.

    Activations are computed anew in the backward pass and layers compiled where the protocol asks for it, and a
    bfloat16 model's adapters, which are kept in float32, compute in bfloat16.
    """
    model = backbone.model
    if protocol.activation_checkpointing:
        model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    try:
        compiled = compiled_layers(backbone) if protocol.compile else nullcontext()
        with precision(backbone), whole_rows(), compiled:
            yield
    finally:
        model.eval()
        if protocol.activation_checkpointing:
            model.activation_checkpointing_disable()


def precision(backbone: Backbone) -> torch.autocast:
    """Compute products of a bfloat16 model's adapters in bfloat16; change nothing for another model's."""
    enabled = backbone.model.dtype == torch.bfloat16
    return torch.autocast(backbone.device.type, dtype=torch.bfloat16, enabled=enabled)


def not_finite(loss: float, step: int, total: int, *, validation: bool = False) -> str:
    """Return why a trial that diverged is given up."""
    return f"the {'validation ' if validation else ''}loss is {loss} at step {step} of {total}"


@dataclass(frozen=True)
class Piece:
    """Reports that go through the model at once.

    Attributes:
        micro_batch: indices of the reports for which dropout's masks are drawn at once.
        start, stop: which of them go through; all, unless memory ran out with them.
    """

    micro_batch: Sequence[int] = ()
    start: int = 0
    stop: int = 0

    @classmethod
    def whole(cls, micro_batch: Sequence[int]) -> "Piece":
        """Return a micro-batch that goes through at once."""
        return cls(tuple(micro_batch), 0, len(micro_batch))

    @property
    def reports(self) -> Sequence[int]:
        """Indices of the reports that go through."""
        return self.micro_batch[self.start : self.stop]


def pieces(batch: Sequence[int], protocol: Protocol, rows: int | None = None) -> list[Piece]:
    """Return a step's reports cut into what goes through the model at once.

    The protocol's micro-batches are part of a trial: dropout's masks are drawn for one at a time. Cutting them further
    changes nothing but rounding: gradients add up to the same, and each report keeps its own mask.

    Args:
        batch: indices of the step's reports.
        protocol: with the size of a micro-batch.
        rows: that go through at once at most, where memory doesn't hold a micro-batch.
    """
    size = protocol.micro_batch_size or len(batch)
    cut: list[Piece] = []
    for first in range(0, len(batch), size):
        micro = tuple(batch[first : first + size])
        step = min(rows or len(micro), len(micro))
        cut += [Piece(micro, start, min(start + step, len(micro))) for start in range(0, len(micro), step)]
    return cut


def rows_at_once(protocol: Protocol, reports: int) -> int:
    """Return how many rows of a trial go through the model at once, where memory holds them."""
    return min(protocol.micro_batch_size or protocol.batch_size, protocol.batch_size, reports)


def fewer_rows(rows: int) -> int | None:
    """Return how many rows to try where memory ran out with `rows`: half of them; None where that was one."""
    return rows // 2 if rows > 1 else None

"""Which trials train together: as many of a kind as free memory holds.

The plan's estimate of a trial: its adapter four times over (weights, gradients, AdamW's two moments), a copy of the
adapted weights where they are merged, and, for each row of a batch, what the backward pass needs of the forward pass
and two more tensors of the logits' size. What a row needs is measured: one row goes through the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor
from transformers import PreTrainedConfig

from benchmark.execute import available_memory
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.snapshots import Snapshot

USABLE = 0.8
"""Share of free memory that a plan fills: allocators leave gaps."""
CACHE = 2_500_000
"""Bytes of a pack's widest activation on a CPU: larger packs fall out of its caches, and are slower for it."""
LARGEST_IN_WRITING = 32
"""Trials that write at the same time."""
ROWS_IN_WRITING = 512
"""Reports that are written at the same time, where memory holds their caches."""
OWN = {"learning_rate", "schedule", "warmup_steps", "weight_decay", "gradient_clipping", "training_images"}
"""What trials of a pack need not have in common."""


@dataclass(frozen=True)
class Estimate:
    """Bytes that training takes beside the frozen model.

    Attributes:
        parameters: of one adapted module set at rank 1: (in + out) of all modules × bytes a number.
        merged: of a copy of all adapted weights, or 0.
        row: of one row of a batch.
        rows: rows of a trial's micro-batch.
    """

    parameters: int
    merged: int
    row: int
    rows: int

    def of(self, ranks: Sequence[int]) -> int:
        """Return the bytes at the peak of a pack of trials with these ranks."""
        padded = sum(4 * rank * self.parameters for rank in ranks)
        return padded + len(ranks) * (self.merged + self.rows * self.row)


def free_memory(device: torch.device) -> int:
    """Return bytes that may still be used: of the GPU, or on a CPU of this process's share of the machine's memory."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return available_memory()


def saved_bytes(forward: Callable[[], object], frozen: Sequence[Tensor]) -> int:
    """Return bytes that a forward pass keeps for the backward pass, beside the frozen tensors."""
    frozen_storages = {tensor.untyped_storage().data_ptr() for tensor in frozen}
    saved: dict[int, int] = {}
    tensors: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in frozen_storages:
            saved[storage.data_ptr()] = storage.nbytes()
            tensors.append(tensor)  # or its address would be given out again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    return sum(saved.values())


def kind(snapshot: Snapshot, reports: int = 0) -> tuple[str, int, int]:
    """Return what trials have to share to be packed: the protocol but for what is a trial's own, and steps.

    Args:
        snapshot: of the trial.
        reports: that it learns; 0 where it only writes.
    """
    protocol = snapshot.trial.protocol
    return protocol.model_dump_json(exclude=OWN), snapshot.steps, protocol.total_steps(reports)


def largest(estimate: Estimate, ranks: Sequence[int], free: int) -> int:
    """Return how many of the trials fit into free memory at a time, counted from the greatest rank; at least one."""
    fitting = [n for n in range(1, len(ranks) + 1) if estimate.of(sorted(ranks)[-n:]) <= USABLE * free]
    return max(fitting, default=1)


def cached(width: int, tokens: int) -> int:
    """Return how many trials' activations stay in a CPU's caches.

    Args:
        width: of the decoder's widest activation.
        tokens: of a trial's micro-batch, all rows together.
    """
    return max(2, CACHE // (4 * tokens * width))


def writing_rows(text_config: PreTrainedConfig, prompt: int, new: int, size: int, free: int) -> int:
    """Return how many reports can be written at the same time.

    A row takes its keys and values twice over (they are copied as they grow), the prompt's widest activations, and
    logits in float32.

    Args:
        text_config: of the decoder.
        prompt, new: tokens of the prompt, and of a report at most.
        size: bytes of a number of the model.
        free: bytes.
    """
    heads = text_config.num_attention_heads
    head = getattr(text_config, "head_dim", None) or text_config.hidden_size // heads
    cache = 2 * text_config.num_hidden_layers * text_config.num_key_value_heads * head * (prompt + new) * size
    widest = prompt * (4 * text_config.intermediate_size + 8 * text_config.hidden_size) * size
    row = 2 * cache + widest + 3 * 4 * text_config.vocab_size
    return max(1, min(ROWS_IN_WRITING, int(USABLE * free) // row))


def plan(snapshots: Sequence[Snapshot], most: int, data: TrainingSet | None = None) -> list[list[Snapshot]]:
    """Return packs of at most `most` trials, each in ascending rank.

    Trials of one seed and fold see the same reports at the same time, so they come together where they can: their rows
    are of one length.

    Args:
        snapshots: the trials as they stand.
        most: trials in a pack.
        data: what they learn; None where they only write.
    """
    packs: list[list[Snapshot]] = []

    def same_kind(snapshot: Snapshot) -> tuple[str, int, int]:
        return kind(snapshot, 0 if data is None else len(data.of(snapshot.trial)))

    def same_reports(snapshot: Snapshot) -> tuple[int, int]:
        return snapshot.trial.fold or 0, snapshot.trial.seed

    for _, alike in groupby(sorted(snapshots, key=same_kind), key=same_kind):
        pack: list[Snapshot] = []
        ordered = sorted(alike, key=lambda s: (*same_reports(s), s.trial.rank, s.trial.alpha, s.trial.id))
        for _, group in groupby(ordered, key=same_reports):
            waiting = list(group)
            if pack and len(pack) + len(waiting) > most:
                packs.append(pack)
                pack = []
            while len(waiting) > most:
                # Parts as even as can be, so that none is left over.
                size = -(-len(waiting) // -(-len(waiting) // most))
                packs.append(waiting[:size])
                waiting = waiting[size:]
            pack += waiting
        if pack:
            packs.append(pack)
    return [sorted(pack, key=lambda s: (s.trial.rank, s.trial.alpha, s.trial.seed, s.trial.id)) for pack in packs]

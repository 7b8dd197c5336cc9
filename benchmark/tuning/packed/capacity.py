"""Which trials train together: as many of a kind as free memory holds, by `benchmark.tuning.packed.footprint`."""

from collections.abc import Sequence
from itertools import groupby

import torch
from transformers import PreTrainedConfig

from backbones.base import Backbone
from backbones.widths import inner_width, key_value_width
from benchmark.executors.execute import available_memory
from benchmark.forms.suite import Protocol
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.packed.footprint import Decoder, Footprint, padded, written_report
from benchmark.tuning.snapshots import Snapshot

USABLE = 0.8
"""Share of free memory that a plan fills: allocators leave gaps."""
MERGED = 8
"""Times that copies of the weights with their adapters have to fit into free memory, for these to be merged."""
CACHE = 2_500_000
"""Bytes of a pack's widest activation on a CPU: larger packs fall out of its caches, and are slower for it."""
KEYS_IN_CACHE = 10_000_000
"""Bytes of one layer's keys, of all reports that a CPU writes at the same time: attention reads them again for each
token. With more, miniatures wrote by the instructing prompt (430 to 465 tokens) up to a third slower; with fewer, by a
short prompt, up to twice as slow."""
LARGEST_IN_WRITING = 32
"""Trials that write at the same time."""
ROWS_IN_WRITING = 512
"""Reports that are written at the same time, where memory holds their caches."""
OWN = {
    "learning_rate", "dropout", "schedule", "warmup_steps", "weight_decay", "gradient_clipping", "training_images",
    "keep", "keep_by",
}  # fmt: skip
"""What trials of a pack need not have in common."""


def free_memory(device: torch.device) -> int:
    """Return bytes that may still be used: of the GPU, or on a CPU of this process's share of the machine's memory."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return available_memory()


def kind(snapshot: Snapshot, reports: int = 0) -> tuple[str, int, int, tuple[int, ...]]:
    """Return what trials have to share to be packed.

    The protocol but for what is a trial's own, the steps that were taken and those there are, and at which of them
    trials are evaluated.

    Args:
        snapshot: of the trial.
        reports: that it learns; 0 where it only writes.
    """
    protocol = snapshot.trial.protocol
    return (
        protocol.model_dump_json(exclude=OWN),
        snapshot.steps,
        protocol.total_steps(reports),
        protocol.evaluation_steps(reports),
    )


def largest(footprint: Footprint, ranks: Sequence[int], rows: int, free: int) -> int:
    """Return how many of the trials fit into free memory at a time, counted from the greatest rank; at least one."""
    return max(1, footprint.largest(ranks, rows, USABLE * free))


def rows_fitting(footprint: Footprint, rank: int, most: int, available: float) -> int:
    """Return how many reports of a trial go through at once: half as many as long as one trial doesn't fit.

    Args:
        footprint: what training takes.
        rank: of the trial.
        most: reports that would, where memory holds them.
        available: bytes; those of the weights among them, where the footprint counts them.
    """
    while most > 1 and footprint.pack([rank], most) > available:
        most //= 2
    return most


def parted(packs: Sequence[list[Snapshot]], footprint: Footprint, rows: int, available: float) -> list[list[Snapshot]]:
    """Return packs of which each fits: those that don't are halved.

    `largest` counts the greatest ranks as they are padded together; others of the same number may be padded to more.
    """
    parts: list[list[Snapshot]] = []
    for pack in packs:
        if len(pack) > 1 and footprint.pack([snapshot.trial.rank for snapshot in pack], rows) > available:
            middle = len(pack) // 2
            parts += parted([pack[:middle], pack[middle:]], footprint, rows, available)
        else:
            parts.append(pack)
    return parts


def cached(width: int, tokens: int) -> int:
    """Return how many trials' activations stay in a CPU's caches.

    Args:
        width: of the decoder's widest activation.
        tokens: of a trial's micro-batch, all rows together.
    """
    return max(2, CACHE // (4 * tokens * width))


def decoder_of(text_config: PreTrainedConfig) -> Decoder:
    """Return the widths of a decoder that writing depends on."""
    return Decoder(
        text_config.num_hidden_layers,
        text_config.hidden_size,
        inner_width(text_config),
        key_value_width(text_config),
        text_config.vocab_size,
    )


def writing_trials(adapter: int, ranks: Sequence[int], free: float) -> int:
    """Return how many trials write at the same time: as many as have room in half of free memory, at least one.

    Args:
        adapter: bytes of an adapter for each of its ranks.
        ranks: of all trials; they are counted from the greatest.
        free: bytes.
    """
    ordered, most = sorted(ranks), min(len(ranks), LARGEST_IN_WRITING)
    # Twice: as they lie on disk, and put together.
    fitting = (n for n in range(1, most + 1) if 2 * adapter * sum(padded(ordered[-n:])) <= free / 2)
    return max(fitting, default=1)


def writing_rows(decoder: Decoder, prompt: int, new: int, size: int, free: float) -> int:
    """Return how many reports can be written at the same time.

    Args:
        decoder: of the model.
        prompt, new: tokens of the prompt, and of a report at most.
        size: bytes of a number of the model.
        free: bytes.
    """
    return max(1, min(ROWS_IN_WRITING, int(USABLE * free) // written_report(decoder, prompt, new, size)))


def rows_in_writing(backbone: Backbone, protocol: Protocol, free: float) -> int:
    """Return how many reports a backbone can write at the same time with so many bytes that are free."""
    return writing_rows(
        decoder_of(backbone.model.config.get_text_config()),
        len(backbone.prompt_tokens(protocol.prompt)),
        protocol.max_new_tokens,
        backbone.model.dtype.itemsize,
        free,
    )


def rows_in_cache(backbone: Backbone, protocol: Protocol) -> int:
    """Return how many reports a CPU writes at the same time by one adapter or none, so that its caches hold their keys.

    Where a layer's weights take more than that, they are what is read, and as many bytes of keys beside them cost
    little.
    """
    decoder, size = decoder_of(backbone.model.config.get_text_config()), backbone.model.dtype.itemsize
    tokens = len(backbone.prompt_tokens(protocol.prompt)) + protocol.max_new_tokens
    weights = 3 * decoder.hidden * decoder.intermediate * size
    return max(1, max(KEYS_IN_CACHE, weights) // (decoder.key_value_width * size * tokens))


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

    def same_kind(snapshot: Snapshot) -> tuple[str, int, int, tuple[int, ...]]:
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

"""How long a backbone's trials take on a device: by arithmetic and rates, and until the last of several is done."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backbones.structure import Structure
from benchmark.planning.costs import PROMPT_TOKENS, Workload, operations
from benchmark.planning.rates import Rate


@dataclass(frozen=True)
class Speed:
    """How fast a device is at a backbone.

    Attributes:
        rate: assumed.
        training: operations per second, measured where there are results, else assumed.
        sources: where both are from, in words.
    """

    rate: Rate
    training: float
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Writing:
    """How reports are written.

    Attributes:
        weights: bytes of the frozen model, which every token of a batch reads once.
        free: bytes of memory beside them.
        size: bytes of a number of the model.
        packed: whether trials write together.
    """

    weights: float
    free: float
    size: int
    packed: bool


@dataclass(frozen=True)
class Seconds:
    """Seconds of a backbone's trials, or of a part of them, by stage."""

    vision: float
    train: float
    write: float

    @property
    def total(self) -> float:
        """All stages."""
        return self.vision + self.train + self.write


def seconds(structure: Structure, work: Workload, speed: Speed, writing: Writing) -> Seconds:
    """Return the seconds of a part of a backbone's trials on one device."""
    counts = operations(structure, work)
    arithmetic = counts.write / speed.rate.operations
    return Seconds(
        vision=counts.vision / speed.rate.operations,
        train=counts.train / speed.training,
        write=max(arithmetic, _bytes_read(structure, work, writing) / speed.rate.bandwidth),
    )


def rows_in_writing(structure: Structure, new_tokens: int, size: int, free: float) -> int:
    """Return how many reports are written at the same time; `capacity.writing_rows` from a structure."""
    from benchmark.tuning.packed.capacity import ROWS_IN_WRITING, USABLE

    prompt = structure.image_tokens + PROMPT_TOKENS
    cache = _cache_bytes(structure, size) * (prompt + new_tokens)
    widest = prompt * (4 * structure.intermediate + 8 * structure.hidden) * size
    row = 2 * cache + widest + 3 * 4 * structure.vocabulary
    return max(1, min(ROWS_IN_WRITING, int(USABLE * free) // row))


def _bytes_read(structure: Structure, work: Workload, writing: Writing) -> float:
    """Count bytes that writing reads: all weights for each token of a batch, and each report's keys and values.

    A batch goes on until its last report ends: of hundreds one hardly ever does before the limit.
    """
    tokens = work.report_tokens
    seen = structure.image_tokens + PROMPT_TOKENS + tokens / 2
    caches = sum(work.written) * tokens * seen * _cache_bytes(structure, writing.size)
    return _batches(structure, work, writing) * work.new_tokens * writing.weights + caches


def _batches(structure: Structure, work: Workload, writing: Writing) -> int:
    """Count batches that all reports are written in; trials with other images come in others."""
    from benchmark.tuning.generation import BATCH
    from benchmark.tuning.packed.capacity import LARGEST_IN_WRITING

    rows = rows_in_writing(structure, work.new_tokens, writing.size, writing.free)
    batches = 0
    for images, trials in Counter(work.written).items():
        together = min(LARGEST_IN_WRITING, rows, trials) if writing.packed else 1
        at_once = max(1, rows // together) if writing.packed else BATCH
        batches += -(-trials // together) * -(-images // at_once)
    return batches


def _cache_bytes(structure: Structure, size: int) -> int:
    """Return the bytes of keys and values of one token."""
    return 2 * structure.layers * structure.key_value_width * size


def until_done(parts: Sequence[Sequence[Seconds]], devices: int) -> float:
    """Return the seconds until the last device is done, with packs dealt to them in turn as a sweep does.

    Args:
        parts: of each backbone its packs' seconds; a device sees a backbone's images once, whatever packs it is given.
        devices: how many.
    """
    busy, number = [0.0] * devices, 0
    for packs in parts:
        seen: set[int] = set()
        for pack in packs:
            device = number % devices
            busy[device] += pack.train + pack.write + (0.0 if device in seen else pack.vision)
            seen.add(device)
            number += 1
    return max(busy)

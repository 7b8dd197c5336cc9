"""How long a backbone's trials take on a device: by arithmetic and rates, and until the last of several is done."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from backbones.structure import Structure
from benchmark.planning.costs import LONGEST_REPORT_TOKENS, PROMPT_TOKENS, REPORT_TOKENS, Workload, operations
from benchmark.planning.rates import PASS_ALONE, PASS_PACKED, Rate

if TYPE_CHECKING:
    from benchmark.tuning.packed.footprint import Decoder


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
        free: bytes of memory beside them and the adapters.
        size: bytes of a number of the model.
        packed: whether trials write together.
        trials: that do, at most.
    """

    weights: float
    free: float
    size: int
    packed: bool
    trials: int


@dataclass(frozen=True)
class Written:
    """What reports take in writing.

    Attributes:
        key_values: bytes of a report's keys and values.
        report: bytes of a report, those among them.
        rows: reports that may be written at the same time.
        together: that are, at most: there may be fewer.
    """

    key_values: int
    report: int
    rows: int
    together: int


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
    read = _bytes_read(structure, work, writing) / speed.rate.bandwidth
    return Seconds(
        vision=counts.vision / speed.rate.operations,
        train=counts.train / speed.training,
        write=max(arithmetic, read, _given_out(structure, work, writing) if speed.rate.by_host else 0.0),
    )


def written_of(structure: Structure, work: Workload, writing: Writing) -> Written:
    """Return what reports take in writing, and how many are written at the same time, by the engine's own count."""
    from benchmark.tuning.generation import BATCH
    from benchmark.tuning.packed.capacity import writing_rows
    from benchmark.tuning.packed.footprint import key_values, written_report

    decoder, new = decoder_of(structure), work.new_tokens
    prompt = structure.image_tokens + PROMPT_TOKENS + max(work.shown, default=0) * LONGEST_REPORT_TOKENS
    rows = writing_rows(decoder, prompt, new, writing.size, int(writing.free)) if writing.packed else BATCH
    return Written(
        key_values=key_values(decoder, prompt + new, writing.size),
        report=written_report(decoder, prompt, new, writing.size),
        rows=rows,
        together=min(rows, sum(work.written) if writing.packed else max(work.written)),
    )


def decoder_of(structure: Structure) -> "Decoder":
    """Return the widths that writing depends on."""
    from benchmark.tuning.packed.footprint import Decoder

    return Decoder(
        structure.layers, structure.hidden, structure.intermediate, structure.key_value_width, structure.vocabulary
    )


def _bytes_read(structure: Structure, work: Workload, writing: Writing) -> float:
    """Count bytes that writing reads: all weights for each token of a batch, and each report's keys and values.

    A batch goes on until its last report ends: of hundreds one hardly ever does before the limit.
    """
    from benchmark.tuning.packed.footprint import key_values

    tokens = work.report_tokens
    seen = structure.image_tokens + PROMPT_TOKENS + tokens / 2
    each = key_values(decoder_of(structure), 1, writing.size)
    caches = sum(reports * tokens * (seen + shown * REPORT_TOKENS) * each for reports, shown in work.writers)
    return _batches(structure, work, writing) * work.new_tokens * writing.weights + caches


def _given_out(structure: Structure, work: Workload, writing: Writing) -> float:
    """Return the seconds in which a host gives out all passes that write a token."""
    layer = PASS_PACKED if writing.packed else PASS_ALONE
    return _batches(structure, work, writing) * work.new_tokens * structure.layers * layer


def _batches(structure: Structure, work: Workload, writing: Writing) -> int:
    """Count batches that all reports are written in; trials with other images come in others."""
    batches = 0
    for (images, shown), trials in Counter(work.writers).items():
        rows = written_of(structure, replace(work, shown=[shown]), writing).rows
        together = min(writing.trials, rows, trials) if writing.packed else 1
        at_once = max(1, rows // together)
        batches += -(-trials // together) * -(-images // at_once)
    return batches


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

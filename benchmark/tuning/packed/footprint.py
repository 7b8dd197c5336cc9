"""The memory of training and writing: one model, which `amrg plan` and the packed engine share.

Of training: the frozen weights; of each trial its adapter four times over (weights, gradients, AdamW's two moments), by
its own rank as its pack pads it; a copy of the adapted weights where they are merged; and for each report that goes
through the model at once what it keeps, which `benchmark.tuning.packed.kept` counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.tuning.packed.drafts import MOST
from benchmark.tuning.packed.kept import Kept
from benchmark.tuning.packed.stacks import bands

COPIES = 4
"""Of an adapter in training: itself, its gradient and AdamW's two moments."""
SNAPSHOT_COPIES = 3
"""Of an adapter in a snapshot: itself and the two moments; one more where the best so far is kept."""


@dataclass(frozen=True)
class Footprint:
    """Bytes that training takes.

    Attributes:
        weights: of the frozen model; 0 where it is in memory already.
        width: inputs and outputs of all adapted modules: numbers of an adapter a rank.
        number: bytes of a number of an adapter.
        kept: of a report.
        checkpointing: whether activations are computed anew in the backward pass.
        part: of the logits that are computed at a time, while they are; 0 where all are held.
        keeps_best: whether trials keep their best step's weights, which are in snapshots then.
    """

    weights: float
    width: int
    number: int
    kept: Kept
    checkpointing: bool = False
    part: int = 0
    keeps_best: bool = False

    def adapter(self, rank: int) -> int:
        """Return the bytes of an adapter in training."""
        return COPIES * self.number * self.width * rank

    def snapshot(self, rank: int) -> int:
        """Return the bytes of a snapshot within training, on disk."""
        return (SNAPSHOT_COPIES + self.keeps_best) * self.number * self.width * rank

    def stored(self, rank: int) -> int:
        """Return the bytes of a trained adapter, on disk."""
        return self.number * self.width * rank

    def report(self, rank: int) -> float:
        """Return the bytes of a report that goes through the model, at the peak."""
        return self.kept.report(rank, checkpointing=self.checkpointing, head=not self.part)

    def pack(self, ranks: Sequence[int], rows: int) -> float:
        """Return the bytes at the peak of a pack.

        Args:
            ranks: of its trials.
            rows: reports of each that go through the model at once.
        """
        trials = (self.adapter(rank) + self.kept.merged + rows * self.report(rank) for rank in padded(ranks))
        return self.weights + self.part + sum(trials)

    def loaded(self, ranks: Sequence[int]) -> int:
        """Return the bytes of trained adapters in memory, as their pack pads them."""
        return sum(map(self.stored, padded(ranks)))

    def writing(self, ranks: Sequence[int], reports: int, report: int) -> float:
        """Return the bytes at the peak of writing.

        Args:
            ranks: of the trials that write at the same time.
            reports: of all of them that are written at the same time.
            report: bytes of one, from `written_report`.
        """
        adapters = self.loaded(ranks)
        # Adapters are there twice while they are put together.
        return self.weights + adapters + max(adapters, reports * report)

    def largest(self, ranks: Sequence[int], rows: int, available: float) -> int:
        """Return how many of the trials fit into `available` bytes at a time, counted from the greatest rank."""
        ordered = sorted(ranks)
        fitting = (n for n in range(1, len(ordered) + 1) if self.pack(ordered[-n:], rows) <= available)
        return max(fitting, default=0)


def padded(ranks: Sequence[int]) -> list[int]:
    """Return what each trial's rank is in a pack of these."""
    return [band.rank for band in bands(sorted(ranks)) for _ in range(band.last - band.first)]


@dataclass(frozen=True)
class Decoder:
    """Widths of a decoder that writing depends on: see `backbones.structure.Structure`."""

    layers: int
    hidden: int
    intermediate: int
    key_value_width: int
    vocabulary: int


def key_values(decoder: Decoder, tokens: int, number: int) -> int:
    """Return the bytes of a report's keys and values in writing, of so many tokens, the prompt's among them."""
    return 2 * decoder.layers * decoder.key_value_width * tokens * number


def written_report(decoder: Decoder, prompt: int, new: int, number: int) -> int:
    """Return the bytes that a report takes in writing.

    Keys and values twice over (they are copied to where they have room to grow), the prompt's widest activations, and
    logits: in float32, or those of the tokens that are guessed at a time.

    Args:
        decoder: of the model.
        prompt, new: tokens of the prompt, and of a report at most.
        number: bytes of a number of the model.
    """
    widest = prompt * (4 * decoder.intermediate + 8 * decoder.hidden) * number
    logits = max(12, (MOST + 1) * number + 8) * decoder.vocabulary
    return 2 * key_values(decoder, prompt + new, number) + widest + logits

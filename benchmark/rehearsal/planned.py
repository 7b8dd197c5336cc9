"""What the plan says of a rehearsal's stages."""

from collections.abc import Sequence
from dataclasses import dataclass

from backbones.structure import Structure
from benchmark.execute import default_processes
from benchmark.planning.costs import (
    feature_bytes,
    memory,
    prompt_operations,
    training_operations,
    vision_operations,
    word_operations,
)
from benchmark.planning.rates import USE, Rate, assumed

ADAPTER_BYTES = 4
"""Of a parameter of an adapter on disk."""
SNAPSHOT_BYTES = 3 * ADAPTER_BYTES
"""The same in a snapshot: with AdamW's two moments."""


@dataclass(frozen=True)
class Planned:
    """The plan of a pack.

    Attributes:
        structure: of the checkpoint.
        ranks, rows: of the trials, and reports of each at once.
        dtype, quantization, checkpointing: how they train.
        gpu: its name; None on a processor.
    """

    structure: Structure
    ranks: Sequence[int]
    rows: int
    dtype: str
    quantization: str | None
    checkpointing: bool
    gpu: str | None

    @property
    def weights(self) -> int:
        """Bytes of the frozen model."""
        return int(memory(self.structure, 1, self.dtype, self.quantization).weights)

    @property
    def training(self) -> int:
        """Bytes of a pack in training, each trial's by its own rank."""
        needed = [
            memory(self.structure, rank, self.dtype, self.quantization, checkpointing=self.checkpointing)
            for rank in self.ranks
        ]
        return int(needed[0].weights + sum(one.trial + self.rows * one.report for one in needed))

    @property
    def adapters(self) -> int:
        """Bytes of all adapters on disk."""
        return sum(self.structure.trainable(rank) for rank in self.ranks) * ADAPTER_BYTES

    @property
    def snapshots(self) -> int:
        """Bytes of a snapshot of all trials."""
        return sum(self.structure.trainable(rank) for rank in self.ranks) * SNAPSHOT_BYTES

    def features(self, images: int) -> int:
        """Return bytes of the features of so many images."""
        return int(feature_bytes(self.structure, images, self.dtype))

    def vision_operations(self, images: int) -> float:
        """Count operations of so many images through the encoder."""
        return images * vision_operations(self.structure)

    def training_operations(self, steps: int) -> float:
        """Count operations of so many steps of all trials."""
        return steps * self.rows * sum(training_operations(self.structure, rank) for rank in self.ranks)

    def writing_operations(self, images: int, tokens: int) -> float:
        """Count operations of so many tokens for so many images, by each trial."""
        report = prompt_operations(self.structure) + tokens * word_operations(self.structure)
        return len(self.ranks) * images * report

    def seconds(self, operations: float) -> float:
        """Return the seconds that the plan's assumed rate takes for them."""
        return operations / (self._rate.operations * (1 if self.gpu else default_processes()))

    @property
    def peak(self) -> float | None:
        """Operations a second that the device's data sheet states; None for a processor."""
        return self._rate.operations / USE if self.gpu else None

    @property
    def _rate(self) -> Rate:
        return assumed(self.gpu)

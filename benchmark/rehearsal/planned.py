"""What the plan says of a rehearsal's stages."""

from collections.abc import Sequence
from dataclasses import dataclass

from backbones.structure import Structure
from benchmark.execute import default_processes
from benchmark.planning.costs import (
    feature_bytes,
    prompt_operations,
    training_operations,
    vision_operations,
    word_operations,
)
from benchmark.planning.devices import Target
from benchmark.planning.rates import USE, Rate, assumed
from benchmark.tuning.packed.footprint import Footprint


@dataclass(frozen=True)
class Planned:
    """The plan of a pack.

    Attributes:
        structure, footprint: of the checkpoint, and what training takes of memory.
        ranks, rows: of the trials, and reports of each at once.
        dtype: of the model.
        target: the device.
    """

    structure: Structure
    footprint: Footprint
    ranks: Sequence[int]
    rows: int
    dtype: str
    target: Target

    @property
    def weights(self) -> int:
        """Bytes of the frozen model."""
        return int(self.footprint.weights)

    @property
    def training(self) -> int:
        """Bytes of a pack in training, each trial's by its own rank."""
        return int(self.footprint.pack(self.ranks, self.rows))

    @property
    def adapters(self) -> int:
        """Bytes of all adapters on disk."""
        return sum(map(self.footprint.stored, self.ranks))

    @property
    def snapshots(self) -> int:
        """Bytes of a snapshot of all trials."""
        return sum(map(self.footprint.snapshot, self.ranks))

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
        return operations / (self._rate.operations * (default_processes() if self.target.is_cpu else 1))

    @property
    def peak(self) -> float | None:
        """Operations a second that the device's data sheet states; None for a processor."""
        return None if self.target.is_cpu else self._rate.operations / USE

    @property
    def _rate(self) -> Rate:
        return assumed(self.target, self.dtype)

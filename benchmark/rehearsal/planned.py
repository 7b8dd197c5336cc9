"""What the plan says of a rehearsal's stages."""

from collections.abc import Sequence
from dataclasses import dataclass

from backbones.structure import Structure
from benchmark.executors.execute import default_processes
from benchmark.planning.costs import (
    BYTES,
    feature_bytes,
    prompt_operations,
    training_operations,
    vision_operations,
    word_operations,
)
from benchmark.planning.devices import Target
from benchmark.planning.hours import decoder_of
from benchmark.planning.rates import USE, Rate, assumed
from benchmark.tuning.packed.footprint import Footprint, written_report

HOST = 0.3e9
"""Bytes beside a model on a processor: a tokenizer of up to 262,000 tokens, the image processor, what libraries load
with a model. Measured with three backbones, 0.23 to 0.3 GB; of a GPU's memory they take nothing."""


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
    def loaded(self) -> int:
        """Bytes of the frozen model, and of what is loaded with it."""
        return int(self.footprint.weights + self._host)

    @property
    def training(self) -> int:
        """Bytes of a pack in training, each trial's by its own rank."""
        return int(self.footprint.pack(self.ranks, self.rows) + self._host)

    def vision(self, encoding: int) -> int:
        """Return the bytes of image features while they are computed; `encoding` as `encoding_bytes` counts it."""
        return self.loaded + encoding

    def writing(self, images: int, new_tokens: int, prompt: int) -> int:
        """Return the bytes of writing for so many images with all trials, after a prompt of so many tokens."""
        report = written_report(decoder_of(self.structure), prompt, new_tokens, BYTES[self.dtype])
        return int(self.footprint.writing(self.ranks, len(self.ranks) * images, report) + self._host)

    @property
    def _host(self) -> float:
        return HOST if self.target.is_cpu else 0.0

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

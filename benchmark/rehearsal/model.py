"""What a rehearsal measures as data: what `amrg rehearse --json` prints."""

from collections.abc import Sequence
from typing import Literal

from benchmark.forms.record import Stored

TOLERANCE = 0.1
"""Share by which measured memory, or disk, may exceed what is planned."""
RehearsalStage = Literal[
    "checkpoint", "load", "vision", "train", "interrupted", "resume", "write", "score", "reload"
]  # fmt: skip


class StageCost(Stored):
    """What a stage took, beside what was planned; None where nothing is planned, or nothing is known.

    Attributes:
        stage: which.
        seconds, planned_seconds: by the clock, and by the plan's arithmetic.
        processor_seconds: of this process.
        memory, planned_memory: bytes at the peak, of the GPU, or of this process beyond what it had before loading.
        disk, planned_disk: bytes written.
        operations: done, by the plan's count.
        rate: operations a second.
        share_of_peak: of the device's rate by its data sheet.
        note: in words.
    """

    stage: RehearsalStage
    seconds: float
    processor_seconds: float
    planned_seconds: float | None = None
    memory: int
    planned_memory: int | None = None
    disk: int | None = None
    planned_disk: int | None = None
    operations: float | None = None
    rate: float | None = None
    share_of_peak: float | None = None
    note: str = ""

    @property
    def excess(self) -> dict[str, float]:
        """Return by which share it took more than was planned, beyond tolerance: of memory, and of disk."""
        used = {"memory": (self.memory, self.planned_memory), "disk": (self.disk, self.planned_disk)}
        return {
            name: measured / planned - 1
            for name, (measured, planned) in used.items()
            if measured is not None and planned and measured > (1 + TOLERANCE) * planned
        }


class Rehearsal(Stored):
    """A backbone's rehearsal.

    Attributes:
        schema_version: of this model.
        backbone, layers, parameters: which, cut to how many layers of decoder and encoder, and what is left.
        dtype, quantization, device: how it ran.
        ranks, rows: of the trials, and of each one's reports in a step.
        own_tokenizer: whether tokenizer and processor are the published ones.
        stages: in their order.
    """

    schema_version: int = 1
    backbone: str
    layers: int
    parameters: int
    dtype: str
    quantization: str | None
    device: str
    ranks: tuple[int, ...]
    rows: int
    own_tokenizer: bool
    stages: tuple[StageCost, ...]

    @property
    def passed(self) -> bool:
        """Whether no stage took more memory than was planned."""
        return not any(stage.excess for stage in self.stages)


class Rehearsals(Stored):
    """Those of a suite's backbones."""

    rehearsals: Sequence[Rehearsal]

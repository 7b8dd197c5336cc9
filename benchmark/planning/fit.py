"""How many trials of a backbone fit into a GPU's memory together, in the suite's own mode and in those with less."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from benchmark.forms.suite import Entry, Protocol
from benchmark.planning.costs import weights_in_memory
from benchmark.planning.machine import GB
from benchmark.planning.model import PlannedMode

if TYPE_CHECKING:
    from backbones.structure import Structure
    from benchmark.tuning.packed.footprint import Footprint


@dataclass(frozen=True)
class Mode:
    """What decides the memory of a backbone beside its structure, and what a suite asks of each trial."""

    quantization: Literal["nf4"] | None
    checkpointing: bool


MODES = (Mode(None, False), Mode(None, True), Mode("nf4", False), Mode("nf4", True))
"""All of them, from the most memory to the least."""


def mode_of(entry: Entry, protocol: Protocol) -> Mode:
    """Return the mode that a suite asks for."""
    return Mode(entry.quantization, protocol.activation_checkpointing)


@dataclass(frozen=True)
class Fit:
    """What of a GPU's memory training fills, in one mode: the weights, and a share of what they leave free.

    Attributes:
        footprint: what training takes, in that mode.
        greatest: rank of all trials.
    """

    footprint: "Footprint"
    greatest: int

    @property
    def weights(self) -> float:
        """Bytes of the frozen model."""
        return self.footprint.weights

    def needed(self, rows: int) -> float:
        """Return the memory that one trial of the greatest rank needs, with so many reports at once."""
        from benchmark.tuning.packed.capacity import USABLE

        return self.weights + (self.footprint.pack([self.greatest], rows) - self.weights) / USABLE

    def usable(self, memory: float) -> float:
        """Return the bytes of a memory that the engine fills, weights among them."""
        from benchmark.tuning.packed.capacity import USABLE

        return self.weights + USABLE * (memory - self.weights)

    def rows(self, most: int, memory: float) -> int:
        """Return how many reports of a trial go through at once, as the engine halves them."""
        from benchmark.tuning.packed.capacity import rows_fitting

        return rows_fitting(self.footprint, self.greatest, most, self.usable(memory))

    def together(self, ranks: Sequence[int], rows: int, memory: float) -> int:
        """Return how many of the trials fit together, counted from the greatest rank as the engine does; 0 for none."""
        return self.footprint.largest(ranks, rows, self.usable(memory))


def in_mode(footprint: "Footprint", structure: "Structure", dtype: str, mode: Mode) -> "Footprint":
    """Return what training takes in another mode.

    Only weights are quantised, so reports keep the same; what checkpointing keeps of it, the footprint knows.
    """
    weights = weights_in_memory(structure, dtype, mode.quantization)
    return replace(footprint, weights=weights, checkpointing=mode.checkpointing)


def modes(
    fit: Fit, structure: "Structure", entry: Entry, own: Mode, ranks: Sequence[int], rows: int, memory: float
) -> tuple[PlannedMode, ...]:
    """Return how a backbone fits into a GPU of so many bytes, in every mode.

    Args:
        fit: in the suite's own mode.
        structure, entry: of the backbone.
        own: the suite's mode.
        ranks: of all trials.
        rows: reports of a trial that go through the model at once, where they fit.
        memory: bytes.
    """
    planned = []
    for mode in MODES:
        there = replace(fit, footprint=in_mode(fit.footprint, structure, entry.dtype, mode))
        at_once = there.rows(rows, memory)
        planned.append(
            PlannedMode(
                quantization=mode.quantization,
                activation_checkpointing=mode.checkpointing,
                chosen=mode == own,
                needed_gb=round(there.needed(1) / GB, 2),
                together=there.together(ranks, at_once, memory),
                micro_batch_size=at_once,
            )
        )
    return tuple(planned)

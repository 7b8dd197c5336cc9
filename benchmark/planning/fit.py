"""How many trials of a backbone fit into a GPU's memory together, in the suite's own mode and in those with less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmark.planning.costs import Memory, memory
from benchmark.planning.machine import GB
from benchmark.planning.model import PlannedMode
from benchmark.suite import Entry, Protocol

if TYPE_CHECKING:
    from backbones.structure import Structure


@dataclass(frozen=True)
class Mode:
    """What decides the memory of a backbone beside its structure."""

    quantization: Literal["nf4"] | None
    checkpointing: bool


MODES = (Mode(None, False), Mode(None, True), Mode("nf4", False), Mode("nf4", True))
"""All of them, from the most memory to the least."""


def mode_of(entry: Entry, protocol: Protocol) -> Mode:
    """Return the mode that a suite asks for."""
    return Mode(entry.quantization, protocol.activation_checkpointing)


@dataclass(frozen=True)
class Fit:
    """What training takes in one mode, in bytes.

    Attributes:
        by_rank: memory of a trial of each rank.
    """

    by_rank: Mapping[int, Memory]

    @property
    def weights(self) -> float:
        """Bytes of the frozen model."""
        return next(iter(self.by_rank.values())).weights

    @property
    def largest(self) -> Memory:
        """Memory of a trial of the greatest rank."""
        return self.by_rank[max(self.by_rank)]

    def trials(self, ranks: Sequence[int], rows: int) -> float:
        """Return what trials of these ranks take beside the frozen model, each with so many reports at once."""
        return sum(self.by_rank[rank].trial + rows * self.by_rank[rank].report for rank in ranks)

    def room(self, memory: float) -> float:
        """Return what trials may take of so many bytes of memory: the share that the engine fills of what is free."""
        from benchmark.tuning.packed.capacity import USABLE

        return USABLE * (memory - self.weights)

    def needed(self, rows: int) -> float:
        """Return the memory that one trial of the greatest rank needs, with so many reports at once."""
        from benchmark.tuning.packed.capacity import USABLE

        return self.weights + self.trials([max(self.by_rank)], rows) / USABLE

    def rows(self, most: int, memory: float) -> int:
        """Return how many reports of a trial go through at once: half as many as long as one trial doesn't fit."""
        while most > 1 and self.needed(most) > memory:
            most //= 2
        return most

    def together(self, ranks: Sequence[int], rows: int, memory: float) -> int:
        """Return how many of the trials fit together, counted from the greatest rank as the engine does; 0 for none."""
        ordered = sorted(ranks, reverse=True)
        room = self.room(memory)
        return max((n for n in range(1, len(ordered) + 1) if self.trials(ordered[:n], rows) <= room), default=0)


def fit_of(structure: "Structure", dtype: str, mode: Mode, ranks: Sequence[int]) -> Fit:
    """Return what training a backbone with adapters of these ranks takes in a mode."""
    return Fit(
        {
            rank: memory(structure, rank, dtype, mode.quantization, checkpointing=mode.checkpointing)
            for rank in sorted(set(ranks))
        }
    )


def modes(
    structure: "Structure", entry: Entry, protocol: Protocol, ranks: Sequence[int], rows: int, memory: float
) -> tuple[PlannedMode, ...]:
    """Return how a backbone fits into a GPU of so many bytes, in every mode."""
    own = mode_of(entry, protocol)
    planned = []
    for mode in MODES:
        fit = fit_of(structure, entry.dtype, mode, ranks)
        at_once = fit.rows(rows, memory)
        planned.append(
            PlannedMode(
                quantization=mode.quantization,
                activation_checkpointing=mode.checkpointing,
                chosen=mode == own,
                needed_gb=round(fit.needed(1) / GB, 2),
                together=fit.together(ranks, at_once, memory),
                micro_batch_size=at_once,
            )
        )
    return tuple(planned)

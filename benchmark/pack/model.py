"""A pack as data: which trials run together, on what, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.records import Records
from benchmark.forms.record import LESION_CONTROLS, Set
from benchmark.forms.suite import Entry, Halving, Trial

if TYPE_CHECKING:
    from backbones.adapter import AdapterFolder

SETS: tuple[Set, ...] = ("validation", "test", "blank")
"""What a sweep's trials write reports for."""
SETS_WITH_LESIONS: tuple[Set, ...] = (*SETS, *LESION_CONTROLS)
"""The same of a suite that asks for images with parts painted over."""


@dataclass(frozen=True)
class Pack:
    """Trials of one backbone and how to run them.

    Attributes:
        entry: the backbone as the suite names it.
        source: the folder of its weights; None for the hub's cache.
        engine: that trains and writes.
        device: as torch names it.
        trials: of the backbone.
        records: what they learn and are tested on.
        sets: what each trial writes reports for.
        resamples: of the intervals of the test set's scores.
        adapters: from elsewhere, by the id of the trial that evaluates one.
        halving: when points leave; `trials` then has all that compete with each other, those that are done among them.
    """

    entry: Entry
    source: Path | None
    engine: str
    device: str
    trials: tuple[Trial, ...]
    records: Records
    sets: tuple[Set, ...] = SETS
    resamples: int = 10_000
    adapters: "Mapping[str, AdapterFolder]" = field(default_factory=dict)
    halving: Halving | None = None

    @property
    def lesions(self) -> bool:
        """Whether reports are written for images with parts painted over."""
        return "painted" in self.sets

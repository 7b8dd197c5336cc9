"""What of a pack goes through the model at once: rows of all its trials, ordered by trial, the same number each."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from backbones.base import IGNORED, Backbone
from benchmark.forms.suite import Protocol
from benchmark.tuning import batches
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.protocol import Piece


@dataclass(frozen=True)
class Part:
    """What of a pack goes through the model at once: a micro-batch of each trial, or a piece of it.

    Attributes:
        pieces: one a trial.
        batch: as many rows a trial.
    """

    pieces: Sequence[Piece]
    batch: batches.Batch


@dataclass(frozen=True)
class Step:
    """What an optimiser step takes from the host: its micro-batches, and the report tokens of each trial, [trials]."""

    parts: list[Part]
    tokens: Tensor


def part_of(backbone: Backbone, protocol: Protocol, data: TrainingSet, pieces: Sequence[Piece], filler: int) -> Part:
    """Return what goes through the model at once for these pieces.

    Args:
        backbone, protocol: of the pack.
        data: what the pieces' reports are of.
        pieces: one a trial.
        filler: place of the report that a trial with fewer rows than others shows in their place, without labels; a
            short one costs least.
    """
    reports = [piece.reports for piece in pieces]
    most = max(map(len, reports))
    rows = [index for indices in reports for index in (*indices, *[filler] * (most - len(indices)))]
    batch = batches.make(backbone, protocol, data, rows)
    for trial, indices in enumerate(reports):
        batch.text["labels"][trial * most + len(indices) : (trial + 1) * most] = IGNORED
    return Part(pieces, batch)

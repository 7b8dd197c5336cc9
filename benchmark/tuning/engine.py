"""What an engine is: something that turns trials into adapters, and adapters into predictions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

from torch import Tensor

from backbones.base import Backbone
from benchmark.store import TrialFolder
from benchmark.suite import Trial

StepDone = Callable[[Trial, int, int, float], None]
"""Called after a step with the trial, steps done, steps in all and the loss."""


@dataclass(frozen=True)
class TrainingSet:
    """Reports to learn, each with its image's features [image_tokens, hidden]."""

    reports: Sequence[str]
    features: Sequence[Tensor]


@dataclass(frozen=True)
class Generated:
    """One generated report.

    Attributes:
        text: without special tokens.
        tokens: generated, the end token included.
        stop: "end" where the model ended the report, "length" where the limit did.
    """

    text: str
    tokens: int
    stop: str


@dataclass
class Outcome:
    """How a trial's training ended.

    Attributes:
        failure: why it was given up; None where it was not.
        seconds: share of the wall time that training took.
        peak_memory_bytes: of the device, or of the process on a CPU; shared by the trials of a pack.
    """

    failure: str | None = None
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    details: dict[str, object] = field(default_factory=dict)


class Engine(Interface):
    """Trains trials of one backbone and writes reports with their adapters.

    Engines differ in time and memory, not in results: for the same trial each gives the losses, the adapter and the
    text that training it alone with plain peft gives, to floating-point tolerance.
    """

    name: str

    def train(
        self,
        backbone: Backbone,
        trials: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        data: TrainingSet,
        step_done: StepDone,
    ) -> dict[str, Outcome]:
        """Train trials; write each one's adapter and losses into its folder; how each ended, by trial id."""
        ...

    def generate(
        self,
        backbone: Backbone,
        trials: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        features: Sequence[Tensor],
    ) -> Iterator[tuple[Trial, list[Generated]]]:
        """Write a report for each image's features with each trial's trained adapter, greedily."""
        ...

"""What an engine is: something that turns trials into adapters, and adapters into predictions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from typing import Protocol as Interface

import numpy as np
from torch import Tensor

from backbones.base import Backbone
from benchmark.forms.suite import Trial
from benchmark.results.store import TrialFolder
from benchmark.tuning.spent import Meter

StepDone = Callable[[Trial, int, int, float], None]
"""Called after a step with the trial, steps done, steps in all and the loss."""


Picture = Callable[[], np.ndarray]
"""Gives a square image, uint8 [side, side], when it is asked for."""


@dataclass(frozen=True)
class TrainingSet:
    """What trials learn.

    Attributes:
        reports: of all trials together; one stands several times where trials see it with different images.
        features: of each one's image, [image_tokens, hidden]; none where all trials tune the vision encoder.
        rows: trial's id to which of them it learns, in order; all where it isn't named.
        pictures: each one's image, for trials that tune the vision encoder.
        validation: what trials are evaluated on within training; None where none is.
    """

    reports: Sequence[str]
    features: Sequence[Tensor]
    rows: Mapping[str, Sequence[int]] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()
    validation: "ValidationSet | None" = None

    def of(self, trial: Trial) -> Sequence[int]:
        """Return the places of the reports that a trial learns."""
        return self.rows.get(trial.id, range(len(self.reports)))

    def only(self, trial: Trial) -> "TrainingSet":
        """Return what one trial learns, by itself."""
        rows = self.of(trial)
        return TrainingSet(
            [self.reports[i] for i in rows],
            [self.features[i] for i in rows] if self.features else [],
            pictures=[self.pictures[i] for i in rows] if self.pictures else [],
            validation=self.validation,
        )


Scores = Mapping[str, float | None]
"""Scores by name; None for an undefined one."""


@dataclass(frozen=True, kw_only=True)
class ValidationSet(TrainingSet):
    """What trials are evaluated on within training; `rows` says which of it each trial's fold has.

    Attributes:
        score: a trial and its reports, in the order of its rows, to their scores.
    """

    score: Callable[[Trial, Sequence[str]], Scores]


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
    stop: Literal["end", "length"]


@dataclass
class Outcome:
    """How a trial's training ended.

    Attributes:
        failure: why it was given up; None where it was not.
        paused: whether it stopped where it was told to, with its snapshot stored.
        trained_together: how many trials trained at the same time, itself among them; None where it trained alone.
        rows_at_once: reports that went through the model at once; None where trials were packed.
        kernels: beside torch's that it was trained with; None where there were none.
    """

    failure: str | None = None
    paused: bool = False
    trained_together: int | None = None
    rows_at_once: int | None = None
    kernels: str | None = None


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
        meter: Meter | None = None,
        until: int | None = None,
    ) -> dict[str, Outcome]:
        """Train trials; write each one's adapter, seconds, peak memory and losses into its folder, losses last.

        Where a protocol asks for it, trials are evaluated within training; the evaluations are written before the
        losses, and where the best one is kept, the adapter is that step's.

        Args:
            backbone: of all the trials; no adapter is left in its model.
            trials, folders: what to train, and where each one's results go, by trial id.
            data: what each of them learns.
            step_done: told of each step of each trial.
            meter: books the time on the trials, by the folders' own record where None.
            until: the step after which trials pause, evaluated if that is asked for there; snapshots and evaluations
                are stored then, and the next call goes on. None to train to the end.

        Returns:
            How each ended, by trial id.
        """
        ...

    def generate(
        self,
        backbone: Backbone,
        trials: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        features: Sequence[Tensor],
        meter: Meter | None = None,
        pictures: Sequence[Picture] = (),
        known: Sequence[str] = (),
    ) -> Iterator[tuple[Trial, list[Generated]]]:
        """Write a report for each image's features with each trial's trained adapter, greedily.

        The time is booked as in training. Trials that tune the vision encoder see `pictures`, the same images. Reports
        that are `known`, those of training, change no text: an engine may guess from them how one goes on.
        """
        ...

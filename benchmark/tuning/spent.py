"""What a trial has taken so far: seconds by stage and peak memory, kept beside its results over all sessions.

A pack's trials share most of its work, so a trial's seconds are its share of the wall time of the process that ran it:

- `load` of the backbone and `vision` (image features): equal shares of all trials of the pack;
- `train`: equal shares of the trials that were alive in the pack at the time; trials that wait pay nothing;
- `generate`: by the tokens that each trial wrote in that batch of images; equal shares where nothing was written;
- `score`: what is done for one trial is that trial's; what all need (METEOR's start, the tokenisation of all
  predictions at once) in equal shares.

Time goes from lap to lap, each booked once, so the seconds of all trials add up to the work of their packs.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Literal

from pydantic import BaseModel, ConfigDict

from benchmark.errors import UserError
from benchmark.forms.record import STAGES, Stage
from benchmark.results.store import TrialFolder, read_model, write_json


class Spent(BaseModel):
    """The content of a trial's `spent.json`.

    Attributes:
        schema_version: of this model.
        seconds: by stage, of all sessions that worked on the trial.
        peak_memory_bytes: the greatest in training: of the GPU, or of the process on a CPU; None before training.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    seconds: dict[Stage, float] = {}
    peak_memory_bytes: int | None = None

    @classmethod
    def read(cls, folder: TrialFolder) -> "Spent":
        """Return what is stored; of a trial of earlier versions what its `trial.json` says; else nothing spent."""
        try:
            return read_model(folder.spent, cls)
        except UserError:
            pass  # none yet, or damaged: seconds aren't worth a trial
        try:
            record = folder.read_trial()
            return cls(seconds=record.own_seconds, peak_memory_bytes=record.peak_memory_bytes)
        except UserError:
            return cls()

    def write(self, folder: TrialFolder) -> None:
        """Write it beside the trial's results."""
        write_json(folder.spent, self.rounded())

    def rounded(self) -> "Spent":
        """Return the same to the millisecond, stages in the order of the work."""
        seconds: dict[Stage, float] = {s: round(self.seconds[s], 3) for s in STAGES if s in self.seconds}
        return self.model_copy(update={"seconds": seconds})


class Meter:
    """Books the time of this process on trials, lap by lap, each lap once.

    Args:
        folders: of the trials, by id; what they took in earlier sessions is read from there, and kept there.
    """

    def __init__(self, folders: Mapping[str, TrialFolder]) -> None:
        self._folders = folders
        self._spent: dict[str, Spent] = {}
        self._since = perf_counter()

    def lap(self, stage: Stage, trials: Sequence[str], weights: Sequence[float] | None = None) -> None:
        """Book the time since the last lap.

        Args:
            stage: what it was spent on.
            trials: ids of those that shared it; where there is none, the next lap gets the time.
            weights: of their shares; equal ones where None or all zero.
        """
        if not trials:
            return
        now = perf_counter()
        passed, self._since = now - self._since, now
        if weights is None or sum(weights) <= 0:
            weights = [1.0] * len(trials)
        for trial, weight in zip(trials, weights, strict=True):
            seconds = self.of(trial).seconds
            seconds[stage] = seconds.get(stage, 0.0) + passed * weight / sum(weights)

    def peak(self, trial: str, bytes_used: int) -> None:
        """Note the peak memory of a trial's training; the greatest of all sessions stays."""
        spent = self.of(trial)
        spent.peak_memory_bytes = max(bytes_used, spent.peak_memory_bytes or 0)

    def of(self, trial: str) -> Spent:
        """Return what a trial has taken so far, by its id."""
        if trial not in self._spent:
            self._spent[trial] = Spent.read(self._folders[trial])
        return self._spent[trial]

    def keep(self, trials: Sequence[str]) -> None:
        """Store what these trials have taken, so that an interruption from now on loses nothing of it."""
        for trial in trials:
            self.of(trial).write(self._folders[trial])

    @contextmanager
    def stage(self, stage: Stage, trials: Sequence[str]) -> Iterator[None]:
        """Book on these trials what passes within and isn't booked there, and keep it, however the stage ends."""
        try:
            yield
        finally:
            self.lap(stage, trials)
            self.keep(trials)

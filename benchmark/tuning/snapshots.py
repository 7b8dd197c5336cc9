"""Snapshots within training: a trial's adapter, optimiser state, losses and evaluations so far, in its folder.

Both engines write and read them, so a trial that one began, the other can go on with.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from benchmark.forms.record import Evaluation
from benchmark.forms.suite import Trial
from benchmark.progress.events import Event, tell
from benchmark.results.store import TrialFolder, atomic_file

SNAPSHOT_SECONDS = 60.0
"""Training time between two snapshots: what an interruption loses at most, where they cost little."""
TIMES_ITS_COST = 20
"""Training time before the next snapshot, in times what the last one took: they take under 5 % of the whole."""

COLUMNS = ("learning_rate", "loss", "gradient_norm")
PARTS = ("weights", "first", "second", "best")
EVALUATIONS = TypeAdapter(list[Evaluation])


@dataclass
class Snapshot:
    """A trial within training.

    Attributes:
        trial: which.
        weights: A and B by peft's name without the adapter's.
        first, second: AdamW's moments by the same names; empty before the first step.
        losses: a row a step, as in `losses.csv`.
        evaluations: on the validation part so far.
        best: the weights of the best of them, where the trial keeps that; empty before the first.
    """

    trial: Trial
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    first: Mapping[str, Tensor] = field(default_factory=dict)
    second: Mapping[str, Tensor] = field(default_factory=dict)
    losses: list[dict[str, float]] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    best: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps taken."""
        return len(self.losses)

    def write(self, folder: TrialFolder) -> None:
        """Write it, whole or not at all."""
        tensors = {
            f"{part}/{name}": value.detach().cpu().contiguous()
            for part in PARTS
            for name, value in getattr(self, part).items()
        }
        tensors["losses"] = torch.tensor([[row[c] for c in COLUMNS] for row in self.losses], dtype=torch.float64)
        metadata = {"trial": self.trial.id, "evaluations": EVALUATIONS.dump_json(self.evaluations).decode()}
        metadata["sha256"] = _digest(tensors, metadata["evaluations"])
        with atomic_file(folder.snapshot) as temporary:
            save_file(tensors, temporary, metadata=metadata)


class Pace:
    """When snapshots are taken: after so much training, and after so many times what the last one took.

    Args:
        seconds: training time between two at least; 0 for one after each step, whatever it takes.
        clock: seconds from any moment.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._interval = seconds
        self._last = clock()

    def is_due(self) -> bool:
        """Return whether it is time for one."""
        return self._clock() - self._last >= self._interval

    def take(self, write: Callable[[], None]) -> None:
        """Take one by `write`, and set the time of the next; said where it comes later than asked for."""
        began = self._clock()
        write()
        self._last = self._clock()
        took, before = self._last - began, self._interval
        self._interval = max(self.seconds, TIMES_ITS_COST * took) if self.seconds else 0.0
        if self._interval > max(self.seconds, before):
            detail = f"one took {took:.0f} s, so the next comes in {self._interval:.0f} s: under 5 % of training"
            tell(Event("stage", "snapshots", detail=detail))


def loss_rows(values: Sequence[Sequence[float]], start: int = 0) -> list[dict[str, float]]:
    """Return rows of `losses.csv` from (learning rate, loss, gradient norm) a step; steps count from `start` + 1."""
    return [{"step": number, **dict(zip(COLUMNS, row, strict=True))} for number, row in enumerate(values, start + 1)]


def read_snapshot(trial: Trial, folder: TrialFolder) -> Snapshot:
    """Read the trial's last snapshot, or an empty one where there is none that can be read."""
    snapshot = Snapshot(trial)
    try:
        with safe_open(folder.snapshot, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("trial") != trial.id:
                return snapshot
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it isn't a mapping)
        told = metadata.get("evaluations", "[]")
        if metadata.get("sha256") != _digest(tensors, told):
            return snapshot
        parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
        for key, tensor in tensors.items():
            part, _, name = key.partition("/")
            if name:
                parts[part][name] = tensor
        losses = loss_rows(tensors["losses"].tolist())
        evaluations = EVALUATIONS.validate_json(told)
    except (OSError, SafetensorError, KeyError, ValidationError):
        return snapshot  # none yet, cut short or damaged: the trial begins anew
    return Snapshot(trial, losses=losses, evaluations=evaluations, **parts)


def remove_snapshot(folder: TrialFolder) -> None:
    """Delete the trial's snapshot, which its adapter takes the place of."""
    folder.snapshot.unlink(missing_ok=True)


def _digest(tensors: Mapping[str, Tensor], evaluations: str) -> str:
    """Return SHA-256 over names, shapes and bytes of tensors: a flipped bit would be another trial's adapter.

    Evaluations count where there are any, as JSON: they decide which adapter is kept.
    """
    total = hashlib.sha256(evaluations.encode() if evaluations != "[]" else b"")
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        total.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()

"""`engine: sequential`: plain peft, one trial after another.

The oracle that other engines are held against, and the way for a backbone that can't be packed.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import get_peft_model
from torch import Tensor, nn

from backbones.base import IGNORED, Backbone
from backbones.private.lora import lora_layers, replace_dropout, without_adapter_name
from backbones.private.optimizers import adamw_moments, adamw_state
from benchmark.forms.record import Evaluation
from benchmark.forms.suite import Trial
from benchmark.results.store import TrialFolder
from benchmark.tuning import batches, evaluating, memory, saving
from benchmark.tuning.adapters import changes_base, taken_out, tuned
from benchmark.tuning.dropout import Mask, Streams, masked
from benchmark.tuning.features import encoded_anew
from benchmark.tuning.generation import greedy
from benchmark.tuning.interface import Generated, Outcome, Picture, StepDone, TrainingSet
from benchmark.tuning.losses import report_losses
from benchmark.tuning.protocol import (
    Piece,
    dropout_seed,
    fewer_rows,
    learning_rate,
    lora_config,
    not_finite,
    order,
    pieces,
    rows_at_once,
    training,
)
from benchmark.tuning.snapshots import SNAPSHOT_SECONDS, Pace, Snapshot, loss_rows, read_snapshot, remove_snapshot
from benchmark.tuning.spent import Meter

NO_ROOM = "out of memory with one report at a time: set activation_checkpointing or quantization"
"""Why a trial is given up that doesn't fit alone, with one row going through the model at once."""
FIRST = "first"
"""The adapter that training begins with, as a folder; peft calls an adapter by it, so it is no part of a weight's
name."""


class Sequential:
    """One trial after another; see `benchmark.tuning.interface.Engine`.

    Args:
        snapshot_seconds: training time between two snapshots at least; see `benchmark.tuning.snapshots.Pace`.
    """

    name = "sequential"

    def __init__(self, *, snapshot_seconds: float = SNAPSHOT_SECONDS) -> None:
        self.snapshot_seconds = snapshot_seconds

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
        """See `Engine.train`."""
        meter = meter or Meter(folders)
        outcomes = {}
        for trial in trials:
            outcomes[trial.id] = self._train_one(backbone, trial, folders[trial.id], data, step_done, meter, until)
            if outcomes[trial.id].failure == NO_ROOM:
                memory.release(backbone.device)
        return outcomes

    def _train_one(
        self,
        backbone: Backbone,
        trial: Trial,
        folder: TrialFolder,
        data: TrainingSet,
        step_done: StepDone,
        meter: Meter,
        until: int | None,
    ) -> Outcome:
        memory.start(backbone.device)
        torch.manual_seed(trial.seed)
        with TemporaryDirectory(prefix="amrg-adapter-") as first, taken_out(backbone, base_changes=changes_base(trial)):
            alone = Alone(backbone, trial, data.only(trial), Path(first), until)
            alone.restore(read_snapshot(trial, folder))
            pace = Pace(self.snapshot_seconds)

            def after(loss: float) -> None:
                meter.lap("train", [trial.id])
                step_done(trial, alone.step, alone.total, loss)
                if pace.is_due() and alone.step < alone.total:
                    pace.take(lambda: alone.snapshot().write(folder))
                    meter.keep([trial.id])

            failure = alone.run(after)
            paused = failure is None and alone.step < alone.total
            if paused:
                alone.snapshot().write(folder)
            elif failure is None:
                alone.keep_best()
                saving.write(folder, backbone, trial, alone.save)
            elif failure == NO_ROOM and alone.step:
                alone.snapshot().write(folder)  # more memory goes on from here
            meter.lap("train", [trial.id])
            meter.peak(trial.id, memory.peak(backbone.device))
            meter.keep([trial.id])
            evaluating.store(folder, alone.evaluations)
            if failure is None and not paused:
                folder.write_losses(alone.losses)
            if failure != NO_ROOM and not paused:
                remove_snapshot(folder)
        return Outcome(failure=failure, paused=paused, rows_at_once=alone.rows)

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
        """See `Engine.generate`. No report is guessed: this is how others write."""
        meter = meter or Meter(folders)
        for trial in trials:
            with tuned(backbone, folders[trial.id]) as model:
                shown = encoded_anew(backbone, pictures) if trial.tunes_vision else features
                written = greedy(backbone, model, trial.protocol, shown)
            meter.lap("generate", [trial.id])
            meter.keep([trial.id])
            yield trial, written


@dataclass
class Alone:
    """A trial while plain peft trains it.

    Attributes:
        backbone: whose model gets the adapter; the caller takes it out again.
        trial, data: what is trained on what.
        first: an empty folder, for the adapter that training begins with where that was taken out of the base.
        until: the step after which it pauses; None for the end.
        rows: that go through the model at once at most; halved where memory runs out.
        losses: a row a step taken, as in `losses.csv`.
        evaluations, best: see `benchmark.tuning.snapshots.Snapshot`.
    """

    backbone: Backbone
    trial: Trial
    data: TrainingSet
    first: Path
    until: int | None = None
    losses: list[dict[str, float]] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    best: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        protocol = self.trial.protocol
        self.model = get_peft_model(self.backbone.model, lora_config(self.backbone, self.trial))
        if changes_base(self.trial):
            self.model.save_pretrained(str(self.first / FIRST))
        self.trained = {
            without_adapter_name(name): parameter
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad
        }
        self.parameters = list(self.trained.values())
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=protocol.learning_rate, weight_decay=protocol.weight_decay
        )
        self.lengths = [len(self.backbone.report_tokens(report)) for report in self.data.reports]
        self.steps = order(self.lengths, protocol, self.trial.seed)
        self.prompt = len(self.backbone.prompt_tokens(protocol.prompt))
        self.rows = rows_at_once(protocol, len(self.lengths))
        self.streams: Streams | None = None
        self.evaluation_steps = evaluating.evaluation_steps(self.trial, self.data)

    @property
    def step(self) -> int:
        """Steps taken."""
        return len(self.losses)

    @property
    def total(self) -> int:
        """Steps in all."""
        return len(self.steps)

    def restore(self, snapshot: Snapshot) -> None:
        """Put a snapshot's state in place."""
        if snapshot.steps:
            with torch.no_grad():
                for name, parameter in self.trained.items():
                    parameter.copy_(snapshot.weights[name])
                    first, second = (
                        moment[name].to(parameter.device, copy=True) for moment in (snapshot.first, snapshot.second)
                    )
                    self.optimizer.state[parameter] = adamw_state(snapshot.steps, first, second)
        self.losses, self.evaluations, self.best = snapshot.losses, snapshot.evaluations, snapshot.best

    def snapshot(self) -> Snapshot:
        """Return the trial as it stands."""
        moments = {n: adamw_moments(self.optimizer.state[parameter]) for n, parameter in self.trained.items()}
        first, second = ({name: pair[which] for name, pair in moments.items()} for which in (0, 1))
        return Snapshot(self.trial, self.trained, first, second, self.losses, self.evaluations, self.best)

    def keep_best(self) -> None:
        """Put the weights of the best evaluation in place, where the trial keeps those."""
        with torch.no_grad():
            for name, weight in self.best.items():
                self.trained[name].copy_(weight)

    def save(self, folder: str) -> None:
        """Write the adapter by peft; where its first weights were taken out of the base, as one on the base as it was.

        peft makes it so: the first weights stand beside the trained ones, subtracted, so that its rank doubles.
        """
        if changes_base(self.trial):
            with warnings.catch_warnings():
                # peft advises to do what is done here.
                warnings.filterwarnings("ignore", message=".* changes the base weights of the model")
                self.model.save_pretrained(folder, path_initial_model_for_weight_conversion=str(self.first / FIRST))
        else:
            self.model.save_pretrained(folder)

    def run(self, after: Callable[[float], None]) -> str | None:
        """Train to the end, or to where it pauses, with fewer rows at once where memory runs out.

        Returns why it was given up, or None.

        Args:
            after: called with the loss after each step.
        """
        with training(self.backbone, self.trial.protocol):
            while True:
                try:
                    return self._steps(after)
                except Exception as error:
                    if not memory.ran_out(error):
                        raise
                fewer = fewer_rows(self.rows)
                if fewer is None:
                    return NO_ROOM
                self.rows = fewer
                self.optimizer.zero_grad()
                memory.release(self.backbone.device)

    def _steps(self, after: Callable[[float], None]) -> str | None:
        """Take the steps that are left. A step whose passes run out of memory has changed no parameter."""
        numbers = range(self.step, min(self.until or self.total, self.total))
        # The look after the last step that was taken may be what an interruption left out.
        if failure := self._evaluate_if_due():
            return failure
        steps = batches.prefetched(self._on_host, numbers, self.backbone.device)
        undivided = rows_at_once(self.trial.protocol, len(self.lengths))
        if self.trial.protocol.dropout and self.rows < undivided and self.streams is None:
            self.streams = self._masks()
        with closing(steps):
            for number, parts in zip(numbers, steps, strict=True):
                rate = learning_rate(self.trial.protocol, number, self.total)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                torch.manual_seed(dropout_seed(self.trial, number))
                if self.streams is not None:
                    self.streams.seed([dropout_seed(self.trial, number)])
                loss = self._backward(parts)
                if not math.isfinite(loss):
                    return not_finite(loss, number + 1, self.total)
                norm = nn.utils.clip_grad_norm_(self.parameters, self.trial.protocol.gradient_clipping or math.inf)
                self._update()
                self.losses += loss_rows([(rate, loss, float(norm))], start=number)
                after(loss)
                if failure := self._evaluate_if_due():
                    return failure
        return None

    def _evaluate_if_due(self) -> str | None:
        """Evaluate the trial where that is asked for at this step; why it is given up, or None."""
        if not evaluating.is_due(self.evaluations, self.step, self.evaluation_steps):
            return None
        self.backbone.model.eval()
        try:
            evaluation = self._evaluation()
        finally:
            self.backbone.model.train()
        if not math.isfinite(evaluation.loss):
            return not_finite(evaluation.loss, self.step, self.total, validation=True)
        self.evaluations = [*self.evaluations, evaluation]
        if evaluating.is_kept(self.trial, self.evaluations):
            self.best = {name: weight.detach().to("cpu", copy=True) for name, weight in self.trained.items()}
        return None

    @torch.no_grad()
    def _evaluation(self) -> Evaluation:
        data, protocol = evaluating.validation_of(self.trial, self.data), self.trial.protocol
        rows = data.of(self.trial)
        lengths = [len(self.backbone.report_tokens(report)) for report in data.reports]
        size = evaluating.rows_in_evaluation(self.trial, self.data, self.rows)
        loss = 0.0
        for part in evaluating.in_batches(rows, lengths, size):
            batch = batches.make(self.backbone, protocol, data, part, as_pixels=self.trial.tunes_vision)
            inputs = self.backbone.training_inputs(batch.text, batch.shown(self.backbone))
            loss += float(report_losses(self.model, inputs, self.prompt).sum())
        scores = None
        if evaluating.writes_reports(self.trial, self.step, self.evaluation_steps):
            if self.trial.tunes_vision:
                shown = encoded_anew(self.backbone, [data.pictures[i] for i in rows])
            else:
                shown = [data.features[i] for i in rows]
            written = greedy(self.backbone, self.model, protocol, shown)
            scores = dict(data.score(self.trial, [report.text for report in written]))
        return Evaluation(step=self.step, loss=loss / sum(lengths[i] for i in rows), scores=scores)

    def _on_host(self, number: int) -> list[tuple[Piece, batches.Batch]]:
        protocol = self.trial.protocol
        return [
            (piece, batches.make(self.backbone, protocol, self.data, piece.reports, as_pixels=self.trial.tunes_vision))
            for piece in pieces(self.steps[number], protocol, self.rows)
        ]

    def _backward(self, parts: Sequence[tuple[Piece, batches.Batch]]) -> float:
        """Compute gradients of the mean loss over the step's report tokens; return that mean."""
        total = sum(int((batch.text["labels"] != IGNORED).sum()) for _, batch in parts)
        mean = 0.0
        for piece, batch in parts:
            if self.streams is not None:
                if piece.start:
                    self.streams.go_on(piece.start)
                else:
                    self.streams.begin([masked(piece, self.lengths, self.prompt)])
            inputs = self.backbone.training_inputs(batch.text, batch.shown(self.backbone))
            loss = report_losses(self.model, inputs, self.prompt).sum() / total
            loss.backward()
            mean += float(loss.detach())
        for parameter in self.parameters:
            if parameter.grad is None:  # of a layer of the vision encoder that the model doesn't read
                parameter.grad = torch.zeros_like(parameter)
        return mean

    def _update(self) -> None:
        """Take the optimiser's step; memory that runs out within it leaves some parameters changed, so it ends."""
        try:
            self.optimizer.step()
        except Exception as error:
            if not memory.ran_out(error):
                raise
            raise RuntimeError("memory ran out within the optimiser's step, which can't be taken twice") from error
        self.optimizer.zero_grad()

    def _masks(self) -> Streams:
        """Give each adapted layer dropout whose masks are drawn for whole micro-batches, as torch's own would be."""
        streams = Streams([self.trial.protocol.dropout], self.backbone.device)
        for name, layer in lora_layers(self.model).items():
            replace_dropout(layer, Masks(streams, name))
        return streams


class Masks(nn.Module):
    """Dropout by factors from a stream.

    Args:
        streams: which draw for one trial.
        layer: whose input it is for.
    """

    def __init__(self, streams: Streams, layer: str) -> None:
        super().__init__()
        self.streams = streams
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with some values zero and the others scaled up; `x` itself where nothing is learned."""
        if not self.training:
            return x
        return Dropped.apply(x, self.streams.mask(self.layer, tuple(x.shape), x.dtype))


class Dropped(torch.autograd.Function):
    """x times dropout's factors, which are drawn again in the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Mask) -> Tensor:
        """Return `x` with some values zero and the others scaled up."""
        ctx.mask = mask
        product = x.new_empty(x.shape)
        mask.times((x, product))
        return product

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradient by x, of its shape."""
        product = gradient.new_empty(gradient.shape)
        ctx.mask.times((gradient, product))
        return product, None

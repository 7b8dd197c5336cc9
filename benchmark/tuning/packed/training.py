"""Training a pack: trials of one backbone, step by step at the same time, each as if it were alone."""

from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import zip_longest
from pathlib import Path

import torch
from peft import PeftModel, get_peft_model
from torch import Tensor

from backbones.base import Backbone
from backbones.private.lora import adapts, lora_layers, lora_sizes, lora_weight, save_adapter, take_out
from benchmark.forms.suite import Trial
from benchmark.tuning import batches, evaluating
from benchmark.tuning.dropout import Streams, masked
from benchmark.tuning.fused import fused
from benchmark.tuning.interface import StepDone, TrainingSet
from benchmark.tuning.losses import report_losses
from benchmark.tuning.packed.evaluation import PackEvaluation
from benchmark.tuning.packed.layers import PackedLayers
from benchmark.tuning.packed.optimizer import PackedAdamW
from benchmark.tuning.packed.parts import Part, Step, part_of
from benchmark.tuning.packed.stacks import Stacks
from benchmark.tuning.protocol import (
    Piece,
    dropout_seed,
    learning_rate,
    lora_config,
    not_finite,
    order,
    pieces,
    training,
)
from benchmark.tuning.snapshots import Snapshot, loss_rows


def look_every(device: torch.device) -> int:
    """Return how many steps lie between two looks at the losses: a look waits for a GPU."""
    return 1 if device.type == "cpu" else 10


def empty_stacks(model: PeftModel, names: Sequence[str], trials: Sequence[Trial], *, trained: bool) -> Stacks:
    """Return stacks of zeros for adapters of the trials, each in the layers that peft's adapter of its name is in."""
    layers = lora_layers(model)
    adapted = adapted_layers(model, names)
    first = lora_weight(layers[adapted[0][0]], "lora_A", names[0])
    return Stacks(
        {name: lora_sizes(layer) for name, layer in layers.items()},
        [trial.rank for trial in trials],
        [trial.scale for trial in trials],
        dtype=first.dtype,
        device=first.device,
        trained=trained,
        adapted=adapted,
    )


def stacks_of(model: PeftModel, names: Sequence[str], trials: Sequence[Trial]) -> Stacks:
    """Stack the adapters that peft holds in `model`, one a trial under the names; peft's own weights become views."""
    layers, stacks = lora_layers(model), empty_stacks(model, names, trials, trained=True)
    for place, adapter in enumerate(names):
        for key, view in stacks.weights(place).items():
            layer, part, _ = key.rsplit(".", 2)
            weight = lora_weight(layers[layer], part, adapter)
            view.copy_(weight.detach())
            weight.data = view
    return stacks


def adapted_layers(model: PeftModel, names: Sequence[str]) -> list[list[str]]:
    """Return the names of the layers that each of peft's adapters is in, in the model's order."""
    layers = lora_layers(model)
    return [[name for name, layer in layers.items() if adapts(layer, adapter)] for adapter in names]


def steps_of(trial: Trial, data: TrainingSet) -> int:
    """Return how many steps a trial takes; those of a pack take the same number."""
    return trial.protocol.total_steps(len(data.of(trial)))


class PackTraining:
    """A pack while it trains.

    Args:
        backbone: whose model gets the adapters; `close` takes them out again.
        snapshots: the trials in ascending rank, all after the same number of steps of as many.
        data: reports and features.
        merge: see `benchmark.tuning.packed.layers`.
        rows: of a trial that go through the model at once at most; only a pack of one may be cut so, since pieces of
            several trials' micro-batches needn't lie side by side. None for whole micro-batches.
    """

    def __init__(
        self,
        backbone: Backbone,
        snapshots: Sequence[Snapshot],
        data: TrainingSet,
        *,
        merge: bool,
        rows: int | None = None,
    ) -> None:
        self.backbone = backbone
        self.data = data
        self.merge = merge
        self.rows = rows if len(snapshots) == 1 else None
        self.trials = [snapshot.trial for snapshot in snapshots]
        self.protocol = self.trials[0].protocol
        self.together = len(snapshots)
        self.by_kernels = False
        self.step = snapshots[0].steps
        self.losses = [list(snapshot.losses) for snapshot in snapshots]
        self.evaluations = [list(snapshot.evaluations) for snapshot in snapshots]
        self.best = [dict(snapshot.best) for snapshot in snapshots]
        self.evaluation_steps = evaluating.evaluation_steps(self.trials[0], data)
        self.lengths = [len(backbone.report_tokens(report)) for report in data.reports]
        self.shortest = self.lengths.index(min(self.lengths))
        self.total = steps_of(self.trials[0], data)
        self.prompt = len(backbone.prompt_tokens(self.protocol.prompt))
        self.waiting: list[tuple[list[float], Tensor, Tensor]] = []
        self.failures: dict[str, str] = {}
        self.step_done: StepDone = lambda *_: None
        self.passed: Callable[[Sequence[Trial]], None] = lambda _: None
        self.streams: Streams | None = None
        try:
            self.model = self._injected()
            self._build(snapshots)
        except Exception:
            self.close()
            raise

    def _injected(self) -> PeftModel:
        """Return peft's own model with an adapter a trial, each drawn from its trial's seed as it would be alone."""
        first, *others = self.trials
        torch.manual_seed(first.seed)
        model = get_peft_model(self.backbone.model, lora_config(self.backbone, first), adapter_name=first.id)
        for trial in others:
            config = lora_config(self.backbone, trial)
            torch.manual_seed(trial.seed)
            model.add_adapter(trial.id, config)
        return model

    def _build(self, snapshots: Sequence[Snapshot]) -> None:
        """Build stacks, optimiser and layers for the trials as they stand."""
        names = [trial.id for trial in self.trials]
        self.stacks = stacks_of(self.model, names, self.trials)
        dropouts = [trial.protocol.dropout for trial in self.trials]
        adapted = [frozenset(layers) for layers in adapted_layers(self.model, names)]
        self.streams = Streams(dropouts, self.backbone.device, adapted) if any(dropouts) else None
        self.optimizer = PackedAdamW(
            self.stacks,
            [trial.protocol.weight_decay for trial in self.trials],
            [trial.protocol.gradient_clipping for trial in self.trials],
            steps=self.step,
        )
        for place, snapshot in enumerate(snapshots):
            if snapshot.steps:
                self.stacks.fill(place, snapshot.weights)
                self.stacks.fill(place, snapshot.first, self.optimizer.first)
                self.stacks.fill(place, snapshot.second, self.optimizer.second)
        masks = None if self.streams is None else self.streams.mask
        self.layers = PackedLayers(self.model, self.stacks, merge=self.merge, masks=masks, opaque=self.protocol.compile)
        self.orders = [self._order(trial) for trial in self.trials]

    def _order(self, trial: Trial) -> list[list[int]]:
        """Return places of the reports that a trial learns at each step, as it would alone."""
        rows = self.data.of(trial)
        alone = order([self.lengths[i] for i in rows], self.protocol, trial.seed)
        return [[rows[i] for i in step] for step in alone]

    def run(
        self,
        step_done: StepDone,
        after: Callable[["PackTraining"], None],
        passed: Callable[[Sequence[Trial]], None] = lambda _: None,
        until: int | None = None,
    ) -> None:
        """Train to the end, or to where the pack pauses.

        Trials whose loss isn't finite leave the pack, with the reason in `failures`.

        Args:
            step_done: called for each trial after each step; on a GPU some steps late.
            after: called at steps where all losses are known and all trials are sound; may take a snapshot.
            passed: called with the trials that took the steps since the last call; time is booked by it.
            until: the step after which it pauses; None for the end.
        """
        self.step_done, self.passed = step_done, passed
        end = min(until or self.total, self.total)
        fewer_passes = fused(self.backbone.model, compiled=self.protocol.compile)
        with training(self.backbone, self.protocol), fewer_passes as self.by_kernels:
            while self.trials:
                # The look after the last step that was taken may be what an interruption left out.
                self._evaluate_if_due()
                if self.step < end and not self._lost():
                    stop = next((step for step in self.evaluation_steps if step > self.step), end)
                    self._steps(min(stop, end), after)
                elif not self._lost():
                    break
                if self._lost():
                    self._drop()

    def _steps(self, stop: int, after: Callable[["PackTraining"], None]) -> None:
        """Take steps up to `stop`, or until a trial is lost."""
        look = look_every(self.backbone.device)
        steps = batches.prefetched(self._on_host, range(self.step, stop), self.backbone.device)
        with self.layers.installed(), closing(steps):
            for step in steps:
                self._step(step)
                if self.step % look == 0 or self.step == stop:
                    sound = self._look()
                    if not sound:
                        break
                    after(self)

    def _evaluate_if_due(self) -> None:
        """Evaluate the trials where that is asked for at this step; remember the weights of those that are best so."""
        steps = self.evaluation_steps
        due = [evaluating.is_due(evaluations, self.step, steps) for evaluations in self.evaluations]
        if not any(due):
            return
        self.passed(self.trials)
        look = PackEvaluation(
            self.backbone, self.model, self.stacks, self.trials, self.data, self.merge, self.rows
        )  # fmt: skip
        for place, evaluation in enumerate(look.at(self.step, steps)):
            trial = self.trials[place]
            if not abs(evaluation.loss) < float("inf"):
                self.failures[trial.id] = not_finite(evaluation.loss, self.step, self.total, validation=True)
            elif due[place]:
                self.evaluations[place].append(evaluation)
                if evaluating.is_kept(trial, self.evaluations[place]):
                    self.best[place] = self._copied(place)
        self.passed(self.trials)

    def _lost(self) -> bool:
        """Return whether a trial is in the pack that has failed."""
        return any(trial.id in self.failures for trial in self.trials)

    def _on_host(self, number: int) -> Step:
        """Return what a step needs of the host; nothing that a step changes goes into it."""
        chosen = [steps[number] for steps in self.orders]
        cut = zip_longest(*(pieces(reports, self.protocol, self.rows) for reports in chosen), fillvalue=Piece())
        tokens = torch.tensor([sum(self.lengths[i] for i in reports) for reports in chosen])
        tokens = batches.pinned(tokens.to(self.stacks.scales.dtype), self.backbone.device)
        return Step([self.part(trial_pieces) for trial_pieces in cut], tokens)

    def part(self, trial_pieces: Sequence[Piece]) -> Part:
        """Return what goes through the model at once for these pieces, one a trial."""
        return part_of(self.backbone, self.protocol, self.data, trial_pieces, self.shortest)

    def _step(self, step: Step) -> None:
        rates = [learning_rate(trial.protocol, self.step, self.total) for trial in self.trials]
        if self.streams is not None:
            self.streams.seed([dropout_seed(trial, self.step) for trial in self.trials])
        totals = step.tokens.to(self.backbone.device, non_blocking=True)
        loss = torch.zeros_like(totals)
        for part in step.parts:
            shares = self.forward(part) / totals
            shares.sum().backward()
            loss += shares.detach()
        norms = self.optimizer.step(rates)
        self.waiting.append((rates, loss, norms))
        self.step += 1

    def forward(self, part: Part) -> Tensor:
        """Return the summed cross-entropy of each trial's reports, [trials]; called where `layers` are installed."""
        if self.streams is not None:
            if first := max(piece.start for piece in part.pieces):
                self.streams.go_on(first)
            else:
                self.streams.begin([masked(piece, self.lengths, self.prompt) for piece in part.pieces])
        inputs = self.backbone.training_inputs(part.batch.text, part.batch.shown(self.backbone))
        return report_losses(self.model, inputs, self.prompt, len(part.pieces))

    def _look(self) -> bool:
        """Bring the losses to the host; return whether all of them are finite."""
        self.passed(self.trials)
        first = self.step - len(self.waiting)
        losses = torch.stack([loss for _, loss, _ in self.waiting]).tolist()
        norms = torch.stack([norm for _, _, norm in self.waiting]).tolist()
        rates = [rate for rate, _, _ in self.waiting]
        self.waiting.clear()
        for place, trial in enumerate(self.trials):
            for number in range(len(losses)):
                loss, step = losses[number][place], first + number
                if not abs(loss) < float("inf"):
                    self.failures[trial.id] = not_finite(loss, step + 1, self.total)
                    break
                values = (rates[number][place], loss, norms[number][place])
                self.losses[place] += loss_rows([values], start=step)
                self.step_done(trial, step + 1, self.total, loss)
        return not self._lost()

    def _drop(self) -> None:
        """Go on without the trials that failed."""
        staying = self.snapshots()
        for trial in self.trials:
            if trial.id in self.failures:
                self.model.delete_adapter(trial.id)
        self.trials = [snapshot.trial for snapshot in staying]
        self.losses = [snapshot.losses for snapshot in staying]
        self.evaluations = [snapshot.evaluations for snapshot in staying]
        self.best = [dict(snapshot.best) for snapshot in staying]
        if staying:
            self._build(staying)

    def snapshots(self) -> list[Snapshot]:
        """Return each sound trial as it stands, in host memory."""
        if self.waiting:
            self._look()

        return [
            Snapshot(
                trial,
                self._copied(place),
                self._copied(place, self.optimizer.first),
                self._copied(place, self.optimizer.second),
                list(self.losses[place]),
                list(self.evaluations[place]),
                self.best[place],
            )
            for place, trial in enumerate(self.trials)
            if trial.id not in self.failures
        ]

    def _copied(self, place: int, flat: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
        """Return a trial's weights, or what lies like them, in host memory."""
        return {key: view.to("cpu", copy=True) for key, view in self.stacks.weights(place, flat).items()}

    def keep_best(self) -> None:
        """Put the weights of the best evaluation in place, for the trials that keep those."""
        for place, weights in enumerate(self.best):
            if weights:
                self.stacks.fill(place, weights)

    def save_adapter(self, trial: Trial, folder: str) -> None:
        """Write a trial's adapter as `PeftModel.save_pretrained` writes a model's only one."""
        save_adapter(self.model, trial.id, Path(folder))

    def close(self) -> None:
        """Take the adapters out of the backbone's model."""
        take_out(self.backbone.model)

"""`engine: sequential`: plain peft, one trial after another.

The oracle that other engines are held against, and the way for a backbone that can't be packed.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import torch
from peft import PeftModel, get_peft_model
from torch import Tensor

from backbones.base import IGNORED, Backbone
from benchmark.store import TrialFolder
from benchmark.suite import Trial
from benchmark.tuning import batches, checkpoints, memory, saving
from benchmark.tuning.checkpoints import Snapshot
from benchmark.tuning.engine import Generated, Outcome, StepDone, TrainingSet
from benchmark.tuning.generation import greedy
from benchmark.tuning.losses import report_losses
from benchmark.tuning.protocol import (
    dropout_seed,
    learning_rate,
    lora_config,
    micro_batches,
    not_finite,
    order,
    training,
)


class Sequential:
    """One trial after another; see `benchmark.tuning.engine.Engine`."""

    name = "sequential"

    def __init__(self, *, checkpoint_seconds: float = checkpoints.SECONDS) -> None:
        self.checkpoint_seconds = checkpoint_seconds

    def train(
        self,
        backbone: Backbone,
        trials: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        data: TrainingSet,
        step_done: StepDone,
    ) -> dict[str, Outcome]:
        """See `Engine.train`."""
        return {trial.id: self._train_one(backbone, trial, folders[trial.id], data, step_done) for trial in trials}

    def _train_one(
        self, backbone: Backbone, trial: Trial, folder: TrialFolder, data: TrainingSet, step_done: StepDone
    ) -> Outcome:
        started = time.perf_counter()
        memory.start(backbone.device)
        protocol = trial.protocol
        torch.manual_seed(trial.seed)
        model = get_peft_model(backbone.model, lora_config(backbone, trial))
        try:
            trained = {n.replace(".default", ""): p for n, p in model.named_parameters() if p.requires_grad}
            parameters = list(trained.values())
            optimizer = torch.optim.AdamW(parameters, lr=protocol.learning_rate, weight_decay=protocol.weight_decay)
            losses = self._restore(checkpoints.read(trial, folder), trained, optimizer)
            steps = order([len(backbone.report_tokens(report)) for report in data.reports], protocol, trial.seed)
            saved = time.monotonic()

            def on_host(number: int) -> list[batches.Batch]:
                return [batches.make(backbone, protocol, data, rows) for rows in micro_batches(steps[number], protocol)]

            numbers = range(len(losses), len(steps))
            made = batches.ahead(on_host, numbers, backbone.device)
            with training(backbone, protocol), closing(made):
                for number, parts in zip(numbers, made, strict=True):
                    rate = learning_rate(protocol, number, len(steps))
                    for group in optimizer.param_groups:
                        group["lr"] = rate
                    torch.manual_seed(dropout_seed(trial, number))
                    loss = self._backward(backbone, model, trial, parts)
                    if not math.isfinite(loss):
                        checkpoints.remove(folder)
                        return Outcome(failure=not_finite(loss, number + 1, len(steps)))
                    norm = torch.nn.utils.clip_grad_norm_(parameters, protocol.gradient_clipping or math.inf)
                    optimizer.step()
                    optimizer.zero_grad()
                    losses += checkpoints.rows([(rate, loss, float(norm))], start=number)
                    step_done(trial, number + 1, len(steps), loss)
                    if time.monotonic() - saved >= self.checkpoint_seconds and number + 1 < len(steps):
                        self._snapshot(trial, trained, optimizer, losses).write(folder)
                        saved = time.monotonic()
            saving.write(folder, backbone, trial, model.save_pretrained)
            folder.write_losses(losses)
            checkpoints.remove(folder)
        finally:
            model.unload()
        return Outcome(
            seconds=time.perf_counter() - started,
            peak_memory_bytes=memory.peak(backbone.device),
            details={"steps": len(steps)},
        )

    @staticmethod
    def _restore(
        snapshot: Snapshot, trained: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
    ) -> list[dict[str, float]]:
        """Put a snapshot's state in place; its losses."""
        if snapshot.steps:
            with torch.no_grad():
                for name, parameter in trained.items():
                    parameter.copy_(snapshot.weights[name])
                    optimizer.state[parameter] = {
                        "step": torch.tensor(float(snapshot.steps)),
                        "exp_avg": snapshot.first[name].to(parameter.device, copy=True),
                        "exp_avg_sq": snapshot.second[name].to(parameter.device, copy=True),
                    }
        return snapshot.losses

    @staticmethod
    def _snapshot(
        trial: Trial,
        trained: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
        losses: list[dict[str, float]],
    ) -> Snapshot:
        moments = {name: optimizer.state[parameter] for name, parameter in trained.items()}
        return Snapshot(
            trial,
            trained,
            {name: state["exp_avg"] for name, state in moments.items()},
            {name: state["exp_avg_sq"] for name, state in moments.items()},
            losses,
        )

    @staticmethod
    def _backward(backbone: Backbone, model: Any, trial: Trial, parts: Sequence[batches.Batch]) -> float:
        """Gradients of the mean loss over the step's report tokens; that mean."""
        start = len(backbone.prompt_tokens(trial.protocol.prompt))
        total = sum(int((part.text["labels"] != IGNORED).sum()) for part in parts)
        mean = 0.0
        for part in parts:
            inputs = backbone.training_inputs(part.text, part.features)
            loss = report_losses(model, inputs, start).sum() / total
            loss.backward()
            mean += float(loss.detach())
        return mean

    def generate(
        self,
        backbone: Backbone,
        trials: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        features: Sequence[Tensor],
    ) -> Iterator[tuple[Trial, list[Generated]]]:
        """See `Engine.generate`."""
        for trial in trials:
            model = PeftModel.from_pretrained(backbone.model, str(folders[trial.id].adapter))
            try:
                yield trial, greedy(backbone, model, trial.protocol, features)
            finally:
                model.unload()

"""`engine: sequential`: plain peft, one trial after another.

The oracle that other engines are held against, and the way for a backbone that can't be packed.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from peft import PeftModel, get_peft_model
from torch import Tensor

from backbones.base import Backbone
from benchmark.store import TrialFolder
from benchmark.suite import Trial
from benchmark.tuning import memory
from benchmark.tuning.engine import Generated, Outcome, StepDone, TrainingSet
from benchmark.tuning.generation import greedy
from benchmark.tuning.protocol import (
    dropout_seed,
    learning_rate,
    lora_config,
    micro_batches,
    order,
    report_losses,
    training_text,
)


class Sequential:
    """One trial after another; see `benchmark.tuning.engine.Engine`."""

    name = "sequential"

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
            parameters = [p for p in model.parameters() if p.requires_grad]
            optimizer = torch.optim.AdamW(parameters, lr=protocol.learning_rate, weight_decay=protocol.weight_decay)
            lengths = [len(backbone.report_tokens(report)) for report in data.reports]
            steps = order(lengths, protocol, trial.seed)
            losses: list[dict[str, float]] = []
            model.train()
            for number, batch in enumerate(steps):
                rate = learning_rate(protocol, number, len(steps))
                for group in optimizer.param_groups:
                    group["lr"] = rate
                torch.manual_seed(dropout_seed(trial, number))
                loss = self._backward(backbone, model, trial, batch, data)
                if not math.isfinite(loss):
                    return Outcome(failure=f"the loss is {loss} at step {number + 1} of {len(steps)}")
                norm = torch.nn.utils.clip_grad_norm_(parameters, protocol.gradient_clipping or math.inf)
                optimizer.step()
                optimizer.zero_grad()
                losses.append({"step": number + 1, "learning_rate": rate, "loss": loss, "gradient_norm": float(norm)})
                step_done(trial, number + 1, len(steps), loss)
            model.eval()
            folder.write_adapter(model.save_pretrained)
            folder.write_losses(losses)
        finally:
            model.unload()
        return Outcome(
            seconds=time.perf_counter() - started,
            peak_memory_bytes=memory.peak(backbone.device),
            details={"steps": len(steps)},
        )

    def _backward(self, backbone: Backbone, model: Any, trial: Trial, batch: Sequence[int], data: TrainingSet) -> float:
        """Gradients of the mean loss over the batch's report tokens; that mean."""
        total = sum(len(backbone.report_tokens(data.reports[i])) for i in batch)
        mean = 0.0
        for rows in micro_batches(batch, trial.protocol):
            text = training_text(backbone, trial.protocol, [data.reports[i] for i in rows])
            inputs = backbone.model_inputs(text, [data.features[i] for i in rows])
            losses, _ = report_losses(model, inputs)
            loss = losses.sum() / total
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
                model.eval()
                yield trial, greedy(backbone, model, trial.protocol, features)
            finally:
                model.unload()

"""A pack's look at the validation part within training: the loss of all its trials at once, and their reports."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest

import torch
from peft import PeftModel
from torch import Tensor

from backbones.base import Backbone
from benchmark.forms.record import Evaluation
from benchmark.forms.suite import Trial
from benchmark.tuning import evaluating
from benchmark.tuning.generation import distinct
from benchmark.tuning.interface import Scores, TrainingSet
from benchmark.tuning.losses import report_losses
from benchmark.tuning.packed import capacity
from benchmark.tuning.packed.decoding import write
from benchmark.tuning.packed.drafts import Drafts
from benchmark.tuning.packed.layers import PackedLayers
from benchmark.tuning.packed.parts import part_of
from benchmark.tuning.packed.stacks import Stacks
from benchmark.tuning.protocol import Piece


@dataclass(frozen=True)
class PackEvaluation:
    """Looks at trials of a pack as they stand.

    Attributes:
        backbone, model: with peft's layers in it, which nothing replaces at the time.
        stacks: the adapters.
        trials: of the pack, which are evaluated after the same steps.
        data: what they learn, and are evaluated on.
        merge: see `benchmark.tuning.packed.layers`; without dropout, it can be had here.
        rows: of a trial that go through the model at once at most.
    """

    backbone: Backbone
    model: PeftModel
    stacks: Stacks
    trials: Sequence[Trial]
    data: TrainingSet
    merge: bool
    rows: int | None

    @torch.no_grad()
    def at(self, step: int, steps: Sequence[int]) -> list[Evaluation]:
        """Return the evaluation of each trial.

        Args:
            step: after which.
            steps: all after which trials are evaluated.
        """
        with self._evaluating():
            losses = self._losses()
            scores: list[Scores | None] = [None] * len(self.trials)
            if evaluating.writes_reports(self.trials[0], step, steps):
                scores = list(self._scores())
        return [
            Evaluation(step=step, loss=loss, scores=None if one is None else dict(one))
            for loss, one in zip(losses, scores, strict=True)
        ]

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        self.backbone.model.eval()
        try:
            yield
        finally:
            self.backbone.model.train()

    def _losses(self) -> list[float]:
        """Return each trial's mean loss over the report tokens of its validation part."""
        first, data = self.trials[0], evaluating.validation_of(self.trials[0], self.data)
        lengths = [len(self.backbone.report_tokens(report)) for report in data.reports]
        size = evaluating.rows_in_evaluation(first, self.data, self.rows)
        cut = [evaluating.in_batches(data.of(trial), lengths, size) for trial in self.trials]
        prompt, filler = len(self.backbone.prompt_tokens(first.protocol.prompt)), lengths.index(min(lengths))
        losses: Tensor = torch.zeros(())
        # Their own, for weights that are merged once for all batches; no dropout.
        layers = PackedLayers(self.model, self.stacks, merge=self.merge)
        with layers.installed():
            for rows in zip_longest(*cut, fillvalue=()):
                pieces = [Piece.whole(one) for one in rows]
                batch = part_of(self.backbone, first.protocol, data, pieces, filler).batch
                inputs = self.backbone.training_inputs(batch.text, batch.shown(self.backbone))
                losses = losses.to(self.backbone.device) + report_losses(self.model, inputs, prompt, len(self.trials))
        tokens = [sum(lengths[i] for i in data.of(trial)) for trial in self.trials]
        return [loss / number for loss, number in zip(losses.tolist(), tokens, strict=True)]

    def _scores(self) -> Iterator[Scores]:
        """Yield the scores of what each trial writes for its validation part."""
        data, protocol = evaluating.validation_of(self.trials[0], self.data), self.trials[0].protocol
        each = [distinct([data.features[i] for i in data.of(trial)]) for trial in self.trials]
        most = max(len(shown) for shown, _ in each)
        # Trials of several folds have other images, and may have fewer: theirs are filled up with the first.
        filled = [[*shown, *[shown[0]] * (most - len(shown))] for shown, _ in each]
        free = capacity.free_memory(self.backbone.device)
        rows = capacity.rows_in_writing(self.backbone, protocol, free)
        images = max(1, rows // len(self.trials))
        drafts = Drafts.of(self.backbone, self.data.reports)
        texts: list[list[str]] = [[] for _ in self.trials]
        for start in range(0, most, images):
            part = [features[start : start + images] for features in filled]
            written = write(self.backbone, self.model, self.stacks, protocol, part, drafts, merge=self.merge)
            for mine, reports in zip(texts, written, strict=True):
                mine += [report.text for report in reports]
        for trial, mine, (_, places) in zip(self.trials, texts, each, strict=True):
            yield data.score(trial, [mine[place] for place in places])

"""Stored results of a suite on phantoms, without training: the predictions are reports of the training part.

A better "model" names the right category more often, and draws by the image it is shown; its scores are computed by
the same code as a sweep's.
"""

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from known import known
from safetensors.numpy import save_file

from benchmark.data.leakage import leakage
from benchmark.data.split_rules import choose
from benchmark.data.study import Study
from benchmark.forms.grid import Point
from benchmark.forms.record import ScoresRecord
from benchmark.forms.suite import Trial
from benchmark.phantoms.cases import plan
from benchmark.phantoms.reports import report
from benchmark.results.store import Store, write_json, write_lines
from benchmark.scoring.baselines import predict
from benchmark.scoring.score import score_predictions
from benchmark.suites.load import parse
from metrics.labels.labeler import label
from metrics.registry import METRICS

SUITE = """
name: stored
title: Stored results
data: {source: phantom, studies: %d, seed: 5, size: 96}
image: {size: 112}
split: {name: blocked}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
  - {name: llava-med-7b, checkpoint: miniature}
grid: {rank: [2, 4], alpha: [8], seed: [0, 1]}
protocol: {steps: 60, batch_size: 4, learning_rate: 5.0e-3, max_new_tokens: 80}
primary_metric: rouge_l
baselines: [most_frequent_report, random_report, birads_oracle_random]
"""
NO_JAVA = tuple(name for name, metric in METRICS.items() if not metric.needs_java)
RESAMPLES = 500
MADE: dict[str, Any] = {
    "schema_version": 2,
    "engine": "sequential",
    "trials_in_pack": 2,
    "peak_memory_bytes": 1_000_000,
    "device": "cpu",
    "machine": {"system": "Linux x86_64", "processor": "Example", "cores": 2, "memory_bytes": 8 * 2**30},
    "versions": {"python": "3.11.7", "amrg": "0.1.0"},
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "command": "make sweep SUITE=stored",
    "finished": "2026-01-02T03:04:05+00:00",
}


class StoredSuite:
    """Writes the results of a suite, trial by trial."""

    def __init__(self, folder: Path, *, studies: int = 120, suite: str = SUITE, scores: Any = NO_JAVA) -> None:
        self.results, self.names = folder, scores
        self.suite = parse(suite % studies if "%d" in suite else suite, where="stored.yaml")
        truths = [case.truth for case in plan(studies, seed=5, size=96)]
        self.studies = [
            Study(
                t.id, Path(f"TIFF Images/{t.id}.tif"), report(t, "dmid", seed=5), density=t.density, birads=(t.birads,)
            )
            for t in truths
        ]
        self.split = choose(self.studies, "blocked")
        self.store = Store(folder)
        self.by_id = {s.id: s for s in self.studies}
        self.train = [self.by_id[i] for i in self.split.train]
        self.trials: list[Trial] = []
        self.baselines: dict[str, str] = {}

    def trial(self, backbone: str, rank: int, alpha: int, seed: int) -> Trial:
        return Trial(
            backbone=backbone, checkpoint=f"checkpoint of {backbone}", quantization=None, dtype="float32",
            data="0" * 64, image=self.suite.image, split=self.split.fingerprint, protocol=self.suite.protocol,
            rank=rank, alpha=alpha, seed=seed,
        )  # fmt: skip

    def trial_at(self, backbone: str, point: Point) -> Trial:
        plain = self.trial(backbone, point.rank, point.alpha, point.seed)
        return plain.model_copy(update={**point.adapter(), "protocol": self.suite.protocol_at(point)})

    def write(self, quality: dict[str, float]) -> Path:
        """Write every trial of the suite; `quality` is the chance of the right category, by backbone."""
        for entry in self.suite.backbones:
            for point in self.suite.points():
                trial = self.trial_at(entry.name, point)
                self.trials.append(trial)
                self.write_trial(trial, quality[entry.name])
        for name in self.suite.baselines:
            self._write_baseline(name)
        self.write_record()
        return self.results

    def write_trial(self, trial: Trial, quality: float, predictions: dict[str, str] | None = None) -> None:
        folder = self.store.of(trial)
        test, validation = self.split.test, self.split.validation
        texts = {
            "test": predictions or {i: self._predict(trial, quality, i) for i in test},
            "validation": {i: self._predict(trial, quality, i) for i in validation},
            "blank": {i: self._predict(trial, 0.0, "blank") for i in test},
        }
        row = {"prompt_sha256": "0" * 64, "tokens": 40, "stop": "end"}
        lines = {
            part: [{"id": i, "prediction": t, **row} for i, t in by_study.items()] for part, by_study in texts.items()
        }
        write_lines(folder.predictions, lines["test"])
        write_lines(folder.validation, lines["validation"])
        write_lines(folder.controls, [{"control": c, **line} for c in ("blank",) for line in lines[c]])
        validation_scores = {name: score.value for name, score in self._scores(texts["validation"], 0).scores.items()}
        more = {"length_limit_rate": 0.0, "validation": validation_scores}
        write_json(folder.scores, self._scores(texts["test"], RESAMPLES).model_copy(update=more))
        steps = trial.protocol.steps or 10
        folder.write_losses([{"step": s, "loss": 3 / (1 + s * quality / 10)} for s in range(1, steps + 1)])
        folder.adapter.mkdir(exist_ok=True)
        shape = (trial.rank, 16)
        save_file({"q_proj.lora_A.weight": np.zeros(shape, "float32")}, folder.adapter / "adapter_model.safetensors")
        write_json(folder.adapter / "adapter_config.json", {"peft_type": "LORA", "r": trial.rank})
        checkpoint = {
            "kind": "folder", "miniature": True, "hub_id": f"example/{trial.backbone}", "revision": "f" * 40,
            "licence": "Example", "parameters": 700_000,
        }  # fmt: skip
        seconds = {"vision": 0.5, "train": 10.0 * trial.rank, "generate": 2.0, "score": 1.0}
        record = {"id": trial.id, "trial": trial.model_dump(mode="json"), "checkpoint": checkpoint, "seconds": seconds}
        # As earlier versions left it, without digests.
        write_json(folder.trial, {**record, **MADE})
        folder.forget(folder.written)

    def write_record(self, shuffled: int | None = None) -> None:
        """Write `suites/<suite>.json`, the trials in another order if asked."""
        trials, baselines = list(self.trials), list(self.baselines.items())
        lines = [
            {"id": i, "part": part, "block": self.split.blocks[i], "report": self.by_id[i].report,
             "image": known(self.by_id[i].image).as_posix()}
            for part in ("train", "validation", "test")
            for i in getattr(self.split, part)
        ]  # fmt: skip
        if shuffled is not None:
            for listed in (trials, baselines, lines):
                random.Random(shuffled).shuffle(listed)
        write_lines(self.store.references(self.suite.name), lines)
        write_json(
            self.store.suite(self.suite.name),
            {
                "suite": self.suite.model_dump(mode="json"),
                "trials": {trial.id: trial.model_dump(mode="json") for trial in trials},
                "baselines": dict(baselines),
                "data": {"source": self.suite.data.source, "fingerprint": "0" * 64, "summary": "phantoms",
                         "studies": len(self.studies)},
                "split": self.split.to_record(leakage(self.split, self.studies)).model_dump(mode="json"),
                "checkpoints": {e.name: f"checkpoint of {e.name}" for e in self.suite.backbones},
                "command": MADE["command"],
            },
        )  # fmt: skip

    def _predict(self, trial: Trial, quality: float, image: str) -> str:
        chance = random.Random(f"{trial.backbone} {trial.seed} {image}")
        if image == "blank" or chance.random() > quality:
            return chance.choice(self.train).report
        truth = label(self.by_id[image].report)
        same = [s for s in self.train if label(s.report).birads_major == truth.birads_major]
        return chance.choice(same or self.train).report

    def _scores(self, predictions: dict[str, str], resamples: int) -> ScoresRecord:
        scores = score_predictions(
            predictions,
            {i: self.by_id[i].report for i in predictions},
            train_reports=[s.report for s in self.train],
            blocks={i: self.split.blocks[i] for i in predictions},
            names=self.names,
            resamples=resamples,
        )
        return scores.to_record()

    def _write_baseline(self, name: str) -> None:
        identity = hashlib.sha256(json.dumps([name, self.split.fingerprint]).encode()).hexdigest()[:16]
        folder = self.store.of(identity)
        predicted = predict(name, self.train, [self.by_id[i] for i in self.split.test])
        write_lines(folder.predictions, [{"id": i, "prediction": text} for i, text in predicted.items()])
        write_json(folder.scores, self._scores(predicted, RESAMPLES))
        inputs = {"data": "0" * 64, "split": self.split.fingerprint, "image": self.suite.image.model_dump()}
        provenance = {key: MADE[key] for key in ("versions", "commit")}
        write_json(folder.trial, {"id": identity, "baseline": name, **inputs, **provenance})
        self.baselines[name] = identity

"""What the contenders of `amrg bench` are given, and how each stores what it made and what that took."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmark.bench.model import STAGES, BenchStage, ProcessCost, TaskFile, TrialOutput
from benchmark.forms.record import Evaluation, Stage
from benchmark.forms.suite import Trial, under
from benchmark.results.store import read_model, write_json

if TYPE_CHECKING:
    from backbones.base import Backbone
    from benchmark.data.records import Records

EQUALITY_STEPS = 60
EQUALITY_RATE = 2e-4
"""Steps and learning rate of comparisons of losses: at a greater rate training is chaotic."""


def script_parser() -> ArgumentParser:
    """Return the parser of what every contender's script is told: TASK --out DIR --started SECONDS."""
    parser = ArgumentParser()
    parser.add_argument("task", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--started", type=float, required=True)
    return parser


class Task(TaskFile):
    """A task with the trials and records that it stands for."""

    def write(self, path: Path) -> Path:
        """Write it as JSON."""
        write_json(path, self)
        return path

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        return read_model(path, cls)

    @property
    def backbone(self) -> str:
        """Name of the backbone."""
        return self.entry.name

    def load(self) -> "Backbone":
        """Return the backbone with its weights, as every contender but the engines loads it."""
        import torch

        from benchmark.entries.plugins import plugin_of

        return plugin_of(self.entry).load(Path(self.checkpoint), dtype=getattr(torch, self.dtype))

    @property
    def steps(self) -> int:
        """Optimiser steps of a trial."""
        return self.protocol.total_steps(len(self.train))

    def trials(self) -> list[Trial]:
        """Return the trials of its points."""
        return [
            Trial(
                backbone=self.backbone,
                checkpoint=self.checkpoint,
                quantization=None,
                dtype=self.dtype,
                data="bench",
                image=self.image,
                split="bench",
                protocol=under(self.protocol, point),
                **point.adapter(),
            )
            for point in self.points
        ]

    def records(self, out: Path) -> "Records":
        """Return the studies as a sweep has them, each a block of its own; caches and results lie in `out`."""
        from benchmark.data.image import ImageSettings
        from benchmark.data.records import Records
        from benchmark.data.split import Split
        from benchmark.data.study import Study
        from benchmark.forms.record import DataRecord

        studies = tuple(Study(s.id, Path(s.image), s.report) for s in (*self.train, *self.validation, *self.test))
        train, validation, test = (tuple(s.id for s in part) for part in (self.train, self.validation, self.test))
        return Records(
            studies=studies,
            split=Split("bench", None, train, validation, test, {study.id: study.id for study in studies}),
            image=ImageSettings(**self.image.model_dump()),
            cache=out,
            results=out / "results",
            command="amrg bench",
            data=DataRecord(source="phantom", fingerprint="bench", summary=self.data, studies=len(studies)),
            folder=out,
        )

    def for_equality(self, dtype: str) -> "Task":
        """Return the same grid for a comparison of losses: 60 steps at a rate at which training isn't chaotic."""
        changes = {"steps": EQUALITY_STEPS, "epochs": None, "batch_size": 2, "learning_rate": EQUALITY_RATE}
        protocol = self.protocol.model_copy(update=changes)
        points = tuple(dict.fromkeys(point.model_copy(update={"learning_rate": None}) for point in self.points))
        changed = {"dtype": dtype, "protocol": protocol, "points": points, "test": self.test[:1]}
        return self.model_copy(update=changed)


class Stages:
    """Wall time by stage."""

    def __init__(self, started: float) -> None:
        self.seconds: dict[BenchStage, float] = dict.fromkeys(STAGES, 0.0)
        self.seconds["start"] = time.time() - started
        self.training = 0.0

    @contextmanager
    def of(self, name: BenchStage) -> Iterator[None]:
        """Time what is within as a stage; a stage within a stage counts once, as the inner one."""
        began, before = time.perf_counter(), sum(self.seconds.values())
        try:
            yield
        finally:
            inner = sum(self.seconds.values()) - before
            self.seconds[name] += time.perf_counter() - began - inner

    def add(self, seconds: Mapping[Stage, float]) -> None:
        """Add a trial's seconds by stage, as a sweep keeps them."""
        for stage, spent in seconds.items():
            self.seconds[stage] += spent

    @contextmanager
    def around(self, stage: Stage) -> Iterator[None]:
        """Take the processor time of training, where that is the stage."""
        began = time.process_time()
        try:
            yield
        finally:
            if stage == "train":
                self.training += time.process_time() - began

    def write(self, out: Path, name: str, together: int = 1) -> None:
        """Leave a process's times and peak memory for `benchmark.bench.process`.

        Args:
            out: the folder to write to.
            name: of the process.
            together: how many trials trained together.
        """
        from benchmark.tuning.memory import of_process

        cost = ProcessCost(seconds=self.seconds, memory=of_process(), together=together, training=self.training)
        write_json(out / f"stages.{name}", cost)


def store(
    folder: Path,
    trial: Trial,
    losses: Sequence[float],
    texts: Sequence[str],
    evaluations: Sequence[Evaluation] = (),
) -> None:
    """Store what a contender made of a trial."""
    output = TrialOutput(losses=tuple(losses), texts=tuple(texts), evaluations=tuple(evaluations))
    write_json(_place(folder, trial), output)


def read_outputs(folder: Path, task: Task) -> list[TrialOutput]:
    """Return what a contender stored of each of the task's points."""
    return [read_model(_place(folder, trial), TrialOutput) for trial in task.trials()]


def _place(folder: Path, trial: Trial) -> Path:
    return folder / f"{trial.id}.json"


def score(task: Task, texts: Sequence[str]) -> None:
    """Score a trial's reports with all scores, without intervals, which a script wouldn't compute."""
    from benchmark.scoring.score import score_predictions

    ids = [study.id for study in task.test]
    references = {study.id: study.report for study in task.test}
    train = [study.report for study in task.train]
    score_predictions(dict(zip(ids, texts, strict=True)), references, train_reports=train, resamples=0)

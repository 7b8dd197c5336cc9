"""What the contenders of `amrg bench` are given, and how each tells what it made and what that took."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmark.record import Stage
from benchmark.suite import ImagePart, Protocol, Trial

if TYPE_CHECKING:
    from benchmark.data.records import Records

STAGES = ("start", "load", "decode", "vision", "train", "generate", "score")
"""What a contender's wall time is divided into; `start` is the interpreter's start and the imports."""


@dataclass(frozen=True)
class Task:
    """One backbone, its grid and the studies, as a file that a new process reads.

    Attributes:
        backbone, checkpoint: the plugin and the folder of the weights.
        dtype: of the weights.
        image: size, crop and flip.
        protocol: as in a suite.
        points: (rank, alpha, seed).
        train, test: id, image and report of each study.
        data: what the studies are, in words.
    """

    backbone: str
    checkpoint: str
    dtype: str
    image: dict[str, Any]
    protocol: dict[str, Any]
    points: tuple[tuple[int, int, int], ...]
    train: tuple[dict[str, str], ...]
    test: tuple[dict[str, str], ...]
    data: str = ""

    def write(self, path: Path) -> Path:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(**(content | {"points": tuple(map(tuple, content["points"]))}))

    @property
    def steps(self) -> int:
        """Optimiser steps of a trial."""
        return Protocol(**self.protocol).total_steps(len(self.train))

    def trials(self) -> list[Trial]:
        """The trials of its points."""
        return [
            Trial(
                backbone=self.backbone,
                checkpoint=self.checkpoint,
                quantization=None,
                dtype=self.dtype,
                data="bench",
                image=ImagePart(**self.image),
                split="bench",
                protocol=Protocol(**self.protocol),
                rank=rank,
                alpha=alpha,
                seed=seed,
            )
            for rank, alpha, seed in self.points
        ]

    def records(self, out: Path) -> "Records":
        """Return the studies as a sweep has them, each a block of its own; caches and results lie in `out`."""
        from benchmark.data.image import ImageSettings
        from benchmark.data.records import Records
        from benchmark.data.split import Split
        from benchmark.data.study import Study
        from benchmark.record import DataRecord

        studies = tuple(Study(s["id"], Path(s["image"]), s["report"]) for s in (*self.train, *self.test))
        train, test = (tuple(s["id"] for s in part) for part in (self.train, self.test))
        return Records(
            studies=studies,
            split=Split("bench", None, train, (), test, {study.id: study.id for study in studies}),
            image=ImageSettings(**self.image),
            cache=out,
            results=out / "results",
            command="amrg bench",
            data=DataRecord(source="phantom", fingerprint="bench", summary=self.data, studies=len(studies)),
            folder=out,
        )

    def for_equality(self, dtype: str) -> "Task":
        """The same grid for a comparison of losses: 60 steps at a rate at which training isn't chaotic."""
        protocol = self.protocol | {"steps": 60, "epochs": None, "batch_size": 2, "learning_rate": 2e-4}
        return replace(self, dtype=dtype, protocol=protocol, test=self.test[:1])


class Stages:
    """Wall time by stage."""

    def __init__(self, started: float) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.seconds["start"] = time.time() - started

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
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

    def write(self, out: Path, name: str, **more: Any) -> None:
        """Leave a process's times and peak memory, and what `more` there is to tell, for `benchmark.bench.process`."""
        from benchmark.tuning.memory import of_process

        found = {"seconds": self.seconds, "memory": of_process(), **more}
        (out / f"stages.{name}").write_text(json.dumps(found), encoding="utf-8")


def store(folder: Path, trial: Trial, losses: Sequence[float], texts: Sequence[str]) -> None:
    """What a contender made of a trial."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{trial.rank}-{trial.alpha}-{trial.seed}.json"
    (folder / name).write_text(json.dumps({"losses": list(losses), "texts": list(texts)}), encoding="utf-8")


def made(folder: Path, task: Task, what: str) -> list[Any]:
    """`losses` or `texts` of each of the task's points, as a contender stored them."""
    names = [f"{rank}-{alpha}-{seed}.json" for rank, alpha, seed in task.points]
    return [json.loads((folder / name).read_text(encoding="utf-8"))[what] for name in names]


def score(task: Task, texts: list[str]) -> None:
    """Score a trial's reports with all scores, without intervals, which a script wouldn't compute."""
    from benchmark.scoring.score import score_predictions

    ids = [study["id"] for study in task.test]
    references = {study["id"]: study["report"] for study in task.test}
    train = [study["report"] for study in task.train]
    score_predictions(dict(zip(ids, texts, strict=True)), references, train_reports=train, resamples=0)

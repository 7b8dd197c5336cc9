"""The contenders of `amrg bench`: the Trainer's losses are the reference for both engines."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import REPORTS, trial
from PIL import Image

from backbones.base import Backbone
from benchmark import bench_baseline, bench_engine, bench_task
from benchmark.bench import Cost, made, summary
from benchmark.bench_task import Stages, Task
from benchmark.suite import load_suite


@pytest.fixture
def task(load: Callable[..., Backbone], pictures: np.ndarray, tmp_path: Path) -> Task:
    studies = []
    for number, (picture, report) in enumerate(zip(pictures, REPORTS, strict=True)):
        path = tmp_path / f"{number}.png"
        Image.fromarray(picture).save(path)
        studies.append({"id": str(number), "image": str(path), "report": report})
    return Task(
        backbone="medgemma-4b-it",
        checkpoint=str(load("medgemma-4b-it").source),
        dtype="float64",
        image={"size": 112, "crop": False, "flip": False},
        protocol=trial(2, steps=8).protocol.model_dump(),
        points=((2, 8, 0), (8, 8, 1)),
        train=tuple(studies),
        test=(),
    )


def test_the_trainer_and_both_engines_have_the_same_losses(task: Task, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("trainer", "sequential", "packed")}
    for number in range(len(task.points)):
        bench_baseline.run(task, number, careful=False, out=folders["trainer"], stages=Stages(0.0))
    for name in ("sequential", "packed"):
        bench_engine.run(task, name, out=folders[name], stages=Stages(0.0))
    losses = {name: np.array(made(folder, task, "losses")) for name, folder in folders.items()}
    assert losses["trainer"].shape == (2, 8)
    np.testing.assert_allclose(losses["sequential"], losses["trainer"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(losses["packed"], losses["sequential"], rtol=0, atol=1e-12)


def test_a_task_is_read_as_it_was_written(task: Task, tmp_path: Path) -> None:
    read = Task.read(task.write(tmp_path / "task.json"))
    assert read.trials() == task.trials()
    assert [*read.train] == [*task.train]


def test_a_stage_within_a_stage_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(bench_task.time, "perf_counter", lambda: now)
    monkeypatch.setattr(bench_task.time, "time", lambda: 105.0)
    stages = Stages(100.0)
    with stages.of("train"):
        now = 3.0
        with stages.of("vision"):
            now = 10.0
        now = 12.0
    assert stages.seconds == {
        "start": 5.0, "load": 0.0, "decode": 0.0, "vision": 7.0, "train": 5.0, "generate": 0.0, "score": 0.0,
    }  # fmt: skip


def test_ratios_are_of_medians(task: Task) -> None:
    walls = {"A": (9.0, 30.0, 10.0), "B": (8.0, 8.0, 8.0), "C": (4.0, 3.0, 9.0), "D": (2.0, 2.0, 50.0)}
    costs = {
        name: [Cost(wall, wall, int(wall), dict.fromkeys(bench_task.STAGES, wall)) for wall in values]
        for name, values in walls.items()
    }
    found = summary(load_suite("bench"), task, costs, {})
    assert found["ratio"] == {"A/D": 5.0, "B/D": 4.0, "C/D": 2.0}
    assert found["peak_memory"]["D"] == 50
    json.dumps(found, allow_nan=False)

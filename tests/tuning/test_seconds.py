"""Whose the seconds are: a clock that only steps and writing move, so that each trial's share is known exactly."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known import known
from short_trials import Run, trial, written

from backbones.base import Backbone
from benchmark.results.store import Store
from benchmark.tuning import spent
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.sequential import Alone, Sequential
from benchmark.tuning.spent import Meter, Spent

Load = Callable[..., Backbone]
Train = Callable[..., Run]


class Clock:
    """Seconds that pass only where a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which takes so long."""

        def timed(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            self.now += seconds
            return result

        return timed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Each step of training takes a second, of a pack as of a trial alone; no other work takes any."""
    clock = Clock()
    monkeypatch.setattr(spent, "perf_counter", clock)
    monkeypatch.setattr(PackTraining, "_step", clock.after(1.0, PackTraining._step))
    monkeypatch.setattr(Alone, "_backward", clock.after(1.0, Alone._backward))
    return clock


def seconds(run: Run, stage: str = "train") -> list[float]:
    return [Spent.read(folder).seconds[stage] for folder in run.folders.values()]  # type: ignore[index]


def test_a_pack_s_seconds_are_shared_by_those_that_are_alive(load: Load, train: Train, clock: Clock) -> None:
    backbone = load("qwen2.5-vl-3b")
    wild = trial(4, steps=6, learning_rate=1e30, warmup_steps=0, gradient_clipping=0.0)
    run = train(Packed(), backbone, [trial(2, steps=6), trial(8, steps=6), wild])
    died = int(known(run.outcomes[wild.id].failure).split(" at step ")[1].split()[0])
    # The step at which a trial diverges has been taken by all; the others have taken it, too.
    alive = died / 3 + (6 - died) / 2
    assert seconds(run) == pytest.approx([alive, alive, died / 3], abs=0.002)
    assert sum(seconds(run)) == pytest.approx(clock.now, abs=0.002)


def test_trials_that_wait_for_their_pack_pay_nothing(load: Load, train: Train, clock: Clock) -> None:
    backbone = load("qwen2.5-vl-3b")
    trials = [trial(2, steps=4), trial(4, steps=4), trial(8, steps=4)]
    run = train(Packed(largest=2), backbone, trials)
    assert sorted(seconds(run)) == pytest.approx([2.0, 2.0, 4.0])
    assert seconds(train(Sequential(), backbone, trials)) == pytest.approx([4.0, 4.0, 4.0])


class Interrupted(Exception):
    """Stands for a process that ends."""


@pytest.mark.parametrize("engine", [Packed, Sequential])
def test_a_resumed_trial_s_seconds_are_those_of_all_its_sessions(
    engine: type, load: Load, train: Train, clock: Clock, tmp_path: Path
) -> None:
    backbone, one = load("qwen2.5-vl-3b"), trial(2, steps=6)

    def interrupt(_trial: object, done: int, *_: object) -> None:
        if done == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(engine(snapshot_seconds=0.0), backbone, [one], store=tmp_path / "s", step_done=interrupt)
    first = Spent.read(Store(tmp_path / "s").of(one))
    assert first.seconds["train"] == pytest.approx(3.0)  # up to the last snapshot, which the next session goes on from
    run = train(engine(), backbone, [one], store=tmp_path / "s")
    assert seconds(run) == pytest.approx([6.0])
    assert known(Spent.read(run.folders[one.id]).peak_memory_bytes) > 1e6


def test_writing_is_shared_by_tokens(
    load: Load, train: Train, pictures: np.ndarray, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("qwen2.5-vl-3b")
    trials = [trial(2, learning_rate=1e-6, steps=20), trial(8, learning_rate=0.05, steps=20)]
    run = train(Packed(), backbone, trials)
    model: Any = type(backbone.model)
    monkeypatch.setattr(model, "generate", clock.after(10.0, model.generate))
    texts = written(Packed(), backbone, trials, run, pictures)
    tokens = [sum(report.tokens for report in texts[t.id]) for t in trials]
    assert tokens[0] != tokens[1]
    assert seconds(run, "generate") == pytest.approx([10.0 * n / sum(tokens) for n in tokens], abs=0.002)


def test_a_lap_is_booked_once_and_by_weight(tmp_path: Path, clock: Clock) -> None:
    folders = {name: Store(tmp_path).of(name) for name in ("a", "b")}
    meter = Meter(folders)
    clock.now = 3.0
    meter.lap("vision", [])  # nobody's: the next lap's
    meter.lap("load", ["a", "b"], [2.0, 1.0])
    clock.now = 5.0
    meter.lap("load", ["a", "b"], [0.0, 0.0])

    def work() -> None:
        with meter.stage("train", ["b"]):
            clock.now = 9.0
            raise Interrupted

    with pytest.raises(Interrupted):
        work()
    assert [meter.of(name).seconds for name in folders] == [{"load": 3.0}, {"load": 2.0, "train": 4.0}]
    assert Spent.read(folders["b"]).seconds == {"load": 2.0, "train": 4.0}  # kept, however the stage ended
    assert Spent.read(folders["a"]).seconds == {}
    meter.peak("a", 5)
    meter.peak("a", 3)
    meter.keep(["a"])
    assert Meter(folders).of("a") == Spent(seconds={"load": 3.0}, peak_memory_bytes=5)


def test_records_of_before_are_read(tmp_path: Path) -> None:
    folder = Store(tmp_path).of("old")
    folder.path.mkdir()
    checkpoint = {"kind": "hub", "miniature": False, "hub_id": "a/b", "revision": "f", "licence": "", "parameters": 1}
    record = {
        "id": "old", "trial": trial(2).model_dump(mode="json"), "checkpoint": checkpoint, "engine": "packed",
        "trials_in_pack": 3, "seconds": {"vision": 6.0, "train": 2.0}, "peak_memory_bytes": 7, "device": "cpu",
        "machine": {"system": "", "processor": "", "cores": 2, "memory_bytes": 1}, "versions": {}, "commit": None,
        "command": "make sweep", "finished": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    folder.trial.write_text(json.dumps(record))
    assert Spent.read(folder) == Spent(seconds={"vision": 2.0, "train": 2.0}, peak_memory_bytes=7)
    folder.spent.write_text('{"schema_version": 1, "seconds": {"tr')
    assert Spent.read(folder).seconds["train"] == 2.0

"""What goes wrong inside a pack: a trial that diverges, memory that runs out, an interruption."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from short_trials import Run, all_in_float64, trial, written

from backbones.base import Backbone
from benchmark.tuning.contract import unlike
from benchmark.tuning.packed import capacity, training
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.packed.training import PackTraining, Part
from benchmark.tuning.sequential import NO_ROOM, Sequential

pytestmark = pytest.mark.numeric

Load = Callable[..., Backbone]
Train = Callable[..., Run]


def same_adapters(one: Run, other: Run) -> bool:
    """Whether the adapters of two runs are equal to the last bit."""
    for name, folder in one.folders.items():
        mine, theirs = (load_file(f.adapter / "adapter_model.safetensors") for f in (folder, other.folders[name]))
        if mine.keys() != theirs.keys() or not all(torch.equal(mine[k], theirs[k]) for k in mine):
            return False
    return True


@pytest.fixture(params=[1, 4])
def look(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses are looked at every step, as on a CPU, or every fourth, as on a GPU."""
    monkeypatch.setattr(training, "look_every", lambda device: request.param)


@pytest.mark.usefixtures("look")
def test_a_diverging_trial_leaves_and_the_rest_go_on(load: Load, train: Train) -> None:
    backbone = load("medgemma-4b-it")
    sound = [trial(2, steps=6), trial(16, seed=1, steps=6)]
    wild = trial(4, steps=6, learning_rate=1e30, warmup_steps=0, gradient_clipping=0.0)
    packed = train(Packed(), backbone, [sound[0], wild, sound[1]])
    alone = train(Sequential(), backbone, [sound[0], wild, sound[1]])
    reason = packed.outcomes[wild.id].failure
    assert reason is not None
    assert reason == alone.outcomes[wild.id].failure
    assert "the loss is" in reason
    assert not packed.folders[wild.id].adapter.exists()
    assert not packed.folders[wild.id].losses.exists()
    for t in sound:
        assert packed.outcomes[t.id].failure is None
        # A neighbour's infinite numbers would leave none; six steps of rounding in float32 leave six digits.
        np.testing.assert_allclose(packed.losses[t.id], alone.losses[t.id], rtol=1e-4)


def run_out_above(largest: int, monkeypatch: pytest.MonkeyPatch, *, from_step: int) -> list[int]:
    """Let memory run out in packs of more trials than that, from a step on; the sizes of the packs that it did in."""
    forward = PackTraining.forward
    failed: list[int] = []

    def limited(self: PackTraining, parts: Part) -> Any:
        if self.step >= from_step and len(self.trials) > largest:
            failed.append(len(self.trials))
            raise torch.OutOfMemoryError("injected")
        return forward(self, parts)

    monkeypatch.setattr(PackTraining, "forward", limited)
    return failed


@pytest.mark.usefixtures("look")
def test_a_pack_is_halved_where_memory_runs_out(load: Load, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = load("llava-med-7b", dtype=torch.float64)
    trials = [trial(rank, seed=seed, dtype="float64", steps=5) for rank in (2, 4) for seed in (0, 1)]
    whole = train(Packed(largest=4), backbone, trials)
    steps: list[tuple[str, int]] = []
    failed = run_out_above(1, monkeypatch, from_step=3)
    halved = train(Packed(largest=4), backbone, trials, step_done=lambda t, n, *_: steps.append((t.id, n)))
    assert failed == [4, 2]  # the packs that are left are cut alike
    assert halved.distance(whole) < 1e-12
    # Nothing that was done is done again.
    assert sorted(steps) == sorted((t.id, n) for t in trials for n in range(1, 6))


def test_a_trial_that_does_not_fit_alone_fails_with_advice(
    load: Load, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("llava-med-7b")
    run_out_above(0, monkeypatch, from_step=0)
    outcomes = train(Packed(largest=2), backbone, [trial(2), trial(4)]).outcomes
    assert [outcome.failure for outcome in outcomes.values()] == [NO_ROOM, NO_ROOM]


class Interrupted(Exception):
    """Stands for a process that ends."""


def interrupt_at(step: int) -> Callable[..., None]:
    def step_done(_trial: object, done: int, _total: int, loss: float) -> None:
        assert math.isfinite(loss)
        if done == step:
            raise Interrupted

    return step_done


@pytest.mark.parametrize("engine", [Packed, Sequential])
def test_an_interrupted_run_resumes_with_the_same_adapters(
    engine: type, load: Load, train: Train, tmp_path: Path
) -> None:
    backbone = load("qwen2.5-vl-3b")
    trials = [trial(2, steps=8, dropout=0.1), trial(8, seed=1, steps=8, dropout=0.1)]
    whole = train(engine(), backbone, trials)
    store = tmp_path / "interrupted"
    with pytest.raises(Interrupted):
        train(engine(snapshot_seconds=0.0), backbone, trials, store=store, step_done=interrupt_at(5))
    assert list(store.glob("*/checkpoint.safetensors"))
    steps: list[int] = []
    resumed = train(engine(), backbone, trials, store=store, step_done=lambda t, n, *_: steps.append(n))
    assert len(steps) < 16
    assert 5 in steps
    assert resumed.losses == whole.losses
    assert same_adapters(resumed, whole)
    assert not list(store.glob("*/checkpoint.safetensors"))


def test_a_trial_that_one_engine_began_the_other_goes_on_with(load: Load, train: Train, tmp_path: Path) -> None:
    backbone = load("paligemma2-3b", dtype=torch.float64)
    trials = [trial(2, dtype="float64", steps=6)]
    steps: list[int] = []
    with all_in_float64(backbone.model):
        whole = train(Sequential(), backbone, trials)
        with pytest.raises(Interrupted):
            train(Sequential(snapshot_seconds=0.0), backbone, trials, store=tmp_path / "s", step_done=interrupt_at(4))
        resumed = train(Packed(), backbone, trials, store=tmp_path / "s", step_done=lambda t, n, *_: steps.append(n))
    assert steps == [4, 5, 6]
    assert resumed.distance(whole) < 1e-12  # three steps in float64


def test_a_damaged_snapshot_is_as_none(load: Load, train: Train, tmp_path: Path) -> None:
    backbone = load("qwen2.5-vl-3b")
    trials = [trial(2, steps=4)]
    whole = train(Packed(), backbone, trials)
    folder = tmp_path / "damaged" / trials[0].id
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    assert same_adapters(train(Packed(), backbone, trials, store=tmp_path / "damaged"), whole)


def test_writing_goes_on_in_smaller_packs_where_memory_runs_out(
    load: Load, train: Train, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("qwen2.5-vl-3b")
    trials = [trial(2), trial(4), trial(8)]
    run = train(Packed(), backbone, trials)
    whole = written(Packed(), backbone, trials, run, pictures)
    kind: Any = type(backbone.model)
    generate = kind.generate
    sizes: list[int] = []

    def limited(self: Any, **inputs: Any) -> Any:
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > 3:
            raise torch.OutOfMemoryError("injected")
        return generate(self, **inputs)

    monkeypatch.setattr(capacity, "ROWS_IN_WRITING", 8)
    monkeypatch.setattr(type(backbone.model), "generate", limited)
    smaller = written(Packed(), backbone, trials, run, pictures)
    assert sizes[0] > 3
    assert set(sizes[2:]) <= {1, 2, 3}
    monkeypatch.undo()
    for texts in (whole, smaller):
        assert unlike(backbone, trials, run.folders, backbone.encode_images(list(pictures)), texts) == []

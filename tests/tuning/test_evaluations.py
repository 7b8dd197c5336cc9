"""Looks at the validation part within training: what they are, what they leave alone, and which weights are kept."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from short_trials import PROMPT, REPORTS, Run, all_in_float64, trial, written

from backbones.base import Backbone
from benchmark.forms.suite import Trial
from benchmark.results.evaluations import kept_of
from benchmark.tuning import evaluating
from benchmark.tuning.adapters import tuned
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.sequential import Sequential
from benchmark.tuning.snapshots import read_snapshot

pytestmark = pytest.mark.numeric

Load = Callable[..., Backbone]
Train = Callable[..., Run]
VALIDATION = (1, 3, 4)
"""Places of the reports that trials are evaluated on."""


def part_of(trials: Sequence[Trial], rows: Sequence[int] = VALIDATION) -> dict[str, Sequence[int]]:
    return {t.id: rows for t in trials}


def weights(run: Run, trial_id: str) -> dict[str, torch.Tensor]:
    return load_file(run.folders[trial_id].adapter / "adapter_model.safetensors")


def losses_of(run: Run, trial_id: str) -> list[float]:
    return [one.loss for one in run.evaluations[trial_id]]


def loss_by_the_models_own_head(backbone: Backbone, run: Run, one: Trial, pictures: np.ndarray) -> float:
    """Return the mean loss over report tokens as transformers computes it, report by report, from pixels' features."""
    total, tokens = 0.0, 0
    features = backbone.encode_images(list(pictures))
    with tuned(backbone, run.folders[one.id]) as model, torch.no_grad():
        model.eval()
        for place in VALIDATION:
            text = backbone.encode_text([PROMPT], [REPORTS[place]])
            number = int((text["labels"] != -100).sum())
            total += float(model(**backbone.model_inputs(text, [features[place]])).loss) * number
            tokens += number
    return total / tokens


@pytest.mark.parametrize("family", ["medgemma-4b-it", "qwen2.5-vl-3b"])
def test_the_loss_is_the_models_own_over_the_validation_reports(
    family: str, load: Load, train: Train, pictures: np.ndarray
) -> None:
    backbone = load(family, dtype=torch.float64)
    trials = [trial(rank, dtype="float64", dropout=0.4, evaluate_every=2, learning_rate=1e-2) for rank in (2, 8)]
    run = train(Packed(), backbone, trials, validation_rows=part_of(trials))
    for one in trials:
        assert [e.step for e in run.evaluations[one.id]] == [2, 4]
        # The stored adapter is that of the last step, at which the last evaluation was. transformers' own loss, and
        # the norms of its models, are computed in float32.
        expected = loss_by_the_models_own_head(backbone, run, one, pictures)
        assert run.evaluations[one.id][-1].loss == pytest.approx(expected, rel=1e-5)


def test_packed_as_sequential_as_any_packing(load: Load, train: Train) -> None:
    backbone = load("qwen2.5-vl-3b", dtype=torch.float64)
    settings: dict[str, Any] = {"dropout": 0.3, "evaluate_every": 2, "steps": 4, "batch_size": 3}
    trials = [trial(r, 16, s, dtype="float64", **settings) for r, s in ((2, 0), (4, 1), (8, 0))]
    # As in folds: each has validation reports of its own, and not as many.
    rows = dict(zip((t.id for t in trials), ((0, 1), (4,), (1, 2, 3)), strict=True))
    with all_in_float64(backbone.model):
        alone = train(Sequential(), backbone, trials, validation_rows=rows)
        runs = [train(Packed(largest=n), backbone, trials, validation_rows=rows) for n in (3, 1)]
        plain = [t.model_copy(update={"protocol": t.protocol.model_copy(update={"evaluate_every": None})})
                 for t in trials]  # fmt: skip
        unevaluated = train(Packed(largest=3), backbone, plain)
    assert {outcome.trained_together for outcome in runs[0].outcomes.values()} == {3}
    for one, without in zip(trials, plain, strict=True):
        for run in runs:
            assert losses_of(run, one.id) == pytest.approx(losses_of(alone, one.id), rel=1e-11)
            assert run.losses[one.id] == pytest.approx(alone.losses[one.id], rel=1e-11)
        # A look changes nothing of the training.
        assert runs[0].losses[one.id] == unevaluated.losses[without.id]
        assert all(map(torch.equal, weights(runs[0], one.id).values(), weights(unevaluated, without.id).values()))


def overfitting(**more: Any) -> list[Trial]:
    """Trials that learn one report by heart, at a rate at which others are soon worse written."""
    settings: dict[str, Any] = {"steps": 8, "learning_rate": 3e-2, "schedule": "constant", "evaluate_every": 2}
    return [trial(rank, seed=seed, **(settings | more)) for rank, seed in ((2, 0), (8, 1))]


@pytest.mark.parametrize("engine", [Packed, Sequential])
def test_the_best_step_is_kept(engine: type, load: Load, train: Train, pictures: np.ndarray) -> None:
    backbone = load("medgemma-4b-it")
    trials = overfitting(keep="best")
    options: dict[str, Any] = {"rows": part_of(trials, (0,)), "validation_rows": part_of(trials)}
    run = train(engine(), backbone, trials, **options)
    # Or nothing overfitted, and this says little.
    assert any(losses_of(run, one.id)[-1] > min(losses_of(run, one.id)) for one in trials)
    for one in trials:
        found = losses_of(run, one.id)
        kept = kept_of(run.evaluations[one.id], one.protocol)
        assert kept is not None
        assert (kept.criterion, kept.value) == ("loss", min(found))
        expected = loss_by_the_models_own_head(backbone, run, one, pictures)
        assert expected == pytest.approx(min(found), rel=1e-4)
        assert len(run.losses[one.id]) == 8  # the whole training is on record
        # Stopped there, with the schedule of the whole, it is the same adapter.
        short = train(engine(), backbone, [one], until=kept.step, **options)
        assert short.outcomes[one.id].paused
        assert not short.folders[one.id].is_trained()
        assert losses_of(short, one.id) == pytest.approx(found[: kept.step // 2], rel=1e-4)


def test_a_score_can_choose_and_reports_are_those_of_plain_peft(load: Load, train: Train, pictures: np.ndarray) -> None:
    backbone = load("llava-med-7b")
    settings: dict[str, Any] = {"evaluate_every": 1, "evaluate_reports_every": 2, "keep": "best"}
    trials = [trial(r, seed=s, steps=4, keep_by="rouge_l", **settings) for r, s in ((2, 0), (4, 1))]
    heard: dict[str, list[list[str]]] = {}

    def score(one: Trial, texts: Sequence[str]) -> dict[str, float | None]:
        heard.setdefault(one.id, []).append(list(texts))
        return {"rouge_l": {1: 0.5, 2: 0.5}[len(heard[one.id])]}

    runs = []
    for engine in (Packed(), Sequential()):
        heard.clear()
        runs.append((train(engine, backbone, trials, score=score, validation_rows=part_of(trials)), dict(heard)))
    for run, said in runs:
        for one in trials:
            assert [e.scores is not None for e in run.evaluations[one.id]] == [False, True] * 2
            kept = kept_of(run.evaluations[one.id], one.protocol)
            assert kept is not None
            assert (kept.step, kept.value) == (2, 0.5)  # of equal ones the earlier
            # The adapter that was kept writes what was written then.
            texts = [one_text.text for one_text in written(Sequential(), backbone, [one], run, pictures)[one.id]]
            assert said[one.id][0] == [texts[i] for i in VALIDATION]
    assert runs[0][1] == runs[1][1]


class Interrupted(Exception):
    """Stands for a process that ends."""


MOMENTS = ((Packed, "within the look"), (Sequential, "between looks"))


@pytest.mark.parametrize(("engine", "moment"), MOMENTS)
def test_a_killed_run_ends_as_one_that_was_not(
    engine: type, moment: str, load: Load, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("medgemma-4b-it")
    trials = overfitting(keep="best", dropout=0.1)
    options: dict[str, Any] = {"rows": part_of(trials, (0,)), "validation_rows": part_of(trials)}
    whole = train(engine(), backbone, trials, **options)
    original = evaluating.writes_reports

    def step_done(_trial: object, done: int, *_: object) -> None:
        if done == {"within the look": 0, "between looks": 7}[moment]:
            raise Interrupted

    def writes_reports(one: Trial, step: int, steps: Sequence[int]) -> bool:
        # Snapshots lie there from the steps before; the look at step 8 doesn't end.
        if moment == "within the look" and step == 8:
            raise Interrupted
        return original(one, step, steps)

    with monkeypatch.context() as patched:
        patched.setattr(evaluating, "writes_reports", writes_reports)
        with pytest.raises(Interrupted):
            train(engine(snapshot_seconds=0.0), backbone, trials, store=tmp_path, step_done=step_done, **options)
    again: list[int] = []
    resumed = train(engine(), backbone, trials, store=tmp_path, step_done=lambda t, n, *_: again.append(n), **options)
    assert len(again) < 2 * 8
    assert resumed.evaluations == whole.evaluations
    assert resumed.losses == whole.losses
    for one in trials:
        assert all(map(torch.equal, weights(resumed, one.id).values(), weights(whole, one.id).values()))


def test_memory_that_runs_out_within_a_look_costs_the_pack_no_trial(
    load: Load, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("medgemma-4b-it", dtype=torch.float64)
    trials = [trial(r, dtype="float64", evaluate_every=2, keep="best") for r in (2, 4)]
    whole = train(Packed(largest=2), backbone, trials, validation_rows=part_of(trials))
    evaluate = PackTraining._evaluate_if_due
    failed = []

    def limited(self: PackTraining) -> None:
        if self.step == 2 and len(self.trials) > 1:
            failed.append(self.step)
            raise torch.OutOfMemoryError("injected")
        evaluate(self)

    monkeypatch.setattr(PackTraining, "_evaluate_if_due", limited)
    halved = train(Packed(largest=2), backbone, trials, validation_rows=part_of(trials))
    assert failed == [2]
    for one in trials:
        assert losses_of(halved, one.id) == pytest.approx(losses_of(whole, one.id), rel=1e-11)


def test_a_validation_loss_that_is_not_finite_ends_its_trial_alone(load: Load, train: Train) -> None:
    backbone = load("medgemma-4b-it")
    short: dict[str, Any] = {"steps": 2, "evaluate_every": 2}
    sound = [trial(2, **short), trial(8, seed=1, **short)]
    # Its last step throws it far off, so that no loss of training tells it any more.
    wild = trial(4, **short, learning_rate=1e30, gradient_clipping=0.0, warmup_steps=2, schedule="constant")
    for engine in (Packed(), Sequential()):
        run = train(engine, backbone, [sound[0], wild, sound[1]], validation_rows=part_of([*sound, wild]))
        assert run.outcomes[wild.id].failure is not None
        assert [run.outcomes[t.id].failure for t in sound] == [None, None]
        assert not run.folders[wild.id].is_trained()


@pytest.mark.parametrize(
    ("family", "further"),
    [
        ("medgemma-4b-it", {"variant": "dora"}),
        ("qwen2.5-vl-3b", {"initialisation": "pissa"}),
        ("llava-med-7b", {"targets": "vision+decoder"}),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value.values()),
)
def test_trials_that_can_not_be_packed_are_looked_at_and_pause_too(
    family: str, further: dict[str, str], load: Load, train: Train, tmp_path: Path
) -> None:
    backbone = load(family)
    packable, alone = overfitting(keep="best", steps=4, evaluate_reports_every=2)
    trials = [packable, alone.model_copy(update=further)]
    options: dict[str, Any] = {
        "rows": part_of(trials, (0,)), "validation_rows": part_of(trials), "score": lambda _, texts: {"n": len(texts)}
    }  # fmt: skip
    whole = train(Packed(), backbone, trials, **options)
    paused = train(Packed(), backbone, trials, store=tmp_path, until=2, **options)
    assert all(outcome.paused for outcome in paused.outcomes.values())
    ended = train(Packed(), backbone, trials, store=tmp_path, **options)
    for one in trials:
        assert [(e.step, e.scores) for e in ended.evaluations[one.id]] == [(2, None), (4, {"n": 3})]
        assert losses_of(ended, one.id) == losses_of(whole, one.id)
        assert all(map(torch.equal, weights(ended, one.id).values(), weights(whole, one.id).values()))


def test_trials_go_on_where_they_paused_and_are_as_if_they_had_not(load: Load, train: Train, tmp_path: Path) -> None:
    backbone = load("qwen2.5-vl-3b")
    trials = overfitting(keep="best", dropout=0.2, steps=5)
    options: dict[str, Any] = {"rows": part_of(trials, (0,)), "validation_rows": part_of(trials)}
    whole = train(Packed(), backbone, trials, **options)
    for until in (2, 4):
        paused = train(Packed(), backbone, trials, store=tmp_path, until=until, **options)
        assert all(outcome.paused for outcome in paused.outcomes.values())
        assert [len(e) for e in paused.evaluations.values()] == [until // 2] * 2
    # The best so far is in the snapshot.
    assert len(read_snapshot(trials[0], paused.folders[trials[0].id]).best) > 0
    ended = train(Packed(), backbone, trials, store=tmp_path, **options)
    assert ended.evaluations == whole.evaluations
    for one in trials:
        assert all(map(torch.equal, weights(ended, one.id).values(), weights(whole, one.id).values()))
    assert not list(tmp_path.glob("*/checkpoint.safetensors"))

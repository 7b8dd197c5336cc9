"""Which points leave at which rung: by hand, beside a plain successive halving, and whatever the order of things."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from short_trials import trial

from benchmark.bench.survival import survival
from benchmark.errors import UserError
from benchmark.forms.record import Evaluation
from benchmark.forms.suite import Halving, Trial
from benchmark.results.evaluations import kept_of, value_of
from benchmark.results.halving import decide, groups_of, refuse_rungs
from benchmark.suites.load import parse

SEEDS = (0, 1)


def grid(points: int, seeds: Sequence[int] = SEEDS, **protocol: Any) -> list[Trial]:
    settings: dict[str, Any] = {"steps": 8, "evaluate_every": 2, **protocol}
    return [trial(rank, seed=seed, **settings) for rank in range(1, points + 1) for seed in seeds]


def curves(trials: Sequence[Trial], losses: np.ndarray) -> dict[str, list[Evaluation]]:
    """Losses [trials, evaluations] as they would be stored."""
    return {
        one.id: [Evaluation(step=2 * (n + 1), loss=float(loss)) for n, loss in enumerate(row)]
        for one, row in zip(trials, losses, strict=True)
    }


def plain_halving(means: np.ndarray, halving: Halving) -> dict[int, int]:
    """Rung by point that leaves, as the textbook has it: sort, keep the first share."""
    staying = list(range(len(means)))
    left: dict[int, int] = {}
    for rung in halving.rungs:
        order = sorted(staying, key=lambda i: (means[i, rung - 1], i))
        number = max(1, math.ceil(round(halving.keep * len(staying), 9)))
        left |= dict.fromkeys(order[number:], rung)
        staying = sorted(order[:number])
    return left


@settings(deadline=None)
@given(
    points=st.integers(1, 9),
    keep=st.sampled_from([0.1, 1 / 3, 0.5, 2 / 3, 0.9]),
    rungs=st.sets(st.integers(1, 4), min_size=1).map(lambda s: tuple(sorted(s))),
    seed=st.integers(0, 1000),
)
def test_whole_points_leave_by_their_mean_over_seeds_as_in_plain_halving(
    points: int, keep: float, rungs: tuple[int, ...], seed: int
) -> None:
    trials, halving = grid(points), Halving(rungs=rungs, keep=keep)
    # Few values, so that some are equal.
    losses = np.random.default_rng(seed).integers(0, 4, (2 * points, 4)) / 4
    known = curves(trials, losses)
    expected = plain_halving(losses.reshape(points, 2, 4).mean(axis=1), halving)
    decided = decide(trials, known, halving)
    assert not decided.waited_for
    assert {i: e.rung for i, e in decided.exits.items()} == {
        one.id: rung for place, rung in expected.items() for one in trials[2 * place : 2 * place + 2]
    }
    # Evaluations that a trial had after it left, because another suite trained it to the end, change nothing.
    cut = {i: e[: decided.exits[i].rung] if i in decided.exits else e for i, e in known.items()}
    assert decide(trials, cut, halving) == decided


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000))
def test_a_decision_waits_for_all_and_for_no_more(seed: int) -> None:
    """However trials come in, the same leave in the end: they are trained to what is waited for, in any order."""
    chance, trials, halving = random.Random(seed), grid(6), Halving(rungs=(1, 3), keep=0.5)
    whole = curves(trials, np.random.default_rng(seed).random((12, 4)))
    known: dict[str, list[Evaluation]] = {}
    while waited_for := decide(trials, known, halving).waited_for:
        identity = chance.choice(sorted(waited_for))
        known[identity] = whole[identity][: waited_for[identity]]
    assert decide(trials, known, halving) == decide(trials, whole, halving)
    steps = {i: len(e) for i, e in known.items()}
    assert sorted(steps.values()) == [1] * 6 + [3] * 6


def test_folds_and_backbones_decide_for_themselves() -> None:
    first = grid(2, (0,))
    trials = [t.model_copy(update={"fold": fold, "split": f"split {fold}"}) for fold in (0, 1) for t in first]
    trials += [t.model_copy(update={"backbone": "other"}) for t in first]
    losses = np.array([[1.0] * 4, [2.0] * 4, [2.0] * 4, [1.0] * 4, [3.0] * 4, [4.0] * 4])
    exits = decide(trials, curves(trials, losses), Halving(rungs=(1,))).exits
    assert set(exits) == {trials[i].id for i in (1, 2, 5)}


def test_axes_are_points_and_what_is_not_trained_here_has_no_part() -> None:
    halving, rates = Halving(rungs=(1,)), (1e-3, 1e-4)
    points = [trial(2, seed=seed, steps=8, evaluate_every=2, learning_rate=rate) for rate in rates for seed in SEEDS]
    points += [one.model_copy(update={"variant": "dora"}) for one in points]
    others = [points[0].model_copy(update={"rank": 0, "alpha": 0, "untuned": "prompt"})]
    others.append(points[0].model_copy(update={"adapter": "a" * 64}))
    others.append(trial(2, steps=8, evaluate_every=2, training_images="blank"))
    losses = np.array([[2.0], [2.0], [1.0], [1.0], [1.5], [1.5], [3.0], [3.0]])
    decided = decide([*others, *points], curves(points, losses), halving)
    assert not decided.waited_for
    assert set(decided.exits) == {points[i].id for i in (0, 1, 6, 7)}
    groups = groups_of([*others, *points], halving)
    assert sorted(map(len, groups)) == [1, 1, 1, 8]
    assert groups_of(points, None) == [[one] for one in points]


def test_a_point_with_a_failed_trial_is_worse_than_any_without() -> None:
    trials = grid(3, SEEDS)
    known = curves(trials, np.array([[1.0], [1.0], [9.0], [9.0], [0.5], [0.5]]))
    del known[trials[4].id]
    waiting = decide(trials, known, Halving(rungs=(1,)))
    assert dict(waiting.waited_for) == {trials[4].id: 1}
    decided = decide(trials, known, Halving(rungs=(1,)), failed={trials[4].id})
    assert set(decided.exits) == {trials[4].id, trials[5].id}
    assert decided.exits[trials[5].id].value is None


def test_a_score_is_better_where_it_is_higher_and_an_undefined_one_is_the_worst() -> None:
    trials = grid(3, (0,), evaluate_reports_every=1, keep_by="birads_kappa")
    values: list[float | None] = [0.2, None, 0.7]
    known = {
        t.id: [Evaluation(step=2, loss=1.0, scores={"birads_kappa": value})]
        for t, value in zip(trials, values, strict=True)
    }
    exits = decide(trials, known, Halving(rungs=(1,), keep=1 / 3)).exits
    assert set(exits) == {trials[0].id, trials[1].id}
    assert exits[trials[1].id].limit == 0.7


def test_trials_on_blank_images_are_no_points() -> None:
    blank = trial(1, steps=8, evaluate_every=2, training_images="blank")
    trials = [*grid(2, (0,)), blank]
    assert blank.id not in decide(trials, {}, Halving(rungs=(1,))).waited_for


def test_what_is_kept_is_the_earliest_of_the_best() -> None:
    [one] = grid(1, (0,), keep="best")
    [known] = curves([one], np.array([[2.0, 1.0, 1.0, 3.0]])).values()
    kept = kept_of(known, one.protocol)
    assert kept is not None
    assert (kept.step, kept.criterion, kept.value) == (4, "loss", 1.0)
    [last] = grid(1, (0,))
    assert kept_of(known, last.protocol) == kept.model_copy(update={"step": 8, "criterion": "last", "value": 3.0})
    assert kept_of([], one.protocol) is None


def ways_of(losses: np.ndarray, seeds: int) -> Mapping[str, float]:
    """Survival of three points with as many seeds as there are rows a point, [points, seeds, evaluations]."""
    trials = grid(3, range(losses.shape[1]), keep="best")
    found = survival(trials, curves(trials, losses.reshape(-1, 4)), Halving(rungs=(1,), keep=1 / 3), seeds)
    return {"survived": found.survived, "regret": found.regret, "work": found.work, "draws": found.draws}


def test_survival_counts_sets_of_seeds_in_which_the_winner_stays() -> None:
    losses = np.ones((3, 4, 4)) * np.array([3.0, 2.0, 1.0])[:, None, None]
    assert ways_of(losses, 2) == {"survived": 1.0, "regret": 0.0, "work": pytest.approx((2 + 2 + 8) / 24), "draws": 6}
    # In one seed of four the winner begins badly: it leaves there, and where that seed's is a third of the mean, stays.
    losses[2, 0, 0] = 4.0
    assert ways_of(losses, 1)["survived"] == 0.75
    assert ways_of(losses, 1)["regret"] == pytest.approx(0.25)  # the point that stays is worse by 1
    assert ways_of(losses, 4)["survived"] == 1.0


def test_the_value_of_an_evaluation_is_its_loss_or_its_score() -> None:
    one = Evaluation(step=1, loss=2.0, scores={"rouge_l": None})
    assert (value_of(one, "loss"), value_of(one, "rouge_l"), value_of(one, "birads_kappa")) == (2.0, None, None)


SUITE = """
name: s
title: S
data: {{source: phantom}}
backbones: [{{name: medgemma-4b-it}}]
grid: {{rank: [2, 4], alpha: [8]}}
protocol: {{epochs: 4, {protocol}}}
{rest}
"""


@pytest.mark.parametrize(
    ("protocol", "rest", "says"),
    [
        ("evaluate_every: week", "", "protocol.evaluate_every': a number of steps, or epoch, not the text 'week'"),
        ("evaluate_every: 0", "", "a number of steps, or epoch"),
        ("keep: best", "", "need evaluate_every"),
        ("evaluate_every: epoch, keep: best, keep_by: rouge_l", "", "needs evaluate_reports_every"),
        ("evaluate_every: epoch, evaluate_reports_every: 1, keep_by: rouge_9", "", "unknown criterion 'rouge_9'"),
        ("batch_size: 8", "search: {halving: {rungs: [1]}}", "halving needs protocol: evaluate_every"),
        ("evaluate_every: epoch", "search: {halving: {rungs: [2, 1]}}", "ascending, but [2, 1] given"),
        ("evaluate_every: epoch", "search: {halving: {rung: [1]}}", "Did you mean 'rungs'?"),
        ("evaluate_every: epoch", "search: {halving: {rungs: [1], keep: 2}}", "less than 1"),
        (
            "evaluate_every: epoch, evaluate_reports_every: 2, keep_by: rouge_l",
            "search: {halving: {rungs: [1, 2]}}",
            "at the rungs [1] no reports are written",
        ),
    ],
)
def test_mistakes_are_named_by_line(protocol: str, rest: str, says: str) -> None:
    with pytest.raises(UserError) as raised:
        parse(SUITE.format(protocol=protocol, rest=rest), where="s.yaml")
    assert says in str(raised.value)
    assert "s.yaml, line" in str(raised.value)


def test_a_rung_at_the_last_evaluation_is_refused() -> None:
    refuse_rungs(Halving(rungs=(1, 3)), 4)
    with pytest.raises(UserError, match=r"rungs \[4\]: a trial has 4 evaluations"):
        refuse_rungs(Halving(rungs=(1, 4)), 4)


def test_looks_come_after_each_epoch_or_so_many_steps_and_at_the_end() -> None:
    epochs = trial(2, steps=None, epochs=3, batch_size=4, evaluate_every="epoch").protocol
    assert epochs.evaluation_steps(10) == (3, 6, 9)
    steps = trial(2, steps=10, evaluate_every=4, evaluate_reports_every=2).protocol
    assert steps.evaluation_steps(10) == (4, 8, 10)
    assert [steps.writes_reports(n, 3) for n in (1, 2, 3)] == [False, True, True]


def test_ids_of_trials_that_are_not_evaluated_stay_as_they_were() -> None:
    """Ids of before there were evaluations."""
    assert trial(2).id == "b2cb2454270d20a1"
    assert trial(4, 16, 1, dropout=0.1, micro_batch_size=2).id == "8ae4f054ecbbcd69"
    assert trial(2, evaluate_every=2).id != trial(2).id

"""Grids as axes and as points, alphas in terms of the rank, and the ids that trials keep."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmark.errors import UserError
from benchmark.forms.grid import EXTRA_AXES, Grid, alpha_of
from benchmark.forms.suite import Protocol, Suite, Trial, under
from benchmark.planning.dealing import trials_of
from benchmark.suites.load import load_suite, parse

TEXT = """
name: tiny
title: A tiny suite
data: {source: phantom, studies: 24}
backbones: [{name: medgemma-4b-it, checkpoint: miniature}]
grid:
  rank: [2, 4]
  alpha: [8]
protocol: {steps: 3, learning_rate: 1.0e-3}
"""
MINI = "1bfb280787de85324df9544370a437f765670dfed5db6bd7e23f5e885e8e6f9f"
PAPER = "4d6561f23c9c6b94dfc1a48cf8e6ad01856c12b094435831b9a4a62bcd3641ba"
"""SHA-256 of the ids of all trials of these suites, as they were before a grid had further axes."""


def trials(suite: Suite) -> list[Trial]:
    return [
        trial
        for entry in suite.backbones
        for trial in trials_of(suite, entry, checkpoint="c", data="d", splits={None: "s"})
    ]


@pytest.mark.parametrize(("name", "number", "digest"), [("mini", 60, MINI), ("paper", 255, PAPER)])
def test_trials_that_name_no_further_axis_keep_their_ids(name: str, number: int, digest: str) -> None:
    suite = load_suite(name)
    # What is looked at within training came with the further axes; without it ids are those of before too.
    plain = suite.model_copy(update={"protocol": suite.protocol.unevaluated})
    ids = [trial.id for trial in trials(plain) if trial.is_trained_here]
    assert len(set(ids)) == number
    assert hashlib.sha256("\n".join(ids).encode()).hexdigest() == digest


def test_a_point_with_the_protocols_own_rate_is_the_trial_that_names_none() -> None:
    plain = parse(TEXT, where="tiny.yaml")
    named = parse(TEXT.replace("alpha: [8]", "alpha: 8\n  learning_rate: [1.0e-3, 1.0e-2]"), where="tiny.yaml")
    ids = [{trial.id for trial in trials(suite)} for suite in (plain, named)]
    assert ids[0] < ids[1]
    assert len(ids[1]) == 4


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 128))
def test_an_alpha_in_terms_of_the_rank(times: int, parts: int, rank: int) -> None:
    formula = f"{times}r/{parts}"
    if times * rank % parts:
        with pytest.raises(ValueError, match="no whole number"):
            alpha_of(formula, rank)
    else:
        assert alpha_of(formula, rank) * parts == times * rank
    assert alpha_of("r", rank) == rank
    assert alpha_of(f"{times} r".replace(" ", ""), rank) == times * rank


def test_axes_may_be_lists_or_one_value_and_combine() -> None:
    grid = Grid.model_validate(
        {"rank": [4, 8], "alpha": "2r", "learning_rate": [1e-4, 1e-3], "targets": "attention", "seed": [0, 1]}
    )
    points = grid.every()
    assert [(p.rank, p.alpha) for p in points[::4]] == [(4, 8), (8, 16)]
    assert [(p.learning_rate, p.seed) for p in points[:4]] == [(1e-4, 0), (1e-4, 1), (1e-3, 0), (1e-3, 1)]
    assert {p.targets for p in points} == {"attention"}
    assert (grid.ranks, grid.alphas, grid.axes, grid.varying) == (
        (4, 8), (8, 16), ("learning_rate", "targets"), ("learning_rate",),
    )  # fmt: skip
    assert Grid.model_validate_json(grid.model_dump_json()) == grid


def test_points_one_by_one_combine_with_the_axes_that_they_leave_out() -> None:
    stated = [{"rank": 8, "alpha": "r/2", "learning_rate": 1e-4}, {"rank": 4, "alpha": 16, "learning_rate": 1e-3}]
    grid = Grid.model_validate({"points": stated, "dropout": [0.0, 0.1], "seed": [3]})
    found = [(p.rank, p.alpha, p.learning_rate, p.dropout, p.seed) for p in grid.every()]
    assert found == [
        (8, 4, 1e-4, 0.0, 3), (8, 4, 1e-4, 0.1, 3), (4, 16, 1e-3, 0.0, 3), (4, 16, 1e-3, 0.1, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"rank": [3], "alpha": "r/2"}, "alpha r/2 at rank 3 is no whole number"),
        ({"rank": [4], "alpha": ["2q"]}, "in terms of the rank"),
        ({"rank": [4], "alpha": [8, "2r"]}, "stands twice"),
        ({"seed": [1]}, "give rank and alpha as axes, or points"),
        ({"points": [{"rank": 4, "alpha": 8}], "rank": [4]}, "give them in one place"),
        ({"rank": [3], "alpha": [8], "initialisation": "orthogonal"}, "takes an even rank, not 3"),
        ({"rank": [4], "alpha": [8], "initialisation": ["pissa"], "variant": ["dora"]}, "can't begin with pissa"),
        ({"rank": [4], "alpha": [8], "learning_rate": [0]}, "greater than 0"),
        ({"rank": [4], "alpha": [8], "targets": ["vision"]}, "vision+decoder"),
    ],
)
def test_a_mistaken_grid_is_refused(wrong: dict[str, object], hint: str) -> None:
    with pytest.raises(ValidationError) as error:
        Grid.model_validate(wrong)
    assert hint in str(error.value)


def test_a_mistake_in_a_point_is_told_with_its_line() -> None:
    points = "  points:\n    - {rank: 2, alpha: 8}\n    - {rank: 2, alpa: 4}"
    with pytest.raises(UserError) as error:
        parse(TEXT.replace("  rank: [2, 4]\n  alpha: [8]", points), where="tiny.yaml")
    assert "tiny.yaml, line 9: unknown key" in str(error.value)
    assert "Did you mean 'alpha'" in str(error.value)


@pytest.mark.parametrize("setting", ["dtype: float64", "quantization: nf4"])
def test_weights_that_can_not_be_taken_apart_are_refused(setting: str) -> None:
    text = TEXT.replace("checkpoint: miniature", f"checkpoint: miniature, {setting}")
    text = text.replace("alpha: [8]", "alpha: [8]\n  initialisation: [default, olora]")
    with pytest.raises(UserError, match="initialisation olora takes apart weights of 16 or 32 bits"):
        parse(text, where="tiny.yaml")


@pytest.mark.parametrize("axis", EXTRA_AXES)
def test_every_axis_changes_a_trials_id_and_its_label(axis: str) -> None:
    other = {
        "learning_rate": 1e-2, "dropout": 0.1, "scaling": "rslora", "targets": "mlp", "initialisation": "gaussian",
        "variant": "dora",
    }[axis]  # fmt: skip
    suite = parse(TEXT, where="tiny.yaml")
    changed = suite.model_copy(update={"grid": Grid.model_validate({"rank": 2, "alpha": 8, axis: other})})
    [before, *_], [after] = trials(suite), trials(changed)
    assert before.id != after.id
    assert before.label != after.label
    assert before.setting != after.setting
    assert Trial.model_validate_json(after.model_dump_json()) == after


def test_a_points_rate_and_dropout_stand_in_the_protocol_of_its_trial() -> None:
    grid = Grid.model_validate({"rank": 2, "alpha": 8, "learning_rate": 2e-2, "dropout": 0.2})
    [point] = grid.every()
    own = under(Protocol(steps=3), point)
    assert (own.learning_rate, own.dropout, own.steps) == (2e-2, 0.2, 3)


def test_what_can_not_be_packed_says_why() -> None:
    grid = Grid.model_validate(
        {"rank": 2, "alpha": 8, "variant": ["lora", "dora"], "targets": ["all", "mlp", "vision+decoder"]}
    )
    reasons = {(p.variant, p.targets): p.alone for p in grid.every()}
    assert reasons["lora", "all"] is None
    assert reasons["lora", "mlp"] is None
    assert "dora" in str(reasons["dora", "all"])
    assert "vision encoder" in str(reasons["lora", "vision+decoder"])


@pytest.mark.parametrize("name", ["mini-rates", "paper-rates"])
def test_suites_that_compare_ranks_have_five_rates_of_each(name: str) -> None:
    points = load_suite(name).points()
    rates = {rank: {p.learning_rate for p in points if p.rank == rank} for rank in {p.rank for p in points}}
    assert len(rates) >= 3
    assert all(len(of_rank) >= 5 for of_rank in rates.values())

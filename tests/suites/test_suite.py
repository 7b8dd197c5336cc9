"""Suites: every mistake by its line, trials by everything that can change their result."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.forms.suite import Entry, ImagePart, Protocol, Suite, Trial
from benchmark.suites.load import built_in, load_suite, parse

GOOD = """\
name: tiny
title: A tiny suite
data: {source: phantom, studies: 24}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2, 4], alpha: [8], seed: [0, 1]}
protocol:
  steps: 3
"""


def trial(**changes: object) -> Trial:
    content: dict[str, Any] = {
        "backbone": "medgemma-4b-it", "checkpoint": "c", "quantization": None, "dtype": "float32", "data": "d",
        "image": ImagePart(size=112), "split": "s", "protocol": Protocol(steps=3), "rank": 2, "alpha": 8, "seed": 0,
    }  # fmt: skip
    return Trial(**(content | changes))


@pytest.mark.parametrize("name", built_in())
def test_every_suite_that_comes_along_is_sound(name: str) -> None:
    assert load_suite(name).name == name


def test_the_paper_suite_is_the_grid_of_the_paper() -> None:
    suite = load_suite("paper")
    assert suite.grid.rank == (8, 16, 32, 64)
    assert suite.grid.alpha == (16, 32, 64, 128)
    assert len(suite.grid.seed) == 3
    assert all(entry.checkpoint == "hub" for entry in suite.backbones)


def test_points_are_the_whole_grid() -> None:
    points = [(point.rank, point.alpha, point.seed) for point in parse(GOOD, where="tiny.yaml").points()]
    assert points == [(2, 8, 0), (2, 8, 1), (4, 8, 0), (4, 8, 1)]


@pytest.mark.parametrize(
    ("wrong", "right", "line", "hint"),
    [
        ("  steps: 3", "  step: 3", 8, "Did you mean 'steps'"),
        ("  steps: 3", "  steps: 3\n  epochs: 2", 7, "either steps or epochs"),
        ("  steps: 3", "  steps: 3\n  learning_rate: -1", 9, "greater than 0"),
        ("medgemma-4b-it", "medgema-4b-it", 5, "Did you mean 'medgemma-4b-it'"),
        ("source: phantom", "source: fantom", 3, "'phantom', 'dmid'"),
        ("studies: 24", "studys: 24", 3, "Did you mean 'studies'"),
        ("rank: [2, 4]", "rank: [2, 2]", 6, "distinct"),
        ("rank: [2, 4]", "rank: [0]", 6, "positive"),
        ("title: A tiny suite", "titel: A tiny suite", 2, "Did you mean 'title'"),
    ],
)
def test_a_mistake_is_told_with_its_line(wrong: str, right: str, line: int, hint: str) -> None:
    with pytest.raises(UserError) as error:
        parse(GOOD.replace(wrong, right), where="tiny.yaml")
    assert f"tiny.yaml, line {line}:" in str(error.value)
    assert hint in str(error.value)


def test_all_mistakes_are_told_at_once() -> None:
    text = GOOD.replace("rank:", "ranks:").replace("  steps: 3", "  step: 3").replace("title:", "titel:")
    with pytest.raises(UserError) as error:
        parse(text, where="tiny.yaml")
    assert all(f"unknown key {key!r}" in str(error.value) for key in ("grid.ranks", "protocol.step", "titel"))


def test_an_unknown_suite_has_near_names_and_all_names() -> None:
    with pytest.raises(UserError) as error:
        load_suite("smok")
    assert "Did you mean 'smoke'" in str(error.value)
    assert all(name in str(error.value) for name in built_in())


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2", "", "name: x: y"])
def test_what_is_no_suite_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"tiny\.yaml"):
        parse(text, where="tiny.yaml")


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "llava-med-7b"}, {"checkpoint": "e"}, {"quantization": "nf4"}, {"dtype": "float64"}, {"data": "e"},
        {"image": ImagePart(size=112, crop=False)}, {"split": "t"}, {"protocol": Protocol(steps=4)},
        {"protocol": Protocol(steps=3, prompt="Describe.")}, {"rank": 3}, {"alpha": 9}, {"seed": 1},
        {"protocol": Protocol(steps=3, training_images="shuffled")},
    ],
)  # fmt: skip
def test_a_trial_id_changes_with_everything_that_can_change_its_result(change: dict[str, object]) -> None:
    assert trial(**change).id != trial().id


@given(st.integers(1, 64))
def test_a_trial_id_does_not_change_with_how_a_batch_is_cut(size: int) -> None:
    assert trial(protocol=Protocol(steps=3, micro_batch_size=size)).id == trial().id


def test_a_trial_is_named_as_a_control_where_its_images_are_shuffled() -> None:
    shuffled = trial(protocol=Protocol(steps=3, training_images="shuffled"))
    assert shuffled.label == f"{trial().label} images=shuffled"
    assert Trial.model_validate_json(shuffled.model_dump_json()) == shuffled


def test_images_of_their_own_are_not_mentioned_in_what_is_stored() -> None:
    stored = trial().model_dump(mode="json")["protocol"]
    assert "training_images" not in stored
    assert Protocol.model_validate(stored).training_images == "own"


def test_trials_of_committed_leaderboards_have_the_ids_that_they_would_have_today() -> None:
    board = json.loads((Path(__file__).parents[2] / "leaderboards/mini/results.json").read_text())
    suite = Suite.model_validate(board["suite"])
    fingerprints = {c["backbone"]: c["fingerprint"] for c in board["checkpoints"]}
    for row in board["rows"]:
        for seed, identity in zip(row["seeds"], row["trials"], strict=True):
            rebuilt = trial(
                backbone=row["backbone"], checkpoint=fingerprints[row["backbone"]], data=board["data"]["fingerprint"],
                image=suite.image, split=board["split"]["fingerprint"], protocol=suite.protocol,
                rank=row["rank"], alpha=row["alpha"], seed=seed,
            )  # fmt: skip
            assert rebuilt.id == identity


def test_a_trial_survives_json() -> None:
    assert Trial.model_validate_json(trial().model_dump_json()).id == trial().id


@given(st.integers(1, 5), st.integers(1, 16), st.integers(1, 500))
def test_epochs_see_every_report(epochs: int, batch: int, reports: int) -> None:
    steps = Protocol(epochs=epochs, batch_size=batch).total_steps(reports)
    assert (steps - epochs) * batch < epochs * reports <= steps * batch


def test_a_suite_is_yaml_of_one_screen() -> None:
    for name in built_in():
        assert len(yaml.safe_dump(load_suite(name).model_dump(mode="json")).splitlines()) < 120


def test_an_entry_defaults_to_the_pinned_checkpoint() -> None:
    assert Entry(name="medgemma-4b-it").checkpoint == "hub"

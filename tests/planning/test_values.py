"""Values that would fail, or mislead, after minutes are told before anything begins, with their line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmark.cli.verbs import app
from benchmark.planning.values import Remark, remarks
from benchmark.suites.load import load_suite, read_suite

GOOD = """\
name: field
title: Field test
data: {source: phantom, studies: 36, seed: 1, size: 160}
image: {size: 112}
split: {name: blocked}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2], alpha: [8], seed: [0]}
protocol:
  steps: 10
  warmup_steps: 2
  max_new_tokens: 12
"""


def of(text: str, folder: Path) -> list[Remark]:
    path = folder / "field.yaml"
    path.write_text(text)
    source = read_suite(str(path))
    return remarks(source.suite, None, source)


def test_sound_suites_get_no_remark(tmp_path: Path) -> None:
    assert of(GOOD, tmp_path) == []
    for name in ("smoke", "mini", "paper", "bench"):
        assert remarks(load_suite(name), None) == []


@pytest.mark.parametrize(
    ("right", "wrong", "place", "fatal", "says"),
    [
        ("warmup_steps: 2", "warmup_steps: 10", ("protocol", "warmup_steps"), False, "training ends after 10 steps"),
        ("  warmup_steps: 2\n", "", ("protocol", "warmup_steps"), False, "warm-up of 20"),
        ("steps: 10\n  w", "epochs: 1\n  batch_size: 29\n  w", ("protocol", "warmup_steps"), False, "after 1 steps"),
        ("rank: [2]", "rank: [2, 300]", ("grid", "rank", 1), False, "rank 300 is beyond"),
        ("max_new_tokens: 12", "max_new_tokens: 1020", ("protocol", "max_new_tokens"), True, "positions for 1024"),
        ("steps: 10", f"steps: 10\n  prompt: {'word ' * 1100}", ("protocol", "prompt"), True, "positions for 1024"),
        ("name: blocked", "name: nowhere.json", ("split", "name"), True, "no such file"),
        ("name: blocked", "name: blocked, folds: 20", ("split", "folds"), True, "can't be dealt into 20 folds"),
        ("name: field", "name: smoke", ("name",), False, "comes with amrg"),
    ],
)
def test_a_value_is_told_where_it_stands(
    right: str, wrong: str, place: tuple[str | int, ...], fatal: bool, says: str, tmp_path: Path
) -> None:
    [remark] = of(GOOD.replace(right, wrong), tmp_path)
    assert (remark.place, remark.fatal) == (place, fatal)
    assert says in remark.text


def test_the_highest_rate_that_is_told_is_the_one_that_training_gets_to(tmp_path: Path) -> None:
    from benchmark.forms.suite import Protocol
    from benchmark.tuning.protocol import learning_rate

    [remark] = of(GOOD.replace("warmup_steps: 2", "warmup_steps: 100\n  learning_rate: 5.0e-3"), tmp_path)
    protocol = Protocol(steps=10, warmup_steps=100, learning_rate=5e-3)
    assert f"gets to {max(learning_rate(protocol, step, 10) for step in range(10)):.2g}," in remark.text


def test_plan_gives_the_command_of_a_file_and_its_remarks_with_lines(tmp_path: Path) -> None:
    path = tmp_path / "field.yaml"
    path.write_text(GOOD.replace("warmup_steps: 2", "warmup_steps: 100"))
    printed = CliRunner().invoke(app, ["plan", str(path)]).output
    assert f"It can run here: amrg sweep {path}" in printed
    assert "field.yaml, line 11: training ends after 10 steps" in printed

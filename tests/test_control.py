"""The control of the grounding controls, end to end: tuned on its images a miniature clearly falls when they are
swapped, and tuned on shuffled images it doesn't.

The miniature has learned to see a little and to write, but hardly to write what it sees, so that only tuning can
teach it that; within the test's few seconds it learns it of the breast's density. `control` and `control-own` are the
same at length.
"""

import json
from pathlib import Path

import pytest

from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.model import Row
from benchmark.board.results import read_results
from benchmark.board.sentences import findings, nature
from benchmark.leaderboard import Board
from benchmark.suite import load_suite, parse

SUITE = """\
name: {images}
title: Tuned on {images} images
data: {{source: phantom, studies: 240, seed: 31, size: 64}}
image: {{size: 112}}
split: {{name: {split}}}
backbones: [{{name: medgemma-4b-it, checkpoint: miniature}}]
grid: {{rank: [8], alpha: [16]}}
protocol:
  steps: 100
  batch_size: 8
  learning_rate: 5.0e-3
  warmup_steps: 5
  max_new_tokens: 44
  training_images: {images}
primary_metric: density_accuracy
baselines: []
miniature: {{examples: 160, vision_steps: 40, language_steps: 80}}
"""


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> dict[str, Board]:
    """Leaderboards of a miniature tuned on its images and on shuffled ones, by `training_images`."""
    folder = tmp_path_factory.mktemp("control")
    ids = [f"Img{number:03d}" for number in range(1, 241)]
    parts = {"train": ids[:126], "validation": ids[126:130], "test": ids[130:]}
    (folder / "split.json").write_text(json.dumps(parts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
        return {images: _board(folder, images) for images in ("own", "shuffled")}


def _board(folder: Path, images: str) -> Board:
    suite = parse(SUITE.format(images=images, split=folder / "split.json"), where="control.yaml")
    done = sweep.run(suite, data=None, results=folder / "results", listener=lambda event: None, processes=1)
    sweep.check(done)
    return collect(read_results(folder / "results", images))


def _verdicts(row: Row) -> dict[str, bool]:
    """The scores that clearly change when images are swapped, and whether they fall."""
    ends = {name: (fall.low, fall.high) for name, fall in row.falls["swapped"].items()}
    return {name: low > 0 for name, (low, high) in ends.items() if low is not None and (low > 0 or high < 0)}


def test_tuned_on_its_images_it_clearly_falls(boards: dict[str, Board]) -> None:
    [row] = boards["own"].rows
    assert _verdicts(row)["density_accuracy"]
    assert all(_verdicts(row).values())
    assert row.name == "medgemma-4b-it (miniature)"
    assert any("1 of 1 in density" in sentence for sentence in findings(boards["own"]))


def test_tuned_on_shuffled_images_it_does_not(boards: dict[str, Board]) -> None:
    [row] = boards["shuffled"].rows
    assert _verdicts(row) == {}
    assert row.falls["swapped"]["density_accuracy"].low is not None
    assert any("control of the controls holds" in sentence for sentence in findings(boards["shuffled"]))


def test_nobody_takes_the_control_for_a_result(boards: dict[str, Board]) -> None:
    board = boards["shuffled"]
    assert board.rows[0].name == "medgemma-4b-it (miniature, trained on shuffled images)"
    assert "not of backbones" in nature(board)
    assert "not of backbones" not in nature(boards["own"])


def test_both_were_trained_on_the_same_reports_and_differ_in_their_images(boards: dict[str, Board]) -> None:
    own, shuffled = (boards[images] for images in ("own", "shuffled"))
    assert own.split["fingerprint"] == shuffled.split["fingerprint"]
    assert own.checkpoints[0].fingerprint == shuffled.checkpoints[0].fingerprint
    assert own.rows[0].trials != shuffled.rows[0].trials
    assert own.rows[0].losses != shuffled.rows[0].losses


def test_the_suites_of_the_control_differ_in_nothing_else() -> None:
    own, shuffled = load_suite("control-own"), load_suite("control")
    assert shuffled.protocol.training_images == "shuffled"
    changed = {"name": own.name, "title": own.title, "protocol": own.protocol}
    assert own.protocol == shuffled.protocol.model_copy(update={"training_images": "own"})
    assert shuffled.model_copy(update=changed) == own

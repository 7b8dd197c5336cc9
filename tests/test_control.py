"""The control of the grounding controls, end to end.

Tuned on its own images a miniature's scores fall where others are shown; tuned on shuffled images they fall less.

The miniature has learned to see and hardly to write, so that only tuning can teach it to write what it sees; within
the test's few seconds it learns it of the breast's density. `control` and `control-own` are the same at length.

One adapter proves nothing. What a base knew of images before, and what goes together by chance in a few hundred
shuffled pairs, makes it write the density oftener right or wrong than chance, by as much as its intervals exclude. So
the unit is the seed, which draws the pairs, the adapter and the order; and each seed's fall on shuffled images is held
against its fall on its own ones, from the same base. Over ten seeds falls were 0.23 on average (standard deviation
0.04) on own images and -0.13 (0.12) on shuffled ones. With these, a mean over eight seeds misses `LEVEL` less than
once in a million times; where the shuffled pairs held own images, their difference would get there no oftener.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.folds import Result
from benchmark.board.model import Board
from benchmark.board.results import read_results
from benchmark.pages.sentences import findings, nature
from benchmark.results.summary import check
from benchmark.scoring.pairs import restored
from benchmark.suites.load import load_suite, parse

pytestmark = pytest.mark.long

SUITE = """\
name: {images}
title: Tuned on {images} images
data: {{source: phantom, studies: 242, seed: 31, size: 64}}
image: {{size: 112}}
split: {{name: {split}}}
backbones: [{{name: medgemma-4b-it, checkpoint: miniature}}]
grid: {{rank: [8], alpha: [16], seed: [0, 1, 2, 3, 4, 5, 6, 7]}}
protocol:
  steps: 120
  batch_size: 8
  learning_rate: 5.0e-3
  warmup_steps: 5
  max_new_tokens: 44
  training_images: {images}
primary_metric: density_accuracy
baselines: []
miniature: {{examples: 160, vision_steps: 60, language_steps: 30}}
"""
LEVEL = 0.1


@dataclass(frozen=True)
class Tuned:
    """What became of a miniature: its leaderboard, and each seed's fall in density on swapped images."""

    board: Board
    falls: np.ndarray


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> dict[str, Tuned]:
    """A miniature tuned on its images and one on shuffled ones, by `training_images`."""
    folder = tmp_path_factory.mktemp("control")
    ids = [f"Img{number:03d}" for number in range(1, 243)]
    parts = {"train": ids[:160], "validation": ids[160:162], "test": ids[162:]}
    (folder / "split.json").write_text(json.dumps(parts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
        return {images: _tuned(folder, images) for images in ("own", "shuffled")}


def _tuned(folder: Path, images: str) -> Tuned:
    suite = parse(SUITE.format(images=images, split=folder / "split.json"), where="control.yaml")
    done = sweep.run(suite, data=None, results=folder / "results", listener=lambda event: None, processes=1)
    check(done)
    results = read_results(folder / "results", images)
    return Tuned(collect(results), np.array([_fall(done) for done in results.done]))


def _fall(done: Result) -> float:
    return restored(done.pairs.falls["all_pairs"]["density_accuracy"]).value


def test_tuned_on_its_images_it_falls(tuned: dict[str, Tuned]) -> None:
    own = tuned["own"]
    assert len(own.falls) == 8
    assert own.falls.mean() > LEVEL
    [row] = own.board.rows
    assert row.name == "medgemma-4b-it (miniature)"
    fall = row.falls["all_pairs"]["density_accuracy"]
    assert fall.value == pytest.approx(own.falls.mean(), abs=1e-6)


def test_tuned_on_shuffled_images_it_falls_less(tuned: dict[str, Tuned]) -> None:
    own, shuffled = tuned["own"], tuned["shuffled"]
    # Seed by seed from the same base: what that knew of images before is in both.
    assert (own.falls - shuffled.falls).mean() > LEVEL
    [row] = shuffled.board.rows
    assert row.falls["all_pairs"]["density_accuracy"].low is not None
    assert any("control of the controls" in sentence for sentence in findings(shuffled.board))


def test_nobody_takes_the_control_for_a_result(tuned: dict[str, Tuned]) -> None:
    board = tuned["shuffled"].board
    assert board.rows[0].name == "medgemma-4b-it (miniature, trained on shuffled images)"
    assert "not of backbones" in nature(board)
    assert "not of backbones" not in nature(tuned["own"].board)


def test_both_were_trained_on_the_same_reports_and_differ_in_their_images(tuned: dict[str, Tuned]) -> None:
    own, shuffled = (tuned[images].board for images in ("own", "shuffled"))
    assert own.split.fingerprint == shuffled.split.fingerprint
    assert own.checkpoints[0].fingerprint == shuffled.checkpoints[0].fingerprint
    assert own.rows[0].trials != shuffled.rows[0].trials
    assert own.rows[0].losses != shuffled.rows[0].losses


def test_the_suites_of_the_control_differ_in_nothing_else() -> None:
    own, shuffled = load_suite("control-own"), load_suite("control")
    assert shuffled.protocol.training_images == "shuffled"
    changed = {"name": own.name, "title": own.title, "protocol": own.protocol}
    assert own.protocol == shuffled.protocol.model_copy(update={"training_images": "own"})
    assert shuffled.model_copy(update=changed) == own

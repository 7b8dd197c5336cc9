"""The control of the grounding controls, end to end: tuned on its images a miniature clearly falls when they are
swapped, and tuned on shuffled images it doesn't.

The miniature has learned to see and hardly to write, so that only tuning can teach it to write what it sees; within
the test's few seconds it learns it of the breast's density. A base that writes longer keeps some of what it sees, or of
its opposite, however its images are shuffled. `control` and `control-own` are the same at length.

An interval at 95 % excludes zero by chance in one fall of twenty, and there are eight. Asserted is what chance alone
doesn't decide: by the exact test of sign flips, block by block, and Bonferroni's correction for the scores,

- tuned on shuffled images no score changes clearly, at `CHANCE`: so often chance alone would make one;
- tuned on its own, the density falls at `LEVEL`, which a leak of own images into the shuffled ones would as well, and
  then far beyond it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.model import Board
from benchmark.board.results import SuiteResults, read_results
from benchmark.pages.sentences import findings, nature
from benchmark.suites.load import load_suite, parse
from metrics.statistics.comparisons import Swaps, p_value
from metrics.statistics.resampling import sample

SUITE = """\
name: {images}
title: Tuned on {images} images
data: {{source: phantom, studies: 960, seed: 31, size: 64}}
image: {{size: 112}}
split: {{name: {split}}}
backbones: [{{name: medgemma-4b-it, checkpoint: miniature}}]
grid: {{rank: [8], alpha: [16]}}
protocol:
  steps: 160
  batch_size: 8
  learning_rate: 5.0e-3
  warmup_steps: 5
  max_new_tokens: 44
  training_images: {images}
primary_metric: density_accuracy
baselines: []
miniature: {{examples: 160, vision_steps: 60, language_steps: 30}}
"""
CHANCE = 1e-6
LEVEL = 0.05


@dataclass(frozen=True)
class Tuned:
    """What became of a miniature: its leaderboard, and each score's fall on swapped images with its p.

    Attributes:
        falls: positive where the right image helps.
        chances: by the same name, corrected for the number of scores.
    """

    board: Board
    falls: dict[str, float]
    chances: dict[str, float]

    def clear(self, level: float) -> dict[str, bool]:
        """The scores that change at a level, and whether they fall."""
        return {name: self.falls[name] > 0 for name, chance in self.chances.items() if chance < level}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> dict[str, Tuned]:
    """A miniature tuned on its images and one on shuffled ones, by `training_images`."""
    folder = tmp_path_factory.mktemp("control")
    ids = [f"Img{number:03d}" for number in range(1, 961)]
    parts = {"train": ids[:320], "validation": ids[320:324], "test": ids[324:]}
    (folder / "split.json").write_text(json.dumps(parts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
        return {images: _tuned(folder, images) for images in ("own", "shuffled")}


def _tuned(folder: Path, images: str) -> Tuned:
    suite = parse(SUITE.format(images=images, split=folder / "split.json"), where="control.yaml")
    done = sweep.run(suite, data=None, results=folder / "results", listener=lambda event: None, processes=1)
    sweep.check(done)
    results = read_results(folder / "results", images)
    return Tuned(collect(results), *_falls(results))


def _falls(results: SuiteResults) -> tuple[dict[str, float], dict[str, float]]:
    """Each score's fall and its corrected p; of those that have a direction."""
    [trial] = results.done
    blocks = results.references.test_blocks
    swapped = trial.control_statistics("swapped", "density_accuracy", results.references)
    swaps = Swaps(len(set(blocks)))
    falls, chances = {}, {}
    for name, wrong in swapped.items():
        right = trial.statistics[name]
        better, worse = (sample([statistics], blocks) for statistics in (right, wrong))
        sign = 1 if right.higher_is_better else -1
        falls[name] = sign * (better.value - worse.value)
        chances[name] = len(swapped) * p_value(better, worse, swaps)
    return falls, chances


def test_tuned_on_its_images_it_clearly_falls(tuned: dict[str, Tuned]) -> None:
    own = tuned["own"]
    assert own.clear(LEVEL)["density_accuracy"]
    assert all(own.clear(CHANCE).values())
    [row] = own.board.rows
    assert row.name == "medgemma-4b-it (miniature)"
    assert any("1 of 1 in density" in sentence for sentence in findings(own.board))


def test_tuned_on_shuffled_images_it_does_not(tuned: dict[str, Tuned]) -> None:
    shuffled = tuned["shuffled"]
    assert len(shuffled.chances) == 8
    assert shuffled.clear(CHANCE) == {}
    [row] = shuffled.board.rows
    assert row.falls["swapped"]["density_accuracy"].low is not None
    # Whether it says that it holds or that it is in doubt is at the interval's 95 %.
    assert any("control of the controls" in sentence for sentence in findings(shuffled.board))


def test_nobody_takes_the_control_for_a_result(tuned: dict[str, Tuned]) -> None:
    board = tuned["shuffled"].board
    assert board.rows[0].name == "medgemma-4b-it (miniature, trained on shuffled images)"
    assert "not of backbones" in nature(board)
    assert "not of backbones" not in nature(tuned["own"].board)


def test_both_were_trained_on_the_same_reports_and_differ_in_their_images(tuned: dict[str, Tuned]) -> None:
    own, shuffled = (tuned[images].board for images in ("own", "shuffled"))
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

"""The floors on DMID's reports: against what was measured independently, and on phantoms from end to end."""

import json
from pathlib import Path

import pytest

from benchmark.board.model import FloorsBoard
from benchmark.floors import SPLITS

COMMITTED = Path(__file__).parents[1] / "leaderboards" / "dmid-floors" / "results.json"


@pytest.fixture(scope="module")
def board() -> FloorsBoard:
    return FloorsBoard.model_validate_json(COMMITTED.read_text(encoding="utf-8"))


def _value(board: FloorsBoard, split: str, predictor: str, score: str) -> float:
    part = next(s for s in board.splits if s.name == split)
    return next(r for r in part.rows if r.name == predictor).scores[score].value


# Measured on the 510 reports by other code, rounded as published; a range where seeds or tokenisers differ.
@pytest.mark.parametrize(
    ("split", "predictor", "score", "low", "high"),
    [
        ("sequential", "most_frequent_report", "rouge_l", 0.5605, 0.5615),
        ("sequential", "most_frequent_report", "meteor_nltk", 0.49, 0.54),
        ("sequential", "most_frequent_report", "birads_exact", 0.205, 0.215),
        ("sequential", "random_report", "rouge_l", 0.52, 0.57),
        ("sequential", "random_report", "meteor_nltk", 0.52, 0.57),
        ("random", "most_frequent_report", "rouge_l", 0.58, 0.66),
        ("random", "neighbour_report", "rouge_l", 0.655, 0.73),
        ("random", "neighbour_report", "meteor_nltk", 0.683, 0.76),
        ("random", "neighbour_report", "cider_coco", 1.16, 2.9),
    ],
)
def test_floors_are_those_measured_by_others(board, split, predictor, score, low, high):
    assert low <= _value(board, split, predictor, score) <= high


def test_the_splits_and_their_leakage_are_the_known_ones(board):
    assert board.data["reports"] == 510
    assert {s.name: len(s.leakage) for s in board.splits} == {name: len(seeds) for name, seeds in SPLITS}
    by_name = {s.name: s for s in board.splits}
    for split in board.splits:
        assert split.sizes == {"train": 407, "validation": 51, "test": 52}
    assert by_name["sequential"].leakage[0]["verbatim_in_train"] == 3
    assert all(9 <= leak["verbatim_in_train"] <= 12 for leak in by_name["random"].leakage)
    assert by_name["blocked"].leakage[0]["block_in_train"] == 0


def test_both_sets_of_signatures_are_there(board):
    assert {"cider_published", "cider_coco", "meteor_nltk", "meteor_coco"} <= set(board.signatures)
    text = (COMMITTED.parent / "README.md").read_text(encoding="utf-8")
    assert "arXiv:2508.09225" in text
    assert "not comparable" in text
    assert json.loads(COMMITTED.read_text(encoding="utf-8"))["kind"] == "floors"

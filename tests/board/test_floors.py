"""The floors on DMID's reports: against what was measured independently, and on phantoms from end to end."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from known import known
from rouge_score.rouge_scorer import RougeScorer
from typer.testing import CliRunner

from benchmark.board.floors import SPLITS
from benchmark.board.model import FloorsBoard
from benchmark.cli.verbs import app
from benchmark.errors import UserError
from benchmark.phantoms.write import read_truth, write
from benchmark.scoring.baseline_names import BASELINES
from benchmark.scoring.baselines import NEEDS_IMAGES

COMMITTED = Path(__file__).parents[2] / "leaderboards" / "dmid-floors" / "results.json"


@pytest.fixture(scope="module")
def board() -> FloorsBoard:
    return FloorsBoard.model_validate_json(COMMITTED.read_text(encoding="utf-8"))


def _value(board: FloorsBoard, split: str, predictor: str, score: str) -> float:
    part = next(s for s in board.splits if s.name == split)
    return known(next(r for r in part.rows if r.name == predictor).scores[score].value)


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
def test_floors_are_those_measured_by_others(
    board: FloorsBoard, split: str, predictor: str, score: str, low: float, high: float
) -> None:
    assert low <= _value(board, split, predictor, score) <= high


def test_the_splits_and_their_leakage_are_the_known_ones(board: FloorsBoard) -> None:
    assert board.data.reports == 510
    assert {s.name: len(s.leakage) for s in board.splits} == {name: len(seeds) for name, seeds in SPLITS}
    by_name = {s.name: s for s in board.splits}
    for split in board.splits:
        assert split.sizes == {"train": 407, "validation": 51, "test": 52}
    assert by_name["sequential"].leakage[0].verbatim_in_train == 3
    assert all(9 <= leak.verbatim_in_train <= 12 for leak in by_name["random"].leakage)
    assert by_name["blocked"].leakage[0].block_in_train == 0


def test_both_sets_of_signatures_are_there(board: FloorsBoard) -> None:
    assert {"cider_published", "cider_coco", "meteor_nltk", "meteor_coco"} <= set(board.signatures)
    text = (COMMITTED.parent / "README.md").read_text(encoding="utf-8")
    assert "arXiv:2508.09225" in text
    assert "not comparable" in text
    assert json.loads(COMMITTED.read_text(encoding="utf-8"))["kind"] == "floors"


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of 40 phantoms in DMID's layout; the images are gone."""
    folder = tmp_path_factory.mktemp("floors") / "phantoms"
    write(folder, studies=40, seed=5, size=64, jobs=1)
    for path in ("TIFF Images", "ROI Masks"):
        shutil.rmtree(folder / path)
    return folder


@pytest.fixture(scope="module")
def measured(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `amrg floors` writes of them."""
    leaderboards = tmp_path_factory.mktemp("leaderboards")
    done = CliRunner().invoke(app, ["floors", str(phantoms), "--leaderboards", str(leaderboards), "--name", "phantoms"])
    assert done.exit_code == 0, done.output
    assert "most_frequent_report" in done.output
    assert str(leaderboards / "phantoms" / "README.md") in done.output
    return leaderboards / "phantoms"


def test_floors_of_reports_alone_are_what_rouge_score_and_counting_give(phantoms: Path, measured: Path) -> None:
    board = FloorsBoard.model_validate_json((measured / "results.json").read_text(encoding="utf-8"))
    reports = {p.stem: p.read_text(encoding="utf-8").strip() for p in sorted(phantoms.glob("Reports/Reports/*.txt"))}
    ids = list(reports)
    train, test = ids[:32], ids[36:]  # the sequential split: 80 %, 10 %, 10 %
    [sequential] = [s for s in board.splits if s.name == "sequential"]
    assert sequential.sizes == {"train": len(train), "validation": 4, "test": len(test)}

    [(constant, _)] = Counter(reports[i] for i in train).most_common(1)
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    rouge_l = np.mean([scorer.score(reports[i], constant)["rougeL"].fmeasure for i in test])
    assert _value(board, "sequential", "most_frequent_report", "rouge_l") == pytest.approx(rouge_l, abs=1e-6), (
        "stored with six places"
    )

    truths = {i: truth.birads.upper() for i, truth in read_truth(phantoms).items()}
    says = next(truths[i] for i in train if reports[i] == constant)
    share = np.mean([truths[i] == says for i in test])
    assert _value(board, "sequential", "most_frequent_report", "birads_exact") == pytest.approx(share)
    for split in board.splits:
        rows = {row.name: row for row in split.rows}
        assert set(rows) == set(BASELINES) - set(NEEDS_IMAGES)
        # A choice at random stands by its expectation, so that only splits are drawn more than once.
        assert rows["random_report"].seeds == len(dict(SPLITS)[split.name])


def test_what_it_writes_is_whole_and_holds_no_report(phantoms: Path, measured: Path) -> None:
    assert {p.name for p in measured.iterdir()} >= {"README.md", "results.csv", "results.json"}
    done = CliRunner().invoke(app, ["leaderboard", "phantoms", "--check", "--leaderboards", str(measured.parent)])
    assert done.exit_code == 0, done.output
    text = "\n".join(path.read_text(encoding="utf-8") for path in measured.rglob("*") if path.is_file())
    said = " ".join(text.split())
    for path in phantoms.glob("Reports/Reports/*.txt"):
        words = path.read_text(encoding="utf-8").split()
        assert not any(" ".join(words[i : i + 8]) in said for i in range(len(words) - 7)), path.name


def test_a_folder_without_reports_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["floors", str(tmp_path), "--leaderboards", str(tmp_path / "boards")])
    assert isinstance(done.exception, UserError)
    assert str(tmp_path) in str(done.exception)
    assert not (tmp_path / "boards").exists()

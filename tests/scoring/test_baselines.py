"""The floors: what they take from train, and the table of measured floors on DMID."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known import known
from rouge_score.rouge_scorer import RougeScorer

from benchmark.data.dmid import read
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.scoring.baseline_names import BASELINES
from benchmark.scoring.baselines import NEEDS_IMAGES, central_report, modal_report, predict
from benchmark.scoring.score import score_predictions
from metrics.labels.labeler import label

BLIND = [name for name in BASELINES if name not in NEEDS_IMAGES]

CATEGORIES = ("1", "2", "3", "4a", "5")
STUDIES = [
    Study(f"Img{i:03d}", None, f"BIRADS: {CATEGORIES[i % 5]}. Findings: text number {i % 7} of the lot.")
    for i in range(1, 61)
]
TRAIN, TEST = STUDIES[:45], STUDIES[45:]


@pytest.mark.parametrize("name", BLIND)
def test_a_floor_takes_its_reports_from_train_and_looks_at_no_image(name: str) -> None:
    predictions = predict(name, TRAIN, TEST, seed=3)
    assert list(predictions) == [s.id for s in TEST]
    assert set(predictions.values()) <= {s.report for s in TRAIN}
    assert predictions == predict(name, TRAIN, TEST, seed=3)


@pytest.mark.parametrize("name", ["most_frequent_report", "random_report", "neighbour_report", "best_constant"])
def test_a_floor_does_not_look_at_the_reports_of_the_test_set(name: str) -> None:
    hidden = [Study(s.id, None, "") for s in TEST]
    assert predict(name, TRAIN, TEST) == predict(name, TRAIN, hidden)


def test_the_oracles_give_the_right_category() -> None:
    for name in ("birads_oracle_random", "birads_oracle_modal"):
        predictions = predict(name, TRAIN, TEST)
        assert all(label(predictions[s.id]).birads == label(s.report).birads for s in TEST)


def test_an_oracle_whose_category_is_not_in_train_falls_back_on_the_major_one() -> None:
    predictions = predict("birads_oracle_modal", TRAIN, [Study("Img900", None, "BIRADS: 4c.")])
    assert label(predictions["Img900"]).birads == "4A"


def test_the_neighbour_is_the_nearest_id() -> None:
    train = [s for s in STUDIES if s.number % 4 == 0]
    predictions = predict("neighbour_report", train, [STUDIES[8], STUDIES[9]])  # Img009 and Img010
    assert predictions == {"Img009": STUDIES[7].report, "Img010": STUDIES[7].report}


def test_another_seed_is_another_random_report_and_another_test_set_is_not() -> None:
    assert predict("random_report", TRAIN, TEST, seed=0) != predict("random_report", TRAIN, TEST, seed=1)
    of_all, of_some = predict("random_report", TRAIN, TEST), predict("random_report", TRAIN, TEST[3:5])
    assert of_some.items() <= of_all.items()


words = st.lists(st.sampled_from(["mass", "masses", "no", "seen", "skin", "3"]), max_size=7).map(" ".join)


@given(st.lists(words, min_size=1, max_size=6))
def test_the_best_constant_is_that_of_rouge_score(reports: list[str]) -> None:
    scorer = RougeScorer(["rougeL"], use_stemmer=True)

    def mean(report: str) -> float:
        return np.mean([scorer.score(other, report)["rougeL"].fmeasure for other in reports])

    assert mean(central_report(tuple(reports))) == pytest.approx(max(mean(report) for report in reports))


@given(st.lists(words, min_size=1, max_size=12))
def test_the_modal_report_is_the_most_frequent(reports: list[str]) -> None:
    counts = Counter(reports)
    assert counts[modal_report(reports)] == max(counts.values())


def test_unknown_names_and_an_empty_train_set_are_refused() -> None:
    with pytest.raises(UserError, match="Did you mean 'random_report'"):
        predict("random_reports", TRAIN, TEST)
    with pytest.raises(UserError, match="training set"):
        predict("random_report", [], TEST)
    with pytest.raises(UserError, match="60 have none"):
        predict("nearest_image", TRAIN, TEST)


def test_floors_on_the_reports_of_dmid_are_those_that_were_measured(dmid: Path) -> None:
    studies = read(dmid, reports_only=True).reports
    train, test = studies[:407], studies[458:]
    references = {s.id: s.report for s in test}

    def rouge_l(name: str, seed: int = 0) -> float:
        predictions = predict(name, train, test, seed=seed)
        return known(score_predictions(predictions, references, names=["rouge_l"], resamples=0).scores["rouge_l"].value)

    assert rouge_l("most_frequent_report") == pytest.approx(0.561, abs=0.003)
    # The table has one draw of 52 random reports; ten draws tell what is usual.
    assert np.mean([rouge_l("random_report", seed) for seed in range(10)]) == pytest.approx(0.545, abs=0.02)
    majority = score_predictions(
        predict("most_frequent_report", train, test), references, names=["birads_exact"], resamples=0
    )
    assert majority.scores["birads_exact"].value == pytest.approx(0.21, abs=0.01)
    assert rouge_l("birads_oracle_random") > rouge_l("random_report")

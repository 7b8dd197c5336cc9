"""Scores of predictions: values with intervals, their file, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from known import known
from rouge_score.rouge_scorer import RougeScorer

from benchmark.errors import UserError
from benchmark.forms.record import ScoresRecord
from benchmark.scoring.score import Score, Scores, score_draws, score_predictions
from benchmark.scoring.stored import stored_statistics
from metrics.errors import MetricUnavailable
from metrics.registry import METRICS

TEMPLATE = "Breast composition: {} (ACR {}). BIRADS: {}. Findings: {}."
REFERENCES = {
    f"Img{i:03d}": TEMPLATE.format(
        ("fatty", "dense")[i % 2], "AD"[i % 2], ("1", "3", "4b", "5")[i % 4], ("no mass", "an oval mass")[i % 4 > 0]
    )
    for i in range(1, 25)
}
PREDICTIONS = {name: REFERENCES[f"Img{int(name[3:]) % 24 // 2 + 1:03d}"] for name in REFERENCES}
TRAIN = list(REFERENCES.values())[:3]
BLOCKS = {name: f"block {int(name[3:]) // 3}" for name in REFERENCES}
FAST = ["rouge_l", "bleu_4_published", "birads_exact", "birads_kappa", "findings_f1_macro"]


@pytest.fixture(scope="module")
def scores() -> Scores:
    return score_predictions(PREDICTIONS, REFERENCES, train_reports=TRAIN, blocks=BLOCKS, resamples=1_000)


def test_every_registered_score_is_there(scores: Scores) -> None:
    assert set(scores.scores) == set(METRICS)


def test_a_mean_is_the_mean_of_its_reports(scores: Scores) -> None:
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    expected = {i: scorer.score(REFERENCES[i], PREDICTIONS[i])["rougeL"].fmeasure for i in REFERENCES}
    scores_of_reports = {report.id: report.scores["rouge_l"] for report in scores.reports}
    assert scores_of_reports == pytest.approx(expected)
    assert scores.scores["rouge_l"].value == pytest.approx(np.mean(list(expected.values())))
    assert scores.scores["rouge_l"].n == len(REFERENCES)


def test_values_lie_in_their_intervals_and_intervals_in_their_bounds(scores: Scores) -> None:
    for name, score in scores.scores.items():
        if score.low is None:
            continue
        low, high = METRICS[name].bounds
        assert low <= score.low <= score.value + 1e-9, name
        assert known(score.value) - 1e-9 <= known(score.high) <= high, name


def test_scores_survive_their_file(scores: Scores) -> None:
    content = ScoresRecord.model_validate_json(scores.to_record().model_dump_json())
    again = Scores.from_record(content)
    assert again.reports == scores.reports
    assert again.labeler == scores.labeler
    for name, score in scores.scores.items():
        assert again.scores[name].to_record() == score.to_record()
        assert math.isnan(score.value) == (score.undefined is not None)


def test_statistics_restored_from_a_file_are_those_that_were_scored(scores: Scores) -> None:
    record = ScoresRecord.model_validate_json(scores.to_record().model_dump_json())
    results = stored_statistics(record, [PREDICTIONS], REFERENCES, train_reports=TRAIN)
    assert set(results) == set(scores.statistics)
    for name, statistics in scores.statistics.items():
        np.testing.assert_array_equal(results[name].statistics, statistics.statistics, err_msg=name)
        np.testing.assert_array_equal(results[name].counted, statistics.counted, err_msg=name)
        assert results[name].signature == statistics.signature
        assert results[name].value == pytest.approx(statistics.value, nan_ok=True)


def test_only_what_is_asked_for_is_computed() -> None:
    results = score_predictions(PREDICTIONS, REFERENCES, names=["rouge_l_unseen", "birads_exact"], train_reports=TRAIN)
    assert set(results.scores) == {"rouge_l_unseen", "birads_exact"}


def test_reports_not_in_train_are_scored_apart(scores: Scores) -> None:
    unseen = [i for i in REFERENCES if REFERENCES[i] not in TRAIN]
    values = {report.id: report.scores["rouge_l"] for report in scores.reports}
    assert scores.scores["rouge_l_unseen"].n == len(unseen) < len(REFERENCES)
    assert scores.scores["rouge_l_unseen"].value == pytest.approx(np.mean([values[i] for i in unseen]))


def test_fewer_blocks_make_wider_intervals() -> None:
    apart = score_predictions(PREDICTIONS, REFERENCES, names=FAST, resamples=2_000).scores["rouge_l"]
    joined = score_predictions(PREDICTIONS, REFERENCES, names=FAST, resamples=2_000, blocks=BLOCKS).scores["rouge_l"]
    assert apart.value == joined.value
    assert known(joined.high) - known(joined.low) > known(apart.high) - known(apart.low)


def test_an_identical_report_alone_has_no_cider_but_says_why() -> None:
    one = {"a": "No mass. BI-RADS 1."}
    score = score_predictions(one, one, names=["cider_published", "rouge_l"]).scores["cider_published"]
    assert math.isnan(score.value)
    assert "two references" in known(score.undefined)
    assert score.to_record().value is None


def test_missing_and_extra_ids_are_all_listed() -> None:
    with pytest.raises(UserError) as raised:
        score_predictions({"a": "x", "c": "x", "d": "x"}, {"a": "x", "b": "x", "e": "x"})
    message = str(raised.value)
    assert "2 references have no prediction" in message
    assert "b, e" in message
    assert "2 predictions have no reference" in message
    assert "c, d" in message


def test_an_unknown_score_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match="Did you mean 'rouge_l'"):
        score_predictions({"a": "x"}, {"a": "x"}, names=["rougel"])


def test_without_java_the_other_scores_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*args: Any) -> None:
        raise MetricUnavailable("no Java runs here")

    monkeypatch.setattr("metrics.text.text.ptb_tokenize", none)
    results = score_predictions(PREDICTIONS, REFERENCES, names=["rouge_l", "cider_coco"], resamples=100)
    assert results.scores["rouge_l"].undefined is None
    assert results.scores["cider_coco"].undefined == "no Java runs here"


def test_a_score_says_how_many_resamples_were_undefined() -> None:
    content = Score(0.5, 0.1, 0.9, 3, "s", None, 0.25).to_record()
    assert content.undefined_resamples == 0.25
    assert Score.from_record(content) == Score(0.5, 0.1, 0.9, 3, "s", None, 0.25)


def test_scores_do_not_depend_on_the_order_of_the_records() -> None:
    backwards = dict(reversed(PREDICTIONS.items()))
    one = score_predictions(PREDICTIONS, REFERENCES, names=FAST, resamples=200)
    other = score_predictions(backwards, REFERENCES, names=FAST, resamples=200)
    assert one.to_record() == other.to_record()


def test_a_predictor_by_chance_stands_by_its_expectation() -> None:
    """Its score is the mean over draws, each by itself as `score_predictions` gives it, whatever the score adds up."""
    ids = sorted(REFERENCES)
    draws = [{i: PREDICTIONS[ids[(place + shift) % len(ids)]] for place, i in enumerate(ids)} for shift in range(3)]
    each = [score_predictions(draw, REFERENCES, train_reports=TRAIN, resamples=0) for draw in draws]
    together = score_draws(draws, REFERENCES, train_reports=TRAIN, resamples=0)
    for name in ("rouge_l", "birads_exact", "density_accuracy", "verbatim_train_rate"):
        values = [one.scores[name].value for one in each]
        assert together.scores[name].value == pytest.approx(sum(values) / len(values)), name
        assert together.scores[name].signature == each[0].scores[name].signature
    # Of texts as a set it is the first draw that is spoken of, and of one draw nothing changes.
    assert together.scores["distinct_predictions"].value == each[0].scores["distinct_predictions"].value
    alone = score_draws(draws[:1], REFERENCES, train_reports=TRAIN, resamples=0)
    assert alone.to_record() == each[0].to_record()

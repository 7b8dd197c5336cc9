"""Text scores against the original implementations and against published numbers."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize import TreebankWordTokenizer
from pycocoevalcap.cider.cider import Cider

from benchmark.data.dmid import read
from metrics.text import cider
from metrics.text.meteor_nltk import meteor_nltk, nltk_words
from metrics.text.rouge import rouge_l
from metrics.text.text import COCO, PUBLISHED, TEXT_SCORES, text_statistics

pytestmark = pytest.mark.numeric

SETS = json.loads((Path(__file__).parent / "reference" / "reference_vectors.json").read_text(encoding="utf-8"))["sets"]

COLUMN = {
    "rouge_l": "rougeL_f|rouge_score stemmer=True",
    "rouge_l_coco": "ROUGE_L_coco|ptb",
    "meteor_coco": "METEOR_jar|ptb",
    "cider_coco": "CIDEr|ptb",
    "cider_published": "CIDEr|raw_split",
    **{f"bleu_{n}_coco": f"BLEU_{n}|ptb" for n in range(1, 5)},
    **{f"bleu_{n}_published": f"BLEU_{n}|raw_split" for n in range(1, 5)},
}
REPORT = "Breast composition: fatty (ACR A). Findings: no mass. BI-RADS 1."
OTHER = "Heterogeneously dense (ACR C). A spiculated mass is seen in the upper outer quadrant. BI-RADS 5."


@pytest.mark.parametrize("name", SETS)
def test_corpus_and_report_values_are_those_of_the_original_implementations(name: str) -> None:
    expected = SETS[name]
    hypotheses = [item["hyp"] for item in expected["items"]]
    references = [item["ref"] for item in expected["items"]]
    one_reference = len(set(references)) == 1
    scores = {s.name: s for s in text_statistics(hypotheses, references)}
    assert set(COLUMN) < set(scores)
    for score, column in COLUMN.items():
        if score.startswith("cider") and one_reference:
            assert math.isnan(scores[score].value), "one reference text gives every word the weight 0"
            continue
        assert scores[score].value == pytest.approx(expected["corpus"][column], abs=1e-9), score
        np.testing.assert_allclose(scores[score].per_report, expected["per_item"][column], atol=1e-9, err_msg=score)


@pytest.mark.parametrize("name", SETS)
def test_nltk_meteor_differs_from_the_original_by_no_more_than_wordnet_does(name: str) -> None:
    expected = SETS[name]
    hypotheses = [item["hyp"] for item in expected["items"]]
    references = [item["ref"] for item in expected["items"]]
    treebank = TreebankWordTokenizer().tokenize
    splitters: dict[str, Callable[[str], list[str]]] = {"split": str.split, "treebank": treebank}
    for column, words in splitters.items():

        def of_text(text: str, words: Callable[[str], list[str]] = words) -> tuple[str, ...]:
            return tuple(words(text))

        scores = meteor_nltk(hypotheses, references, of_text)
        assert scores.value == pytest.approx(expected["corpus"][f"METEOR_nltk|{column}"], abs=1e-3)


def test_published_predictions_have_their_published_scores(dmid: Path, published_predictions: Path) -> None:
    predictions = [json.loads(line) for line in published_predictions.read_text(encoding="utf-8").splitlines()]
    reports = {study.id: study.report for study in read(dmid, reports_only=True).reports}
    references = [reports[p["id"]] for p in predictions]
    scores = {s.name: s for s in text_statistics([p["prediction"] for p in predictions], references)}
    published = {
        "rouge_1": 0.7381,
        "rouge_2": 0.5511,
        "rouge_l": 0.6696,
        "bleu_1_published": 0.5415,
        "bleu_4_published": 0.3149,
        "cider_published": 0.6925,
        "bleu_1_coco": 0.6640,
        "bleu_4_coco": 0.4368,
        "cider_coco": 1.2503,
        "meteor_coco": 0.3687,
    }
    assert {name: round(scores[name].value, 4) for name in published} == published
    # Published with WordNet: 0.6906, of which WordNet is 0.0008.
    assert scores["meteor_nltk"].value == pytest.approx(0.6906, abs=1e-3)


def test_a_line_break_of_any_kind_changes_nothing() -> None:
    broken = [REPORT.replace(" ", c, 3) for c in ("\n", "\r", "\r\n", "\x0b", "\x0c", "\u2028")]
    references = [REPORT] * 5 + [OTHER]
    plain = {s.name: s.per_report for s in text_statistics([REPORT] * 5 + [REPORT], references)}
    for s in text_statistics(broken, references):
        np.testing.assert_allclose(s.per_report, plain[s.name], err_msg=s.name)


def test_an_empty_prediction_scores_zero_and_an_identical_one_the_most() -> None:
    scores = {s.name: s.per_report for s in text_statistics(["", REPORT], [REPORT, OTHER])}
    assert all(values[0] == pytest.approx(0, abs=1e-8) for values in scores.values())
    alike = {s.name: s.value for s in text_statistics([REPORT, OTHER], [REPORT, OTHER])}
    for name, value in alike.items():
        most = 10 if name.startswith("cider") else 1
        # nltk's penalty for fragmentation is not 0 for identical texts: (1 / words) ** 3 / 2.
        assert value == pytest.approx(most, abs=1e-3 if name == "meteor_nltk" else 1e-8), name


def test_cider_of_one_report_is_undefined_rather_than_zero() -> None:
    scores = text_statistics([REPORT], [REPORT], names=["cider_published"])
    assert math.isnan(scores[0].value)
    assert scores[0].n == 0


words = st.lists(st.sampled_from(["mass", "masses", "calcification", "left", "no", "-", "BIRADS:", "4"]), max_size=70)


@settings(deadline=None)
@given(words.map(" ".join), words.map(" ".join))
def test_rouge_l_is_the_librarys_to_the_last_bit(hypothesis: str, reference: str) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    theirs = RougeScorer(["rougeL"], use_stemmer=True).score(target=reference, prediction=hypothesis)["rougeL"]
    assert rouge_l(hypothesis, reference) == theirs.fmeasure


def test_frozen_document_frequencies_make_cider_independent_of_the_other_reports() -> None:
    train = [REPORT, OTHER, "No mass. BI-RADS 2.", "A cyst is seen. BI-RADS 2."]
    hypotheses, references = [REPORT, OTHER, OTHER], [OTHER, OTHER, REPORT]

    def values(name: str, count: int) -> np.ndarray:
        scores = text_statistics(hypotheses[:count], references[:count], train_reports=train, names=[name])
        return scores[0].per_report

    np.testing.assert_allclose(
        values("cider_published_frozen", 3)[:2], values("cider_published_frozen", 2), rtol=0, atol=0
    )
    assert not np.allclose(values("cider_published", 3)[:2], values("cider_published", 2))


def test_frozen_on_the_references_themselves_is_the_classical_value() -> None:
    hypotheses, references = [REPORT, REPORT, OTHER], [OTHER, REPORT, "No mass. BI-RADS 2."]
    names = ["cider_published", "cider_published_frozen"]
    classical, frozen = text_statistics(hypotheses, references, train_reports=references, names=names)
    np.testing.assert_allclose(classical.per_report, frozen.per_report)


def test_every_score_has_a_signature_and_the_order_is_fixed() -> None:
    scores = text_statistics([REPORT, OTHER], [OTHER, REPORT], train_reports=[REPORT, OTHER])
    assert [s.name for s in scores] == list(TEXT_SCORES)
    assert len({s.signature for s in scores}) == len(scores)
    for s in scores:
        assert "refs:1" in s.signature
        assert ("tok:ptb" in s.signature) == (s.name in COCO)


def test_without_a_coco_score_no_java_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metrics.text.ptb.java", lambda: pytest.fail("Java was asked for"))
    assert text_statistics(["a mass seen nowhere else"], ["a"], names=PUBLISHED)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60)), min_size=1, max_size=4))
def test_any_text_can_be_scored(pairs: list[tuple[str, str]]) -> None:
    hypotheses, references = zip(*pairs, strict=True)
    for s in text_statistics(hypotheses, references, names=PUBLISHED):
        values = s.per_report[s.counted]
        assert ((values >= -1e-9) & (values <= 10 + 1e-9)).all(), s.name


def test_a_very_long_prediction_is_scored() -> None:
    scores = {s.name: s.value for s in text_statistics(["no mass " * 2000, OTHER], [REPORT, OTHER])}
    assert all(0 <= value <= 10 for value in scores.values())


def test_words_of_nltk_part_sentences_inside_a_report() -> None:
    assert nltk_words("No mass seen. BI-RADS 1.") == ("No", "mass", "seen", ".", "BI-RADS", "1", ".")


def test_pairs_that_were_scored_before_keep_their_cider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was scored before with the same references, values are those of the library in one go."""
    references = [
        f"a {word} mass in the {side} breast" for word in ("round", "oval", "lobular") for side in ("left", "right")
    ]
    written = [[references[(i * step + 1) % 6] for i in range(6)] for step in (1, 2, 1)]
    monkeypatch.setattr(cider, "REMEMBERED", 8)
    for hypotheses in written:
        pairs = {i: [text] for i, text in enumerate(references)}, {i: [text] for i, text in enumerate(hypotheses)}
        _, expected = Cider().compute_score(*pairs)
        scored = cider.cider(hypotheses, references, "cider_published", "tok:none")
        np.testing.assert_array_equal(scored.statistics[:, 0], expected)

"""Clinical scores against scikit-learn, and the contract that lets a bootstrap rebuild them."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, recall_score

from metrics.clinical.clinical import DENSITY_SCALE, clinical_scores
from metrics.labels import version
from metrics.labels.birads import BIRADS_SCALE, CATEGORIES
from metrics.labels.kinds import KINDS
from metrics.labels.labeler import Label, label
from metrics.metric import ReportStatistics
from metrics.registry import METRICS

MISSING = "none"

polarities = st.dictionaries(st.sampled_from(KINDS), st.sampled_from(["present", "absent", "uncertain"]))
labels = st.builds(
    Label,
    birads=st.none() | st.sampled_from(CATEGORIES),
    density=st.none() | st.sampled_from(DENSITY_SCALE),
    findings=polarities,
    quadrant=st.lists(st.sampled_from(["upper", "lower", "upper outer"]), unique=True).map(tuple),
    laterality=st.lists(st.sampled_from(["left", "right"]), unique=True).map(tuple),
)
pairs = st.lists(st.tuples(labels, labels), min_size=1, max_size=30)


def scores_of(rows: Sequence[tuple[Label, Label]]) -> dict[str, ReportStatistics]:
    return clinical_scores([reference for reference, _ in rows], [prediction for _, prediction in rows])


def close(value: float, expected: float) -> None:
    assert (math.isnan(value) and math.isnan(expected)) or value == pytest.approx(expected)


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_accuracies_are_sklearns_with_a_missing_answer_as_a_wrong_class(rows: list[tuple[Label, Label]]) -> None:
    scores = scores_of(rows)
    stated = [(r.birads, p.birads or MISSING) for r, p in rows if r.birads]
    for name, reduce in (
        ("birads_exact", lambda c: c),
        ("birads_major", lambda c: c[0]),
        ("birads_binary", lambda c: c if c == MISSING else str(c in "123")),
    ):
        assert scores[name].n == len(stated)
        expected = (
            accuracy_score([reduce(r) for r, _ in stated], [reduce(p) for _, p in stated]) if stated else math.nan
        )
        close(scores[name].value, expected)
    dense = [(r.density, p.density or MISSING) for r, p in rows if r.density]
    close(scores["density_accuracy"].value, accuracy_score(*zip(*dense, strict=True)) if dense else math.nan)
    close(
        scores["birads_coverage"].value,
        float(np.mean([p != MISSING for _, p in stated])) if stated else math.nan,
    )


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_sensitivity_and_specificity_are_sklearns_recall(rows: list[tuple[Label, Label]]) -> None:
    scores = scores_of(rows)
    stated = [(r.birads, p.birads or MISSING) for r, p in rows if r.birads]

    def group(category: str) -> str:
        return category if category == MISSING else "benign" if category in "123" else "suspicious"

    truth, guess = [group(r) for r, _ in stated], [group(p) for _, p in stated]
    for name, side in (("birads_sensitivity", "suspicious"), ("birads_specificity", "benign")):
        expected = (
            recall_score(truth, guess, labels=[side], average="macro", zero_division=0) if side in truth else math.nan
        )
        close(scores[name].value, expected)


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_macro_f1_is_sklearns_over_the_classes_present(rows: list[tuple[Label, Label]]) -> None:
    stated = [(r.birads, p.birads or MISSING) for r, p in rows if r.birads]
    expected = math.nan
    if stated:
        truth, guess = zip(*stated, strict=True)
        expected = f1_score(truth, guess, labels=sorted(set(truth)), average="macro", zero_division=0)
    close(scores_of(rows)["birads_f1_macro"].value, expected)


def _farthest(level: int, levels: int) -> int:
    distances = [abs(level - other) for other in range(levels)]
    return distances.index(max(distances))


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_kappas_are_sklearns_on_a_fixed_scale(rows: list[tuple[Label, Label]]) -> None:
    scores = scores_of(rows)
    for name, scale, item in (("birads_kappa", BIRADS_SCALE, "birads"), ("density_kappa", DENSITY_SCALE, "density")):
        places = {**{category: level for level, category in enumerate(scale)}, "4": 4}
        compared = [(places.get(getattr(r, item)), places.get(getattr(p, item))) for r, p in rows]
        truth = [r for r, _ in compared if r is not None]
        guess = [_farthest(r, len(scale)) if p is None else p for r, p in compared if r is not None]
        assert scores[name].n == len(truth)
        if not truth:
            assert math.isnan(scores[name].value)
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = cohen_kappa_score(truth, guess, labels=range(len(scale)), weights="quadratic")
        # sklearn has 0 / 0 where both sides hold one and the same category; that is undefined.
        same = len(set(truth + guess)) == 1
        close(scores[name].value, math.nan if same else expected)


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_findings_are_sklearns_precision_recall_and_f1(rows: list[tuple[Label, Label]]) -> None:
    scores = scores_of(rows)
    truth = np.array([[r.findings.get(kind) in ("present", "uncertain") for kind in KINDS] for r, _ in rows])
    guess = np.array([[p.findings.get(kind) in ("present", "uncertain") for kind in KINDS] for _, p in rows])
    for index, kind in enumerate(KINDS):
        t, g = truth[:, index], guess[:, index]
        close(scores[f"findings_{kind}_f1"].value, f1_score(t, g, zero_division=np.nan))
        close(scores[f"findings_{kind}_recall"].value, recall_score(t, g, zero_division=np.nan))
    close(scores["findings_f1_micro"].value, f1_score(truth.ravel(), guess.ravel(), zero_division=np.nan))
    frequent = np.flatnonzero(truth.sum(axis=0) >= 5)
    expected = (
        f1_score(truth[:, frequent], guess[:, frequent], average="macro", zero_division=0)
        if len(frequent)
        else math.nan
    )
    if len(frequent) == 1:
        expected = f1_score(truth[:, frequent[0]], guess[:, frequent[0]], zero_division=0)
    close(scores["findings_f1_macro"].value, expected)


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_the_parts_of_hallucination_and_omission_add_up(rows: list[tuple[Label, Label]]) -> None:
    scores = scores_of(rows)
    for whole, parts in (
        ("hallucination_rate", ("hallucination_contradicted", "hallucination_unsupported")),
        ("omission_rate", ("omission_silent", "omission_denied")),
    ):
        close(scores[whole].value, sum(scores[part].value for part in parts))
    asserted = [(kind, r) for r, p in rows for kind in KINDS if p.findings.get(kind) in ("present", "uncertain")]
    wrong = [r for kind, r in asserted if r.findings.get(kind) not in ("present", "uncertain")]
    close(scores["hallucination_rate"].value, len(wrong) / len(asserted) if asserted else math.nan)
    close(scores["hallucinations_per_report"].value, len(wrong) / len(rows))


def resampled(score: ReportStatistics, weights: np.ndarray) -> np.ndarray:
    return score.combine(weights @ score.statistics)


@settings(deadline=None, max_examples=40)
@given(pairs, st.integers(0, 2**32 - 1))
def test_a_resample_of_the_sums_is_the_score_of_the_resampled_reports(
    rows: list[tuple[Label, Label]], seed: int
) -> None:
    drawn = np.random.default_rng(seed).integers(0, len(rows), len(rows))
    weights = np.bincount(drawn, minlength=len(rows))
    scores, again = scores_of(rows), scores_of([rows[i] for i in drawn])
    for name, score in scores.items():
        if name.startswith("findings_f1_macro"):
            continue
        close(float(resampled(score, weights)), again[name].value)
    stacked = np.stack([weights, np.ones(len(rows))])
    for score in scores.values():
        assert resampled(score, stacked).shape == (2,)
        close(float(resampled(score, stacked)[1]), score.value)


def test_the_macro_average_keeps_the_kinds_of_the_whole_set_in_a_resample() -> None:
    mass, skin = Label(findings={"mass": "present"}), Label(findings={"skin": "present"})
    reference = [mass] * 5 + [skin] * 5 + [Label(findings={"nipple": "present"})] * 4
    scores = clinical_scores(reference, [mass] * 14)
    macro = scores["findings_f1_macro"]
    assert macro.signature.endswith("kinds:mass,skin")
    assert macro.value == pytest.approx((2 * 5 / 19 + 0) / 2)
    only_skin = np.array([0] * 5 + [1] * 5 + [0] * 4)
    assert float(resampled(macro, only_skin)) == 0.0
    assert math.isnan(float(resampled(macro, np.zeros(14))))


def test_a_reference_that_is_silent_leaves_the_report_out_and_a_silent_prediction_is_wrong() -> None:
    scores = clinical_scores(
        [label(text) for text in ("BI-RADS 2 (ACR B)", "A nodule.", "BI-RADS 5 (ACR C)")],
        [label(text) for text in ("BI-RADS 2", "BI-RADS 2 (ACR A)", "")],
    )
    assert (scores["birads_exact"].n, scores["birads_exact"].value) == (2, 0.5)
    assert scores["birads_coverage"].value == 0.5
    assert (scores["density_accuracy"].n, scores["density_accuracy"].value) == (2, 0.0)
    assert scores["density_coverage"].value == 0.0
    assert np.isnan(scores["birads_exact"].per_report).tolist() == [False, True, False]


def test_one_category_for_all_has_kappa_zero() -> None:
    rows = [(Label(birads=category), Label(birads="3")) for category in ("1", "3", "4A", "5")]
    assert scores_of(rows)["birads_kappa"].value == pytest.approx(0.0)


def test_perfect_reports_score_one_and_err_nowhere() -> None:
    texts = ["BIRADS: 4b (ACR C). Spiculated mass in the upper quadrant.", "BIRADS: 1 (ACR B). No mass.", "BIRADS: 2"]
    labels = [label(text) for text in texts]
    for name, score in clinical_scores(labels, labels).items():
        best = 0.0 if score.higher_is_better is False else 1.0
        assert math.isnan(score.value) or score.value == best, name


def test_no_reports_have_no_score() -> None:
    scores = clinical_scores([], [])
    assert all(math.isnan(score.value) and score.n == 0 for score in scores.values())


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 references but 1 predictions"):
        clinical_scores([Label(), Label()], [Label()])


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.family == "clinical"])
def test_a_score_that_is_asked_for_by_itself_is_that_among_all(name: str) -> None:
    texts = ["BIRADS: 4b (ACR C). Spiculated mass in the upper quadrant.", "BIRADS: 1 (ACR B). No mass.", "BIRADS: 2"]
    references, predictions = [label(text) for text in texts], [label(text) for text in reversed(texts)]
    of_all = clinical_scores(references, predictions)[name]
    alone = clinical_scores(references, predictions, [name])[name]
    np.testing.assert_array_equal(alone.statistics, of_all.statistics)
    assert alone.signature == of_all.signature


def test_scores_of_another_kind_ask_for_no_clinical_one() -> None:
    assert clinical_scores([Label()], [Label()], ["rouge_l", "modal_prediction_share"]) == {}


def test_every_signature_names_the_labeler() -> None:
    scores = clinical_scores([Label()], [Label()])
    assert all(version.signature() in score.signature for score in scores.values())
    assert "4:4B" in scores["birads_kappa"].signature

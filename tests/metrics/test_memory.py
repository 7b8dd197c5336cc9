"""Repetition of training reports and of each other, against plain Python and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from metrics.copying import is_verbatim, memory_statistics, nearest_jaccard

WORDS = ["mass", "no", "seen", "breast", "skin"]
texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


def _values(
    predictions: list[str],
    references: list[str],
    train: list[str],
    predicted: list[str | None] | None = None,
    reference: list[str | None] | None = None,
) -> dict[str, float]:
    n = len(predictions)
    statistics = memory_statistics(predictions, references, train, predicted or [None] * n, reference or [None] * n)
    return {s.name: s.value for s in statistics}


def test_rates_stand_beside_those_of_the_references() -> None:
    train = ["No mass seen.", "A mass is seen in the breast."]
    predictions = ["no  mass\nSEEN.", "A mass is seen in the breast.", "Something else.", ""]
    references = ["No mass seen.", "Other text.", "Another text.", "One more."]
    values = _values(predictions, references, train)
    assert values["verbatim_train_rate"] == 0.5
    assert values["verbatim_train_rate_references"] == 0.25
    assert values["verbatim_train_excess"] == 0.25
    assert values["distinct_predictions"] == 1


def test_without_training_reports_nothing_is_said_of_them() -> None:
    assert not [name for name in _values(["a"], ["a"], []) if "train" in name]


@given(st.lists(texts, min_size=1, max_size=5), st.lists(texts, min_size=1, max_size=5))
def test_nearest_jaccard_is_that_of_sets(predictions: list[str], train: list[str]) -> None:
    def jaccard(one: str, other: str) -> float:
        a, b = set(one.split()), set(other.split())
        return len(a & b) / len(a | b) if a | b else 0.0

    expected = [max(jaccard(p, t) for t in train) for p in predictions]
    np.testing.assert_allclose(nearest_jaccard(predictions, train), expected)


@given(st.lists(texts, min_size=1, max_size=8))
def test_every_text_stands_in_a_train_set_of_itself(predictions: list[str]) -> None:
    assert list(is_verbatim(predictions, predictions)) == [bool(p.strip()) for p in predictions]


@given(st.lists(st.sampled_from(["1", "2", "4A", None]), min_size=1, max_size=20))
def test_entropy_is_scipys_in_bits(categories: list[str | None]) -> None:
    counts = np.unique([c or "" for c in categories], return_counts=True)[1]
    values = _values(["x"] * len(categories), ["y"] * len(categories), [], categories, categories)
    assert values["birads_entropy"] == pytest.approx(entropy(counts, base=2), abs=1e-12)


def test_one_prediction_for_everything_is_a_collapse() -> None:
    values = _values(["The same."] * 9 + ["Another."], ["r"] * 10, [], ["1"] * 10, ["1"] * 10)
    assert values["distinct_predictions"] == pytest.approx(0.2)
    assert values["modal_prediction_share"] == pytest.approx(0.9)
    assert values["birads_entropy"] == 0

"""The protocol of a score: sums of per-report statistics give what the direct formula gives."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.metric import ReportStatistics, mean_of, ratio, ratio_of


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=30))
def test_mean_is_numpys_mean_of_the_counted_reports(rows: list[tuple[float, bool]]) -> None:
    values = np.array([value for value, _ in rows])
    counted = np.array([flag for _, flag in rows])
    metric = mean_of("m", "s", np.where(counted, values, np.nan), counted)
    assert metric.n == counted.sum()
    if counted.any():
        assert metric.value == pytest.approx(values[counted].mean())
    else:
        assert math.isnan(metric.value)


def test_resampling_by_weights_is_resampling_of_the_reports() -> None:
    rng = np.random.default_rng(0)
    hits, totals = rng.integers(0, 4, 20), rng.integers(1, 5, 20)
    metric = ratio_of("m", "s", hits, totals)
    drawn = rng.integers(0, 20, (7, 20))
    weights = np.stack([np.bincount(row, minlength=20) for row in drawn])
    expected = [hits[row].sum() / totals[row].sum() for row in drawn]
    np.testing.assert_allclose(metric.combine(weights @ metric.statistics), expected)
    np.testing.assert_allclose(metric.combine(weights.reshape(7, 1, 20) @ metric.statistics)[:, 0], expected)


def test_an_empty_denominator_is_undefined_and_not_zero() -> None:
    assert math.isnan(float(ratio(np.array([0.0, 0.0]))))
    metric = ratio_of("m", "s", [1, 0], [2, 0])
    assert metric.value == 0.5
    assert metric.n == 1
    assert np.isnan(metric.per_report).tolist() == [False, True]


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="m: statistics must be"):
        ReportStatistics("m", "s", np.zeros(3), ratio, np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="m: counted must be"):
        ReportStatistics("m", "s", np.zeros((3, 2)), ratio, np.ones(2, dtype=bool))

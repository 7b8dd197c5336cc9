"""The textbook intervals that ours is simulated beside are the textbooks'."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import bootstrap
from simulations import World
from simulations_intervals import NAMES, bca, held, percentile

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_percentile_and_bca_are_scipys_on_the_same_resamples(method: str) -> None:
    random = np.random.default_rng(3)
    values = random.gamma(2.0, size=12)
    drawn = bootstrap((values,), np.mean, n_resamples=999, rng=random)
    again = bootstrap((values,), np.mean, n_resamples=0, bootstrap_result=drawn, method=method).confidence_interval
    # Resamples whose means are those that scipy drew: that is all the two make of them.
    resamples = np.repeat(drawn.bootstrap_distribution[:, None], len(values), axis=1)
    ours = {"percentile": percentile, "BCa": bca}[method](values, resamples)
    assert ours == pytest.approx((again.low, again.high), rel=1e-9)


def test_students_t_holds_a_normal_mean_as_often_as_it_says() -> None:
    # Exact where all is normal (Student 1908), so this checks the simulation, not the interval.
    rate, _ = held(World(8), 400)[NAMES[-1]]
    assert stats.binomtest(round(rate * 400), 400, 0.95).pvalue > 1e-6

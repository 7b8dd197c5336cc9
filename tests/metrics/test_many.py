"""Intervals of many scores at once are those of each by itself, whatever they are; kappa's moments are its table's."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from metrics.clinical.agreement import QuadraticKappa, f1_macro, quadratic_kappa
from metrics.metric import ReportStatistics, mean_of, ratio_of
from metrics.statistics.statistics import Draws, Interval, Sample, difference, differences, interval, intervals, sample

REPORTS, RESAMPLES = 24, 400
BOUNDS = (-0.5, 0.9)


def scores(random: np.random.Generator) -> dict[str, ReportStatistics]:
    """Scores of every sort: means, rates, some undefined at times, some the same for all reports, kappa, macro-F1."""
    levels = random.integers(0, 3, REPORTS).tolist()
    stated = [level if random.random() < 0.6 else int(random.integers(0, 3)) for level in levels]
    letters = ["ABC"[level] for level in levels], ["ABC"[level] for level in stated]
    rare = random.random(REPORTS) < 0.08
    return {
        "mean": mean_of("mean", "", random.normal(0.4, 0.2, REPORTS)),
        "higher": mean_of("higher", "", random.normal(3.0, 0.01, REPORTS)),
        "rate": ratio_of("rate", "", random.binomial(4, 0.3, REPORTS), np.full(REPORTS, 4)),
        "never": mean_of("never", "", np.zeros(REPORTS)),
        "same": mean_of("same", "", np.full(REPORTS, 0.25)),
        "rare": mean_of("rare", "", random.random(REPORTS), rare),
        "undefined": mean_of("undefined", "", random.random(REPORTS), np.zeros(REPORTS, dtype=bool)),
        "kappa": quadratic_kappa("kappa", "", levels, stated, 3),
        "alike": quadratic_kappa("alike", "", [1] * REPORTS, [1] * REPORTS, 3),
        "f1": f1_macro("f1", "", *letters, "ABC"),
    }


def systems(seed: int, seeds: int, blocks: int) -> list[Sample]:
    """A sample of each of those scores, so many seeds each, reports dealt to blocks at random."""
    random = np.random.default_rng(seed)
    names = [f"block {number}" for number in [*range(blocks), *random.integers(0, blocks, REPORTS - blocks)]]
    each = [scores(random) for _ in range(seeds)]
    return [sample([one[name] for one in each], names) for name in each[0]]


def without_memory(one: Sample) -> Sample:
    """The same sample, with nothing drawn yet."""
    return replace(one)


def is_same(a: Interval, b: Interval) -> bool:
    """Whether two intervals are one, up to the last digits."""
    first, second = ([x.value, x.low, x.high, x.undefined, x.error.value, x.error.degrees_of_freedom] for x in (a, b))
    return bool(np.allclose(first, second, rtol=1e-9, atol=1e-12, equal_nan=True))


@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from([1, 2, 5, 12]))
@settings(max_examples=40, deadline=None)
def test_intervals_at_once_are_those_of_each(seed: int, seeds: int, blocks: int) -> None:
    every, draws = systems(seed, seeds, blocks), Draws(blocks, RESAMPLES)
    together = intervals([without_memory(one) for one in every], draws, [BOUNDS] * len(every))
    for one, found in zip(every, together, strict=True):
        assert is_same(found, interval(one, draws, bounds=BOUNDS)), one.name


@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from([1, 2, 5, 12]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_differences_at_once_are_those_of_each(seed: int, seeds: int, blocks: int, same: bool) -> None:
    first, draws = systems(seed, seeds, blocks), Draws(blocks, RESAMPLES)
    second = [replace(one, statistics=one.statistics[:, ::-1]) for one in first]
    # A mean against a rate lies far from 0, a score against its own blocks in another order around it.
    pairs = [*zip(first, second, strict=True), (first[1], first[0]), (first[0], first[1]), (first[2], first[4])]
    together = differences([(without_memory(a), without_memory(b)) for a, b in pairs], draws, same_seeds=same)
    for (a, b), found in zip(pairs, together, strict=True):
        assert is_same(found, difference(a, b, draws, same_seeds=same)), (a.name, b.name)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=60))
def test_kappa_of_its_moments_is_sklearns(pairs: list[tuple[int, int]]) -> None:
    true, stated = [a for a, _ in pairs], [b for _, b in pairs]
    one = quadratic_kappa("kappa", "", true, stated, 6)
    assert isinstance(one.combine, QuadraticKappa)
    of_moments = one.combine.of_moments(one.statistics.sum(axis=0) @ one.combine.moments)
    if len({*true, *stated}) == 1:
        assert np.isnan(of_moments)
    else:
        wanted = cohen_kappa_score(true, stated, weights="quadratic", labels=range(6))
        assert of_moments == pytest.approx(wanted, abs=1e-12)


@given(st.integers(0, 5), st.integers(2, 40), st.integers(2, 9))
def test_kappa_is_undefined_where_all_seeds_say_one_level(level: int, reports: int, seeds: int) -> None:
    # Means over seeds have traces of rounding, of which no kappa may be made.
    one = quadratic_kappa("kappa", "", [level] * reports, [level] * reports, 6)
    mean = np.stack([one.statistics / seeds] * seeds).sum(axis=0)
    assert np.isnan(one.combine(mean.sum(axis=0)))

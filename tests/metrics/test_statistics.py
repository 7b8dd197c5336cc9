"""Intervals, tests and rank sets against closed forms, scipy and exhaustive enumeration."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metrics.clinical.clinical import clinical_scores
from metrics.labels.labeler import label
from metrics.metric import mean_of, ratio_of
from metrics.statistics.intervals import t_above, t_quantiles, z_quantile
from metrics.statistics.resampling import Sample
from metrics.statistics.sign_flips import SURE, count_of_sums, upper_ends
from metrics.statistics.statistics import (
    Draws,
    SignFlips,
    StandardError,
    blocks_needed,
    detectable_difference,
    difference,
    holm,
    interval,
    p_above_all,
    p_value,
    rank_sets,
    sample,
    seed_spread,
)

pytestmark = pytest.mark.numeric


@pytest.fixture
def random() -> np.random.Generator:
    """A test's own generator: what it draws doesn't depend on the order of the tests."""
    return np.random.default_rng(7)


def means(values: Any, blocks: list[str] | None = None) -> Sample:
    """A sample of a mean: values [seeds, reports]."""
    values = np.atleast_2d(values)
    return sample([mean_of("m", "s", row) for row in values], blocks or [str(i) for i in range(values.shape[1])])


def test_one_seed_has_the_interval_of_students_t(random: np.random.Generator) -> None:
    values = random.normal(0.6, 0.12, 40)
    result = interval(means(values), Draws(40, 20_000, seed=1))
    low, high = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert result.error.value == pytest.approx(stats.sem(values))
    assert result.error.degrees_of_freedom == pytest.approx(39)
    assert (result.low, result.high) == pytest.approx((low, high), abs=0.05 * (high - low))


def test_the_resampled_distribution_has_the_spread_of_scipys_bootstrap(random: np.random.Generator) -> None:
    values = random.exponential(size=30)
    ours = means(values).resampled(Draws(30, 20_000, seed=2))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(3)).standard_error
    # Either spread is known to 1 / sqrt(2 · 20 000): five standard errors of their difference.
    assert ours.std() == pytest.approx(theirs, rel=0.036)


def test_reports_of_one_block_are_drawn_together(random: np.random.Generator) -> None:
    values = random.normal(size=20)
    twice = sample([mean_of("m", "s", np.repeat(values, 2))], [str(i // 2) for i in range(40)])
    once = means(values)
    assert interval(twice, Draws(20, 2_000)) == interval(once, Draws(20, 2_000))


def test_crossed_variance_is_that_of_the_two_way_analysis(random: np.random.Generator) -> None:
    seeds, blocks = 4, 25
    values = (
        random.normal(0, 0.1, blocks) + random.normal(0, 0.05, (seeds, 1)) + random.normal(0, 0.03, (seeds, blocks))
    )
    result = interval(means(values), Draws(blocks, 500))
    mean = values.mean()
    by_block, by_seed = values.mean(axis=0), values.mean(axis=1)
    residual = values - by_block - by_seed[:, None] + mean
    squares = (
        seeds * by_block.var(ddof=1),
        blocks * by_seed.var(ddof=1),
        (residual**2).sum() / (seeds - 1) / (blocks - 1),
    )
    assert result.error.value**2 == pytest.approx((squares[0] + squares[1] - squares[2]) / (seeds * blocks))


def test_swapping_seeds_widens_the_interval_where_seeds_differ(random: np.random.Generator) -> None:
    values = random.normal(0, 0.05, 30)
    apart = means(values + np.array([[-0.1], [0.0], [0.1]]))
    alike = means(np.tile(values, (3, 1)))
    draws = Draws(30, 2_000)
    wide, narrow = interval(apart, draws), interval(alike, draws)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_a_rate_of_zero_has_the_bound_of_clopper_and_pearson() -> None:
    result = interval(means(np.zeros(30)), Draws(30, 200))
    expected = stats.binomtest(0, 30).proportion_ci(method="exact")
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high))


def test_one_block_gives_no_interval() -> None:
    result = interval(means(np.array([0.2, 0.4]), blocks=["a", "a"]), Draws(1, 100))
    assert result.value == pytest.approx(0.3)
    assert np.isnan([result.low, result.high]).all()


def test_undefined_resamples_are_counted_and_left_out() -> None:
    blocks = 12
    part, denominator = np.zeros(blocks), np.zeros(blocks)
    part[0], denominator[:2] = 1, 1
    result = interval(
        sample([ratio_of("m", "s", part, denominator)], [str(i) for i in range(blocks)]), Draws(blocks, 20_000)
    )
    assert result.undefined == pytest.approx((1 - 2 / blocks) ** blocks, abs=0.012)  # five standard errors
    assert 0 <= result.value <= 1


def test_a_difference_has_the_interval_of_the_paired_t_test(random: np.random.Generator) -> None:
    a = random.normal(0.6, 0.2, 40)
    b = a + random.normal(0.02, 0.05, 40)
    result = difference(means(a), means(b), Draws(40, 20_000))
    theirs = stats.ttest_rel(a, b)
    assert result.error.p_value(result.value) == pytest.approx(theirs.pvalue)
    interval_of_t = theirs.confidence_interval()
    width = interval_of_t.high - interval_of_t.low
    assert (result.low, result.high) == pytest.approx((interval_of_t.low, interval_of_t.high), abs=0.05 * width)


def test_the_same_predictions_differ_by_nothing(random: np.random.Generator) -> None:
    a = means(random.normal(size=(3, 20)))
    result = difference(a, a, Draws(20, 500))
    assert (result.value, result.low, result.high) == (0, 0, 0)
    assert not result.excludes_zero
    assert p_value(a, a, SignFlips(20, 500)) == 1


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
@pytest.mark.parametrize("blocks", [8, 18, 26])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_in_a_single_report_excludes_nothing(seeds: int, blocks: int, sign: int) -> None:
    values = np.zeros((seeds, blocks))
    values[0, 3] = sign
    result = difference(means(values), means(np.zeros_like(values)), Draws(blocks), same_seeds=True)
    assert result.value * sign > 0
    assert not result.excludes_zero


@pytest.mark.parametrize("kind", ["mean", "ratio of totals"])
def test_the_p_of_few_blocks_is_scipys_exact_permutation_test(random: np.random.Generator, kind: str) -> None:
    denominator = np.ones((2, 14)) if kind == "mean" else random.integers(1, 5, (2, 14)).astype(float)
    part = denominator * np.array([random.normal(0.4, 0.3, 14), random.normal(0.8, 0.3, 14)])
    a, b = (
        sample([ratio_of("m", "s", p, w)], [str(i) for i in range(14)]) for p, w in zip(part, denominator, strict=True)
    )
    exact = stats.permutation_test(
        (np.arange(14), np.arange(14, 28)),
        lambda x, y: (
            part.ravel()[x].sum() / denominator.ravel()[x].sum() - part.ravel()[y].sum() / denominator.ravel()[y].sum()
        ),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    result = SignFlips(14, 100).probability(a, b)
    assert exact.pvalue < 0.1  # beyond, a score that doesn't add up is left at its linear shares
    assert result.exact
    assert result.value == pytest.approx(exact.pvalue, abs=1e-12)


shares = st.lists(st.integers(-1000, 1000), min_size=1, max_size=14)


@given(shares)
def test_counted_sums_are_those_of_every_flip(shares: list[int]) -> None:
    sums = np.array(list(product((-1, 1), repeat=len(shares)))) @ np.array(shares)
    assert count_of_sums(np.array(shares, float)) == pytest.approx((abs(sums) >= abs(sum(shares))).mean(), abs=1e-15)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from([1.0, 0.5, 0.25]), min_size=15, max_size=40))
def test_a_system_that_is_better_in_every_block_has_the_least_p_that_there_is(shares: list[float]) -> None:
    assert count_of_sums(np.array(shares)) == 2.0 ** (1 - len(shares))
    assert count_of_sums(-np.array([*shares, 0.0])) == 2.0 ** (1 - len(shares))


def test_sums_of_forty_blocks_are_those_of_their_polynomial(random: np.random.Generator) -> None:
    """Of whole numbers the sums are counted by multiplying polynomials x^share + x^-share."""
    shares = random.integers(1, 9, 40)
    counts = np.array([1], dtype=object)
    for share in shares:
        wider = np.zeros(len(counts) + 2 * share, dtype=object)
        wider[: len(counts)] += counts
        wider[2 * share :] += counts
        counts = wider
    sums = np.arange(len(counts)) - shares.sum()
    signed = shares * np.where(np.arange(40) < 28, 1, -1)
    expected = sum(counts[abs(sums) >= abs(signed.sum())]) / 2**40
    assert count_of_sums(signed.astype(float)) == pytest.approx(expected, rel=1e-12)


def test_drawn_flips_hold_the_exact_p_within_their_error(random: np.random.Generator) -> None:
    """Eleven cases of 41 blocks; an interval of 99.9 % fails for more than three of them once in ten million times."""
    above = 0
    for shift in np.linspace(0.0, 0.3, 11):
        shares = np.append(random.normal(shift, 1, 40), 1e-12)
        drawn = SignFlips(41, 2_000).probability(means(shares), means(np.zeros(41)))
        assert not drawn.exact
        above += count_of_sums(shares[:40]) > drawn.high
    assert above <= 3


def test_so_many_blocks_are_needed_that_the_least_p_stands_correction() -> None:
    for tests in (1, 6, 36, 630):
        needed = blocks_needed(tests)
        assert 2.0 ** (1 - needed) * tests <= 0.05 < 2.0 ** (2 - needed) * tests


def test_what_is_above_all_floors_is_above_each(random: np.random.Generator) -> None:
    flips = SignFlips(12)
    low, high = means(random.normal(0.3, 0.1, 12)), means(random.normal(0.5, 0.1, 12))
    system = means(random.normal(0.55, 0.1, 12))
    above = [p_above_all(system, floors, flips, higher_is_better=True, spread=None) for floors in ([low], [low, high])]
    assert above == [p_value(system, low, flips), max(p_value(system, floor, flips) for floor in (low, high))]
    assert p_above_all(low, [system], flips, higher_is_better=True, spread=None) == 1
    assert p_above_all(low, [system], flips, higher_is_better=False, spread=None) == p_value(low, system, flips)
    assert p_above_all(system, [], flips, higher_is_better=True, spread=None) == 1


def test_a_clear_difference_has_a_p_smaller_than_one_in_the_number_of_flips(random: np.random.Generator) -> None:
    a = means(random.normal(0.8, 0.05, 40))
    b = means(random.normal(0.2, 0.05, 40))
    assert p_value(a, b, SignFlips(40, 1_000)) == 2.0**-39


def test_a_difference_that_seeds_could_make_is_not_significant(random: np.random.Generator) -> None:
    blocks = random.normal(0, 0.01, 40)
    a, b = means(blocks + np.array([[0.0], [0.2]])), means(blocks + np.array([[0.05], [0.25]]))
    assert p_value(a, b, SignFlips(40, 2_000)) > 0.5
    # The mean over seeds alone differs in every report.
    assert stats.ttest_rel(blocks + 0.1, blocks + 0.15 + random.normal(0, 1e-3, 40)).pvalue < 1e-6


def test_the_spread_of_seeds_is_that_between_them_without_what_reports_add(random: np.random.Generator) -> None:
    seeds, blocks, systems = 4, 30, 2_000
    drawn = [means(random.normal(0, 0.05, (seeds, 1)) + random.normal(0, 0.2, (seeds, blocks))) for _ in range(systems)]
    result = seed_spread([*drawn, means(random.normal(size=blocks))])
    assert result.degrees_of_freedom == systems * (seeds - 1)
    # Five standard errors: the variance of a mean of reports is estimated with it and taken off.
    assert result.variance == pytest.approx(
        0.05**2, abs=5 * (0.05**2 + 0.2**2 / blocks) * np.sqrt(2 / result.degrees_of_freedom)
    )


def test_holm_is_the_worked_example_of_the_literature() -> None:
    # Holm (1979) on p = .01, .02, .03, .04: multiplied by 4, 3, 2, 1 and made monotone.
    np.testing.assert_allclose(holm([0.02, 0.04, 0.01, 0.03]), [0.06, 0.06, 0.04, 0.06])
    np.testing.assert_array_equal(np.isnan(holm([np.nan, 0.5])), [True, False])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_lies_between_the_raw_p_and_bonferroni(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_rank_sets_order_the_clearly_different_and_join_the_rest(random: np.random.Generator) -> None:
    blocks = random.normal(0, 0.02, 40)
    own = random.normal(0, 0.02, (4, 40))
    own -= own.mean(axis=1, keepdims=True)  # equally good are two on these reports, not only in the long run
    systems = [means(blocks + level + noise) for level, noise in zip((0.2, 0.5, 0.5, 0.8), own, strict=True)]
    flips = SignFlips(40, 2_000)
    result = rank_sets(systems, flips)
    assert list(zip(result.best, result.worst, strict=True)) == [(4, 4), (2, 3), (2, 3), (1, 1)]
    assert result.pairs == 6
    lower = rank_sets(systems, flips, higher_is_better=False)
    assert list(zip(lower.best, lower.worst, strict=True)) == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_systems_of_different_groups_are_not_compared_and_rank_within_their_own(random: np.random.Generator) -> None:
    systems = [means(np.full(12, value) + random.normal(0, 1e-3, 12)) for value in (0.1, 0.9, 0.5, 0.3, 0.3)]
    flips = SignFlips(12, 1_000)
    parted = rank_sets(systems, flips, groups=["a", "a", "b", "b", "c"])
    assert list(zip(parted.best, parted.worst, strict=True)) == [(2, 2), (1, 1), (1, 1), (2, 2), (1, 1)]
    assert parted.pairs == 2
    assert np.isnan(parted.adjusted[0, 2])
    alone = rank_sets(systems[:2], flips)
    assert parted.adjusted[0, 1] == pytest.approx(2 * alone.adjusted[0, 1])


def test_an_undefined_score_can_have_any_rank(random: np.random.Generator) -> None:
    defined = [means(np.full(10, value) + random.normal(0, 1e-3, 10)) for value in (0.1, 0.9)]
    undefined = sample([ratio_of("m", "s", np.zeros(10), np.zeros(10))], [str(i) for i in range(10)])
    result = rank_sets([*defined, undefined], SignFlips(10, 1_000))
    assert list(zip(result.best, result.worst, strict=True)) == [(2, 3), (1, 2), (1, 3)]


@pytest.mark.parametrize(("n", "expected"), [(102, 0.034), (50, 0.048)])
def test_the_detectable_difference_of_many_blocks_has_the_closed_form_of_the_normal(n: int, expected: float) -> None:
    error = StandardError(0.121 / np.sqrt(n), 1e9)
    assert detectable_difference(error) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("tests", [1, 6])
def test_the_detectable_difference_is_found_with_the_power_of_the_noncentral_t(tests: int) -> None:
    """Of a paired t test, the power is that of the noncentral t; the formula is a little off with few blocks."""
    error = StandardError(0.03, 18)
    shift = detectable_difference(error, tests=tests) / error.value
    critical = stats.t.ppf(1 - 0.025 / tests, 18)
    assert stats.nct.sf(critical, 18, shift) == pytest.approx(0.8, abs=0.03)


def test_the_same_seed_gives_the_same_numbers(random: np.random.Generator) -> None:
    values = random.normal(size=(3, 15))
    first, again = (interval(means(values), Draws(15, 500, seed=5)) for _ in range(2))
    assert first == again
    assert first != interval(means(values), Draws(15, 500, seed=6))


@pytest.mark.parametrize("n", [2, 5, 30])
def test_a_score_that_is_the_same_in_all_resamples_has_no_interval(n: int) -> None:
    # All right, as few reports often are: kappa and macro-F1 are then 1 in every resample that defines them.
    labels = [label(f"BIRADS: {1 + i % 5}") for i in range(n)]
    clinical = clinical_scores(labels, labels)
    for one in (clinical["birads_kappa"], clinical["birads_f1_macro"], mean_of("rouge_l", "s", [0.5] * n)):
        ends = interval(sample([one], [str(i) for i in range(n)]), Draws(n, 500))
        assert ends.value == pytest.approx(float(one.value))
        assert np.isnan([ends.low, ends.high]).all()


def test_a_rate_that_is_1_in_all_blocks_keeps_its_exact_bound() -> None:
    ends = interval(sample([mean_of("birads_exact", "s", [1.0] * 5)], list("abcde")), Draws(5, 500))
    assert (ends.low, ends.high) == (pytest.approx(0.025 ** (1 / 5)), 1.0)


def test_distributions_are_those_of_scipy_stats(random: np.random.Generator) -> None:
    freedom, sizes = random.uniform(1, 60, 500), random.uniform(0, 9, 500)
    np.testing.assert_allclose(t_above(sizes, freedom), stats.t.sf(sizes, freedom), rtol=1e-12)
    np.testing.assert_allclose(t_quantiles(0.975, freedom), stats.t.ppf(0.975, freedom), rtol=1e-12)
    assert z_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), rel=1e-12)
    counts = random.integers(0, 9_999, 500)
    expected = stats.beta.ppf(SURE, counts + 1, 10_000 - counts)
    np.testing.assert_allclose(upper_ends(counts, 10_000), expected, rtol=1e-12)
    assert upper_ends(np.array([10_000]), 10_000) == 1.0

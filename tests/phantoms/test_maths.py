"""The mathematics of phantoms, against numpy, SciPy and closed forms."""

import math

import numpy as np
import pytest
from scipy import ndimage, special

from benchmark.phantoms.maths import (
    GRAIN_DEVIATION,
    angle,
    bell,
    between,
    blurred,
    blurred_deviation,
    cosine,
    decay,
    direction,
    grains,
    hypotenuse,
    interpolated,
    logistic,
    power,
    sine,
    smooth_noise,
)

X = np.linspace(0, 40, 4001)
TURNS = np.linspace(-3, 3, 5003)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_functions_are_as_near_to_the_true_ones_as_they_say_and_keep_their_type(kind: type[np.floating]) -> None:
    x, turns = X.astype(kind), TURNS.astype(kind)
    rounding = 600 * np.finfo(kind).eps
    y, z = np.meshgrid(np.linspace(-1, 1, 101).astype(kind), np.linspace(-1, 1, 101).astype(kind))
    for value, true, tolerance in (
        (decay(x), np.exp(-X), 0.0011),
        (bell(x), np.exp(-(X**2)), 0.0011),
        (logistic(x - 20), special.expit(X - 20), 0.0011),
        (cosine(turns), np.cos(2 * np.pi * TURNS), 1e-7),
        (sine(turns), np.sin(2 * np.pi * TURNS), 1e-7),
        (angle(y, z), np.arctan2(y.astype(float), z) / (2 * np.pi), 1e-7),
        (hypotenuse(y, z), np.hypot(y.astype(float), z), 0),
        (power(x, 1.5), X**1.5, 0),
    ):
        assert value.dtype == kind
        assert np.abs(value - true).max() < tolerance + rounding * max(1, np.abs(true).max())


@pytest.mark.parametrize("exponent", [0.25, 0.9, 1, 1.75, 2, 2.2])
def test_a_power_is_that_of_the_nearest_256th(exponent: float) -> None:
    base = np.linspace(0, 1.5, 301)
    np.testing.assert_allclose(power(base, exponent), base ** (round(256 * exponent) / 256), rtol=1e-14)


def test_ends_and_special_places() -> None:
    assert decay(np.array([0.0, 256.0, 1e6])).tolist() == [1, 0, 0]
    assert logistic(np.array([-1e6, 0.0, 1e6])).tolist() == pytest.approx([0, 0.5, 1], abs=1e-12)
    zero, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    for y, x in ((zero, zero), (zero, one), (one, zero), (zero, -one), (-one, zero), (-one, one), (one, -one)):
        assert angle(y, x)[0] == pytest.approx(math.atan2(y[0], x[0]) / (2 * math.pi), abs=1e-7)
    assert direction(1 / 8) == pytest.approx((0.5**0.5, 0.5**0.5), abs=1e-7)


def test_between_is_what_numpy_draws() -> None:
    ours, theirs = np.random.default_rng(3), np.random.default_rng(3)
    assert [between(ours, -2, 5) for _ in range(50)] == pytest.approx(theirs.uniform(-2, 5, 50).tolist(), rel=1e-15)


def test_grains_are_whole_and_have_the_deviation_and_the_tails_of_four_bytes() -> None:
    values = grains(np.random.default_rng(0), (1000, 1000))
    assert values.dtype == np.int32
    # Ten standard errors of a million values: of a mean σ/√n, of a deviation less than σ/√(2n).
    assert abs(values.mean()) < 10 * GRAIN_DEVIATION / 1000
    assert abs(values.std() - GRAIN_DEVIATION) < 10 * GRAIN_DEVIATION / 1000 / math.sqrt(2)
    assert np.abs(values).max() <= 510
    assert (np.abs(values) < GRAIN_DEVIATION).mean() == pytest.approx(0.6827, abs=0.02)


def test_blurring_is_a_binomial_filter_whose_deviation_is_the_root_of_its_squared_weights() -> None:
    point = np.zeros((21, 21), np.int32)
    point[10, 10] = 1
    response = blurred(point, (4, 12))
    rows, columns = ([math.comb(n, k) for k in range(n + 1)] for n in (4, 12))
    np.testing.assert_array_equal(response[8:13, 4:17], np.outer(rows, columns))
    assert response.sum() == 2**16
    assert blurred_deviation((4, 12)) == pytest.approx(GRAIN_DEVIATION * np.sqrt((response**2).sum()))
    gaussian = ndimage.gaussian_filter(point.astype(float), (1, math.sqrt(3)))
    assert np.abs(response / 2**16 - gaussian).max() < 0.1 * gaussian.max()


def test_interpolation_is_scipys() -> None:
    rng = np.random.default_rng(1)
    grid = rng.random((7, 5)).astype(np.float32)
    row, column = (rng.uniform(-2, n + 1, (40, 30)).astype(np.float32) for n in grid.shape)
    row[0, :7], column[0, :5] = np.arange(7), np.arange(5)
    expected = ndimage.map_coordinates(grid.astype(float), [row, column], order=1, mode="nearest")
    np.testing.assert_allclose(interpolated(grid, row, column), expected, atol=1e-6)


def test_smooth_noise_is_the_same_field_at_every_size() -> None:
    small, large = (smooth_noise(np.random.default_rng(5), (n, n), 8) for n in (101, 401))
    np.testing.assert_allclose(small, large[::4, ::4], atol=1e-5)
    assert large.dtype == np.float32
    many = np.stack([smooth_noise(np.random.default_rng(seed), (64, 48), 9) for seed in range(50)])
    assert abs(many.mean()) < 0.05
    assert 0.7 < many.std() < 1.05

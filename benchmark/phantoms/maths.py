"""The mathematics that phantoms are drawn with: the same bits on every processor.

IEEE 754 rounds +, −, ×, ÷ and √ in one way only, so they give equal bits wherever they run. exp, sin, cos, atan2,
hypot and pow have no such rule: numpy and the C library choose another implementation by the processor's features
(AVX-512, AVX2, FMA), their last bits part, and by the thousandth rounding to grey levels so does an image. Nor is a
sum of floats the same in another order, nor a product added in one step (FMA, as compilers for ARM do in SciPy's and
numpy's C code). So nothing a phantom's pixels depend on uses them. The functions here are made of the five operations,
one numpy call each, with constants that are written down or follow from a formula; textures start from random
integers, and what is summed or convolved are integers below 2⁵³, exact in any order. Nothing is left to flip then,
with one exception: a breast's size comes from numpy's beta distribution, which takes logarithms, and is rounded to
six decimals; a difference in its last place (10⁻¹⁶) gets through that with a probability of 10⁻¹⁰ per patient.

Functions of arrays keep their type, float32 or float64. The square of an array, `x**2`, is numpy's product; other
powers and other functions of numpy, `math` and SciPy are not for drawing.
"""

import math

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_EXPONENT_STEPS = 256
_BYTES_SUMMED = 4
GRAIN_DEVIATION = math.sqrt(_BYTES_SUMMED * (256**2 - 1) / 12)
"""Standard deviation of `grains`: that of four integers uniform over 0 to 255."""


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number uniformly from `low` to `high`; `Generator.uniform` with each operation rounded."""
    return low + (high - low) * rng.random()


def hypotenuse(x: Floats, y: Floats) -> Floats:
    """Return √(x² + y²)."""
    return np.sqrt(x * x + y * y)


def decay(x: Floats) -> Floats:
    """Return e⁻ˣ for x > −256, by its limit (1 − x/n)ⁿ with n = 256, within 0.0011 for positive x; 0 from 256."""
    value = np.maximum(1 - x * (1 / 256), 0)
    for _ in range(8):
        value = value * value
    return value


def bell(x: Floats) -> Floats:
    """Return e^(−x²), see `decay`."""
    return decay(x * x)


def logistic(x: Floats) -> Floats:
    """Return 1 / (1 + e⁻ˣ), see `decay`."""
    return 1 / (1 + decay(np.clip(x, -30, 30)))


def cosine(turns: Floats | float) -> Floats:
    """Return the cosine of an angle in turns of 2π, within 1e-7: Taylor's series of the sine up to the 11th power."""
    # A cosine is the sine of what is missing to a quarter turn, and that lies within a quarter turn of 0.
    x = (0.25 - np.abs(turns - np.rint(turns))) * (2 * math.pi)
    square = x * x
    series = np.zeros_like(x)
    for power in (11, 9, 7, 5, 3, 1):
        series = series * square + (-1) ** (power // 2) / math.factorial(power)
    return series * x


def sine(turns: Floats | float) -> Floats:
    """Return the sine of an angle in turns of 2π, see `cosine`."""
    return cosine(turns - 0.25)


def direction(turns: float) -> tuple[float, float]:
    """Return the point `(x, y)` of the unit circle at an angle in turns."""
    return float(cosine(turns)), float(sine(turns))


def angle(y: Floats, x: Floats) -> Floats:
    """Return the angle of the point (x, y), in turns from −½ to ½, within 1e-7; 0 at the origin.

    The tangent of its distance from the nearest axis, at most 1, is halved as an angle twice, by
    tan(a/2) = tan a / (1 + √(1 + tan² a)); of what is left, at most 0.2, Gregory's series of the arcus tangent needs
    five terms.
    """
    across, down = np.abs(x), np.abs(y)
    large = np.maximum(across, down)
    tangent = np.minimum(across, down) / np.where(large == 0, 1, large)
    for _ in range(2):
        tangent = tangent / (1 + np.sqrt(1 + tangent * tangent))
    square = tangent * tangent
    series = np.zeros_like(tangent)
    for power in (9, 7, 5, 3, 1):
        series = series * square + (-1) ** (power // 2) / power
    turns = series * tangent * (2 / math.pi)
    turns = np.where(down > across, 0.25 - turns, turns)
    return np.copysign(np.where(x < 0, 0.5 - turns, turns), y)


def power(base: Floats, exponent: float) -> Floats:
    """Return base ** exponent, base from 0 up, exponent to the nearest 256th: a product of repeated square roots."""
    whole, part = divmod(round(exponent * _EXPONENT_STEPS), _EXPONENT_STEPS)
    result = np.ones_like(base)
    for _ in range(whole):
        result = result * base
    root, worth = base, _EXPONENT_STEPS
    while part:
        root, worth = np.sqrt(root), worth // 2
        if part >= worth:
            result, part = result * root, part - worth
    return result


def grains(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Draw noise of integers [*shape], zero mean, deviation `GRAIN_DEVIATION`: near normal, as sums of bytes are."""
    draws = np.frombuffer(rng.bytes(_BYTES_SUMMED * math.prod(shape)), np.uint8).reshape(_BYTES_SUMMED, *shape)
    return draws.sum(axis=0, dtype=np.int32) - _BYTES_SUMMED * 255 // 2


def blurred(values: NDArray[np.int32], orders: tuple[int, int]) -> Floats:
    """Convolve integers with binomial coefficients of even orders n along rows and columns: whole float64.

    A binomial filter of order n is a Gaussian of variance n/4 (Wells W. IEEE Trans. PAMI 1986); its coefficients add
    up to 2ⁿ, which the result keeps, so that no digit is lost.
    """
    result = values.astype(np.float64)
    for axis, order in enumerate(orders):
        weights = [float(math.comb(order, k)) for k in range(order + 1)]
        result = scipy.ndimage.correlate1d(result, weights, axis=axis)
    return result


def blurred_deviation(orders: tuple[int, int]) -> float:
    """Return the standard deviation of `blurred` `grains`: C(2n, n) is the sum of squares of all C(n, k)."""
    return GRAIN_DEVIATION * math.sqrt(math.prod(math.comb(2 * order, order) for order in orders))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: float) -> Floats:
    """Draw noise with about `cells` bumps along the longer side, zero mean and unit deviation, the same at every size.

    Returns:
        float32 [*shape].
    """
    longest = max(shape)
    grid = (max(4, round(shape[0] / longest * 2 * cells)), max(4, round(shape[1] / longest * 2 * cells)))
    integers = blurred(grains(rng, grid), (4, 4)).astype(np.int64)
    count, total, squares = integers.size, int(integers.sum()), int((integers * integers).sum())
    deviation = math.sqrt(count * squares - total * total) / count
    noise = ((integers - total / count) / deviation).astype(np.float32)
    upper, down = _cells(grid[0], shape[0])
    left, right = _cells(grid[1], shape[1])
    down = down[:, None]
    by_row = noise[upper] * (1 - down) + noise[upper + 1] * down
    return by_row[:, left] * (1 - right) + by_row[:, left + 1] * right


def _cells(nodes: int, pixels: int) -> tuple[NDArray[np.intp], Floats]:
    """Return, for pixels laid over the nodes of a grid: the node before each, and how far it is to the next, eased."""
    at = np.linspace(0, nodes - 1, pixels)
    before = np.minimum(at.astype(np.intp), nodes - 2)
    t = (at - before).astype(np.float32)
    return before, t * t * (3 - 2 * t)


def interpolated(grid: Floats, row: Floats, column: Floats) -> Floats:
    """Return the values of a grid between its nodes, bilinear; places outside it are moved to its edge.

    Args:
        grid: float32 [rows, columns].
        row, column: where, counted in nodes; float32, of shapes that broadcast.
    """
    row, column = np.clip(row, 0, grid.shape[0] - 1), np.clip(column, 0, grid.shape[1] - 1)
    above = np.minimum(row.astype(np.int32), grid.shape[0] - 2)
    left = np.minimum(column.astype(np.int32), grid.shape[1] - 2)
    down, right = row - above.astype(np.float32), column - left.astype(np.float32)
    node, flat = above * grid.shape[1] + left, grid.ravel()
    upper = flat[node] * (1 - right) + flat[node + 1] * right
    node += grid.shape[1]
    lower = flat[node] * (1 - right) + flat[node + 1] * right
    return upper * (1 - down) + lower * down

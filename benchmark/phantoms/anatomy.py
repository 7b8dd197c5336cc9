"""The tissue of a phantom breast: fat, strands, parenchyma, vessels, muscle, skin and nipple, as one float image."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmark.phantoms.cases import Case
from benchmark.phantoms.maths import (
    angle,
    bell,
    between,
    blurred,
    blurred_deviation,
    decay,
    grains,
    hypotenuse,
    interpolated,
    logistic,
    power,
    sine,
    smooth_noise,
)

FloatImage = NDArray[np.floating]

PARENCHYMA_SHARE = {"A": (0.02, 0.06), "B": (0.17, 0.25), "C": (0.43, 0.54), "D": (0.76, 0.88)}
"""Share of the breast, skin and muscle left out, that parenchyma covers, drawn uniformly between the two.

The ACR's letters stand for almost entirely fatty, scattered, heterogeneously and extremely dense tissue; the BI-RADS
atlas's fourth edition put their bounds at 25, 50 and 75 %. The shares keep clear of each other so that a letter can
be told from the image.
"""
PARENCHYMA_LEVEL = {"A": 0.15, "B": 0.19, "C": 0.21, "D": 0.24}
FAT_LEVEL = 0.36
FOLD_SHARE = 0.4
_STRANDS = ((34, 7, 0.8, 0.4), (72, 16, 0.6, 0.4), (110, 44, 0.5, 0.45))
# Layers of strands, coarse to fine: across and along, how wide a strand is, its weight.
_STRAND_BLUR = (6, 12)
# Orders of the binomial filter across strands and along.


@dataclass(frozen=True)
class Tissue:
    """A breast without findings.

    Attributes:
        image: [height, width] float32, 0 outside the breast, about 0.3 to 0.8 inside.
        breast: [height, width] bool, the nipple included.
        depth: [height, width] float32, distance from the skin in image heights; 0 outside.
        x, y: pixel centres in image heights, [1, width] and [height, 1].
    """

    image: FloatImage
    breast: NDArray[np.bool_]
    depth: FloatImage
    x: FloatImage
    y: FloatImage


def draw_tissue(case: Case, rng: np.random.Generator) -> Tissue:
    """Draw the breast of a case, chest wall at the left edge."""
    outline, height, width = case.outline, case.height, case.width
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / height)[None, :]
    edge = outline.edge(y[:, 0]).astype(np.float32)[:, None]
    breast = x < edge
    depth = scipy.ndimage.distance_transform_edt(breast).astype(np.float32) / height

    strands, coarse = _strands(case, rng, x, y)
    image = FAT_LEVEL + 0.03 * coarse + 0.15 * strands
    muscle = x < outline.pectoral_edge(y[:, 0]).astype(np.float32)[:, None]
    parenchyma = _parenchyma(case, rng, breast & ~muscle, depth, x, y)
    level = PARENCHYMA_LEVEL[case.truth.density]
    image += parenchyma * level * (0.75 + 0.6 * strands + 0.12 * coarse)
    image += 0.16 * _vessels(case, rng, x, y)
    if outline.view == "MLO":
        image = _add_muscle(case, rng, image, x, y)
        image = _add_axillary_fold(case, image, x, y)

    fold = np.clip(depth / 0.012, 0, 1)
    image = image * (0.8 + 0.2 * fold) + 0.26 * bell((depth - 0.003) / 0.0035)
    alpha = np.clip((edge - x) * height / 1.5 + 0.5, 0, 1)
    image = image * alpha
    image, breast = _add_nipple(case, image, breast, x, y)
    return Tissue(image.astype(np.float32), breast, depth, x, y)


def _strands(case: Case, rng: np.random.Generator, x: FloatImage, y: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Draw ligaments and ducts: bright curved strands that converge on the nipple, 0 to 1; a coarse field, 0 ± 1."""
    outline, shape = case.outline, (case.height, case.width)
    warp_x, warp_y = smooth_noise(rng, shape, 9), smooth_noise(rng, shape, 9)
    across = outline.length + 0.1 - x + 0.012 * warp_x
    down = y - outline.nipple_y + 0.016 * warp_y
    distance, turns = hypotenuse(across, down), angle(down, across)
    strands = np.zeros(shape, dtype=np.float32)
    for rays, stretch, width, weight in _STRANDS:
        grid = blurred(grains(rng, (4 * rays, 4 * stretch)), _STRAND_BLUR) / blurred_deviation(_STRAND_BLUR)
        row, column = (2 * turns + 0.5) * (grid.shape[0] - 1), distance / 0.8 * (grid.shape[1] - 1)
        ridge = 1 - np.abs(interpolated(grid.astype(np.float32), row, column)) / width
        strands += weight * power(np.clip(ridge, 0, 1), 1.5)
    return strands, smooth_noise(rng, shape, 7)


def _parenchyma(
    case: Case, rng: np.random.Generator, inside: NDArray[np.bool_], depth: FloatImage, x: FloatImage, y: FloatImage
) -> FloatImage:
    """Draw fibroglandular tissue, 0 to 1: a cone behind the nipple broken up by fat, as large as the letter asks."""
    outline, shape = case.outline, inside.shape
    share = between(rng, *PARENCHYMA_SHARE[case.truth.density])
    score = (
        0.55 * smooth_noise(rng, shape, 8) + 0.4 * smooth_noise(rng, shape, 18) + 0.25 * smooth_noise(rng, shape, 40)
    )
    across = (x / outline.length - 0.62) / 0.42
    reach = 0.5 * (outline.bottom - max(outline.top, 0.3 if outline.view == "MLO" else 0.0))
    down = (y - outline.nipple_y + 0.05) / reach
    score = score - 0.9 * across**2 - 0.9 * down**2
    score = score - 3.0 * np.clip(1 - depth / 0.035, 0, None)
    threshold = np.quantile(score[inside], 1 - share)
    return np.where(inside, logistic((score - threshold) / 0.16), 0).astype(np.float32)


def _vessels(case: Case, rng: np.random.Generator, x: FloatImage, y: FloatImage) -> FloatImage:
    """Draw two to four veins that wind from the chest wall towards the nipple, 0 to 1."""
    outline = case.outline
    image = np.zeros((case.height, case.width), dtype=np.float32)
    for _ in range(rng.integers(2, 5)):
        start = outline.nipple_y + between(rng, -0.2, 0.2)
        end = outline.nipple_y + between(rng, -0.08, 0.08)
        reach = outline.length * between(rng, 0.55, 0.85)
        t = x / reach
        bend, phase = between(rng, -0.06, 0.06), rng.random()
        course = start + (end - start) * t + bend * sine(0.5 * t) + 0.006 * sine(2.7 * t + phase)
        thickness = 0.0022 * (1.2 - 0.6 * t.clip(0, 1))
        image = np.maximum(image, bell((y - course) / thickness) * (t < 1))
    return image


def _add_muscle(case: Case, rng: np.random.Generator, image: FloatImage, x: FloatImage, y: FloatImage) -> FloatImage:
    """Add the pectoral muscle: brighter than fat, striped along its edge."""
    edge = case.outline.pectoral_edge(y[:, 0]).astype(np.float32)[:, None]
    inside = np.clip((edge - x) / 0.01 + 0.5, 0, 1)
    along = smooth_noise(rng, (image.shape[0], image.shape[0]), 60)
    fibres = interpolated(along, 0.12 * (y + x) * image.shape[0], np.clip((edge - x) * 2, 0, 0.99) * image.shape[0])
    level = 0.6 + 0.025 * fibres + 0.035 * smooth_noise(rng, image.shape, 6) + 0.02 * smooth_noise(rng, image.shape, 50)
    fade = 0.9 - 0.35 * np.clip(y / case.outline.pectoral_y, 0, 1)
    weight = inside * fade
    return image * (1 - weight) + level * weight


def _add_axillary_fold(case: Case, image: FloatImage, x: FloatImage, y: FloatImage) -> FloatImage:
    """Add, in two of five images, a fold of skin across the axilla: brighter above, with a thin bright edge."""
    rng = np.random.default_rng([*case.seeds, 5])
    if rng.random() > FOLD_SHARE:
        return image
    sag, slope = between(rng, 1.0, 2.5), between(rng, -0.15, 0.25)
    across = x - 0.7 * case.outline.shoulder
    course = between(rng, 0.08, 0.2) + slope * across - sag * across**2
    above = np.clip((course - y) / 0.004 + 0.5, 0, 1) * np.clip((x - 0.3 * case.outline.pectoral_x) / 0.06, 0, 1)
    edge = bell((y - course) / 0.003) * np.clip((x - 0.3 * case.outline.pectoral_x) / 0.06, 0, 1)
    return image + 0.07 * above + 0.1 * edge


def _add_nipple(
    case: Case, image: FloatImage, breast: NDArray[np.bool_], x: FloatImage, y: FloatImage
) -> tuple[FloatImage, NDArray[np.bool_]]:
    """Add a nipple in profile, or, where it is drawn in, a dense funnel behind the skin."""
    outline = case.outline
    if outline.retraction:
        across = (outline.length - outline.retraction - x) / 0.05
        funnel = bell((y - outline.nipple_y) / 0.016) * decay(np.clip(across, 0, None))
        return image + 0.3 * funnel * breast, breast
    across, down = (x - outline.length + 0.004) / 0.021, (y - outline.nipple_y) / 0.016
    inside = np.where(across > 0, hypotenuse(across, down), 2)
    bump = np.clip((1 - inside) * 0.016 * case.height / 1.5, 0, 1) * (0.36 + 0.14 * inside.clip(0, 1))
    return np.maximum(image, bump), breast | (inside < 1)

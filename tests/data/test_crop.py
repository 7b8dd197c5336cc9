from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmark.data.crop import (
    EXPOSURE_BAR_FILL,
    EXPOSURE_BAR_LEVEL,
    Box,
    chest_wall_side,
    find_breast,
    otsu_threshold,
)
from benchmark.data.decode import decode

pytestmark = pytest.mark.numeric


def scene(
    height: int = 600,
    width: int = 480,
    *,
    top: float = 0.2,
    bottom: float = 0.8,
    reach: float = 0.5,
    side: str = "left",
    level: int = 120,
    noise: float = 6,
    seed: int = 0,
) -> tuple[np.ndarray, Box]:
    """Return a half-ellipse of tissue at one edge, uint8, and the rectangle around it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centre, half = height * (top + bottom) / 2, height * (bottom - top) / 2
    inside = ((y - centre) / half) ** 2 + (x / (reach * width)) ** 2 < 1
    image = np.where(inside, level + rng.normal(0, noise, inside.shape), 0).clip(0, 255).astype(np.uint8)
    if side == "right":
        image, inside = image[:, ::-1], inside[:, ::-1]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return np.ascontiguousarray(image), Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


def assert_around(box: Box, truth: Box, image: np.ndarray, slack: float = 0.03) -> None:
    """Assert that a rectangle holds the true one, but for a rim of two thumbnail pixels, and is little larger."""
    give = slack * max(image.shape)
    for side, sign in (("left", -1), ("upper", -1), ("right", 1), ("lower", 1)):
        excess = sign * (getattr(box, side) - getattr(truth, side))
        assert -give / 2 <= excess <= give, (side, box, truth)


@given(
    st.floats(0.0, 0.3),
    st.floats(0.6, 1.0),
    st.floats(0.2, 0.95),
    st.sampled_from(["left", "right"]),
    st.integers(40, 220),
    st.integers(150, 1500),
)
@settings(max_examples=40, deadline=None)
def test_the_breast_is_found_wherever_it_is_and_however_bright(
    top: float, bottom: float, reach: float, side: str, level: int, height: int
) -> None:
    # A flat drawing as bright as an exposure bar and as long as the image is one, at the chest wall.
    assume(level < EXPOSURE_BAR_LEVEL - 15 or bottom - top < EXPOSURE_BAR_FILL - 0.05)
    image, truth = scene(height, int(height * 0.8), top=top, bottom=bottom, reach=reach, side=side, level=level)
    assert_around(find_breast(image), truth, image, slack=0.04)
    assert chest_wall_side(image) in (side, None if reach > 0.9 else side)


@pytest.mark.parametrize("edge", ["top", "bottom", "far"])
@pytest.mark.parametrize("level", [225, 246, 255])
def test_exposure_bars_fall_away(edge: str, level: int) -> None:
    image, truth = scene(top=0.15, bottom=0.85)
    bars: dict[str, Any] = {"top": np.s_[:12], "bottom": np.s_[-12:], "far": np.s_[:, -12:]}
    image[bars[edge]] = level
    assert_around(find_breast(image), truth, image)


def test_labels_and_specks_fall_away() -> None:
    image, truth = scene()
    image[20:40, 400:450] = 255
    image[::97, ::89] = 255
    assert_around(find_breast(image), truth, image)


def test_a_dense_breast_at_the_chest_wall_is_no_exposure_bar() -> None:
    image, truth = scene(top=0.0, bottom=1.0, level=215, noise=20)
    assert find_breast(image).left == 0
    assert_around(find_breast(image), truth, image)


def test_an_image_without_a_breast_is_left_whole() -> None:
    assert find_breast(np.zeros((60, 50), np.uint8)) == Box(0, 0, 50, 60)
    speck = np.zeros((600, 500), np.uint8)
    speck[300:310, 200:210] = 255
    assert find_breast(speck) == Box(0, 0, 500, 600)


def test_a_symmetric_image_tells_no_side() -> None:
    assert chest_wall_side(np.full((20, 20), 9, np.uint8)) is None


def test_otsu_parts_two_levels() -> None:
    rng = np.random.default_rng(0)
    two = np.concatenate([rng.normal(50, 5, 4000), rng.normal(180, 9, 2000)]).clip(0, 255).astype(np.uint8)
    assert 65 < otsu_threshold(two.reshape(60, 100)) < 150


def test_real_mammograms_are_cropped_to_the_breast(dmid: Path) -> None:
    """Sides and bars as seen by eye; nothing of the breast's bright part is outside the rectangle."""
    left = {"001", "003", "005", "007", "009", "013", "030", "137", "367"}
    for path in sorted(dmid.glob("TIFF Images/*/*.jpg"))[::3]:
        image = decode(path)
        box = find_breast(image)
        side = "left" if path.stem[3:] in left else "right"
        assert chest_wall_side(image) == side
        assert (box.left == 0) == (side == "left"), path.name
        assert (box.right == image.shape[1]) == (side == "right"), path.name
        assert 0.1 < (box.right - box.left) * (box.lower - box.upper) / image.size < 0.7
        outside = image.copy()
        outside[box.upper : box.lower, box.left : box.right] = 0
        assert (outside > 60).sum() < 0.03 * (image > 60).sum(), path.name


@pytest.mark.parametrize("name", ["IMG002", "IMG006", "IMG011"])
def test_the_bars_of_real_exports_fall_away(dmid: Path, name: str) -> None:
    image = decode(next(dmid.glob(f"TIFF Images/*/{name}.jpg")))
    box = find_breast(image)
    assert 60 <= box.upper <= 150
    assert box.left > 1000

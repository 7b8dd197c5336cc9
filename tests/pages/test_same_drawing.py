"""Drawings of another processor: the last bits of coordinates may differ, nothing that a reader sees."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from benchmark.pages.same_drawing import same_drawing

FIGURES = Path(__file__).parents[2] / "leaderboards" / "mini-rates" / "figures"
VECTORS, PIXELS = ((FIGURES / f"cost.{ending}").read_bytes() for ending in ("svg", "png"))


def _moved(drawing: bytes, points: float) -> bytes:
    """Return a drawing whose first label stands elsewhere."""
    return re.sub(rb' x="(\d+\.\d+)"', lambda found: b' x="%.6f"' % (float(found[1]) + points), drawing, count=1)


def _renamed(drawing: bytes) -> bytes:
    """Return a drawing whose parts have other names, as a digest of other last bits gives."""
    return re.sub(rb"\bp([0-9a-f]{10})\b", lambda found: b"p" + found[1][::-1], drawing)


def test_a_drawing_is_itself() -> None:
    assert same_drawing(VECTORS, VECTORS)
    assert same_drawing(PIXELS, PIXELS)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        # What AVX-512 makes of a logarithm: coordinates by a millionth, and with them the names of all parts.
        (lambda b: _moved(_renamed(b), 1e-6), True),
        (lambda b: _moved(b, 0.1), False),
        (lambda b: b.replace(b"</text>", b".</text>", 1), False),
        (lambda b: b.replace(b"#e4e4e4", b"#e4e4e5", 1), False),
        # Another digest is of other numbers; another kind of machine draws the same ones otherwise.
        (lambda b: re.sub(rb"amrg:\w{64}", b"amrg:" + bytes(64 * [48]), b), False),
        (lambda b: _moved(b.replace(b"Linux x86_64", b"Darwin arm64"), 0.1), True),
    ],
)
def test_coordinates_may_differ_in_their_last_bits(change: Callable[[bytes], bytes], same: bool) -> None:
    assert change(VECTORS) != VECTORS
    assert same_drawing(VECTORS, change(VECTORS)) is same


@pytest.mark.parametrize(("levels", "same"), [(1, True), (40, False)])
def test_pixels_may_differ_by_a_level(levels: int, same: bool) -> None:
    image = Image.open(BytesIO(PIXELS))
    pixels = np.asarray(image).astype(np.int16)
    pixels[5, 5, :3] -= levels
    text, changed = PngImagePlugin.PngInfo(), BytesIO()
    text.add_text("Description", image.info["Description"])
    Image.fromarray(pixels.astype(np.uint8), image.mode).save(changed, "PNG", pnginfo=text)
    assert same_drawing(PIXELS, changed.getvalue()) is same


def test_a_damaged_picture_is_no_drawing() -> None:
    assert not same_drawing(PIXELS, PIXELS[:-40] + bytes(40))

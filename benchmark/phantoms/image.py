"""One phantom image: tissue, findings, exposure, noise, marker, in the orientation that a viewer shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmark.phantoms.anatomy import FloatImage, draw_tissue
from benchmark.phantoms.cases import Case
from benchmark.phantoms.lesions import Brush
from benchmark.phantoms.maths import GRAIN_DEVIATION, between, blurred, grains, power
from benchmark.phantoms.truth import SIGNS

MARKER_SHARE, BAR_SHARE = 0.4, 0.12
"""Shares of images with a view marker outside the breast, and with a white exposure bar along the upper edge."""


@dataclass(frozen=True)
class PhantomImage:
    """What the detector saw and where the findings are.

    Attributes:
        pixels: [height, width] float32 from 0 to 1; a left breast's chest wall is at the left edge.
        mask: [height, width] bool, the findings that have an extent; signs of skin and nipple are left out.
    """

    pixels: FloatImage
    mask: NDArray[np.bool_]


def draw(case: Case) -> PhantomImage:
    """Draw a case; the same case gives the same pixels."""
    rng = np.random.default_rng([*case.seeds, 2])
    tissue = draw_tissue(case, rng)
    brush = Brush(case, tissue, np.random.default_rng([*case.seeds, 3]))
    mask = np.zeros(tissue.image.shape, dtype=bool)
    for kind, x, y, radius in case.findings:
        painted = brush.paint(kind, x, y, radius)
        if kind not in SIGNS:
            mask |= painted
    rng = np.random.default_rng([*case.seeds, 4])
    pixels = _expose(brush.image, tissue.breast, rng)
    if case.truth.laterality == "right":
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    pixels = np.ascontiguousarray(pixels)
    if rng.random() < MARKER_SHARE:
        _mark(pixels, case)
    if rng.random() < BAR_SHARE:
        pixels[: max(1, round(0.012 * case.height))] = 0.97
    return PhantomImage(pixels, np.ascontiguousarray(mask))


def _expose(image: FloatImage, breast: NDArray[np.bool_], rng: np.random.Generator) -> FloatImage:
    """Add gain, gamma, quantum noise (white and slightly blurred) and a faint background."""
    gain, gamma = between(rng, 0.95, 1.05), between(rng, 0.92, 1.08)
    white = grains(rng, image.shape).astype(np.float32) * (1 / GRAIN_DEVIATION)
    grain = blurred(grains(rng, image.shape), (4, 4)).astype(np.float32) * (1 / 256 / GRAIN_DEVIATION)
    noisy = image + breast * (0.022 * white + 0.06 * grain * np.sqrt(np.clip(image, 0, 1)))
    exposed = power(np.clip(noisy * gain, 0, 1), gamma)
    return np.where(breast | (image > 0.02), exposed, np.abs(0.004 * white)).astype(np.float32)


def _mark(pixels: FloatImage, case: Case) -> None:
    """Write side and view, as technologists do, into the dark upper corner away from the chest wall.

    In Pillow's bitmap font, its pixels made larger where the image is: an outline font's shapes and distances depend
    on the versions of FreeType and Raqm that a machine has.
    """
    height, width = pixels.shape
    text = f"{case.truth.laterality[0].upper()} {case.truth.view}"
    font = ImageFont.load_default_imagefont()
    label = Image.new("1", font.getbbox(text)[2:])
    ImageDraw.Draw(label).text((0, 0), text, fill=1, font=font)
    larger = max(1, round(0.03 * height / label.height))
    letters = np.asarray(label).repeat(larger, axis=0).repeat(larger, axis=1)
    top = round(0.04 * height)
    left = round(0.03 * width) if case.truth.laterality == "right" else round(0.97 * width) - letters.shape[1]
    region = pixels[top : top + letters.shape[0], left : left + letters.shape[1]]
    region[letters] = np.maximum(region[letters], 235 / 255)

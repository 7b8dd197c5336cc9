"""One phantom image: tissue, findings, exposure, noise, marker, in the orientation that a viewer shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from benchmark.data.phantom_anatomy import FloatImage, draw_tissue
from benchmark.data.phantom_cases import Case
from benchmark.data.phantom_lesions import Brush
from benchmark.data.phantom_truth import SIGNS

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
    """Gain, gamma, quantum noise (white and slightly blurred) and a faint background."""
    gain, gamma = rng.uniform(0.95, 1.05), rng.uniform(0.92, 1.08)
    white = rng.standard_normal(image.shape, dtype=np.float32)
    grain = ndimage.gaussian_filter(rng.standard_normal(image.shape, dtype=np.float32), 1.0)
    noisy = image + breast * (0.022 * white + 0.06 * grain * np.sqrt(np.clip(image, 0, 1)))
    exposed = np.clip(noisy * gain, 0, 1) ** np.float32(gamma)
    return np.where(breast | (image > 0.02), exposed, np.abs(0.004 * white)).astype(np.float32)


def _mark(pixels: FloatImage, case: Case) -> None:
    """Write side and view, as technologists do, into the dark upper corner away from the chest wall."""
    height, width = pixels.shape
    text = f"{case.truth.laterality[0].upper()} {case.truth.view}"
    font = ImageFont.load_default(max(8, round(0.03 * height)))
    label = Image.new("L", (width, height))
    left, _, right, _ = font.getbbox(text)
    at = 0.03 * width if case.truth.laterality == "right" else 0.97 * width - (right - left)
    ImageDraw.Draw(label).text((at, 0.04 * height), text, fill=235, font=font)
    np.maximum(pixels, np.asarray(label, dtype=np.float32) / 255, out=pixels)

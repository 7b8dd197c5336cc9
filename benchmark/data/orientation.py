"""How a stored picture is turned upright: the eight orientations of TIFF 6.0 (tag 274), which EXIF took over."""

from typing import Any

import numpy as np
from PIL import ExifTags, Image

UPRIGHT = 1
_TAG = int(ExifTags.Base.Orientation)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return the picture that a viewer shows, of pixels [height, width] as stored.

    Args:
        pixels: as stored.
        orientation: 1 to 8, where the stored first row and first column are: 1 top, left; 2 top, right; 3 bottom,
            right; 4 bottom, left; 5 left, top; 6 right, top; 7 right, bottom; 8 left, bottom.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.T
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def orientation_of(value: Any) -> int:
    """Return the orientation that a tag's value states; `UPRIGHT` where it states none."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    try:
        code = int(value)
    except (TypeError, ValueError, OverflowError):
        return UPRIGHT
    return code if 1 <= code <= 8 else UPRIGHT


def orientation_of_raster(image: Image.Image) -> int:
    """Return the orientation in the EXIF or XMP of a PNG, JPEG or WebP; `UPRIGHT` where there is none to be read."""
    try:
        return orientation_of(image.getexif().get(_TAG))
    except Exception:  # damaged metadata of a sound picture, each parser with errors of its own
        return UPRIGHT


def orientation_of_exif(block: bytes) -> int:
    """Return the orientation in a block of EXIF, with or without its six bytes of introduction."""
    try:
        exif = Image.Exif()
        exif.load(block)
        return orientation_of(exif.get(_TAG))
    except Exception:  # as above
        return UPRIGHT

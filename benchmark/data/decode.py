"""An image file of any kind a mammogram comes in, decoded to one grey array.

The kind is told from the file's first bytes, never from its name: a DICOM called `.tif` is read as DICOM.
"""

import logging
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from PIL import Image

from benchmark.data import dicom
from benchmark.errors import UserError

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".dcm", ".dicom"})
LARGEST_IMAGE_PIXELS = 200_000_000
"""A mammogram has up to 30 million pixels; a header that claims far more is damaged or hostile."""

# tifffile tells on standard error of tags that no image needs, and of damage by its own names for places in a file.
# Of a damaged image `decode` raises, with the file's name; whoever sets up logging still hears tifffile.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, the weights of Pillow's conversion to "L"


class ImageError(UserError):
    """An image that can't be read. The message names the file and says what is wrong with it."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def decode(path: Path) -> np.ndarray:
    """Decode the image of `path` as a grey array in which background is dark and tissue is bright.

    TIFF (8, 16 or 32 bits, grey, RGB, RGBA, palette, either byte order, every compression of imagecodecs),
    PNG, JPEG and DICOM (see `benchmark.data.dicom`). Colour becomes luminance; an alpha channel is dropped.

    Returns:
        uint8 [height, width] as stored, where the file holds 8 bits; otherwise uint16 [height, width] that
        spans 0 to 65535. For an integer file without a stated range, the range is the smallest of 8, 10, 12,
        14 and 16 bits that holds its largest value, so exposure differences stay; floating-point values
        span from their least to their greatest.

    Raises:
        ImageError: the file is missing, empty, truncated, of no known kind, has several frames or claims
            more than `LARGEST_IMAGE_PIXELS` pixels.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError as error:
        raise ImageError(path, f"can't be opened: {error.strerror or error}") from None
    if not start:
        raise ImageError(path, "the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if dicom.is_dicom(path, start):
                pixels = dicom.decode(path, LARGEST_IMAGE_PIXELS)
            elif start.startswith(_TIFF_STARTS):
                pixels = _decode_tiff(path)
            else:
                pixels = _decode_raster(path)
    except ImageError:
        raise
    except Image.UnidentifiedImageError:
        raise ImageError(path, "is not a TIFF, PNG, JPEG or DICOM image") from None
    except MemoryError:
        raise
    except Exception as error:  # every decoder has its own kinds of error for a damaged file
        raise ImageError(path, f"can't be decoded, damaged or truncated ({_first_line(error)})") from None
    if pixels.ndim != 2 or 0 in pixels.shape:
        raise ImageError(path, f"holds no single two-dimensional image (shape {pixels.shape})")
    return pixels


class Look(NamedTuple):
    """What decoding an image tells: height and width, or None where it can't be decoded; what is wrong, or None."""

    shape: tuple[int, int] | None
    problem: str | None


def look(path: Path) -> Look:
    """Decode an image only to see whether that works, and whether anything is on it."""
    try:
        pixels = decode(path)
    except ImageError as error:
        return Look(None, error.reason)
    blank = pixels.min() == pixels.max()
    shape = (pixels.shape[0], pixels.shape[1])
    return Look(shape, "the image is blank: every pixel has the same value" if blank else None)


def stored_bytes(path: Path) -> int:
    """Return how many bytes the decoded image of `path` takes, by its header; 0 where the header can't be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Path(path).open("rb") as file:
                start = file.read(132)
            if dicom.is_dicom(Path(path), start):
                return dicom.stored_bytes(Path(path))
            with Image.open(path) as image:
                sample = 1 if image.mode in ("L", "P", "1", "RGB", "RGBA", "LA", "YCbCr", "CMYK") else 4
                return image.width * image.height * len(image.getbands()) * sample
    except Exception:  # decode() names what is wrong with the file
        return 0


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 from what `decode` gives; uint16 that spans 0 to 65535 loses its lower byte."""
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def stretch_to_16_bits(pixels: np.ndarray) -> np.ndarray:
    """Return uint16 spanning 0 to 65535 from integers of 16 or 32 bits or floating-point values, as `decode` says."""
    if np.issubdtype(pixels.dtype, np.integer):
        low = float(min(0, int(pixels.min())))
        reach = float(int(pixels.max()) - low)
        span = next((2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if reach < 2**bits), reach)
    else:
        pixels = np.nan_to_num(pixels, posinf=0.0, neginf=0.0)
        low = float(pixels.min())
        span = (float(pixels.max()) - low) or 1.0
    stretched = np.empty(pixels.shape, np.uint16)
    for row in range(0, len(pixels), 256):  # in strips: a whole image in double precision is 230 MB
        strip = pixels[row : row + 256].astype(np.float64)
        stretched[row : row + 256] = np.rint((strip - low) * (65535.0 / span))
    return stretched


def _decode_raster(path: Path) -> np.ndarray:
    """Decode PNG, JPEG or whatever else Pillow reads."""
    with Image.open(path) as image:
        _check_size(path, image.width * image.height)
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            return stretch_to_16_bits(np.asarray(image))
        return np.asarray(image if image.mode == "L" else image.convert("L"))


def _decode_tiff(path: Path) -> np.ndarray:
    """Decode the first page of a TIFF."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        _check_size(path, page.imagewidth * page.imagelength)
        _check_complete(path, page)
        if page.photometric == tifffile.PHOTOMETRIC.YCBCR or page.photometric == tifffile.PHOTOMETRIC.SEPARATED:
            return _decode_raster(path)
        pixels = page.asarray()
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
            colours = (page.colormap >> 8).astype(np.uint8).T  # [entries, 3]
            pixels = _luminance(colours[:, None, :])[:, 0][pixels]
        elif pixels.ndim == 3:
            pixels = pixels[..., 0] if pixels.shape[-1] < 3 else _luminance(pixels[..., :3])
        if pixels.dtype == bool or page.bitspersample < 8:
            pixels = (pixels * (255 // (2**page.bitspersample - 1))).astype(np.uint8)
        if pixels.dtype != np.uint8:
            pixels = stretch_to_16_bits(pixels)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            pixels = np.iinfo(pixels.dtype).max - pixels
        return pixels


def _luminance(colours: np.ndarray) -> np.ndarray:
    """Return the luminance [height, width] of red, green, blue [height, width, 3], in the same type."""
    grey = np.empty(colours.shape[:2], colours.dtype)
    for row in range(0, len(colours), 256):  # in strips: the product is in double precision
        strip = colours[row : row + 256] @ np.array(_LUMINANCE)
        grey[row : row + 256] = np.rint(strip) if np.issubdtype(grey.dtype, np.integer) else strip
    return grey


def _check_size(path: Path, pixels: int) -> None:
    """Refuse an image whose header claims more than `LARGEST_IMAGE_PIXELS`."""
    if pixels > LARGEST_IMAGE_PIXELS:
        raise ImageError(path, f"its header claims {pixels:,} pixels, more than the {LARGEST_IMAGE_PIXELS:,} allowed")


def _check_complete(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse a truncated file: tifffile fills strips that lie beyond its end with zeros."""
    size = path.stat().st_size
    if any(o + n > size for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise ImageError(path, "is truncated: its image data goes on past the end of the file")


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its kind where it has none, cut to 200 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]

"""An image file of any kind a mammogram comes in, decoded to one grey array, upright.

The kind is told from the file's first bytes, never from its name: a DICOM called `.tif` is read as DICOM.
"""

import logging
import warnings
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import numpy as np
from PIL import Image

from benchmark.data.grey import to_8_bits
from benchmark.data.limits import Refused
from benchmark.data.text import printable
from benchmark.disk.file_kinds import defect_of_file
from benchmark.errors import UserError

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".dcm", ".dicom"})
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
INVERTED_SHARE, INVERTED_LEVEL, BLACK_LEVEL, MOST_BARS, MARKERS_BELOW = 0.5, 0.8, 0.05, 0.35, 0.995
"""An image looks inverted where more than this share of its frame's edge is above this part of its range: of
mammograms as they should be, tissue and bars reach one side, a quarter. Bars are black below the third share of the
range and at most the fourth share of the picture; the range ends where the last share of the pixels lies below."""

# tifffile tells on standard error of tags that no image needs, and of damage by its own names for places in a file.
# Of a damaged image `decode` raises, with the file's name; whoever sets up logging still hears tifffile.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class ImageError(UserError):
    """An image that can't be read. The message names the file and says what is wrong with it."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"{printable(str(path))}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type["ImageError"], tuple[Path, str]]:
        """Return how to make the error again in another process."""
        return type(self), (self.path, self.reason)


def decode(path: Path) -> np.ndarray:
    """Decode the image of `path` as a grey array in which background is dark and tissue is bright.

    TIFF (any bits, integers or floating-point, grey, colours, palette, inks, CIELAB, either byte order, every
    compression of imagecodecs), PNG, JPEG and DICOM (see `benchmark.data.dicom`). The picture is that which
    viewers show: turned as its orientation says (EXIF, TIFF's tag 274), a palette looked up, colour as
    luminance, an alpha channel dropped. Of a TIFF with thumbnails, a pyramid or masks it is the one page of full
    size.

    Returns:
        uint8 [height, width] as stored, where the file holds 8 bits; otherwise uint16 [height, width] that
        spans 0 to 65535. For an integer file without a stated range, the range is the least of 8 to 16 bits
        that holds its largest value, so exposure differences stay; floating-point values span from their least
        to their greatest.

    Raises:
        ImageError: the file is missing, no file, empty, truncated, of no known kind, has several frames or
            claims more than `benchmark.data.limits` allows.
    """
    path = Path(path)
    defect = defect_of_file(path)
    if defect:
        raise ImageError(path, defect)
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
            pixels = _kind_of(path, start).decode(path)
    except Refused as refusal:
        raise ImageError(path, str(refusal)) from None
    except Image.UnidentifiedImageError:
        raise ImageError(path, "is not a TIFF, PNG, JPEG or DICOM image") from None
    except MemoryError:
        raise ImageError(path, "needs more memory than is free; close other programs, or use fewer processes") from None
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
    """Decode an image only to see whether that works, and whether what is on it looks like a mammogram."""
    try:
        pixels = decode(path)
    except ImageError as error:
        return Look(None, error.reason)
    shape = (pixels.shape[0], pixels.shape[1])
    if pixels.min() == pixels.max():
        return Look(shape, "the image is blank: every pixel has the same value")
    if looks_inverted(to_8_bits(pixels)):
        reason = "most of the frame's edge is bright, so the image looks inverted; tissue should be bright, air dark"
        return Look(shape, reason)
    return Look(shape, None)


def looks_inverted(pixels: np.ndarray) -> bool:
    """Return whether most of the frame's edge of uint8 [height, width] is bright, and a sixteenth inside it too.

    Black bars around don't count, nor do a white border and the few brightest pixels, such as a marker's.
    """
    counts = np.bincount(pixels.ravel(), minlength=256)
    low = int(pixels.min())
    high = int(np.searchsorted(np.cumsum(counts), MARKERS_BELOW * pixels.size))
    bright, dark = low + INVERTED_LEVEL * (high - low), low + BLACK_LEVEL * (high - low)
    frame = _without_bars(pixels, dark)
    margin = min(frame.shape) // 16
    inner = frame[margin : frame.shape[0] - margin, margin : frame.shape[1] - margin]
    return all(bool((_edge(part) > bright).mean() > INVERTED_SHARE) for part in (frame, inner))


def _without_bars(pixels: np.ndarray, dark: float) -> np.ndarray:
    """Return the picture without rows and columns at its sides that are nowhere brighter than `dark`.

    Where they are much of it they are air beside a breast, and stay.
    """
    rows, columns = (np.flatnonzero(pixels.max(axis=axis) > dark) for axis in (1, 0))
    if not rows.size:
        return pixels
    frame = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return frame if frame.size > (1 - MOST_BARS) * pixels.size else pixels


def _edge(pixels: np.ndarray) -> np.ndarray:
    """Return the pixels of the outermost rows and columns."""
    return np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])


def stored_bytes(path: Path) -> int:
    """Return how many bytes the decoded image of `path` takes, by its header; 0 where the header can't be read."""
    path = Path(path)
    if defect_of_file(path):
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with path.open("rb") as file:
                start = file.read(132)
            return _kind_of(path, start).stored_bytes(path)
    except Exception:  # decode() names what is wrong with the file
        return 0


class _Kind(Protocol):
    """A module that reads one kind of file."""

    def decode(self, path: Path) -> np.ndarray: ...

    def stored_bytes(self, path: Path) -> int: ...


def _kind_of(path: Path, start: bytes) -> _Kind:
    """Return the module that reads a file, by its first 132 bytes, imported now: most commands decode nothing."""
    kind = "raster"
    if is_dicom(path, start):
        kind = "dicom"
    elif start.startswith(TIFF_STARTS):
        kind = "tiff"
    return cast(_Kind, import_module(f"benchmark.data.{kind}"))


def is_dicom(path: Path, start: bytes) -> bool:
    """Return whether the file is DICOM: by the magic word at byte 128, or its suffix where the preamble is absent."""
    return start[128:132] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its kind where it has none, cut to 200 characters."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return printable(line)

"""Mammograms as models see them: decoded, cropped to the breast and resized once, then kept on disk.

The one array convention: uint8 [size, size], background dark, the breast's aspect kept, centred on black.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmark.data.crop import Box, chest_wall_side, find_breast
from benchmark.data.decode import ImageError, decode
from benchmark.data.grey import to_8_bits
from benchmark.data.workers import each_image
from benchmark.disk.content import content_hash, remembered_hash
from benchmark.disk.files import remove_stale
from benchmark.errors import UserError
from benchmark.results.store import atomic_file

PREPARATION_VERSION = 1
"""Part of every cache key; raised whenever `prepare` gives other pixels for the same file and settings."""

_DIGEST_BYTES = 32


@dataclass(frozen=True)
class ImageSettings:
    """What is done to an image between its file and a model.

    Attributes:
        size: side of the square in pixels, 16 to 8192.
        crop: keep the rectangle around the breast only (see `benchmark.data.crop.find_breast`).
        flip: mirror images whose chest wall is on the right, so that all breasts point the same way.
    """

    size: int = 896
    crop: bool = True
    flip: bool = False

    def __post_init__(self) -> None:
        if not 16 <= self.size <= 8192:
            raise UserError(f"image size {self.size}: expected 16 to 8192 pixels")

    def to_dict(self) -> dict[str, int | bool]:
        """Return the settings as JSON has them."""
        return asdict(self)


def prepare(path: Path, settings: ImageSettings) -> np.ndarray:
    """Prepare the image of `path` in the one array convention.

    Args:
        path: a TIFF, PNG, JPEG or DICOM file.
        settings: size, crop, flip.

    Returns:
        uint8 [settings.size, settings.size].

    Raises:
        ImageError: the file can't be decoded.
    """
    pixels = to_8_bits(decode(path))
    return letterbox(Frame.of(pixels, settings).cut(pixels), settings.size)


@dataclass(frozen=True)
class Frame:
    """What is kept of an image.

    Attributes:
        box: the rectangle that is kept, in pixels of the file.
        mirrored: whether left and right are exchanged.
    """

    box: Box
    mirrored: bool

    @classmethod
    def of(cls, pixels: np.ndarray, settings: ImageSettings) -> "Frame":
        """Return what the settings keep of uint8 [height, width]."""
        height, width = pixels.shape
        box = find_breast(pixels) if settings.crop else Box(0, 0, width, height)
        return cls(box, settings.flip and chest_wall_side(pixels) == "right")

    def cut(self, pixels: np.ndarray) -> np.ndarray:
        """Return what is kept of an array [height, width] of the same size: the image, or a mask of it."""
        left, upper, right, lower = self.box
        kept = pixels[upper:lower, left:right]
        return kept[:, ::-1] if self.mirrored else kept


class ImageCache:
    """Prepared images on disk, one file per image, found by the image's content and the settings.

    An entry is the array in NumPy's own format followed by the SHA-256 of what precedes it. Moving or
    renaming images costs nothing; a changed image or setting is another entry; a damaged entry is made again.
    Several processes may share a folder: entries are written under a temporary name and renamed.
    """

    def __init__(self, folder: Path, settings: ImageSettings):
        self.folder = Path(folder)
        self.settings = settings
        self._verified: set[str] = set()

    def key(self, path: Path) -> str:
        """Return the name of this image's entry: a hash of its bytes, the settings and the preparation's version.

        Raises:
            ImageError: the file can't be read.
        """
        try:
            return self._key(content_hash(path))
        except OSError as error:
            raise ImageError(Path(path), f"can't be opened: {error.strerror or error}") from None

    def load(self, path: Path) -> np.ndarray:
        """Load the prepared image, uint8 [size, size], read-only and memory-mapped; made first where it isn't there.

        Raises:
            ImageError: the image can't be decoded.
        """
        key = self.key(path)
        entry = self._entry(key)
        if not self._is_sound(key):
            write_entry(entry, prepare(path, self.settings))
            self._verified.add(key)
        return np.load(entry, mmap_mode="r", allow_pickle=False)

    def warm(
        self,
        paths: Iterable[Path],
        *,
        jobs: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[Path, str]:
        """Prepare every image that is missing from the cache or damaged in it.

        Args:
            paths: image files; repeated ones are prepared once.
            jobs: processes to start; by default what `benchmark.data.workers.each_image` finds right.
            progress: called in this process after each image with how many are done and how many there are.

        Returns:
            the images that could not be prepared, with the reason; all others are in the cache.
        """
        distinct = list(dict.fromkeys(Path(p) for p in paths))
        missing = [p for p in distinct if not self._has(p)]
        done = len(distinct) - len(missing)
        problems: dict[Path, str] = {}
        if progress and distinct:
            progress(done, len(distinct))
        if missing and self.folder.is_dir():
            for part in self.folder.iterdir():
                remove_stale(part)
        for path, reason in each_image(partial(_prepare_entry, self.folder, self.settings), missing, jobs=jobs):
            done += 1
            if reason is not None:
                problems[path] = reason
            if progress:
                progress(done, len(distinct))
        return {p: problems[p] for p in distinct if p in problems}

    def _has(self, path: Path) -> bool:
        """Return whether the cache has an image, without reading the image itself."""
        try:
            digest = remembered_hash(path)
        except OSError:
            return False
        return digest is not None and self._is_sound(self._key(digest))

    def _key(self, digest: str) -> str:
        """Return the name of the entry of an image with this digest."""
        settings = json.dumps([PREPARATION_VERSION, self.settings.to_dict()], sort_keys=True)
        return hashlib.sha256(f"{digest} {settings}".encode()).hexdigest()[:40]

    def _entry(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npy"

    def _is_sound(self, key: str) -> bool:
        """Return whether the entry is there and whole; its bytes are read once per process."""
        if key in self._verified and self._entry(key).exists():
            return True
        if is_sound(self._entry(key), self.settings.size):
            self._verified.add(key)
            return True
        return False


def letterbox(pixels: np.ndarray, size: int) -> np.ndarray:
    """Resize uint8 [height, width] to fit a square and centre it on black: uint8 [size, size].

    Equal bytes on every processor: Pillow resizes bytes in integers, with weights rounded to 22 binary digits. The last
    place of the sine that they come from would get through that with a probability of 10⁻⁹ per weight, and then change
    a grey level in one of thousands of pixels.
    """
    inside = fitted(pixels.shape[0], pixels.shape[1], size)
    resized = Image.fromarray(pixels).resize((inside.width, inside.height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    square = np.zeros((size, size), np.uint8)
    square[inside.place] = np.asarray(resized)
    return square


class Inside(NamedTuple):
    """Where in a square a resized image lies: its size, and the left upper corner."""

    width: int
    height: int
    left: int
    upper: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of the square."""
        return slice(self.upper, self.upper + self.height), slice(self.left, self.left + self.width)


def fitted(height: int, width: int, size: int) -> Inside:
    """Return where an image of this height and width lies in a square."""
    scale = size / max(height, width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    return Inside(*inner, (size - inner[0]) // 2, (size - inner[1]) // 2)


def _prepare_entry(folder: Path, settings: ImageSettings, path: Path) -> str | None:
    """Make the entry of one image in whatever process this is; return what is wrong with the image, or None."""
    try:
        ImageCache(folder, settings).load(path)
    except ImageError as error:
        return error.reason
    return None


def write_entry(entry: Path, pixels: np.ndarray) -> None:
    """Write an array in NumPy's format, and the digest of those bytes behind it."""
    with atomic_file(entry, private=True) as temporary, temporary.open("w+b") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(pixels), allow_pickle=False)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0, os.SEEK_END)
        file.write(digest)


def is_sound(entry: Path, size: int) -> bool:
    """Return whether an entry's digest is that of the bytes before it."""
    try:
        content = entry.read_bytes()
    except OSError:
        return False
    body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    return len(body) > size * size and hashlib.sha256(body).digest() == digest


ImageLoader = Callable[[Path], np.ndarray]

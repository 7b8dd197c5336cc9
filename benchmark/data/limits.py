"""What an image's header may claim before anything of it is decoded: its size, and the bytes that it becomes.

A header costs a few bytes and can claim gigabytes. It is refused by what it says, so that no memory is spent on it.
What kind of file it stands in, `benchmark.disk.file_kinds` looks at first.
"""

import io
from pathlib import Path

LARGEST_IMAGE_PIXELS = 200_000_000
"""A mammogram has up to 30 million pixels; a header that claims far more is damaged or hostile."""
LARGEST_IMAGE_BYTES = 400_000_000
"""Bytes of a decoded image, all samples of all pixels: 200 million pixels of 16 bits, 66 million of 16-bit colour."""
FREE_BYTES = 67_108_864
"""Bytes that any file may become, however small it is: 30 million pixels of 16 bits, which may be all black."""
LARGEST_RATIO = 250
"""How many times its own size a file may become beyond `FREE_BYTES`; compressed mammograms become 2 to 50 times."""


class Refused(Exception):
    """A file that is not decoded, with the reason in words for its owner; whoever knows its name adds it."""


class BoundedFile(io.BufferedReader):
    """A file that never reserves memory for more than it has, whatever the length of a part claims."""

    def __init__(self, path: Path):
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Return so many bytes, or those that are left."""
        left = max(0, self._size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def check_size(height: int, width: int, pixel_bytes: float, file_size: int) -> None:
    """Refuse an image whose header claims more than is sensible, or more than its file can hold.

    Args:
        height, width: as claimed.
        pixel_bytes: bytes of one pixel once decoded, all its samples.
        file_size: bytes of the file, or of the compressed part that becomes the image.

    Raises:
        Refused: it claims more than `LARGEST_IMAGE_PIXELS` or `LARGEST_IMAGE_BYTES`, or more than `FREE_BYTES` and
            `LARGEST_RATIO` times the file.
    """
    pixels = height * width
    if height <= 0 or width <= 0:
        raise Refused(f"its header claims an image of {width} × {height} pixels")
    if pixels > LARGEST_IMAGE_PIXELS:
        raise Refused(f"its header claims {pixels:,} pixels, more than the {LARGEST_IMAGE_PIXELS:,} allowed")
    asked = int(pixels * pixel_bytes)
    allowed = min(LARGEST_IMAGE_BYTES, max(FREE_BYTES, LARGEST_RATIO * file_size))
    if asked > allowed:
        raise Refused(
            f"its header claims {asked:,} bytes of pixels, more than the {allowed:,} allowed for {file_size:,} bytes"
        )

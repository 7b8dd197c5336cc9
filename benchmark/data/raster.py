"""PNG, JPEG and what else Pillow reads of still pictures, upright and in grey; 16-bit colour by imagecodecs."""

from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

from benchmark.data.codestreams import Claim, claim_of, exif_of_jpeg
from benchmark.data.grey import to_grey
from benchmark.data.limits import LARGEST_IMAGE_PIXELS, BoundedFile, Refused, check_size
from benchmark.data.orientation import orientation_of_exif, orientation_of_raster, upright

# Pillow knows kinds that start other programs or are drawings; these are pictures. JPEG stands for MPO too.
FORMATS = ("PNG", "JPEG", "JPEG2000", "WEBP", "GIF", "BMP", "PPM")
_SAMPLE_BYTES = {"I": 4, "F": 4}
_HEADER = 1 << 20
_MOST_SCANS = 100
"""Passes of a progressive JPEG; encoders write 10. Each is decoded over the whole picture, so thousands never end."""
_MOST_FRAMES = 50
_JPEG_2000 = (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")


def decode(path: Path) -> np.ndarray:
    """Decode the one picture of a file.

    Returns:
        grey levels upright, as `benchmark.data.decode.decode` says.

    Raises:
        Refused: the file holds several pictures of full size, or claims more than it can hold.
        Exception: whatever Pillow and imagecodecs raise for a damaged file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_HEADER)
    claim = claim_of(start)
    if claim:
        check_size(claim.height, claim.width, claim.samples * (2 if claim.bits > 8 else 1), size)
        if claim.bits > 8 and start.startswith(b"\xff\xd8"):
            return _deep_jpeg(path.read_bytes(), claim)
        if claim.bits > 8 and claim.samples <= 4 and start.startswith(_JPEG_2000):
            return _deep_jpeg_2000(path.read_bytes(), claim)
    with BoundedFile(path) as file, _opened(file) as image:
        _choose_frame(image)
        _check_size(image, size)
        if image.info.get("progressive") and path.read_bytes().count(b"\xff\xda") > _MOST_SCANS:
            raise Refused(f"is a JPEG of more than {_MOST_SCANS} passes, which only a hostile one has")
        orientation = orientation_of_raster(image)
        if claim and image.format == "PNG" and claim.bits == 16 and claim.samples > 1:
            return upright(_deep_png(path.read_bytes()), orientation)
        if image.mode in _SAMPLE_BYTES or image.mode.startswith("I;16"):
            return upright(to_grey(np.asarray(image)), orientation)
        return upright(np.asarray(image if image.mode == "L" else image.convert("L")), orientation)


def stored_bytes(path: Path) -> int:
    """Return how many bytes the picture takes once decoded, by its header."""
    with path.open("rb") as file:
        claim = claim_of(file.read(_HEADER))
    if claim:
        return claim.height * claim.width * claim.samples * (2 if claim.bits > 8 else 1)
    with BoundedFile(path) as file, _opened(file) as image:
        return image.width * image.height * _pixel_bytes(image.mode)


def _opened(file: BoundedFile) -> Image.Image:
    """Open a picture, of the kinds named above only."""
    try:
        return Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise Refused(f"its header claims far more than the {LARGEST_IMAGE_PIXELS:,} pixels allowed") from None


def _check_size(image: Image.Image, size: int) -> None:
    """Refuse a picture whose header claims more than its file can hold."""
    check_size(image.height, image.width, _pixel_bytes(image.mode), size)


def _pixel_bytes(mode: str) -> int:
    """Return the bytes of a pixel of one of Pillow's modes."""
    return 2 if mode.startswith("I;16") else _SAMPLE_BYTES.get(mode, 1) * Image.getmodebands(mode)


def _choose_frame(image: Image.Image) -> None:
    """Go to the one frame of full size; further ones are refused, but for the smaller pictures beside one in an MPO."""
    count = getattr(image, "n_frames", 1) if image.format == "MPO" else 2 if getattr(image, "is_animated", False) else 1
    if count == 1:
        return
    if image.format != "MPO" or count > _MOST_FRAMES:
        raise Refused("holds several frames; a single mammogram was expected. Export the one picture")
    areas = []
    for frame in range(count):
        image.seek(frame)
        areas.append(image.width * image.height)
    if areas.count(max(areas)) > 1:
        raise Refused(f"holds {count} pictures, several of full size; a single mammogram was expected")
    image.seek(areas.index(max(areas)))


def _deep_png(content: bytes) -> np.ndarray:
    """Decode a PNG of 16-bit colours, or of 16-bit grey with alpha, of which Pillow keeps 8 bits."""
    pixels = imagecodecs.png_decode(content)
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., 0]
    return to_grey(pixels)


def _deep_jpeg_2000(content: bytes, claim: Claim) -> np.ndarray:
    """Decode a JPEG 2000 of more than 8 bits, which span the range that its header states; Pillow widens them to 16."""
    pixels = imagecodecs.jpeg2k_decode(content)
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., 0]
    return to_grey(pixels, claim.bits)


def _deep_jpeg(content: bytes, claim: Claim) -> np.ndarray:
    """Decode a JPEG of more than 8 bits, which Pillow doesn't read."""
    pixels = imagecodecs.jpeg_decode(content, bitspersample=claim.bits)
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., 0]
    block = exif_of_jpeg(content)
    return upright(to_grey(pixels, claim.bits), orientation_of_exif(block) if block else 1)

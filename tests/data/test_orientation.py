"""Orientation of EXIF and of TIFF's tag 274: the picture that a viewer shows, once, whatever the file's kind."""

import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from drawn_pictures import HEIGHT, WIDTH, levels, turned, write_tiff
from PIL import Image, ImageOps

from benchmark.data.decode import decode, look
from benchmark.data.grey import to_8_bits
from benchmark.data.image import ImageSettings, prepare
from benchmark.data.orientation import upright

ALL = range(1, 9)


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


@pytest.mark.parametrize("orientation", ALL)
def test_turning_is_that_of_pillow(orientation: int) -> None:
    stored = turned(levels(8), orientation)
    image = Image.fromarray(stored)
    image.info["exif"] = exif_of(orientation).tobytes()
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(image)), levels(8))
    assert np.array_equal(upright(stored, orientation), levels(8))


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_rasters_by_exif(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a{suffix}"
    listed: dict[str, dict[str, Any]] = {".webp": {"lossless": True}, ".jpg": {"quality": 100}}
    options = listed.get(suffix, {})
    Image.fromarray(turned(levels(8), orientation)).save(path, exif=exif_of(orientation), **options)
    decoded = decode(path)
    assert decoded.shape == (HEIGHT, WIDTH)
    assert np.abs(decoded.astype(int) - levels(8)).max() <= (2 if suffix != ".png" else 0)


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("channels", ["L", "RGB"])
def test_png_of_16_bits_by_exif(tmp_path: Path, orientation: int, channels: str) -> None:
    path = tmp_path / "a.png"
    stored = turned(levels(16), orientation)
    if channels == "L":
        Image.fromarray(stored).save(path, exif=exif_of(orientation))
    else:  # what Pillow doesn't write: the chunk goes behind the header of what imagecodecs wrote
        content = imagecodecs.png_encode(np.dstack([stored] * 3))
        block = exif_of(orientation).tobytes().removeprefix(b"Exif\0\0")
        chunk = b"eXIf" + block
        framed = len(block).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        path.write_bytes(content[:33] + framed + content[33:])
    assert np.array_equal(decode(path), levels(16))


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_by_tag(tmp_path: Path, orientation: int, channels: int, bits: int) -> None:
    path = tmp_path / "a.tif"
    stored = turned(levels(bits), orientation)
    tifffile.imwrite(
        path,
        stored if channels == 1 else np.dstack([stored] * 3),
        photometric="minisblack" if channels == 1 else "rgb",
        extratags=[(274, 3, 1, orientation, True)],
    )
    assert np.array_equal(decode(path), levels(bits))


@pytest.mark.parametrize("orientation", ALL)
def test_tiff_by_its_exif_directory(tmp_path: Path, orientation: int) -> None:
    path = write_tiff(tmp_path / "a.tif", turned(levels(8), orientation), 8, 1, exif={274: orientation})
    assert np.array_equal(decode(path), levels(8))


def test_the_tag_goes_before_the_exif_directory(tmp_path: Path) -> None:
    stored = turned(levels(8), 6)
    path = write_tiff(tmp_path / "a.tif", stored, 8, 1, tags={274: (3, [6])}, exif={274: 3})
    assert np.array_equal(decode(path), levels(8))


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("compression", [None, "jpeg"])
def test_tiff_in_ycbcr_is_turned_once(tmp_path: Path, orientation: int, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    stored = Image.fromarray(turned(np.dstack([levels(8)] * 3), orientation))
    if compression is None:
        stored = stored.convert("YCbCr")
    stored.save(path, compression=compression, tiffinfo={274: orientation})
    assert np.abs(decode(path).astype(int) - levels(8)).max() <= (40 if compression else 1)  # sharp edges in JPEG


@pytest.mark.parametrize("orientation", ALL)
def test_jpeg_of_12_bits(tmp_path: Path, orientation: int) -> None:
    content = imagecodecs.jpeg_encode(turned(levels(12), orientation), bitspersample=12, level=100)
    block = exif_of(orientation).tobytes()
    path = tmp_path / "a.jpg"
    path.write_bytes(content[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + content[2:])
    assert np.abs(to_8_bits(decode(path)).astype(int) - levels(8)).max() <= 2


@pytest.mark.parametrize("value", [0, 9, 255])
def test_what_is_no_orientation_turns_nothing(tmp_path: Path, value: int) -> None:
    tifffile.imwrite(tmp_path / "a.tif", levels(8), extratags=[(274, 3, 1, value, True)])
    Image.fromarray(levels(8)).save(tmp_path / "a.png", exif=exif_of(value))
    for name in ("a.tif", "a.png"):
        assert np.array_equal(decode(tmp_path / name), levels(8))


def test_damaged_exif_of_a_sound_picture_turns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(levels(8)).save(path, quality=100, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert np.abs(decode(path).astype(int) - levels(8)).max() <= 2


def test_the_crop_sees_the_turned_picture(tmp_path: Path) -> None:
    settings = ImageSettings(size=64)
    tifffile.imwrite(tmp_path / "a.tif", levels(8))
    tifffile.imwrite(tmp_path / "b.tif", turned(levels(8), 6), extratags=[(274, 3, 1, 6, True)])
    assert look(tmp_path / "b.tif").shape == (HEIGHT, WIDTH)
    assert np.array_equal(prepare(tmp_path / "a.tif", settings), prepare(tmp_path / "b.tif", settings))

"""Bits, types and kinds of samples: each brightest level is white, whatever it is stored in."""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from drawn_pictures import SHARE, levels, write_tiff
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from benchmark.data.decode import ImageError, decode
from benchmark.data.grey import least_bits, stretch_to_16_bits, to_8_bits

pytestmark = pytest.mark.numeric

GREY, COLOURS, ALPHA, COLOURS_ALPHA = 1, 3, 2, 4


def channels(pixels: np.ndarray, number: int) -> np.ndarray:
    """Return the picture in so many channels, alpha half transparent."""
    if number == GREY:
        return pixels
    alpha = [np.full_like(pixels, 77)] if number in (ALPHA, COLOURS_ALPHA) else []
    return np.dstack([pixels] * (number - len(alpha)) + alpha)


def is_the_picture(path: Path, tolerance: int = 1) -> None:
    """Assert that a file decodes to the picture, in levels of 8 bits."""
    decoded = to_8_bits(decode(path))
    assert decoded.shape == SHARE.shape
    assert np.abs(decoded.astype(int) - levels(8)).max() <= tolerance


@pytest.mark.parametrize("number", [GREY, ALPHA, COLOURS, COLOURS_ALPHA])
@pytest.mark.parametrize("bits", range(9, 17))
def test_bits_in_words_of_16(tmp_path: Path, bits: int, number: int) -> None:
    pixels = channels(levels(bits), number)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    is_the_picture(tmp_path / "a.png")
    for planar in ("contig", "separate"):
        for tile in (None, (16, 16)):
            tifffile.imwrite(
                tmp_path / "a.tif",
                pixels if planar == "contig" or number == GREY else np.moveaxis(pixels, -1, 0),
                photometric="rgb" if number >= COLOURS else "minisblack",
                planarconfig=None if number == GREY else planar,
                extrasamples=["unassalpha"] if number in (ALPHA, COLOURS_ALPHA) else None,
                tile=tile,
                compression="deflate" if tile else None,
            )
            is_the_picture(tmp_path / "a.tif")


def test_the_range_is_that_of_all_channels(tmp_path: Path) -> None:
    blue = np.zeros((4, 4, 3), np.uint16)
    blue[..., 2] = 4095  # of 12 bits; its luminance alone would look like 9
    tifffile.imwrite(tmp_path / "a.tif", blue, photometric="rgb")
    assert np.abs(decode(tmp_path / "a.tif") / 65535 - 0.114).max() < 1e-4


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", range(1, 17))
def test_packed_bits_span_the_range_that_the_file_states(tmp_path: Path, bits: int, photometric: int) -> None:
    top = 2**bits - 1
    values = np.rint(SHARE * top / 2).astype(np.int64)  # half the range: nothing in the pixels tells it
    path = write_tiff(tmp_path / "a.tif", top - values if photometric == 0 else values, bits, photometric)
    if bits == 16:  # may hold fewer, so its largest value tells
        top = 2 ** int(values.max()).bit_length() - 1 if photometric else top
    decoded = decode(path)
    assert np.abs(decoded / np.iinfo(decoded.dtype).max - values / top).max() <= 0.5 / 255


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_reversed_bits(tmp_path: Path, bits: int, byteorder: str) -> None:
    plain = write_tiff(tmp_path / "a.tif", levels(bits), bits, 1, byteorder=byteorder)
    reversed_bits = write_tiff(tmp_path / "b.tif", levels(bits), bits, 1, byteorder=byteorder, reversed_bits=True)
    assert np.array_equal(decode(reversed_bits), decode(plain))


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [("int8", 8), ("int16", 8), ("int16", 12), ("int16", 16), ("int32", 12), ("int32", 16), ("int32", 31)],
)
def test_signed_integers_count_from_the_least(tmp_path: Path, dtype: str, bits: int) -> None:
    values = np.rint(SHARE * (2.0**bits - 1)) - 2.0 ** (bits - 1)
    tifffile.imwrite(tmp_path / "a.tif", values.astype(dtype), photometric="minisblack")
    is_the_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("number", [GREY, COLOURS])
@pytest.mark.parametrize("compressed", [False, True])
def test_floating_point(tmp_path: Path, dtype: str, number: int, compressed: bool) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        channels(SHARE.astype(dtype), number),
        photometric="rgb" if number == COLOURS else "minisblack",
        compression="deflate" if compressed else None,
        predictor=compressed,
    )
    is_the_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("background", [np.nan, -np.inf, -1000.0])
def test_what_is_no_number_is_background(tmp_path: Path, dtype: str, background: float) -> None:
    values = np.where(SHARE == 0, background, SHARE * 900 - 1000).astype(dtype)
    values[0, 0] = -1000
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert np.abs(to_8_bits(decode(tmp_path / "a.tif")).astype(int) - levels(8)).max() <= 1


def test_infinity_is_white_and_widens_no_range(tmp_path: Path) -> None:
    values = np.where(SHARE == 1, np.inf, SHARE * 10).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values)
    expected = np.where(SHARE == 1, 1.0, SHARE / SHARE[SHARE < 1].max())
    assert np.abs(decode(tmp_path / "a.tif") / 65535 - expected).max() < 1e-3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_without_a_number_is_refused(tmp_path: Path, value: float) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4), value, np.float32))
    with pytest.raises(ImageError, match=r"a\.tif.*number"):
        decode(tmp_path / "a.tif")


@pytest.mark.parametrize("factor", [1.7e308, 5e-324 * 2**40])
def test_floating_point_at_the_ends_of_its_range(factor: float) -> None:
    values = np.array([[-factor, 0.0, factor]])
    assert np.abs(stretch_to_16_bits(values).astype(int) - [[0, 32767, 65535]]).max() <= 1


@given(st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=20))
@settings(deadline=None)
def test_the_range_is_the_least_of_8_to_16_bits(values: list[int]) -> None:
    top = next(2**bits - 1 for bits in range(8, 17) if max(values) < 2**bits)
    stretched = stretch_to_16_bits(np.array([values], np.uint16))
    assert np.abs(stretched[0] - np.array(values) * 65535.0 / top).max() <= 0.5
    assert 2 ** least_bits(max(values), 8) - 1 == top


@pytest.mark.parametrize("scale", [257, 1], ids=["16 bits an entry", "8 bits an entry"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_is_looked_up_before_anything_is_scaled(tmp_path: Path, bits: int, scale: int) -> None:
    size = 2**bits
    entries = np.random.default_rng(bits).permutation(np.linspace(0, 255, size).round().astype(int))
    index = levels(bits)
    tag = {320: (3, [int(v) * scale for v in entries] * 3)}
    path = write_tiff(tmp_path / "a.tif", index, bits, 3, tags=tag)
    assert np.array_equal(decode(path), entries[index])
    assert decode(path).dtype == np.uint8
    if scale == 257:
        assert np.abs(decode(path).astype(int) - np.asarray(Image.open(path).convert("L"))).max() <= 1


def test_a_palette_of_16_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, levels(16), photometric="palette", colormap=np.stack([np.arange(65536, dtype=np.uint16)] * 3)
    )
    is_the_picture(path)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_of_a_png(tmp_path: Path, bits: int) -> None:
    entries = np.random.default_rng(bits).permutation(np.linspace(0, 255, 2**bits).round().astype(int))
    image = Image.fromarray(levels(bits)).convert("L")
    image.putpalette([int(v) for v in entries for _ in range(3)])
    image.save(tmp_path / "a.png", bits=bits)
    assert (tmp_path / "a.png").read_bytes()[24:26] == bytes([bits, 3])
    assert np.array_equal(decode(tmp_path / "a.png"), entries[levels(bits)])


def test_an_index_beyond_its_palette_and_no_palette_are_refused(tmp_path: Path) -> None:
    short = write_tiff(tmp_path / "a.tif", levels(8), 8, 3, tags={320: (3, [0, 65535] * 3)})
    with pytest.raises(ImageError, match=r"a\.tif"):
        decode(short)
    with pytest.raises(ImageError, match="palette"):
        decode(write_tiff(tmp_path / "b.tif", levels(8), 8, 3))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", [8, 9])
def test_cielab_is_its_lightness(tmp_path: Path, bits: int, photometric: int) -> None:
    white = 65280 if (bits, photometric) == (16, 9) else 2**bits - 1  # ICC.1 6.3.4.2, TIFF 6.0 section 23
    lightness = np.rint(SHARE * white).astype(np.int64)
    lab = np.dstack([lightness, np.full_like(lightness, 3), np.full_like(lightness, 2**bits - 5)])
    is_the_picture(write_tiff(tmp_path / "a.tif", lab, bits, photometric))


def test_cielab_of_pillow(tmp_path: Path) -> None:
    colours = Image.fromarray(np.dstack([levels(8)] * 3))
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(colours, to_lab)
    assert lab is not None
    lab.save(tmp_path / "a.tif")
    is_the_picture(tmp_path / "a.tif", 12)  # lightness of grey is not quite its level


@pytest.mark.parametrize("bits", [8, 16])
def test_inks(tmp_path: Path, bits: int) -> None:
    rng = np.random.default_rng(0)
    inks = rng.integers(0, 256, (6, 7, 4))
    expected = np.asarray(Image.fromarray(inks.astype(np.uint8), "CMYK").convert("L")).astype(int)
    path = write_tiff(tmp_path / "a.tif", inks if bits == 8 else inks * 257, bits, 5)
    assert np.abs(to_8_bits(decode(path)).astype(int) - expected).max() <= 2
    Image.fromarray(np.dstack([np.zeros_like(levels(8))] * 3 + [255 - levels(8)]), "CMYK").save(
        tmp_path / "b.jpg", quality=100
    )
    is_the_picture(tmp_path / "b.jpg", 3)


@pytest.mark.parametrize("black_and_white", [None, (0, 255), (16, 235)])
def test_brightness_of_ycbcr(tmp_path: Path, black_and_white: tuple[int, int] | None) -> None:
    black, white = black_and_white or (0, 255)
    bright = np.rint(black + SHARE * (white - black)).astype(np.int64)
    tags: dict[int, tuple[int, list[int]]] = {530: (3, [1, 1])}
    if black_and_white:
        tags[532] = (5, [black, 1, white, 1, 128, 1, 240, 1, 128, 1, 240, 1])
    pixels = np.dstack([bright, np.full_like(bright, 128), np.full_like(bright, 128)])
    is_the_picture(write_tiff(tmp_path / "a.tif", pixels, 8, 6, tags=tags))


def test_ycbcr_of_pillow_with_and_without_jpeg(tmp_path: Path) -> None:
    colours = np.random.default_rng(3).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(np.kron(colours, np.ones((16, 16, 1), np.uint8)))
    image.save(tmp_path / "a.tif", compression="jpeg")
    image.convert("YCbCr").save(tmp_path / "b.tif")
    for name in ("a.tif", "b.tif"):
        expected = np.asarray(Image.open(tmp_path / name).convert("L")).astype(int)
        assert np.abs(decode(tmp_path / name).astype(int) - expected).max() <= 2


REFUSED = {
    "ITULAB": (10, 3),
    "LOGL": (32844, 1),
    "LOGLUV": (32845, 3),
    "CFA": (32803, 1),
    "MASK": (4, 1),
    "4711": (4711, 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_kinds_that_are_not_handled_are_refused_by_name(tmp_path: Path, name: str) -> None:
    photometric, number = REFUSED[name]
    path = write_tiff(tmp_path / "a.tif", channels(levels(8), number), 8, photometric)
    with pytest.raises(ImageError, match=rf"a\.tif.*{name}"):
        decode(path)


def test_channels_that_are_no_colours_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    different = np.stack([np.roll(levels(8), shift, axis=1) for shift in range(5)])
    tifffile.imwrite(path, different, photometric="minisblack", planarconfig="separate")
    with pytest.raises(ImageError, match="5 channels"):
        decode(path)
    tifffile.imwrite(path, np.stack([levels(8)] * 3), photometric="minisblack", planarconfig="separate")
    is_the_picture(path)  # one picture three times


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", SHARE.astype(np.complex64))
    with pytest.raises(ImageError, match=r"a\.tif"):
        decode(tmp_path / "a.tif")


WRITERS: dict[str, Callable[[Path, np.ndarray], Any]] = {
    "jp2": lambda p, a: p.write_bytes(imagecodecs.jpeg2k_encode(a, codecformat="jp2", reversible=True)),
    "j2k": lambda p, a: p.write_bytes(imagecodecs.jpeg2k_encode(a, codecformat="j2k", reversible=True)),
    "pgm": lambda p, a: Image.fromarray(a).save(p, format="PPM"),
    "png": lambda p, a: Image.fromarray(a).save(p, format="PNG"),
    "lossless jpeg": lambda p, a: p.write_bytes(imagecodecs.ljpeg_encode(a, bitspersample=8 * a.dtype.itemsize)),
}


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("kind", WRITERS)
def test_further_kinds_of_file(tmp_path: Path, kind: str, bits: int) -> None:
    WRITERS[kind](tmp_path / "a.img", levels(bits))
    is_the_picture(tmp_path / "a.img")


@pytest.mark.parametrize(
    "compression", ["lzw", "deflate", "packbits", "zstd", "lzma", "jpeg2000", "png", "jpegxl", "lerc"]
)
@pytest.mark.parametrize("number", [GREY, COLOURS])
def test_compressions_in_tiles(tmp_path: Path, compression: str, number: int) -> None:
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"compressionargs": {"level": 0}} if compression == "jpeg2000" else {}
    photometric = "rgb" if number == COLOURS else "minisblack"
    tifffile.imwrite(
        path, channels(levels(8), number), photometric=photometric, tile=(16, 16), compression=compression, **options
    )
    is_the_picture(path)


def test_a_tiff_without_a_photometric_interpretation_is_not_inverted(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", levels(8), 8, 1)
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<HHI", 262, 3, 1))
    content[at : at + 2] = struct.pack("<H", 263)  # Threshholding, which says nothing of brightness
    path.write_bytes(content)
    assert not re.search(b"\x06\x01\x03\x00", bytes(content))
    is_the_picture(path)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_what_is_no_number_is_background_where_white_is_zero_too(tmp_path: Path, dtype: str) -> None:
    pixels = np.where(SHARE == 0, np.nan, 500 - 400 * SHARE).astype(dtype)
    pixels[0, 0] = 500
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    assert np.abs(to_8_bits(decode(tmp_path / "a.tif")).astype(int) - levels(8)).max() <= 1


@pytest.mark.parametrize("tag", ["-9999", "-9999.0", "nan", "none"])
def test_what_gdal_calls_no_data_widens_no_range(tmp_path: Path, tag: str) -> None:
    nothing = float(tag) if tag != "none" else 0.0
    pixels = np.where(SHARE == 0, nothing, 1000 * SHARE).astype("f4")
    pixels[0, 0] = 0
    tifffile.imwrite(tmp_path / "a.tif", pixels, extratags=[(42113, 2, len(tag) + 1, tag, True)])
    assert np.abs(to_8_bits(decode(tmp_path / "a.tif")).astype(int) - levels(8)).max() <= 1


@pytest.mark.parametrize("codec", ["j2k", "jp2"])
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
@pytest.mark.parametrize("part", [1, 4])
def test_jpeg_2000_spans_the_range_that_its_header_states(tmp_path: Path, codec: str, bits: int, part: int) -> None:
    pixels = (levels(bits) // part).astype(np.uint16)
    content = imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, bitspersample=bits, codecformat=codec)
    (tmp_path / "a.png").write_bytes(content)
    expected = levels(8) // (part if bits < 16 else 1)  # in 16 bits the largest value tells
    assert np.abs(to_8_bits(decode(tmp_path / "a.png")).astype(int) - expected).max() <= 1

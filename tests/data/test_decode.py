import struct
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from known import known
from PIL import Image

from benchmark.data.decode import ImageError, decode, look, stored_bytes
from benchmark.data.grey import stretch_to_16_bits, to_8_bits

pytestmark = pytest.mark.numeric

GREY = np.random.default_rng(0).integers(0, 256, (37, 23), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (37, 23, 3), dtype=np.uint8)
ALPHA = np.dstack([COLOUR, np.random.default_rng(2).integers(0, 256, (37, 23), dtype=np.uint8)])
LUMINANCE = np.asarray(Image.fromarray(COLOUR).convert("L"))


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "lerc"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_tiff_comes_back_as_stored(tmp_path: Path, compression: str | None, byteorder: Literal["<", ">"]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, compression=compression, byteorder=byteorder)
    assert np.array_equal(decode(path), GREY)


def test_bigtiff_and_tiles(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, bigtiff=True, tile=(16, 16))
    assert np.array_equal(decode(path), GREY)


@pytest.mark.parametrize("pixels", [COLOUR, ALPHA], ids=["rgb", "rgba"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_tiff_becomes_luminance_as_pillow_has_it(tmp_path: Path, pixels: np.ndarray, planar: str) -> None:
    path = tmp_path / "a.tif"
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    extra = ["unassalpha"] if pixels.shape[-1] == 4 else None
    tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planar, extrasamples=extra)
    assert np.abs(decode(path).astype(int) - LUMINANCE).max() <= 1  # Pillow works in fixed point


def test_grey_stored_in_three_channels_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.dstack([GREY] * 3), photometric="rgb")
    assert np.array_equal(decode(path), GREY)


def test_white_is_zero_is_inverted(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, photometric="miniswhite")
    assert np.array_equal(decode(path), 255 - GREY)


def test_palette_tiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(GREY).quantize(256).save(path)
    assert np.abs(decode(path).astype(int) - np.asarray(Image.open(path).convert("L")).astype(int)).max() <= 1


def test_one_bit_tiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(GREY > 127).save(path)
    assert np.array_equal(decode(path), np.where(GREY > 127, 255, 0))


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_12_bits_in_16_keep_the_range_of_12(tmp_path: Path, suffix: str) -> None:
    values = (GREY.astype(np.uint16) << 4) | (GREY >> 4)
    path = tmp_path / f"a{suffix}"
    (tifffile.imwrite if suffix == ".tif" else lambda p, a: Image.fromarray(a).save(p))(path, values)
    decoded = decode(path)
    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded, np.rint(values * (65535 / 4095)))
    assert np.abs(to_8_bits(decoded).astype(int) - GREY).max() <= 1


def test_16_bit_colour_tiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, COLOUR.astype(np.uint16) * 257, photometric="rgb")
    assert np.abs(to_8_bits(decode(path)).astype(int) - LUMINANCE).max() <= 1


def test_floating_point_tiff_spans_its_values_and_passes_over_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    values = GREY.astype(np.float32) / 7 - 3
    values[0, 0] = np.nan
    tifffile.imwrite(path, values)
    decoded = decode(path)
    assert decoded.min() == 0
    assert decoded.max() == 65535


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1"])
def test_png_is_what_pillow_reads(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(ALPHA).convert(mode).save(path)
    assert np.array_equal(decode(path), np.asarray(Image.open(path).convert("L")))


def test_jpeg_is_what_pillow_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(GREY).save(path, quality=90)
    assert np.array_equal(decode(path), np.asarray(Image.open(path)))


def test_the_content_tells_the_kind_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(GREY).save(path, format="png")
    assert np.array_equal(decode(path), GREY)


@given(
    hnp.arrays(
        st.sampled_from([np.uint16, np.int16, np.int32]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.integers(0, 30000),
    )
)
@settings(deadline=None)
def test_stretching_keeps_order_and_range(values: np.ndarray) -> None:
    stretched = stretch_to_16_bits(values)
    order = np.argsort(values, axis=None, kind="stable")
    assert stretched.dtype == np.uint16
    assert np.all(np.diff(stretched.ravel()[order].astype(int)) >= 0)
    assert np.array_equal(stretched == 0, values == 0)
    if values.max() >= 256:  # at most a quarter of the smallest range that holds a value stays unused
        assert stretched.max() >= 65535 / 4 - 1


DAMAGE = {
    "empty": b"",
    "text": b"this is no image at all",
    "only a TIFF header": b"II*\0\x08\0\0\0",
    "a DICOM word and nothing else": b"\0" * 128 + b"DICM",
}


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_damaged_files_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.tif"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"broken\.tif"):
        decode(path)
    assert look(path).shape is None


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(3).integers(0, 256, (300, 200), dtype=np.uint8)
    if suffix == ".tif":
        tifffile.imwrite(path, noise, rowsperstrip=16, compression="lzw")
    else:
        Image.fromarray(noise).save(path)
    assert decode(path).shape == (300, 200)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match="truncated"):
        decode(path)


def test_a_header_that_claims_too_much_is_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, GREY)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["ImageWidth"].overwrite(2_000_000)
        file.pages.first.tags["ImageLength"].overwrite(2_000_000)
    with pytest.raises(ImageError, match="claims"):
        decode(path)


def test_a_png_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.fromarray(GREY).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 100_000, 100_000)
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"bomb\.png"):
        decode(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.tif"):
        decode(tmp_path / "gone.tif")


def test_stored_bytes_come_from_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, ALPHA, photometric="rgb", extrasamples=["unassalpha"])
    assert stored_bytes(path) == ALPHA.nbytes
    assert stored_bytes(tmp_path / "gone.tif") == 0


def test_a_blank_image_is_said_to_be_blank(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (8, 9), 7).save(path)
    assert look(path).shape == (9, 8)
    assert "blank" in known(look(path).problem)


def test_a_damaged_tiff_is_told_of_once_and_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "broken.tif"
    path.write_bytes(b"II*\0\x08\0\0\0")
    script = f"""
from benchmark.data.decode import ImageError, decode
try:
    decode({str(path)!r})
except ImageError as error:
    print(error)
"""
    root = Path(__file__).resolve().parents[2]
    process = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    assert (process.returncode, process.stderr) == (0, "")
    assert "broken.tif" in process.stdout

"""Stored bits, padding, colours and palettes of DICOM, and headers that claim what isn't there."""

import io
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from drawn_pictures import SHARE, levels
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from written_dicom import mammogram, saved

from benchmark.data.decode import ImageError, decode
from benchmark.data.grey import to_8_bits

pytestmark = pytest.mark.numeric

WORD = 2**16


def shown(path: Path) -> np.ndarray:
    return to_8_bits(decode(path)).astype(int)


@pytest.mark.parametrize("rest", [0, 0xFFFF], ids=["clear", "set"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("bits", "high"), [(12, 15), (12, 13), (12, 11), (10, 15), (10, 9), (14, 14), (8, 15), (8, 7)])
def test_the_stored_bits_end_at_the_high_bit(tmp_path: Path, bits: int, high: int, signed: bool, rest: int) -> None:
    values = levels(bits).astype(np.int64)
    coded = (values - 2 ** (bits - 1)) % 2**bits if signed else values
    shift = high + 1 - bits
    words = (coded << shift) | (rest & ~(((1 << bits) - 1) << shift) & 0xFFFF)
    data = mammogram(words.astype(np.uint16), bits, HighBit=high, PixelRepresentation=int(signed))
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8)).max() <= 1


@pytest.mark.parametrize("high", [3, 16, 99])
def test_a_high_bit_that_cannot_be_is_passed_over(tmp_path: Path, high: int) -> None:
    data = mammogram(levels(12), 12, HighBit=high)
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8)).max() <= 1


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1, RLELossless])
@pytest.mark.parametrize("signed", [False, True])
def test_stored_bits_of_codecs(tmp_path: Path, syntax: Any, signed: bool) -> None:
    values = levels(12).astype(np.int16) - (2048 if signed else 0)
    data = mammogram(values if signed else values.astype(np.uint16), 12)
    if syntax == RLELossless:
        data.compress(RLELossless)
    else:
        words = values if syntax == JPEG2000Lossless and signed else (values.astype(np.int64) % 4096).astype(np.uint16)
        frame = {
            JPEG2000Lossless: lambda a: imagecodecs.jpeg2k_encode(
                a, codecformat="j2k", reversible=True, bitspersample=12
            ),
            JPEGLSLossless: imagecodecs.jpegls_encode,
            JPEGLosslessSV1: lambda a: imagecodecs.ljpeg_encode(a, bitspersample=12),
        }[syntax](words)
        data.PixelData = encapsulate([bytes(frame)])
        data["PixelData"].VR = "OB"
        data.file_meta.TransferSyntaxUID = syntax
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8)).max() <= 1


@pytest.mark.parametrize("bits", [24, 32])
@pytest.mark.parametrize("signed", [False, True])
def test_words_of_32_bits(tmp_path: Path, bits: int, signed: bool) -> None:
    values = np.rint(SHARE * (2.0**bits - 1)) - (2.0 ** (bits - 1) if signed else 0)
    data = mammogram(values.astype(np.int32 if signed else np.uint32), bits)
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8)).max() <= 1


PADDING = {
    "unsigned": (False, 12, 4095, {"PixelPaddingValue": ("US", 4095)}),
    "unsigned, written signed": (False, 16, 65000, {"PixelPaddingValue": ("SS", 65000 - WORD)}),
    "signed": (True, 16, -2000, {"PixelPaddingValue": ("SS", -2000)}),
    "signed, written unsigned": (True, 16, -2000, {"PixelPaddingValue": ("US", WORD - 2000)}),
    "12 signed bits, written unsigned": (True, 12, -2048, {"PixelPaddingValue": ("US", WORD - 2048)}),
    "12 signed bits, written without their sign": (True, 12, -2048, {"PixelPaddingValue": ("US", 2048)}),
    "a range": (False, 12, 4000, {"PixelPaddingValue": ("US", 3990), "PixelPaddingRangeLimit": ("US", 4095)}),
    "a range the other way round": (
        False,
        12,
        4000,
        {"PixelPaddingValue": ("US", 4095), "PixelPaddingRangeLimit": ("US", 3990)},
    ),
    "a signed range": (True, 16, -1500, {"PixelPaddingValue": ("SS", -2000), "PixelPaddingRangeLimit": ("SS", -1200)}),
    "a signed range, written unsigned": (
        True,
        16,
        -1500,
        {"PixelPaddingValue": ("US", WORD - 2000), "PixelPaddingRangeLimit": ("US", WORD - 1200)},
    ),
    "a range across zero, half of it unsigned": (
        True,
        16,
        -3,
        {"PixelPaddingValue": ("US", WORD - 5), "PixelPaddingRangeLimit": ("US", 5)},
    ),
    "beyond the stored bits": (False, 12, 5000, {"PixelPaddingValue": ("US", 5000)}),
}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("name", PADDING)
def test_padding_with_any_sign(tmp_path: Path, name: str, photometric: str) -> None:
    signed, bits, value, elements = PADDING[name]
    values = np.rint(SHARE * 900).astype(np.int64) + 1000
    air = values == 1000
    if photometric == "MONOCHROME1":
        values = 2900 - values
    values[air] = value
    words = values.astype(np.int16 if signed else np.uint16)
    if bits == 12 and signed:
        values[~air] -= 1000  # 12 signed bits hold up to 2047
        words = values.astype(np.int16)
    data = mammogram(words, bits, photometric)
    for keyword, (vr, number) in elements.items():
        data.add_new(keyword, vr, number)
    tissue = SHARE[~air]
    expected = (tissue - tissue.min()) / (tissue.max() - tissue.min())
    decoded = decode(saved(data, tmp_path / "a.dcm"))
    assert not decoded[air].any()
    assert np.abs(decoded[~air] / 65535 - expected).max() < 2e-3


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("planar", [0, 1])
def test_colours_span_their_stored_bits(tmp_path: Path, bits: int, planar: int) -> None:
    pixels = np.dstack([levels(bits)] * 3)
    data = mammogram(pixels, bits, "RGB", PlanarConfiguration=planar)
    if planar:
        data.PixelData = np.moveaxis(pixels, -1, 0).tobytes()
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8)).max() <= 1


def test_dark_colours_stay_dark_and_bits_that_are_not_enough_are_widened(tmp_path: Path) -> None:
    pixels = np.dstack([levels(12) // 2] * 3)
    data = mammogram(pixels, 12, "RGB")
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8) // 2).max() <= 1


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("jpeg", [False, True])
def test_brightness_of_ybr_is_the_luminance_of_pydicoms_colours(tmp_path: Path, photometric: str, jpeg: bool) -> None:
    colours = np.kron(
        np.random.default_rng(1).integers(60, 200, (4, 4, 3), dtype=np.uint8), np.ones((16, 16, 1), np.uint8)
    )
    image = Image.fromarray(colours).convert("YCbCr")
    ybr = np.asarray(image)
    data = mammogram(ybr, 8, photometric)
    if jpeg:
        buffer = io.BytesIO()
        Image.fromarray(colours).save(buffer, "jpeg", quality=95)
        data.PixelData = encapsulate([buffer.getvalue()])
        data["PixelData"].VR = "OB"
        data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    elif photometric == "YBR_FULL_422":  # two of Y, then Cb and Cr of the first (PS3.3 C.7.6.3.1.2)
        y, first = ybr[..., 0].reshape(-1, 2), ybr[:, ::2].reshape(-1, 3)
        data.PixelData = np.concatenate([y, first[:, 1:]], axis=1).tobytes()
    path = saved(data, tmp_path / "a.dcm")
    rgb = pixel_array(path).astype(float)
    expected = rgb @ [0.299, 0.587, 0.114]
    assert np.abs(decode(path) / 257 - expected).max() <= 2


def palette(count: int, first: int, bits: int, entries: np.ndarray, order: str = "<") -> dict[str, Any]:
    """Return the elements of a palette of greys."""
    written = entries.astype(np.uint8 if bits == 8 else f"{order}u2").tobytes()
    return {
        f"{colour}PaletteColorLookupTable{what}": value
        for colour in ("Red", "Green", "Blue")
        for what, value in (("Descriptor", [count % WORD, first, bits]), ("Data", written + bytes(len(written) % 2)))
    }


@pytest.mark.parametrize(
    ("index_bits", "entry_bits", "top"),
    [(8, 8, 255), (8, 16, 65535), (8, 16, 4095), (12, 8, 255), (12, 16, 65535), (16, 16, 65535), (16, 8, 255)],
)
def test_palettes(tmp_path: Path, index_bits: int, entry_bits: int, top: int) -> None:
    count = 2**index_bits
    order = np.random.default_rng(0).permutation(count)
    entries = np.empty(count, np.int64)
    entries[order] = np.rint(np.linspace(0, top, count))
    index = order[levels(index_bits)].astype(np.uint8 if index_bits == 8 else np.uint16)
    data = mammogram(index, index_bits, "PALETTE COLOR", **palette(count, 0, entry_bits, entries))
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8)).max() <= 1


@pytest.mark.parametrize("first", [100, -50])
def test_a_palette_that_starts_elsewhere(tmp_path: Path, first: int) -> None:
    entries = np.arange(256)
    index = levels(8).astype(np.int16) + first
    index = index if first < 0 else index.astype(np.uint16)
    data = mammogram(index, 16, "PALETTE COLOR", **palette(256, first, 16, entries * 257))
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8)).max() <= 1


def test_a_palette_in_big_endian(tmp_path: Path) -> None:
    data = mammogram(levels(8).astype(np.uint16), 16, "PALETTE COLOR", **palette(256, 0, 16, np.arange(256) * 257, ">"))
    data.PixelData = levels(8).astype(">u2").tobytes()
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert np.abs(shown(saved(data, tmp_path / "a.dcm")) - levels(8)).max() <= 1


def test_a_palette_in_segments_is_that_of_pydicom(tmp_path: Path) -> None:
    elements: dict[str, Any] = {}
    for colour in ("Red", "Green", "Blue"):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        segments = np.array([0, 1, 0, 1, 255, 65535], "<u2")  # one entry of 0, then a line to white
        elements[f"Segmented{colour}PaletteColorLookupTableData"] = segments.tobytes()
    data = mammogram(levels(8), 8, "PALETTE COLOR", **elements)
    path = saved(data, tmp_path / "a.dcm")
    expected = apply_color_lut(levels(8), data)[..., 0]
    assert np.abs(decode(path).astype(int) - expected).max() <= 1


REFUSED = {
    "a palette without entries": (mammogram(levels(8), 8, "PALETTE COLOR"), "palette"),
    "inks": (mammogram(np.dstack([levels(8)] * 3), 8, "CMYK"), "CMYK"),
    "colours of one sample": (mammogram(levels(8), 8, "RGB"), "RGB"),
    "frames": (mammogram(levels(8), 8, NumberOfFrames="5"), "5 frames"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_kinds_that_are_not_handled_are_refused_by_name(tmp_path: Path, name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(ImageError, match=rf"a\.dcm: .*{reason}"):
        decode(saved(data, tmp_path / "a.dcm"))


@pytest.mark.parametrize("frames", [None, "1", "0"])
def test_frames_that_the_header_does_not_count_are_refused(tmp_path: Path, frames: str | None) -> None:
    data = mammogram(levels(12), 12)
    data.PixelData = data.PixelData * 3
    if frames is not None:
        data.NumberOfFrames = frames
    with pytest.raises(ImageError, match="single mammogram"):
        decode(saved(data, tmp_path / "a.dcm"))


def refused_in_little_memory(path: Path, reason: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match=reason):
            decode(path)
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("rows", "columns"), [(65535, 65535), (60000, 3000), (10000, 10000)])
def test_rows_and_columns_beyond_the_file_are_refused(tmp_path: Path, rows: int, columns: int) -> None:
    data = mammogram(levels(12), 12, Rows=rows, Columns=columns)
    refused_in_little_memory(saved(data, tmp_path / "a.dcm"), r"a\.dcm.*claims")


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1, JPEGBaseline8Bit])
def test_a_compressed_frame_that_claims_another_size_is_refused(tmp_path: Path, syntax: Any) -> None:
    frame = bytearray(
        {
            JPEG2000Lossless: lambda a: imagecodecs.jpeg2k_encode(a, codecformat="j2k", reversible=True),
            JPEGLSLossless: imagecodecs.jpegls_encode,
            JPEGLosslessSV1: lambda a: imagecodecs.ljpeg_encode(a, bitspersample=8),
            JPEGBaseline8Bit: imagecodecs.jpeg_encode,
        }[syntax](levels(8))
    )
    size = levels(8).shape
    claimed = (size[0].to_bytes(2, "big") + size[1].to_bytes(2, "big"), b"\xff\xf0\xff\xf0")
    if syntax == JPEG2000Lossless:
        claimed = (size[1].to_bytes(4, "big") + size[0].to_bytes(4, "big"), b"\x00\x03\xff\xff" * 2)
    at = frame.index(claimed[0])
    frame[at : at + len(claimed[0])] = claimed[1]
    data = mammogram(levels(8), 8)
    data.PixelData = encapsulate([bytes(frame)])
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = syntax
    refused_in_little_memory(saved(data, tmp_path / "a.dcm"), r"a\.dcm.*claims")


def test_deflated_elements_are_read_within_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = mammogram(levels(12), 12)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = saved(data, tmp_path / "a.dcm")
    assert np.abs(shown(path) - levels(8)).max() <= 1
    content = path.read_bytes()
    length = 144 + int.from_bytes(content[140:144], "little")
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(20)) + deflate.flush()
    path.write_bytes(content[:length] + bomb)
    monkeypatch.setattr("benchmark.data.dicom.LARGEST_FILE", 5_000_000)
    refused_in_little_memory(path, "deflated")


def test_a_header_without_what_decoding_needs_is_refused(tmp_path: Path) -> None:
    for keyword in ("Rows", "BitsAllocated", "PhotometricInterpretation", "BitsStored", "PixelRepresentation"):
        data: Dataset = mammogram(levels(12), 12)
        delattr(data, keyword)
        with pytest.raises(ImageError, match=r"a\.dcm"):
            decode(saved(data, tmp_path / "a.dcm"))

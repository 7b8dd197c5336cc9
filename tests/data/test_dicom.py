import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from written_dicom import mammogram, saved

from benchmark.data.decode import ImageError, decode, stored_bytes

HEIGHT, WIDTH = 33, 21


def ramp(bits: int, signed: bool = False) -> np.ndarray:
    """Return values from every part of the range of `bits`, both ends included."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    values = np.linspace(low, high, HEIGHT * WIDTH).round().reshape(HEIGHT, WIDTH)
    return values.astype(
        {(True, True): np.int8, (True, False): np.uint8, (False, True): np.int16}.get((bits <= 8, signed), np.uint16)
    )


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_each_photometric_and_bit_depth_comes_back_stretched_to_16_bits(
    tmp_path: Path, photometric: str, bits: int, signed: bool
) -> None:
    values = ramp(bits, signed)
    decoded = decode(saved(mammogram(values, bits, photometric), tmp_path / "a.dcm"))
    expected = (values.astype(float) - values.min()) / (2**bits - 1)
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded, np.rint(expected * 65535))


def test_run_length_encoding(tmp_path: Path) -> None:
    values = ramp(12)
    data = mammogram(values, 12)
    data.compress(RLELossless)
    assert np.array_equal(decode(saved(data, tmp_path / "a.dcm")), np.rint(values / 4095 * 65535))


ENCODERS = {
    "jpeg 2000": (
        JPEG2000Lossless,
        partial(imagecodecs.jpeg2k_encode, codecformat="j2k", reversible=True),
    ),
    "jpeg-ls": (JPEGLSLossless, imagecodecs.jpegls_encode),
    "jpeg lossless": (JPEGLosslessSV1, partial(imagecodecs.ljpeg_encode, bitspersample=12)),
}


@pytest.mark.parametrize(("syntax", "encode"), ENCODERS.values(), ids=ENCODERS)
def test_compressed_syntaxes_that_another_library_wrote(
    tmp_path: Path, syntax: UID, encode: Callable[..., Any]
) -> None:
    values = ramp(12)
    data = mammogram(values, 12)
    data.PixelData = encapsulate([encode(values)])
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = syntax
    assert np.array_equal(decode(saved(data, tmp_path / "a.dcm")), np.rint(values / 4095 * 65535))


def test_baseline_jpeg(tmp_path: Path) -> None:
    values = ramp(8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "jpeg", quality=95)
    data = mammogram(values, 8)
    data.PixelData = encapsulate([buffer.getvalue()])
    data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    decoded = decode(saved(data, tmp_path / "a.dcm"))
    jpeg = np.asarray(Image.open(buffer)).astype(float)
    expected = (jpeg - jpeg.min()) / (jpeg.max() - jpeg.min()) * 65535
    assert np.abs(decoded - expected).max() <= 257 * 2  # decoders of JPEG may differ by a level


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_byte_orders(tmp_path: Path, syntax: UID) -> None:
    values = ramp(12)
    data = mammogram(values, 12)
    if syntax == ExplicitVRBigEndian:
        data.PixelData = values.astype(">u2").tobytes()
    data.file_meta.TransferSyntaxUID = syntax
    assert np.array_equal(decode(saved(data, tmp_path / "a.dcm")), np.rint(values / 4095 * 65535))


def test_a_file_without_preamble_and_meta_information(tmp_path: Path) -> None:
    values = ramp(12)
    data = mammogram(values, 12)
    del data.file_meta
    path = tmp_path / "a.dcm"
    data.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert np.array_equal(decode(path), np.rint(values / 4095 * 65535))


def linear(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Return values through the window of DICOM PS3.3 C.11.2.1.2.1, scaled to 0 to 1."""
    y = (x - (centre - 0.5)) / (width - 1) + 0.5
    return np.where(x <= centre - 0.5 - (width - 1) / 2, 0, np.where(x > centre - 0.5 + (width - 1) / 2, 1, y))


def linear_exact(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Return values through the window of DICOM PS3.3 C.11.2.1.3.2."""
    return np.clip((x - centre) / width + 0.5, 0, 1)


def sigmoid(x: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Return values through the window of DICOM PS3.3 C.11.2.1.3.1."""
    return 1 / (1 + np.exp(-4 * (x - centre) / width))


@pytest.mark.parametrize("function", [linear, linear_exact, sigmoid])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2, -1000), (0.5, 10)])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_first_window_is_applied_after_the_rescale(
    tmp_path: Path, function: Callable[..., Any], slope: float, intercept: int, photometric: str
) -> None:
    values = ramp(12)
    centre, width = 2000 * slope + intercept, 1500 * slope
    data = mammogram(
        values,
        12,
        photometric,
        RescaleSlope=str(slope),
        RescaleIntercept=str(intercept),
        WindowCenter=[str(centre), "1"],
        WindowWidth=[str(width), "2"],
        VOILUTFunction=function.__name__.upper(),
    )
    expected = function(values.astype(float) * slope + intercept, centre, width)
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    assert np.abs(decode(saved(data, tmp_path / "a.dcm")) - expected * 65535).max() <= 1


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_voi_lut_comes_before_the_window(tmp_path: Path, photometric: str) -> None:
    values = ramp(10)
    lut = Dataset()
    lut.LUTDescriptor = [1024, 0, 12]
    lut.LUTData = ((np.arange(1024) / 1023) ** 2 * 4095).round().astype(np.uint16).tobytes()
    lut["LUTData"].VR = "OW"
    data = mammogram(values, 10, photometric, VOILUTSequence=Sequence([lut]), WindowCenter="5", WindowWidth="2")
    expected = ((values / 1023) ** 2 * 4095).round() / 4095
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    assert np.abs(decode(saved(data, tmp_path / "a.dcm")) - expected * 65535).max() <= 1


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_background_and_does_not_stretch_the_range(tmp_path: Path, photometric: str) -> None:
    values = np.clip(ramp(12), 100, 2000)
    values[:5] = 4095
    decoded = decode(saved(mammogram(values, 12, photometric, PixelPaddingValue=4095), tmp_path / "a.dcm"))
    assert not decoded[:5].any()
    assert decoded[5:].max() == 65535
    assert decoded[5:].min() == 0


def test_colour_becomes_luminance(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    decoded = decode(saved(mammogram(values, 8, "RGB"), tmp_path / "a.dcm"))
    assert np.array_equal(decoded // 257, np.asarray(Image.fromarray(values).convert("L")))


def test_a_flat_image_does_not_divide_by_nothing(tmp_path: Path) -> None:
    assert not decode(saved(mammogram(np.full((4, 6), 9, np.uint16), 12), tmp_path / "a.dcm")).any()


def test_several_frames_are_refused(tmp_path: Path) -> None:
    data = mammogram(ramp(12), 12, NumberOfFrames="3")
    data.PixelData = data.PixelData * 3
    with pytest.raises(ImageError, match=r"a\.dcm.*3 frames"):
        decode(saved(data, tmp_path / "a.dcm"))


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = saved(mammogram(ramp(12), 12), tmp_path / "a.dcm")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match=r"a\.dcm"):
        decode(path)


def test_a_report_without_pixels_is_refused(tmp_path: Path) -> None:
    data = mammogram(ramp(12), 12)
    del data.PixelData
    with pytest.raises(ImageError, match="no pixel data"):
        decode(saved(data, tmp_path / "a.dcm"))


def test_stored_bytes_come_from_the_header(tmp_path: Path) -> None:
    assert stored_bytes(saved(mammogram(ramp(12), 12), tmp_path / "a.dcm")) == HEIGHT * WIDTH * 2

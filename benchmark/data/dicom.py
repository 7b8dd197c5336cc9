"""Mammograms as DICOM: pydicom decodes, `benchmark.data.dicom_display` carries stored values to display values."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, get_decoder

from benchmark.data.codestreams import claim_of
from benchmark.data.dicom_display import display, padding_of, range_of
from benchmark.data.dicom_tables import table_of
from benchmark.data.grey import LUMINANCE, least_bits
from benchmark.data.limits import BoundedFile, Refused, check_size
from benchmark.disk.file_kinds import LARGEST_FILE

_COLOURS = ("RGB", "YBR_ICT", "YBR_RCT")  # the latter two are RGB once JPEG 2000 is decoded
_BRIGHTNESS = ("YBR_FULL", "YBR_FULL_422")
_PARTIAL = ("YBR_PARTIAL_422", "YBR_PARTIAL_420")
_PALETTE = "PALETTE COLOR"
_ONE = "a single mammogram was expected; export the one picture"


def decode(path: Path) -> np.ndarray:
    """Decode the display values of a single-frame DICOM image, as uint16 [height, width] spanning 0 to 65535.

    Steps of DICOM PS3.3 C.11 and PS3.4 N.2: modality LUT or rescale, then the VOI LUT or else the first
    window (LINEAR, LINEAR_EXACT or SIGMOID), of the file or of its functional groups; without either, the values
    of the image from least to greatest. MONOCHROME1 is inverted, so tissue is bright. Pixel padding becomes
    background. Colour becomes luminance over the range of its stored bits; a palette is looked up.

    Args:
        path: the file, in any transfer syntax for which pydicom finds a decoder.

    Raises:
        Refused: the file has no image, several frames, or claims too many pixels.
        Exception: whatever pydicom or its plug-ins raise for a damaged file; the caller names the file.
    """
    dataset = _read(path)
    _check(dataset, path.stat().st_size)
    raw, photometric = _pixels(dataset)
    del dataset.PixelData
    if raw.ndim == 3:
        return _colour(raw, dataset, photometric)
    stored = _stored_bits(raw, dataset)
    if photometric == _PALETTE:
        return _palette(stored, dataset)
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise Refused(f"is a DICOM of the photometric interpretation {photometric}, which isn't handled")
    padding = padding_of(raw, stored, dataset)
    return display(stored, dataset, padding, inverted=photometric == "MONOCHROME1")


def stored_bytes(path: Path) -> int:
    """Return how many bytes the pixels take once decoded, by the header."""
    _check_deflated(path)
    with BoundedFile(path) as file:
        dataset = pydicom.dcmread(file, force=True, stop_before_pixels=True)
    return int(dataset.Rows) * int(dataset.Columns) * _pixel_bytes(dataset)


def _read(path: Path) -> FileDataset:
    """Read a file's elements; one without meta information is of the default transfer syntax."""
    _check_deflated(path)
    with BoundedFile(path) as file:
        dataset = pydicom.dcmread(file, force=True)
    if "PixelData" not in dataset:
        raise Refused("the DICOM file holds no pixel data of whole numbers")
    if not dataset.file_meta.get("TransferSyntaxUID"):
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    return dataset


def _check_deflated(path: Path) -> None:
    """Refuse a file whose deflated elements (PS3.5 A.5) become more than any file may have; pydicom has no limit."""
    with path.open("rb") as file:
        if file.read(132)[128:] != b"DICM":
            return
        file.seek(128 + 4)
        start = file.read(12)  # group 0002's length: tag, kind, two bytes of length, four of value
        if start[:6] != b"\x02\0\0\0UL":
            return
        meta = file.read(int.from_bytes(start[8:12], "little") & 0xFFFF)
        if b"1.2.840.10008.1.2.1.99" not in meta:
            return
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        inflated, rest = 0, file.read(1 << 20)
        while rest and inflated <= LARGEST_FILE:
            inflated += len(inflate.decompress(rest, 1 << 24))
            rest = inflate.unconsumed_tail or file.read(1 << 20)
    if inflated > LARGEST_FILE:
        raise Refused(f"is deflated, and would become more than {LARGEST_FILE:,} bytes")


def _pixel_bytes(dataset: FileDataset) -> int:
    """Return the bytes of a decoded pixel, all its samples."""
    return int(dataset.get("SamplesPerPixel") or 1) * -(-int(dataset.BitsAllocated) // 8)


def _check(dataset: FileDataset, size: int) -> None:
    """Refuse several frames, and a header or a compressed frame that claims too much or another size."""
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise Refused(f"the DICOM file has {frames} frames; {_ONE}")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    check_size(rows, columns, _pixel_bytes(dataset), size)
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        whole = len(dataset.PixelData) // max(1, rows * columns * _pixel_bytes(dataset))
        if whole > 1 and int(dataset.BitsAllocated) >= 8:
            raise Refused(f"the DICOM file has pixels for {whole} frames; {_ONE}")
        return
    claim = claim_of(next(generate_frames(dataset.PixelData, number_of_frames=1), b""))
    if claim and claim.height and (claim.height, claim.width) != (rows, columns):
        raise Refused(
            f"is damaged: its compressed picture claims {claim.width} × {claim.height} pixels, its header "
            f"{columns} × {rows}"
        )


def _pixels(dataset: FileDataset) -> tuple[np.ndarray, str]:
    """Return the pixels as their words hold them, [height, width] or [height, width, samples], and what they mean."""
    syntax = dataset.file_meta.TransferSyntaxUID
    options: Any = {} if syntax.is_encapsulated else {"correct_unused_bits": False}
    array, properties = get_decoder(syntax).as_array(dataset, index=0, raw=True, **options)
    return array, str(properties.get("photometric_interpretation") or "none")


def _stored_bits(raw: np.ndarray, dataset: FileDataset) -> np.ndarray:
    """Return the stored bits of words, with their sign: those that end at `HighBit` (PS3.5 8.1.1).

    What codecs decode has the stored bits lowest, whatever `HighBit` says; only their sign may be missing.
    """
    words, bits = 8 * raw.dtype.itemsize, int(dataset.BitsStored)
    if bits >= words:
        return raw
    high = int(dataset.get("HighBit", bits - 1))
    syntax = dataset.file_meta.TransferSyntaxUID
    coded = syntax.is_encapsulated and syntax != pydicom.uid.RLELossless
    if coded or not bits - 1 <= high < words:
        high = bits - 1
    if coded and raw.dtype.kind == "u":
        return raw
    return (raw << (words - 1 - high)) >> (words - bits)


def _colour(raw: np.ndarray, dataset: FileDataset, photometric: str) -> np.ndarray:
    """Return the luminance of colours over the range of their stored bits, uint16 [height, width]."""
    if raw.shape[-1] < 3 or photometric not in (*_COLOURS, *_BRIGHTNESS, *_PARTIAL):
        raise Refused(f"is a DICOM of {raw.shape[-1]} samples a pixel that mean {photometric}, which isn't handled")
    colours = _stored_bits(raw, dataset)[..., :3]
    if photometric in _COLOURS and colours.dtype == np.uint8 and int(dataset.BitsStored) == 8:
        return np.asarray(Image.fromarray(np.ascontiguousarray(colours)).convert("L")).astype(np.uint16) * 257
    top = 2.0 ** least_bits(int(colours.max()), int(dataset.BitsStored)) - 1
    low, reach = (16.0 * (top + 1) / 256, 219.0 * (top + 1) / 256) if photometric in _PARTIAL else (0.0, top)
    grey = np.empty(colours.shape[:2], np.uint16)
    for row in range(0, len(colours), 256):  # in strips: the product is in double precision
        strip = colours[row : row + 256]
        light = strip @ np.array(LUMINANCE) if photometric in _COLOURS else strip[..., 0].astype(np.float64)
        grey[row : row + 256] = np.rint(np.clip((light - low) / reach, 0.0, 1.0) * 65535.0)
    return grey


def _palette(stored: np.ndarray, dataset: FileDataset) -> np.ndarray:
    """Return the luminance of the colours that stored values stand for (PS3.3 C.7.6.3.1.5), uint16 [height, width].

    Black to white is the range of the largest entry of the three tables, of at least 8 bits.
    """
    if "RedPaletteColorLookupTableData" not in dataset and "SegmentedRedPaletteColorLookupTableData" in dataset:
        colours = apply_color_lut(stored, dataset)[..., :3].astype(np.float64)
    else:
        little_endian = bool(dataset.file_meta.TransferSyntaxUID.is_little_endian)
        lowest, highest = range_of(dataset)
        channels = []
        for name in ("Red", "Green", "Blue"):
            keyword = f"{name}PaletteColorLookupTable"
            data = dataset.get(f"{keyword}Data")
            vr = dataset[f"{keyword}Data"].VR if data is not None else "OW"
            table = table_of(
                dataset.get(f"{keyword}Descriptor"), data or b"", vr, lowest, highest, little_endian=little_endian
            )
            if table is None:
                raise Refused(f"is a DICOM with a palette, and its {name.lower()} part is missing")
            channels.append(table.look_up(stored))
        colours = np.stack(channels, axis=-1)
    top = 2.0 ** least_bits(int(colours.max()), 8) - 1
    return np.rint(colours @ np.array(LUMINANCE) * (65535.0 / top)).astype(np.uint16)

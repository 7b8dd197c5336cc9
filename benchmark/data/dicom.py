"""Mammograms as DICOM: pydicom decodes, one lookup table carries stored values to display values.

The table is built over the stored values (at most 65,536) instead of over the pixels, so a 6000-pixel image
is mapped in one step and without a copy in double precision.
"""

from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing, pixel_array


def is_dicom(path: Path, start: bytes) -> bool:
    """Return whether the file is DICOM: by the magic word at byte 128, or its suffix where the preamble is absent."""
    return start[128:132] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")


def decode(path: Path, largest: int) -> np.ndarray:
    """Decode the display values of a single-frame DICOM image, as uint16 [height, width] spanning 0 to 65535.

    Steps of DICOM PS3.3 C.11 and PS3.4 N.2: modality LUT or rescale, then the VOI LUT or else the first
    window (LINEAR, LINEAR_EXACT or SIGMOID); without either, the values of the image from least to greatest.
    MONOCHROME1 is inverted, so tissue is bright. Pixel padding becomes background. Colour becomes luminance.

    Args:
        path: the file, in any transfer syntax for which pydicom finds a decoder.
        largest: pixels that the header may claim.

    Raises:
        ValueError: the file has no image, several frames, or too many pixels.
        Exception: whatever pydicom or its plug-ins raise for a damaged file; the caller names the file.
    """
    dataset = pydicom.dcmread(path, force=True)
    if "PixelData" not in dataset:
        raise ValueError("the DICOM file holds no pixel data")
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    if frames > 1:
        raise ValueError(f"the DICOM file has {frames} frames; a single mammogram was expected")
    if int(dataset.Rows) * int(dataset.Columns) > largest:
        raise ValueError(f"the header claims {dataset.Rows} × {dataset.Columns} pixels")
    if "transfer_syntax" not in dataset.file_meta and "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    photometric = str(dataset.PhotometricInterpretation)
    stored = pixel_array(dataset)
    del dataset.PixelData
    if stored.ndim == 3 or photometric == "PALETTE COLOR":
        return _colour(stored, dataset, photometric)
    return _display(stored, dataset, inverted=photometric == "MONOCHROME1")


def stored_bytes(path: Path) -> int:
    """Return how many bytes the pixels take once decoded, by the header."""
    dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    samples = int(dataset.get("SamplesPerPixel", 1) or 1)
    return int(dataset.Rows) * int(dataset.Columns) * samples * (int(dataset.BitsAllocated) // 8)


def _colour(stored: np.ndarray, dataset: Dataset, photometric: str) -> np.ndarray:
    """Return the luminance of colours or of indices into a palette, uint16 [height, width]."""
    if photometric == "PALETTE COLOR":
        stored = pydicom.pixels.apply_color_lut(stored, dataset)
    if stored.dtype == np.uint8:
        return np.asarray(Image.fromarray(stored[..., :3]).convert("L")).astype(np.uint16) * 257
    return np.rint(stored[..., :3].mean(axis=-1, dtype=np.float32)).astype(np.uint16)


def _display(stored: np.ndarray, dataset: Dataset, *, inverted: bool) -> np.ndarray:
    """Return display values of stored ones, uint16 [height, width], by a table over all values between the extremes."""
    padding = _padding(stored, dataset)
    low, high = int(stored.min()), int(stored.max())
    if high - low >= 2**16:
        raise ValueError(f"the pixels hold values from {low} to {high}; up to 16 bits were expected")
    kind = np.int32 if low < 0 else np.uint16
    values = apply_modality_lut(np.arange(low, high + 1).astype(kind), dataset)
    table = _window(values, dataset)
    if table is None:
        levels = np.unique(stored if padding is None else stored[~padding])
        if levels.size == 0:
            levels = np.unique(stored)
        darkest, brightest = np.sort(values[[int(levels[0]) - low, int(levels[-1]) - low]].astype(np.float64))
        table = (values - darkest) / ((brightest - darkest) or 1.0)
    table = np.clip(table, 0.0, 1.0)
    table = np.rint((1.0 - table if inverted else table) * 65535.0).astype(np.uint16)
    display = table[stored - low] if low else table[stored]
    if padding is not None:
        display[padding] = 0
    return display


def _window(values: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """Return `values` through the VOI LUT or the first window, scaled to 0 to 1; None where the file has neither."""
    sequence = dataset.get("VOILUTSequence")
    if sequence and sequence[0].get("LUTData") is not None:
        integers = values.astype(np.int64)
        bits = int(sequence[0].LUTDescriptor[2])
        return apply_voi_lut(integers, dataset, prefer_lut=True) / (2.0**bits - 1.0)
    width = dataset.get("WindowWidth")
    if dataset.get("WindowCenter") in (None, "") or width in (None, ""):
        return None
    if float(width[0] if isinstance(width, MultiValue) else width) <= 0:
        return None
    ends = np.array([-1e12, 1e12])  # the window's floor and ceiling, which pydicom derives from the header
    windowed = apply_windowing(np.concatenate([ends, values.astype(np.float64)]), dataset)
    floor, ceiling = windowed[:2]
    return (windowed[2:] - floor) / (ceiling - floor)


def _padding(stored: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """Return where the pixels are padding (PS3.3 C.7.5.1.1.2), or None where the file names no padding value."""
    value = dataset.get("PixelPaddingValue")
    if value is None or value == "":
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(limit if limit not in (None, "") else value)))
    return (stored >= low) & (stored <= high)

"""From stored to display values of a grey DICOM image: the steps of PS3.3 C.11 and PS3.4 N.2, by one table.

The table is built over the stored values (at most 65,536) instead of over the pixels, so a 6000-pixel image
is mapped in one step and without a copy in double precision.
"""

import math
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from scipy.special import expit

from benchmark.data.dicom_tables import Table, modality_table

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_ROWS = 256  # mapped at once where values span more than 16 bits


def display(stored: np.ndarray, dataset: Dataset, padding: np.ndarray | None, *, inverted: bool) -> np.ndarray:
    """Return display values of stored ones, uint16 [height, width] spanning 0 to 65535.

    Args:
        stored: integers [height, width].
        dataset: the file's elements, but for its pixels.
        padding: where pixels are padding, which becomes background and doesn't count for the range; None for nowhere.
        inverted: whether the lowest value is white.
    """
    low, high = int(stored.min()), int(stored.max())
    steps = _Steps(dataset)
    if high - low < 2**16:
        values = steps.modality(np.arange(low, high + 1, dtype=np.int64))
        used = np.zeros(len(values), bool)
        used[(stored if padding is None or padding.all() else stored[~padding]).astype(np.int64) - low] = True
        table = _to_16_bits(steps.shares(values, values[used]), inverted=inverted)
        shown = table[stored.astype(np.int64) - low] if low else table[stored]
    else:
        used_values = steps.modality(np.array([low, high], np.int64))
        shown = np.empty(stored.shape, np.uint16)
        for row in range(0, len(stored), _ROWS):
            values = steps.modality(stored[row : row + _ROWS].astype(np.int64))
            shown[row : row + _ROWS] = _to_16_bits(steps.shares(values, used_values), inverted=inverted)
    if padding is not None:
        shown[padding] = 0
    return shown


def padding_of(raw: np.ndarray, stored: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """Return where pixels are padding (PS3.3 C.7.5.1.1.2), or None where the file names no padding value.

    Args:
        raw: as the file's words hold them, with whatever their unused bits hold.
        stored: the stored bits of them, with their sign.
        dataset: the file's elements. The padding's sign may be missing, or there without a need.
    """
    value = _number(dataset.get("PixelPaddingValue"))
    if value is None:
        return None
    limit = _number(dataset.get("PixelPaddingRangeLimit"))
    bits, words = int(dataset.BitsStored), 8 * raw.dtype.itemsize
    signed = raw.dtype.kind == "i"
    ends = sorted(
        _with_sign(int(end), bits, words, signed=signed) for end in (value, value if limit is None else limit)
    )
    found = (raw >= ends[0]) & (raw <= ends[1])
    lowest, highest = range_of(dataset)
    if lowest <= ends[0] and ends[1] <= highest:
        found |= (stored >= ends[0]) & (stored <= ends[1])
    return found


def _with_sign(value: int, bits: int, words: int, *, signed: bool) -> int:
    """Return a padding value as pixels of so many stored bits in words of so many bits have it."""
    if not signed:
        return value % 2**words
    value = (value + 2 ** (words - 1)) % 2**words - 2 ** (words - 1)
    return value - 2**bits if 2 ** (bits - 1) <= value < 2**bits else value


def range_of(dataset: Dataset) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits can hold."""
    bits = int(dataset.BitsStored)
    if int(dataset.get("PixelRepresentation") or 0) == 1:
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1


def element(dataset: Dataset, keyword: str) -> Any:
    """Return an element's value, of the file or of its functional groups (PS3.3 C.7.6.16); None where it is empty."""
    places = [dataset]
    for groups in _GROUPS:
        for group in list(dataset.get(groups) or [])[:1]:
            places.append(group)
            places += [sequence.value[0] for sequence in group if sequence.VR == "SQ" and sequence.value]
    for place in places:
        value = place.get(keyword)
        if value is not None and value != "" and not (hasattr(value, "__len__") and len(value) == 0):
            return value
    return None


class _Steps:
    """The steps that a file asks for between stored and display values."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        self.lowest, self.highest = range_of(dataset)
        self.little_endian = bool(dataset.file_meta.TransferSyntaxUID.is_little_endian)
        self.modality_lut = self._table("ModalityLUTSequence", self.lowest, self.highest)
        slope, intercept = (_number(element(dataset, f"Rescale{name}")) for name in ("Slope", "Intercept"))
        self.rescales = slope is not None or intercept is not None
        self.slope, self.intercept = 1.0 if slope is None else slope, intercept or 0.0
        ends = self.modality(np.array([self.lowest, self.highest], np.int64))
        self.voi_lut = self._table("VOILUTSequence", math.floor(ends.min()), math.ceil(ends.max()))

    def _table(self, keyword: str, lowest: int, highest: int) -> Table | None:
        """Return the first table of a sequence that holds any."""
        for item in element(self.dataset, keyword) or ():
            table = modality_table(item, lowest, highest, little_endian=self.little_endian)
            if table is not None:
                return table
        return None

    def modality(self, values: np.ndarray) -> np.ndarray:
        """Return stored values, int64, through the modality LUT or else the rescale."""
        if self.modality_lut is not None:
            return self.modality_lut.look_up(values)
        return values.astype(np.float64) * self.slope + self.intercept if self.rescales else values

    def shares(self, values: np.ndarray, used: np.ndarray) -> np.ndarray:
        """Return `values` through the VOI LUT or else the first window, scaled to 0 to 1.

        Without either they are scaled from the least to the greatest of those that are `used`.
        """
        if self.voi_lut is not None:
            return self.voi_lut.look_up(values) / self.voi_lut.top
        shares = self._windowed(values)
        if shares is not None:
            return shares
        darkest, brightest = float(used.min()), float(used.max())
        return (values - darkest) / ((brightest - darkest) or 1.0)

    def _windowed(self, values: np.ndarray) -> np.ndarray | None:
        """Return `values` through the first window, scaled to 0 to 1; None where the file has none that can be used."""
        centre, width = (_number(element(self.dataset, f"Window{name}")) for name in ("Center", "Width"))
        if centre is None or width is None or width <= 0:
            return None
        function = str(element(self.dataset, "VOILUTFunction") or "LINEAR").strip().upper()
        return windowed(values.astype(np.float64), centre, width, function)


def windowed(values: np.ndarray, centre: float, width: float, function: str = "LINEAR") -> np.ndarray:
    """Return values through a window, scaled to 0 to 1 (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Args:
        values: float64.
        centre, width: of the window; the width is above 0.
        function: LINEAR, LINEAR_EXACT or SIGMOID; any other is LINEAR. LINEAR's ends lie half a value inside its
            width, so that one below 1 is LINEAR_EXACT's.
    """
    if function == "SIGMOID":
        return np.asarray(expit(4.0 * (values - centre) / width))
    if function != "LINEAR_EXACT" and width >= 1.0:
        centre, width = centre - 0.5, width - 1.0
    below, above = values <= centre - width / 2.0, values > centre + width / 2.0
    share = (values - centre) / width + 0.5 if width else np.zeros_like(values)
    return np.where(below, 0.0, np.where(above, 1.0, share))


def _number(value: Any) -> float | None:
    """Return the first of an element's numbers; None where there is none."""
    if isinstance(value, list | tuple | MultiValue):
        value = value[0] if len(value) else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _to_16_bits(shares: np.ndarray, *, inverted: bool) -> np.ndarray:
    """Return uint16 of shares of the range."""
    shares = np.clip(shares, 0.0, 1.0)
    return np.rint((1.0 - shares if inverted else shares) * 65535.0).astype(np.uint16)

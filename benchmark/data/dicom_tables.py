"""Look-up tables of DICOM (PS3.3 C.11.1, C.11.2 and C.7.6.3.1.5), as makers really write them.

Descriptors often say other than the data hold: 16 bits of which entries use 12, a first value without its sign, 8-bit
entries packed two in a word, fewer entries than announced. Entries are looked up here in wide integers.
"""

from typing import Any, NamedTuple

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from benchmark.data.grey import least_bits


class Table(NamedTuple):
    """A look-up table.

    Attributes:
        entries: int64 [entries].
        first: the value that the first entry is for; those below map to the first entry, those beyond the last to it.
    """

    entries: np.ndarray
    first: int

    def look_up(self, values: np.ndarray) -> np.ndarray:
        """Return the entries of values, which are rounded to whole numbers first, int64 of the same shape."""
        whole = values if values.dtype.kind in "iu" else np.floor(values + 0.5)
        index = np.clip(whole.astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return self.entries[index]

    @property
    def top(self) -> int:
        """The greatest value of the least number of bits that holds the largest entry: what is white."""
        return 2 ** least_bits(int(self.entries.max())) - 1


def modality_table(item: Dataset, lowest: int, highest: int, *, little_endian: bool) -> Table | None:
    """Return the table of an item of a modality or VOI LUT sequence; None where it holds none.

    Args:
        item: of the sequence.
        lowest, highest: that its input can be; they decide the sign of the first value.
        little_endian: how the file stores words.
    """
    data = item.get("LUTData")
    if data is None:
        return None
    return table_of(item.get("LUTDescriptor"), data, item["LUTData"].VR, lowest, highest, little_endian=little_endian)


def table_of(descriptor: Any, data: Any, vr: str, lowest: int, highest: int, *, little_endian: bool) -> Table | None:
    """Return the table of a descriptor and its data; None where either says nothing.

    Args:
        descriptor: number of entries (0 is 65,536), first value, bits of an entry.
        data: bytes, words, or a single word.
        vr: of the data, as read.
        lowest, highest, little_endian: as `modality_table` takes them.
    """
    if not isinstance(descriptor, list | tuple | MultiValue) or len(descriptor) < 3:
        return None
    count = (int(descriptor[0]) & 0xFFFF) or 65_536
    bits = int(descriptor[2]) & 0xFF
    words, packed = _readings(data, vr, little_endian=little_endian)
    entries = _chosen(words, packed, count, bits)[:count]
    if not len(entries):
        return None
    return Table(entries.astype(np.int64), _first(int(descriptor[1]), lowest, highest))


def _readings(data: Any, vr: str, *, little_endian: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return data as words and as bytes; of two bytes in a word, the lower one comes first in either byte order."""
    if isinstance(data, bytes):
        words = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little_endian else ">u2")
        if vr == "OB" or len(data) % 2:
            return words, np.frombuffer(data, np.uint8)
    else:
        listed = [data] if isinstance(data, int | float) else list(data)
        words = (np.array([int(word) for word in listed], np.int64) & 0xFFFF).astype(np.uint16)
    return words, np.stack([words & 0xFF, words >> 8], axis=-1).ravel()


def _chosen(words: np.ndarray, packed: np.ndarray, count: int, bits: int) -> np.ndarray:
    """Return the reading that a descriptor of so many entries of so many bits stands for.

    As many bytes as entries are entries of a byte each. They may also be half of the words, where a maker announces
    more than there are: then the words rise or fall throughout, which packed bytes don't.
    """
    if len(words) >= count or not count <= len(packed) <= count + 1:
        return words
    if bits <= 8:
        return packed if words.max() > 0xFF or len(packed) % 2 else words
    return words if _is_monotone(words) and not _is_monotone(packed[:count]) else packed


def _is_monotone(entries: np.ndarray) -> bool:
    """Return whether entries never fall, or never rise."""
    steps = np.diff(entries.astype(np.int64))
    return bool((steps >= 0).all() or (steps <= 0).all())


def _first(value: int, lowest: int, highest: int) -> int:
    """Return the first value with the sign that the input gives it: the file may hold it with or without."""
    if value >= 0x8000 and lowest < 0 and value > highest:
        return value - 0x10000
    if value < 0 <= lowest and value + 0x10000 <= highest:
        return value + 0x10000
    return value

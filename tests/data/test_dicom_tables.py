"""Look-up tables of DICOM as makers write them, each pixel against its table looked up one by one."""

from collections.abc import Callable
from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from drawn_pictures import SHARE
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from written_dicom import mammogram, saved

from benchmark.data.decode import decode
from benchmark.data.dicom_display import windowed
from benchmark.data.dicom_tables import table_of

pytestmark = pytest.mark.numeric


def stored(bits: int, low: int = 0) -> np.ndarray:
    """Return the picture in stored values of so many bits from `low`."""
    values = np.rint(SHARE * (2**bits - 1)).astype(np.int64) + low
    return values.astype(np.int16 if low < 0 else np.uint16)


def curve(count: int, top: int) -> list[int]:
    """Return entries that rise from 0 to `top`, as a film's do, not in a straight line."""
    return [round(top * (i / (count - 1)) ** 1.5) for i in range(count)]


class Case(NamedTuple):
    """A table, what is written of it, and what it stands for.

    Attributes:
        entries: what it stands for.
        first: the value that the first entry is for.
        descriptor: as written: entries, first value, bits.
        data: as written; the entries as words where None.
        vr: of the data as written.
        bits, low: of the stored values.
        elements: further ones of the file.
        values: from stored to the table's input.
    """

    entries: Many[int]
    descriptor: Many[int]
    first: int = 0
    data: Any = None
    vr: str = "US"
    bits: int = 12
    low: int = 0
    elements: dict[str, Any] = {}  # noqa: RUF012
    values: Callable[[int], float] = float


def packed(entries: Many[int]) -> bytes:
    return bytes(entries) + bytes(len(entries) % 2)


def words(entries: Many[int], order: str = "<") -> bytes:
    return np.array(entries, f"{order}u2").tobytes()


EVERY = curve(4096, 4095)
WIDE = curve(65536, 65535)
CASES = {
    "12 bits of 12": Case(EVERY, [4096, 0, 12]),
    "16 bits of 16": Case(curve(4096, 65535), [4096, 0, 16]),
    "says 16, has 15": Case(curve(4096, 32767), [4096, 0, 16]),
    "says 16, has 14": Case(curve(4096, 16383), [4096, 0, 16]),
    "says 16, has 12": Case(EVERY, [4096, 0, 16]),
    "says 16, has 10": Case(curve(4096, 1023), [4096, 0, 16]),
    "says 16, has 8": Case(curve(4096, 255), [4096, 0, 16]),
    "says 12, has 10": Case(curve(4096, 1023), [4096, 0, 12]),
    "says 12, has 16": Case(curve(4096, 65535), [4096, 0, 12]),
    "10 bits": Case(curve(4096, 1023), [4096, 0, 10]),
    "14 bits as bytes": Case(curve(4096, 16383), [4096, 0, 14], data=words(curve(4096, 16383)), vr="OW"),
    "8 bits over 4096 inputs": Case(curve(4096, 255), [4096, 0, 8]),
    "8 bits over 4096 inputs as bytes of words": Case(
        curve(4096, 255), [4096, 0, 8], data=words(curve(4096, 255)), vr="OW"
    ),
    "8 bits over 4096 inputs, packed": Case(curve(4096, 255), [4096, 0, 8], data=packed(curve(4096, 255)), vr="OW"),
    "8 bits over 1024 inputs, packed": Case(
        curve(1024, 255), [1024, 0, 8], data=packed(curve(1024, 255)), vr="OW", bits=10
    ),
    "8 bits over 256 inputs, packed": Case(curve(256, 255), [256, 0, 8], data=packed(curve(256, 255)), vr="OW", bits=8),
    "an odd number of bytes": Case(curve(255, 255), [255, 0, 8], data=packed(curve(255, 255)), vr="OW", bits=8),
    "packed in a list of words": Case(
        curve(4096, 255), [4096, 0, 8], data=np.frombuffer(packed(curve(4096, 255)), "<u2").tolist()
    ),
    "packed, and says 16": Case(curve(4096, 255), [4096, 0, 16], data=packed(curve(4096, 255)), vr="OW"),
    "7 bits in 8": Case(curve(4096, 127), [4096, 0, 8]),
    "0 entries are 65536": Case(WIDE, [0, 0, 16], bits=16),
    "0 entries are 65536, as bytes": Case(WIDE, [0, 0, 16], data=words(WIDE), vr="OW", bits=16),
    "0 entries are 65536, packed": Case(curve(65536, 255), [0, 0, 8], data=packed(curve(65536, 255)), vr="OW", bits=16),
    "announces more entries than there are": Case(EVERY[:3000], [4096, 0, 12], data=EVERY[:3000]),
    "announces twice as many as there are": Case(
        curve(2048, 4095), [4096, 0, 12], data=words(curve(2048, 4095)), vr="OW"
    ),
    "announces 65536, has 4096": Case(EVERY, [0, 0, 12]),
    "announces fewer entries than there are": Case(EVERY[:4000], [4000, 0, 12], data=EVERY),
    "starts above the least value": Case(curve(3000, 4095), [3000, 800, 12], first=800),
    "falls": Case(EVERY[::-1], [4096, 0, 12]),
    "a step": Case([0] * 2000 + [4095] * 2096, [4096, 0, 12]),
    "one entry for all below": Case([0, 4095], [2, 1500, 12], first=1500),
    "signed first value": Case(EVERY, [4096, -2048, 12], first=-2048, low=-2048),
    "signed first value without its sign": Case(EVERY, [4096, 63488, 12], first=-2048, low=-2048),
    "all of 16 signed bits": Case(WIDE, [0, -32768, 16], first=-32768, low=-32768, bits=16),
    "all of 16 signed bits without the sign": Case(WIDE, [0, 32768, 16], first=-32768, low=-32768, bits=16),
    "a first value above 32767": Case(curve(20000, 4095), [20000, 40000, 12], first=40000, bits=16),
    "after a rescale": Case(
        EVERY,
        [4096, -1000, 12],
        first=-1000,
        elements={"RescaleSlope": "1", "RescaleIntercept": "-1000"},
        values=lambda v: v - 1000.0,
    ),
    "after a rescale, without its sign": Case(
        EVERY,
        [4096, 64536, 12],
        first=-1000,
        elements={"RescaleSlope": "1", "RescaleIntercept": "-1000"},
        values=lambda v: v - 1000.0,
    ),
    "after a rescale by a half": Case(
        curve(2048, 1023),
        [2048, 0, 16],
        elements={"RescaleSlope": "0.5", "RescaleIntercept": "0"},
        values=lambda v: v / 2,
    ),
}


def looked_up(case: Case, values: np.ndarray) -> np.ndarray:
    """Return shares of white by the standard's words, a pixel at a time."""
    top = 2 ** max(case.entries).bit_length() - 1
    shares = []
    for value in values.ravel().tolist():
        at = int(np.floor(case.values(value) + 0.5)) - case.first
        shares.append(case.entries[0 if at < 0 else min(at, len(case.entries) - 1)] / top)
    return np.array(shares).reshape(values.shape)


def item_of(case: Case) -> Dataset:
    """Return the sequence's item, as written."""
    item = Dataset()
    signed = min(case.descriptor) < 0
    descriptor = [v - 65536 if signed and v > 32767 else v for v in case.descriptor]
    item.add_new(0x00283002, "SS" if signed else "US", descriptor)
    item.add_new(0x00283006, case.vr, list(case.entries) if case.data is None else case.data)
    return item


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
@pytest.mark.parametrize("name", CASES)
def test_voi_tables(tmp_path: Path, name: str, syntax: Any) -> None:
    case = CASES[name]
    values = stored(case.bits, case.low)
    data = mammogram(values, case.bits, VOILUTSequence=Sequence([item_of(case)]), **case.elements)
    data.file_meta.TransferSyntaxUID = syntax
    decoded = decode(saved(data, tmp_path / "a.dcm"))
    assert np.abs(decoded - looked_up(case, values) * 65535).max() <= 0.501


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.elements])
def test_modality_tables(tmp_path: Path, name: str, photometric: str) -> None:
    case = CASES[name]
    values = stored(case.bits, case.low)
    item = item_of(case)
    item.ModalityLUTType = "US"
    data = mammogram(values, case.bits, photometric, ModalityLUTSequence=Sequence([item]))
    decoded = decode(saved(data, tmp_path / "a.dcm"))
    shares = looked_up(case, values)
    expected = (shares - shares.min()) / ((shares.max() - shares.min()) or 1)  # no window: what there is
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    assert np.abs(decoded - expected * 65535).max() <= 0.501


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.low >= 0])
def test_big_endian(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    values = stored(case.bits)
    item = item_of(case)
    if isinstance(case.data, bytes):  # words the other way round; of two packed bytes the first is the lower
        item.LUTData = np.frombuffer(case.data, "<u2").astype(">u2").tobytes()
    data = mammogram(values, case.bits, VOILUTSequence=Sequence([item]), **case.elements)
    data.PixelData = values.astype(">u2").tobytes()
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    decoded = decode(saved(data, tmp_path / "a.dcm"))
    assert np.abs(decoded - looked_up(case, values) * 65535).max() <= 0.501


@pytest.mark.parametrize("groups", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
@pytest.mark.parametrize("what", ["table", "window", "rescale and window"])
def test_functional_groups(tmp_path: Path, groups: str, what: str) -> None:
    values = stored(12)
    frame, group = Dataset(), Dataset()
    case = CASES["says 16, has 12"]
    if what == "table":
        frame.VOILUTSequence = Sequence([item_of(case)])
        expected = looked_up(case, values)
    else:
        frame.WindowCenter, frame.WindowWidth, frame.VOILUTFunction = "1000", "1200", "LINEAR_EXACT"
        expected = np.clip((values - 1000.0) / 1200 + 0.5, 0, 1)
    if what == "rescale and window":
        transformation = Dataset()
        transformation.RescaleSlope, transformation.RescaleIntercept = "2", "-500"
        group.PixelValueTransformationSequence = Sequence([transformation])
        expected = np.clip((values * 2.0 - 500 - 1000.0) / 1200 + 0.5, 0, 1)
    group.FrameVOILUTSequence = Sequence([frame])
    data = mammogram(values, 12, NumberOfFrames="1")
    setattr(data, groups, Sequence([group]))
    if what == "table":  # of the group itself, not one level further down, too
        data_above = mammogram(values, 12)
        setattr(data_above, groups, Sequence([frame]))
        assert np.abs(decode(saved(data_above, tmp_path / "b.dcm")) - expected * 65535).max() <= 0.501
    assert np.abs(decode(saved(data, tmp_path / "a.dcm")) - expected * 65535).max() <= 0.501


def test_of_several_tables_the_first_that_holds_one_is_used(tmp_path: Path) -> None:
    values = stored(12)
    case, other = CASES["12 bits of 12"], CASES["falls"]
    empty = Dataset()
    empty.LUTExplanation = "nothing"
    for items in ([item_of(case), item_of(other)], [empty, item_of(case), item_of(other)]):
        decoded = decode(saved(mammogram(values, 12, VOILUTSequence=Sequence(items)), tmp_path / "a.dcm"))
        assert np.abs(decoded - looked_up(case, values) * 65535).max() <= 0.501


def test_a_table_without_entries_leaves_the_window(tmp_path: Path) -> None:
    values = stored(12)
    empty = Dataset()
    empty.LUTDescriptor = [4096, 0, 12]
    window = {"WindowCenter": "2048", "WindowWidth": "4096", "VOILUTFunction": "LINEAR_EXACT"}
    data = mammogram(values, 12, VOILUTSequence=Sequence([empty]), **window)
    assert np.abs(decode(saved(data, tmp_path / "a.dcm")) - values / 4096 * 65535).max() <= 0.501


def test_the_window_comes_after_a_modality_table(tmp_path: Path) -> None:
    values = stored(12)
    case = CASES["says 16, has 12"]
    item = item_of(case)
    item.ModalityLUTType = "OD"
    window = {"WindowCenter": "1500", "WindowWidth": "2000", "VOILUTFunction": "LINEAR_EXACT"}
    data = mammogram(values, 12, ModalityLUTSequence=Sequence([item]), **window)
    expected = np.clip((looked_up(case, values) * 4095 - 1500) / 2000 + 0.5, 0, 1)
    assert np.abs(decode(saved(data, tmp_path / "a.dcm")) - expected * 65535).max() <= 0.501


@given(
    st.lists(st.integers(0, 65535), min_size=1, max_size=40),
    st.integers(-100, 100),
    st.sampled_from(["list", "words", "packed"]),
    st.booleans(),
)
@settings(deadline=None)
def test_any_table_reads_back(entries: list[int], first: int, form: str, little_endian: bool) -> None:
    if form == "packed":
        entries = [entry & 0xFF for entry in entries]
    data: Any = entries
    if form == "words":
        data = words(entries, "<" if little_endian else ">")
    elif form == "packed":
        data = packed(entries)
        data = data if little_endian else np.frombuffer(data, "<u2").astype(">u2").tobytes()
    bits = 8 if form == "packed" else 16
    table = table_of([len(entries), first, bits], data, "OW", min(first, 0) - 200, 300, little_endian=little_endian)
    assert table is not None
    if form == "packed" and max(np.frombuffer(packed(entries), "<u2")) <= 0xFF:
        return  # bytes of which every second is 0 may as well be words
    values = np.arange(first - 3, first + len(entries) + 3)
    expected = [entries[min(max(0, v - first), len(entries) - 1)] for v in values.tolist()]
    assert table.look_up(values).tolist() == expected


@given(
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    st.floats(-3000, 3000),
    st.floats(1, 5000),
    st.lists(st.integers(-5000, 5000), min_size=1, max_size=20),
)
@settings(deadline=None)
def test_windows_are_pydicoms(function: str, centre: float, width: float, values: list[int]) -> None:
    data = Dataset()
    data.PhotometricInterpretation, data.PixelRepresentation, data.BitsStored = "MONOCHROME2", 0, 16
    data.WindowCenter, data.WindowWidth, data.VOILUTFunction = f"{centre:.6f}", f"{width:.6f}", function
    array = np.array(values, np.float64)
    expected = apply_windowing(array, data) / 65535
    found = windowed(array, float(data.WindowCenter), float(data.WindowWidth), function)
    assert np.abs(found - expected).max() < 1e-9

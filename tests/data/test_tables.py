"""Tables of a release as people send them: each row of its own image, nothing dropped without a word."""

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data.metadata import Row, cell_id, read_index, read_sheet
from benchmark.data.problem import Problem
from benchmark.data.study import Lesion
from benchmark.data.table_cells import divided, read_cells

LESION = ["CC right", "G", "CIRC", "B", 1, 2, 3]
CIRC = Lesion("CIRC", "B", 1, 2, 3)
Rows = Sequence[Sequence[Any]]
Read = tuple[dict[str, Row], list[Problem]]


def book(tmp_path: Path, *sheets: Rows, merge: Sequence[str] = ()) -> Read:
    """Read a workbook of these sheets."""
    file = openpyxl.Workbook()
    file.remove(file.active)
    for number, rows in enumerate(sheets):
        sheet = file.create_sheet(f"Part {number + 1}")
        for row in rows:
            sheet.append(row)
        for cells in merge:
            sheet.merge_cells(cells)
    file.save(tmp_path / "Metadata.xlsx")
    return read_sheet(tmp_path / "Metadata.xlsx", "Metadata.xlsx")


def text(tmp_path: Path, content: str | bytes, name: str = "Metadata.csv") -> Read:
    """Read a table of text."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return (read_index if name.startswith("Info") else read_sheet)(tmp_path / name, name)


def reasons(problems: Sequence[Problem]) -> str:
    return "\n".join(p.reason for p in problems)


@pytest.mark.parametrize(
    "bad", ["IMG0O2", "IMG002a", "IMG 2 (old)", "IMG002, IMG003", "IMG002-IMG003", "scan 2", "2", "CALC"]
)
def test_a_row_whose_id_cannot_be_read_is_of_no_image(tmp_path: Path, bad: str) -> None:
    rows, problems = book(
        tmp_path,
        [
            ["IMG001", "MLO left", "D", "NORM", "N"],
            [bad, "CC right", "G", "SPIC", "M", 7, 8, 9],
            [None, None, None, "CALC", "M", 4, 5, 6],  # goes on with the row that can't be read
            ["IMG004", "CC left", "F", "NORM", "N"],
        ],
    )
    assert rows["Img001"].lesions == [Lesion("NORM", "N")]
    assert rows["Img004"].lesions == [Lesion("NORM", "N")]
    assert sorted(rows) == ["Img001", "Img004"]
    assert len(problems) == 2
    assert re.search(r"row 2: .*no image id", problems[0].reason)
    assert "row 3" in problems[1].reason


def test_the_first_row_with_a_bad_id_is_said_and_a_legend_is_not(tmp_path: Path) -> None:
    legend = [["Legend"], ["CALC", "Calcification"], ["CIRC: well-defined", "F: fatty"], ["3rd column", "CC or MLO"]]
    rows, problems = book(tmp_path, [*legend, ["IMGO01", *LESION], ["IMG002", *LESION]])
    assert list(rows) == ["Img002"]
    assert len(problems) == 1
    assert "row 5: 'IMGO01'" in problems[0].reason


@pytest.mark.parametrize(
    "name", ["IMG001.tif", "img1.TIFF", "TIFF Images/IMG001.png", "Images\\Img001.dcm", " 'IMG001' ", "IMG001.txt"]
)
def test_ids_as_file_names(tmp_path: Path, name: str) -> None:
    assert cell_id(name) == "Img001"
    rows, problems = book(tmp_path, [[name, *LESION]])
    assert (rows["Img001"].lesions, problems) == ([CIRC], [])
    rows, problems = text(tmp_path, f"IMG002 F NORM\n{name.strip()};G;CIRC;B;1;2;3\n", "Info.txt")
    assert (rows["Img001"].lesions, problems) == ([CIRC], [])


def test_every_sheet_is_read_and_of_an_id_in_two_the_first_counts(tmp_path: Path) -> None:
    other = ["CC left", "F", "SPIC", "M", 4, 5, 6]
    rows, problems = book(
        tmp_path,
        [["Read me: the data is on the next sheets"]],
        [["IMG001", *LESION]],
        [["IMG001", *other], ["IMG002", *other]],
    )
    assert rows["Img001"].lesions == [CIRC]
    assert rows["Img002"].lesions == [Lesion("SPIC", "M", 4, 5, 6)]
    assert len(problems) == 1
    assert problems[0].record == "Img001"


NOTHING: dict[str, Rows] = {
    "empty": [],
    "other ids": [["A17", *LESION], ["A18", *LESION]],
    "numbers without a heading": [[1, *LESION], [2, *LESION]],
    "two ids in a cell": [["IMG001, IMG002", *LESION]],
    "prose": [["Mammograms of two years"], ["see the other file"]],
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_table_that_gives_nothing_says_so(tmp_path: Path, name: str) -> None:
    rows, problems = book(tmp_path, NOTHING[name])
    assert rows == {}
    assert "holds no row with an id such as IMG001" in reasons(problems)
    rows, problems = text(tmp_path, "\n".join(";".join(map(str, row)) for row in NOTHING[name]))
    assert rows == {}
    assert "holds no row with an id such as IMG001" in reasons(problems)


def test_bare_numbers_below_a_heading_are_ids_and_it_is_said(tmp_path: Path) -> None:
    rows, problems = book(tmp_path, [["Image", "View"], [1, *LESION], [2.0, *LESION]])
    assert sorted(rows) == ["Img001", "Img002"]
    assert "1 is read as IMG001" in reasons(problems)


def test_merged_ranges_give_their_value_to_each_row(tmp_path: Path) -> None:
    rows, problems = book(
        tmp_path,
        [
            ["IMG001", "MLO left", "F", "SPIC", "M", 1, 2, 3],
            ["IMG002", None, None, "NORM"],
            ["IMG003", "CC right", "G", "CIRC", "B", 4, 5, 6],
            [None, None, None, "CALC", "M", 7, 8, 9],
        ],
        merge=["B1:B2", "C1:C2", "A3:A4", "B3:B4"],
    )
    assert problems == []
    assert [(rows[f"Img00{i}"].view, rows[f"Img00{i}"].tissue) for i in (1, 2, 3)] == [
        ("MLO", "F"),
        ("MLO", "F"),
        ("CC", "G"),
    ]
    assert rows["Img003"].lesions == [Lesion("CIRC", "B", 4, 5, 6), Lesion("CALC", "M", 7, 8, 9)]


def test_a_heading_lower_down_says_which_column_is_which(tmp_path: Path) -> None:
    heading = ["No.", "X", "Y", "Radius", "Class", "Abnormality", "Tissue", "Side", "View", "Image"]
    first = [1, 10, None, 30, "M", "SPIC", "D", "left", "MLO", "IMG005"]
    second = [2, None, 20, None, None, "CALC", None, "right", "CC", "IMG006"]
    rows, problems = book(tmp_path, [["Release 2"], [], heading, first, second])
    assert problems == []
    assert rows["Img005"] == Row("MLO", "left", "D", [Lesion("SPIC", "M", 10, None, 30)])
    assert rows["Img006"] == Row("CC", "right", None, [Lesion("CALC", None, None, 20, None)])


def test_an_id_in_another_column_is_not_the_rows(tmp_path: Path) -> None:
    rows, _ = book(
        tmp_path,
        [
            ["IMG001", "CC left", "F", "NORM", None, None, None, None, None],
            ["IMG002", *LESION, None],
            ["IMG0O3", *LESION, "IMG001"],  # "the same patient as"
        ],
    )
    assert rows["Img001"].lesions == [Lesion("NORM")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_text_in_any_encoding_and_division(tmp_path: Path, delimiter: str, encoding: str, newline: str) -> None:
    lines: list[list[Any]] = [
        ["Übersicht"],
        ["Image", "View", "Tissue", "Abnormality", "Class", "X", "Y", "Radius"],
        ["IMG001", *LESION],
        ["IMG002", "MLO left", "", "NORM"],
    ]
    content = newline.join(delimiter.join(map(str, line)) for line in lines)
    if encoding in ("utf-16-le",):
        content = content.replace("Ü", "U")  # without a mark, letters beyond Latin tell nothing
    rows, problems = text(tmp_path, content.encode(encoding))
    assert problems == []
    assert rows["Img001"] == Row("CC", "right", "G", [CIRC])
    assert rows["Img002"] == Row("MLO", "left", None, [Lesion("NORM")])


@pytest.mark.parametrize(
    ("line", "lesion"),
    [
        ("IMG001,G,CIRC,B,,20,3", Lesion("CIRC", "B", None, 20, 3)),
        ("IMG001;G;CIRC;B;10;;3", Lesion("CIRC", "B", 10, None, 3)),
        ("IMG001\tG\tCIRC\t\t10\t20\t", Lesion("CIRC", None, 10, 20, None)),
        ("IMG001,,CIRC,,,,3", Lesion("CIRC", None, None, None, 3)),
        ("IMG001 | G | CIRC | B | | 20 | 3", Lesion("CIRC", "B", None, 20, 3)),
        ("IMG001;G;CIRC;B;10,4;20,6;3", Lesion("CIRC", "B", 10, 21, 3)),
        ('"IMG001","G","CIRC","B","","20","3"', Lesion("CIRC", "B", None, 20, 3)),
    ],
)
def test_empty_fields_keep_their_place(tmp_path: Path, line: str, lesion: Lesion) -> None:
    for name in ("Info.txt", "Metadata.csv"):
        rows, problems = text(tmp_path, line + "\n", name)
        assert (rows["Img001"].lesions, problems) == ([lesion], [])


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 6000)), min_size=3, max_size=3),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["", " "]),
)
@settings(deadline=None)
def test_any_of_the_numbers_may_be_missing(numbers: list[int | None], delimiter: str, blank: str) -> None:
    cells = ["IMG001", "G", "CIRC", "B", *("" if n is None else str(n) for n in numbers)]
    assert divided((blank + delimiter + blank).join(cells).rstrip(" ")) == cells


def test_numbers_that_are_none(tmp_path: Path) -> None:
    for cell in ("9" * 5000, "inf", "nan", "1e300", "2000000"):
        rows, problems = text(tmp_path, f"IMG001,G,CIRC,B,{cell},2,3\nIMG002,F,NORM\n")
        assert rows["Img001"].lesions == [Lesion("CIRC", "B", None, 2, 3)]
        assert len(problems) == (0 if cell == "nan" else 1)
        assert "Img002" in rows


def workbook(sheet: bytes) -> bytes:
    """Return a workbook whose sheet is this XML."""
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    out = io.BytesIO()
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else source.read(name))
    return out.getvalue()


HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CELL = b'<row r="%d"><c r="%s%d" t="inlineStr"><is><t>IMG001</t></is></c></row>'


def test_workbooks_that_claim_too_much(tmp_path: Path) -> None:
    path = tmp_path / "Metadata.xlsx"
    far = HEAD + CELL % (1, b"A", 1) + CELL % (1048576, b"XFD", 1048576) + b"</sheetData></worksheet>"
    path.write_bytes(workbook(far))
    assert sum(len(sheet.rows) for sheet in read_cells(path)) == 2
    merged = (
        HEAD
        + CELL % (1, b"A", 1)
        + b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>'
    )
    for sheet, reason in ((merged, "merges"), (HEAD + b" " * 60_000_000 + b"</sheetData></worksheet>", "unpacked")):
        path.write_bytes(workbook(sheet))
        rows, problems = read_sheet(path, "Metadata.xlsx")
        assert rows == {}
        assert reason in reasons(problems)


def test_older_and_damaged_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "Metadata.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "save it as .xlsx or .csv" in reasons(read_sheet(path, "Metadata.xls")[1])
    sound = workbook(HEAD + CELL % (1, b"A", 1) + b"</sheetData></worksheet>")
    for cut in range(4, len(sound), 400):
        path.write_bytes(sound[:cut] + bytes(3) + sound[cut + 3 :])
        read_sheet(path, "Metadata.xls")
        path.write_bytes(sound[:cut])
        assert read_sheet(path, "Metadata.xls")[1]

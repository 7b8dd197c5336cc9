import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.metadata import ABNORMALITIES, Row, laterality_of, read_index, read_sheet, view_of
from benchmark.data.problem import Problem
from benchmark.data.study import Lesion


def index(tmp_path: Path, text: str | bytes) -> tuple[dict[str, Row], list[Problem]]:
    path = tmp_path / "Info.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_index(path, "Info.txt")


def sheet(tmp_path: Path, rows: Sequence[Sequence[object]], legend: int = 31) -> tuple[dict[str, Row], list[Problem]]:
    path = tmp_path / "Metadata.xlsx"
    head = [[f"legend {i}", "CC", "F: fatty", "CALC: calcification"] for i in range(legend)]
    table = [*head, *rows]
    pd.DataFrame(table).to_excel(path, sheet_name="Sheet1", header=False, index=False)
    return read_sheet(path, "Metadata.xlsx")


def test_rows_of_the_index(tmp_path: Path) -> None:
    rows, problems = index(tmp_path, "IMG001 G MISC M 1567 3644 295\nIMG001 G CALC B 10 20\nIMG002 D NORM\n")
    assert problems == []
    assert rows["Img001"].tissue == "G"
    assert rows["Img001"].lesions == [Lesion("MISC", "M", 1567, 3644, 295), Lesion("CALC", "B", 10, 20, None)]
    assert rows["Img002"].lesions == [Lesion("NORM")]


@pytest.mark.parametrize(
    ("line", "tissue", "lesion"),
    [
        ("IMG001 - CIRC B 1 2 3", None, Lesion("CIRC", "B", 1, 2, 3)),
        ("IMG001 CIRC B 1 2 3", None, Lesion("CIRC", "B", 1, 2, 3)),
        ("IMG001 F SPIC M 1 2 -", "F", Lesion("SPIC", "M", 1, 2, None)),
        ("IMG001 F SPIC M - - -", "F", Lesion("SPIC", "M")),
        ("IMG001\tF\tNORM\tN", "F", Lesion("NORM", "N")),
        ("img1 f calc m 5 6 7", "F", Lesion("CALC", "M", 5, 6, 7)),
        ("IMG001, G, ASYM, B, 5.0, 6.4, 7", "G", Lesion("ASYM", "B", 5, 6, 7)),
        ("  IMG001   G ARCH - 5 6 7  ", "G", Lesion("ARCH", None, 5, 6, 7)),
        ("IMG001 G ARCH 5 6 7", "G", Lesion("ARCH", None, 5, 6, 7)),
    ],
)
def test_missing_fields_do_not_shift_the_rest(tmp_path: Path, line: str, tissue: str | None, lesion: Lesion) -> None:
    rows, problems = index(tmp_path, line)
    assert (rows["Img001"].tissue, rows["Img001"].lesions, problems) == (tissue, [lesion], [])


def test_line_ends_marks_headers_and_blank_lines(tmp_path: Path) -> None:
    text = "\ufeffRefNum Tissue Abnormality Class\r\n\r\nIMG001 G MISC M 1 2 3\r\nIMG002 F NORM N\r\n".encode()
    rows, problems = index(tmp_path, text)
    assert sorted(rows) == ["Img001", "Img002"]
    assert problems == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("IMG009 G LUMP M 1 2 3", "line 2: no abnormality.*'LUMP'"),
        ("IMG009 Q CIRC M 1 2 3", "line 2: 'Q' is not understood"),
        ("IMG009 G CIRC M one 2 3", "line 2.*x is 'one'"),
        ("IMG009 G CIRC M 1 -2 3", "negative"),
        ("IMG009 G CIRC M 1 2 3 4", "more field"),
        ("IMG009 G", "no abnormality"),
        ("nonsense here", "'nonsense' is no image id"),
    ],
)
def test_what_is_not_understood_is_named_by_its_line_and_stops_nothing(tmp_path: Path, line: str, reason: str) -> None:
    rows, problems = index(tmp_path, f"IMG001 G MISC M 1 2 3\n{line}\nIMG003 F NORM\n")
    assert [p.path for p in problems] == ["Info.txt"]
    assert re.search(reason, problems[0].reason)
    assert rows["Img001"].lesions
    assert rows["Img003"].lesions


def test_two_tissues_of_one_image_are_named(tmp_path: Path) -> None:
    _, problems = index(tmp_path, "IMG001 G CIRC M 1 2 3\nIMG001 F CALC M 4 5 6\n")
    assert "tissue F, but G" in problems[0].reason


@given(
    st.lists(
        st.tuples(
            st.integers(1, 600),
            st.sampled_from(["F", "G", "D", "-", ""]),
            st.sampled_from(ABNORMALITIES),
            st.sampled_from("BMN"),
            st.lists(st.integers(0, 6000), max_size=3),
        ),
        max_size=12,
    )
)
def test_the_index_round_trips(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, str, str, list[int]]]
) -> None:
    text = "\n".join(f"IMG{i:03d} {t} {a} {c} {' '.join(map(str, xs))}" for i, t, a, c, xs in rows)
    read, _ = index(tmp_path_factory.mktemp("i"), text)
    expected: dict[str, list[Lesion]] = {}
    for i, _, a, c, xs in rows:
        lesion = Lesion(a, c, *(xs + [None] * (3 - len(xs))))
        if lesion not in expected.setdefault(f"Img{i:03d}", []):
            expected[f"Img{i:03d}"].append(lesion)
    assert {key: row.lesions for key, row in read.items()} == expected


def test_the_sheet_starts_below_its_legend_and_tells_view_and_side(tmp_path: Path) -> None:
    rows, problems = sheet(
        tmp_path,
        [
            ["IMG001", "MLO right", "G", "MISC", "M", 1567, 3644, 295],
            ["IMG001", "MLO right", "G", "CALC", "B", 10.0, 20, "-"],
            ["IMG002", "CC left", "-", "NORM", None, None, None, None],
        ],
    )
    assert problems == []
    assert sorted(rows) == ["Img001", "Img002"]
    first, second = rows["Img001"], rows["Img002"]
    assert (first.view, first.laterality, first.tissue) == ("MLO", "right", "G")
    assert first.lesions == [Lesion("MISC", "M", 1567, 3644, 295), Lesion("CALC", "B", 10, 20, None)]
    assert (second.view, second.laterality, second.tissue) == ("CC", "left", None)
    assert second.lesions == [Lesion("NORM")]


def test_merged_cells_go_on_with_the_image_above(tmp_path: Path) -> None:
    rows, _ = sheet(
        tmp_path,
        [
            ["IMG001", "CCLT", "G", "CIRC", "B", 1, 2, 3],
            [None, None, None, "CALC", "M", 4, 5, 6],
            ["IMG002", "CCRT", "F", "NORM"],
        ],
    )
    assert rows["Img001"].lesions == [Lesion("CIRC", "B", 1, 2, 3), Lesion("CALC", "M", 4, 5, 6)]
    assert rows["Img002"].laterality == "right"


def test_a_damaged_workbook_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "Metadata.xlsx"
    path.write_bytes(b"PK\x03\x04 broken")
    rows, problems = read_sheet(path, "Metadata.xlsx")
    assert rows == {}
    assert "workbook" in problems[0].reason


@pytest.mark.parametrize("view", ["CC", "MLO"])
@pytest.mark.parametrize(("side", "letter"), [("left", "L"), ("right", "R")])
def test_views_in_every_spelling(view: str, side: str, letter: str) -> None:
    spellings = [f"{view} {side}", f"{view}{letter}T", f"{letter}{view}", f"{letter}-{view}", f"{view}-{letter}"]
    spellings += [f"{side.upper()} {view.lower()}", f"{view}/{letter}T", f"{view}_{letter}"]
    for cell in spellings:
        assert (view_of(cell), laterality_of(cell)) == (view, side), cell
    assert view_of(side) is None


@pytest.mark.parametrize("text", ["", "see the workbook\n", "001 G CIRC B 1 2 3\n"])
def test_an_index_that_gives_nothing_says_so(tmp_path: Path, text: str) -> None:
    rows, problems = index(tmp_path, text)
    assert rows == {}
    assert "holds no row with an id such as IMG001" in problems[-1].reason

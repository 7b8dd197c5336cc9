"""The cells of a table as people send it: a workbook with several sheets, or text divided by some character.

Merged ranges give their value to each of their rows. A workbook is a zip and may claim anything: what it would become
and the ranges it merges are bounded before it is read.
"""

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.data.text import read_text
from benchmark.disk.file_kinds import defect_of_file

LARGEST_TABLE = 50_000_000
"""Bytes of a table, unpacked: a row takes 100."""
MOST_MERGED = 1_000_000
"""Cells of all merged ranges of a workbook."""
DELIMITERS = (";", "\t", ",", "|")
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})"')


class Cells(NamedTuple):
    """A sheet: its name, empty where the file has only one, and its rows by number from 1, each a list of texts."""

    name: str
    rows: list[tuple[int, list[str]]]


def read_cells(path: Path) -> list[Cells]:
    """Read the sheets of a workbook, or the one of a file of text.

    Raises:
        ValueError: it is neither, or is larger than anything sensible. Says what to do.
        OSError: it can't be read.
        Exception: whatever openpyxl raises for a damaged workbook.
    """
    defect = defect_of_file(path)
    if defect:
        raise ValueError(defect)
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(_OLD_WORKBOOK):
        raise ValueError("is a workbook of the older kind (.xls); save it as .xlsx or .csv")
    if start.startswith(b"PK"):
        return _of_workbook(path)
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        raise ValueError("can't be read as a workbook: it is no zip; save it as .xlsx or .csv again")
    return [Cells("", _of_text(read_text(path, largest=LARGEST_TABLE)))]


def divided(line: str) -> list[str]:
    """Return the fields of one line: by the first of `DELIMITERS` in it, else by blank space.

    Between delimiters nothing is an empty field, which keeps its place. Several words in a field
    are several fields, but for a file's place.
    """
    delimiter = next((d for d in DELIMITERS if d in line), None)
    if delimiter is None:
        return line.split()
    fields = [field.strip().strip('"') for field in line.strip(" \r\n").split(delimiter)]
    return [word for field in fields for word in ([field] if "/" in field or "\\" in field else field.split() or [""])]


def _of_workbook(path: Path) -> list[Cells]:
    """Return the sheets of a workbook, merged ranges filled in."""
    import openpyxl

    _check_workbook(path)
    try:
        workbook = openpyxl.load_workbook(path, data_only=True, keep_links=False)
    except ValueError as error:  # in words that name the whole path, over several lines
        raise ValueError(
            "can't be read as a workbook: a part of it is damaged; save it as .xlsx or .csv again"
        ) from error
    sheets = []
    for sheet in workbook.worksheets:
        # Only cells that are there: one at the far corner would make iter_rows visit 17 thousand million.
        cells = {place: _text(cell.value) for place, cell in sheet._cells.items()}
        for merged in sheet.merged_cells.ranges:
            value = cells.get((merged.min_row, merged.min_col), "")
            cells |= {(row, merged.min_col): value for row in range(merged.min_row, merged.max_row + 1)}
        rows: dict[int, dict[int, str]] = {}
        for (row, column), text in cells.items():
            if text:
                rows.setdefault(row, {})[column] = text
        listed = [(row, [found.get(i, "") for i in range(1, max(found) + 1)]) for row, found in sorted(rows.items())]
        sheets.append(Cells(sheet.title if len(workbook.worksheets) > 1 else "", listed))
    return sheets


def _check_workbook(path: Path) -> None:
    """Refuse a workbook that becomes too much, or whose merged ranges do."""
    with zipfile.ZipFile(path) as packed:
        entries = packed.infolist()
        size = sum(entry.file_size for entry in entries)
        if size > LARGEST_TABLE:
            raise ValueError(f"would take {size:,} bytes unpacked, more than the {LARGEST_TABLE:,} allowed")
        merged = 0
        for entry in entries:
            if "worksheets/" not in entry.filename or not entry.filename.endswith(".xml"):
                continue
            for left, upper, right, lower in _MERGED.findall(packed.read(entry)):
                rows, columns = int(lower) - int(upper) + 1, _column(right) - _column(left) + 1
                merged += max(0, rows) * max(0, columns)
        if merged > MOST_MERGED:
            raise ValueError(f"merges {merged:,} cells, more than the {MOST_MERGED:,} allowed; unmerge them")


def _column(letters: bytes) -> int:
    """Return the number of a column from 1: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _of_text(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows of a text, by the delimiter that divides most lines into most fields; by none, blank space."""
    best: list[tuple[int, list[str]]] = []
    most = 0
    for delimiter in DELIMITERS:
        try:
            reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
            rows = [(reader.line_num, [field.strip() for field in row]) for row in reader]
        except csv.Error:
            continue
        divisions = sum(len(row) - 1 for _, row in rows)
        if divisions > most:
            best, most = rows, divisions
    return best or [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1)]


def _text(cell: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, nothing as an empty string."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()

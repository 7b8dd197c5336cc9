"""`Info.txt` and `Metadata.xlsx`: what the release states of each image, one row per lesion.

Both files carry the same MIAS-style fields: id, tissue, abnormality, class, x, y, radius; the sheet has the view
and the side besides. Fields are told by what they say, so a missing one doesn't shift the rest.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.data.inventory import study_id
from benchmark.data.problem import Problem
from benchmark.data.study import Laterality, Lesion, View
from benchmark.data.text import read_text

ABNORMALITIES = ("NORM", "CIRC", "SPIC", "MISC", "ARCH", "CALC", "ASYM")
TISSUES = ("F", "G", "D")
PATHOLOGIES = ("B", "M", "N")

_VIEW = re.compile(r"(?<![a-z])(?:[lr])?(cc|mlo)", re.IGNORECASE)
_SIDE = re.compile(
    r"(left|right)|(?<![a-z])([lr])t?(?![a-z])|(?<![a-z])([lr])(?=cc|mlo)|(?:cc|mlo)[ _-]*([lr])t?(?![a-z])", re.I
)
_PLACEHOLDERS = ("-", "--", "–", "na", "n/a", "nan", "none", "?", "")


@dataclass
class Row:
    """What is stated of one image, over all its rows."""

    view: View | None = None
    laterality: Laterality | None = None
    tissue: str | None = None
    lesions: list[Lesion] = field(default_factory=list)


def read_index(path: Path, relative: str) -> tuple[dict[str, Row], list[Problem]]:
    """Read `Info.txt`: rows of blank-separated fields, no header; several rows per image.

    Args:
        path: the file; any encoding and line ends that `read_text` understands.
        relative: the path as problems name it.

    Returns:
        what is stated of each id, and what was wrong, each with its line. Nothing wrong stops the rest.
    """
    rows: dict[str, Row] = defaultdict(Row)
    problems: list[Problem] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        cells = [c for c in re.split(r"[\s,;]+", line.strip()) if c]
        if not cells:
            continue
        key = study_id(cells[0])
        if key is None:
            if number > 1:  # the first line may be a header
                problems.append(Problem(relative, f"line {number}: {cells[0][:40]!r} is no image id such as IMG001"))
            continue
        problems += _add(rows[key], cells[1:], key, relative, f"line {number}")
    return dict(rows), problems


def read_sheet(path: Path, relative: str) -> tuple[dict[str, Row], list[Problem]]:
    """Read `Metadata.xlsx`: legend rows first, then rows from the first cell that holds an image id.

    A row without an id goes on with the image of the row above (merged cells).

    Args:
        path: the workbook; its first sheet is read.
        relative: the path as problems name it.

    Returns:
        as `read_index`; a workbook that can't be read at all is one problem.
    """
    try:
        import pandas as pd

        table = pd.read_excel(path, sheet_name=0, header=None, dtype=object)
    except Exception as error:  # zip, XML and format errors of openpyxl, each its own kind
        reason = f"can't be read as a workbook ({type(error).__name__}); view and side stay unknown"
        return {}, [Problem(relative, reason)]
    rows: dict[str, Row] = defaultdict(Row)
    problems: list[Problem] = []
    key: str | None = None
    for number, cells in enumerate(table.itertuples(index=False), start=1):
        texts = [_text(cell) for cell in cells]
        at, row_key = next(((i, k) for i, t in enumerate(texts) if (k := study_id(t))), (-1, None))
        if row_key:
            key, texts = row_key, texts[at + 1 :]
        elif key is None or not any(t.upper() in ABNORMALITIES for t in texts):
            continue
        problems += _add(rows[key], texts, key, relative, f"row {number}")
    return dict(rows), problems


def view_of(text: str) -> View | None:
    """Return `CC` or `MLO` as a cell such as `MLO right`, `CCLT` or `R-MLO` states it, or None."""
    match = _VIEW.search(text)
    return ("CC" if match[1].upper() == "CC" else "MLO") if match else None


def laterality_of(text: str) -> Laterality | None:
    """Return `left` or `right` as a cell such as `MLO right`, `CCLT`, `R-MLO` or `L` states it, or None."""
    match = _SIDE.search(text)
    if match is None:
        return None
    return "left" if next(g for g in match.groups() if g)[0].lower() == "l" else "right"


def _add(row: Row, cells: Sequence[str], key: str, relative: str, position: str) -> list[Problem]:
    """Add the cells after the id to what is known of an image."""
    problems: list[Problem] = []
    at = next((i for i, c in enumerate(cells) if c.upper() in ABNORMALITIES), None)
    unknown = []
    for cell in cells if at is None else cells[:at]:
        if cell.upper() in TISSUES:
            if row.tissue not in (None, cell.upper()):
                problems.append(
                    Problem(relative, f"{position}: tissue {cell.upper()}, but {row.tissue} further up", key)
                )
            row.tissue = row.tissue or cell.upper()
        elif view_of(cell) or laterality_of(cell):
            row.view, row.laterality = row.view or view_of(cell), row.laterality or laterality_of(cell)
        elif cell.lower() not in _PLACEHOLDERS:
            unknown.append(repr(cell[:20]))
    if at is None:
        cells_found = f"; found {', '.join(unknown)}" if unknown else ""
        problems.append(Problem(relative, f"{position}: no abnormality ({', '.join(ABNORMALITIES)}){cells_found}", key))
        return problems
    if unknown:
        expected = f"a tissue ({', '.join(TISSUES)}) or a view was expected"
        problems.append(Problem(relative, f"{position}: {', '.join(unknown)} is not understood; {expected}", key))
    lesion, reason = _lesion(cells[at].upper(), cells[at + 1 :])
    if reason:
        problems.append(Problem(relative, f"{position}: {reason}", key))
    if lesion not in row.lesions:
        row.lesions.append(lesion)
    return problems


def _lesion(abnormality: str, cells: Sequence[str]) -> tuple[Lesion, str]:
    """Return the lesion of what follows the abnormality: class, x, y, radius, each of which may be missing."""
    fields = list(cells)
    reasons: list[str] = []
    pathology = None
    if fields and fields[0].upper() in PATHOLOGIES:
        pathology = fields.pop(0).upper()
    elif fields and (fields[0].lower() in _PLACEHOLDERS):
        fields.pop(0)
    numbers: list[int | None] = []
    for name, cell in zip(("x", "y", "radius"), fields, strict=False):
        try:
            numbers.append(None if cell.lower() in _PLACEHOLDERS else round(float(cell)))
        except (ValueError, OverflowError):
            reasons.append(f"{name} is {cell[:20]!r}, not a number")
            numbers.append(None)
    numbers += [None] * (3 - len(numbers))
    if any(n is not None and n < 0 for n in numbers):
        reasons.append("a position or radius is negative")
        numbers = [None if n is not None and n < 0 else n for n in numbers]
    extra = [c for c in fields[3:] if c.lower() not in _PLACEHOLDERS]
    if extra:
        reasons.append(f"{len(extra)} more field{'s' if len(extra) > 1 else ''} than expected")
    return Lesion(abnormality, pathology, *numbers), "; ".join(reasons)


def _text(cell: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, nothing as an empty string."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()

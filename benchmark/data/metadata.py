"""`Info.txt` and `Metadata.xlsx`: what the release states of each image, one row per lesion.

Both files carry the same MIAS-style fields: id, tissue, abnormality, class, x, y, radius; the sheet has the view
and the side besides. Fields are told by what they say, so a missing one doesn't shift the rest.
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.data.decode import IMAGE_SUFFIXES
from benchmark.data.inventory import study_id
from benchmark.data.problem import Problem
from benchmark.data.study import Laterality, Lesion, View
from benchmark.data.table_cells import LARGEST_TABLE, Cells, divided, read_cells
from benchmark.data.table_layout import Layout, layout_of
from benchmark.data.text import read_text

ABNORMALITIES = ("NORM", "CIRC", "SPIC", "MISC", "ARCH", "CALC", "ASYM")
TISSUES = ("F", "G", "D")
PATHOLOGIES = ("B", "M", "N")

_VIEW = re.compile(r"(?<![a-z])(?:[lr])?(cc|mlo)", re.IGNORECASE)
_SIDE = re.compile(
    r"(left|right)|(?<![a-z])([lr])t?(?![a-z])|(?<![a-z])([lr])(?=cc|mlo)|(?:cc|mlo)[ _-]*([lr])t?(?![a-z])", re.I
)
_PLACEHOLDERS = ("-", "--", "–", "—", "na", "n/a", "#n/a", "nan", "none", "null", "?", "")
_DECIMAL_COMMA = re.compile(r"^(-?\d+),(\d+)$")
_LARGEST_PLACE = 1_000_000  # pixels; no image is as wide


@dataclass
class Row:
    """What is stated of one image, over all its rows."""

    view: View | None = None
    laterality: Laterality | None = None
    tissue: str | None = None
    lesions: list[Lesion] = field(default_factory=list)


def read_index(path: Path, relative: str) -> tuple[dict[str, Row], list[Problem]]:
    """Read `Info.txt`: rows of fields divided by blank space or by `, ; | tab`, no header; several rows per image.

    Args:
        path: the file; any encoding and line ends that `read_text` understands.
        relative: the path as problems name it.

    Returns:
        what is stated of each id, and what was wrong, each with its line. Nothing wrong stops the rest; a file that
        gives not one row is a problem.
    """
    text = read_text(path, largest=LARGEST_TABLE)
    rows = [(number, divided(line)) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    sheets = [Cells("", rows)]
    stated, problems = _of_rows(sheets, relative, "line", of_sheet=False)
    return stated, problems if stated else [*problems, _of_nothing(sheets, relative)]


def read_sheet(path: Path, relative: str) -> tuple[dict[str, Row], list[Problem]]:
    """Read `Metadata.xlsx`, or the same as text: legend rows first, then rows that hold an image id.

    Every sheet is read; of an id that several state, the first counts. A row whose id is empty goes on with the image
    of the row above, and a merged range gives its value to each of its rows. A row whose id can't be read is named and
    belongs to no image.

    Args:
        path: the workbook, or a text divided by `, ; | tab`.
        relative: the path as problems name it.

    Returns:
        as `read_index`; a file that can't be read at all, or gives not one row, is one problem.
    """
    try:
        sheets = read_cells(path)
    except (OSError, ValueError, zipfile.BadZipFile, MemoryError) as error:
        reason = str(getattr(error, "strerror", None) or error) or type(error).__name__
        if not isinstance(error, ValueError | OSError):
            reason = f"can't be read as a workbook ({type(error).__name__})"
        return {}, [Problem(relative, f"{reason}; view and side stay unknown")]
    except Exception as error:  # XML and format errors of openpyxl, each its own kind
        reason = f"can't be read as a workbook ({type(error).__name__}); view and side stay unknown"
        return {}, [Problem(relative, reason)]
    rows, problems = _of_rows(sheets, relative, "row", of_sheet=True)
    return rows, problems if rows else [*problems, _of_nothing(sheets, relative)]


def _of_nothing(sheets: Sequence[Cells], relative: str) -> Problem:
    """Return the problem of a table that gives not one row."""
    first = [next((c for c in cells if c), "") for sheet in sheets for _, cells in sheet.rows][:3]
    shown = f"first cells: {', '.join(repr(c[:20]) for c in first)}" if first else "it is empty"
    return Problem(relative, f"holds no row with an id such as IMG001, so nothing is known of it; {shown}")


def cell_id(text: str) -> str | None:
    """Return the id that a cell states, with an image's suffix and the folders before its name or without."""
    text = text.strip(" \t\u00a0\u200b\ufeff\"'")
    name = re.split(r"[/\\]", text)[-1]
    stem, dot, suffix = name.rpartition(".")
    return study_id(stem if dot and f".{suffix.lower()}" in IMAGE_SUFFIXES | {".txt"} else name)


def _of_rows(
    sheets: Sequence[Cells], relative: str, word: str, *, of_sheet: bool
) -> tuple[dict[str, Row], list[Problem]]:
    """Read the rows of all sheets; what an earlier sheet states of an id counts.

    Args:
        sheets: of cells.
        relative: the file as problems name it.
        word: that problems call a row by.
        of_sheet: an id may stand in any column, and a heading may name columns; else it stands first.
    """
    rows: dict[str, Row] = {}
    problems: list[Problem] = []
    for sheet in sheets:
        place = f"sheet {sheet.name[:40]!r} {word}" if sheet.name else word
        found, of_table = _SheetReader(sheet, relative, place, of_sheet=of_sheet).read()
        problems += of_table
        for key, row in found.items():
            if key in rows and rows[key] != row:
                problems.append(Problem(relative, f"{place}s state otherwise than the sheet before, which counts", key))
            rows.setdefault(key, row)
    return rows, problems


class _SheetReader:
    """Reads the rows of one sheet."""

    def __init__(self, sheet: Cells, relative: str, place: str, *, of_sheet: bool):
        self.rows, self.relative, self.place, self.of_sheet = sheet.rows, relative, place, of_sheet
        self.layout = layout_of(sheet.rows, cell_id) if of_sheet else Layout()
        self.found: dict[str, Row] = defaultdict(Row)
        self.problems: list[Problem] = []
        self.key: str | None = None
        self.begun = False

    def read(self) -> tuple[dict[str, Row], list[Problem]]:
        """Return what is stated of each id, and what was wrong."""
        for number, texts in self.rows:
            if number != self.layout.heading and any(texts):
                self._read_row(f"{self.place} {number}", texts)
        if self.layout.numbers and self.found:
            reason = f"its ids are bare numbers; {self.layout.numbers} is read as IMG{int(self.layout.numbers):03d}"
            self.problems.append(Problem(self.relative, reason))
        return dict(self.found), self.problems

    def _read_row(self, position: str, texts: list[str]) -> None:
        at, key = self._id_of(texts)
        if key:
            self.key, self.begun = key, True
            self._add(key, position, self.layout.ordered(texts) or [*_before(texts[:at]), *texts[at + 1 :]])
            return
        stated = texts[self.layout.id_column] if self.layout.id_column < len(texts) else ""
        telling = _tells(texts, whole=not self.begun)
        if stated.strip():  # a legend's row, a note, or an id with a mistake
            self.key = None
            if telling or (self.begun and not self.of_sheet):
                expected = "the row is not read" if telling else "a row was expected"
                reason = f"{position}: {stated[:40]!r} is no image id such as IMG001; {expected}"
                self.problems.append(Problem(self.relative, reason))
        elif self.key is not None and _abnormality_at(texts) is not None:
            self._add(self.key, position, self.layout.ordered(texts) or texts)
        elif telling:
            reason = f"{position}: has no id, and none above it could be read; the row is not read"
            self.problems.append(Problem(self.relative, reason))

    def _id_of(self, texts: list[str]) -> tuple[int, str | None]:
        """Return the column of a row's id and the id; None where there is none.

        An id in another column, as of an earlier image, isn't the row's, but for one that everything else is behind.
        """
        if not self.of_sheet:
            return 0, cell_id(texts[0])
        own = self.layout.id_column
        stated = texts[own] if own < len(texts) else ""
        if key := cell_id(stated):
            return own, key
        if self.layout.numbers and stated.isdecimal():
            return own, study_id(f"IMG{stated}")
        first = next((i for i, text in enumerate(texts) if text.strip()), own)
        if not stated.strip() and (key := cell_id(texts[first])):
            return first, key
        return -1, None

    def _add(self, key: str, position: str, cells: Sequence[str]) -> None:
        self.problems += _add(self.found[key], cells, key, self.relative, position)


def _before(cells: Sequence[str]) -> list[str]:
    """Return of the cells before an id those that state a view or a side; others are serial numbers and the like."""
    return [cell for cell in cells if view_of(cell) or laterality_of(cell)]


def _abnormality_at(cells: Sequence[str]) -> int | None:
    """Return the place of the first cell that is an abnormality, or None."""
    return next((i for i, cell in enumerate(cells) if cell.upper() in ABNORMALITIES), None)


def _tells(cells: Sequence[str], *, whole: bool) -> bool:
    """Return whether cells state something of an image.

    Args:
        cells: of a row.
        whole: take no cell's word alone, as above the data, where a legend explains each.
    """
    at = _abnormality_at(cells)
    view = any(view_of(cell) for cell in cells)
    if not whole:
        return at is not None or view
    after = cells[at + 1 :] if at is not None else ()
    return at is not None and (view or any(c.upper() in PATHOLOGIES or c.isdecimal() for c in after))


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
            number = None if cell.lower() in _PLACEHOLDERS else round(float(_DECIMAL_COMMA.sub(r"\1.\2", cell)))
        except (ValueError, OverflowError):
            reasons.append(f"{name} is {cell[:20]!r}, not a number")
            number = None
        if number is not None and number > _LARGEST_PLACE:
            reasons.append(f"{name} is {cell[:20]!r}, beyond any image")
            number = None
        numbers.append(number)
    numbers += [None] * (3 - len(numbers))
    if any(n is not None and n < 0 for n in numbers):
        reasons.append("a position or radius is negative")
        numbers = [None if n is not None and n < 0 else n for n in numbers]
    extra = [c for c in fields[3:] if c.lower() not in _PLACEHOLDERS]
    if extra:
        reasons.append(f"{len(extra)} more field{'s' if len(extra) > 1 else ''} than expected")
    return Lesion(abnormality, pathology, *numbers), "; ".join(reasons)

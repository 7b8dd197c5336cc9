"""Which column of a table is which: by a heading that names them, or by where the ids stand."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

_NAMES = """
id: id image images img imageid imgid imageno imagenumber imagename imagefile file filename ref refnum referencenumber
view: view views projection viewposition position
side: side laterality breast breastside
tissue: tissue tissuetype backgroundtissue background density breastdensity breasttissue
abnormality: abnormality abnormalitytype typeofabnormality abnormalityclass classofabnormality finding lesion lesiontype
pathology: class pathology severity severityofabnormality diagnosis benignmalignant
x: x xcoordinate xcoord xcentre xcenter centrex centerx
y: y ycoordinate ycoord ycentre ycenter centrey centery
radius: radius r radiusinpixels radiuspx approximateradius
"""
HEADINGS = {word: line.split(":")[0] for line in _NAMES.strip().splitlines() for word in line.split(": ")[1].split()}
"""Which field a heading names, by its words in small letters without anything between them."""
_ORDER = ("view", "side", "tissue", "abnormality", "pathology", "x", "y", "radius")


class Layout(NamedTuple):
    """Where a table's fields are.

    Attributes:
        id_column: of ids, from 0.
        heading: the number of the row that names the columns, or None.
        columns: by field, where a heading names at least the abnormality's.
        numbers: the first of the ids where they are bare numbers below a heading that says so; else empty.
    """

    id_column: int = 0
    heading: int | None = None
    columns: dict[str, int] = {}  # noqa: RUF012
    numbers: str = ""

    def ordered(self, texts: Sequence[str]) -> list[str]:
        """Return a row's fields in the order of the release: view, side, tissue, abnormality, class, x, y, radius.

        Empty where no heading tells which is which.
        """
        if not self.columns:
            return []
        places = [self.columns.get(name, len(texts)) for name in _ORDER]
        return [texts[place] if place < len(texts) else "" for place in places]


def layout_of(rows: Sequence[tuple[int, Sequence[str]]], id_of: Callable[[str], str | None]) -> Layout:
    """Return where the fields of a table are.

    Args:
        rows: by number.
        id_of: what id a cell states, if any.
    """
    counts = Counter(i for _, cells in rows for i, cell in enumerate(cells) if id_of(cell))
    most = max(counts.values(), default=0)
    id_column = min((i for i, count in counts.items() if count == most), default=0)
    heading, named = None, {}
    for number, cells in rows:
        if any(id_of(cell) for cell in cells):
            break
        fields = _named(cells)
        if "id" in fields and len(fields) >= 2:
            heading, named = number, fields
    if heading is None:
        return Layout(id_column)
    numbers = ""
    if not counts:
        id_column = named["id"]
        below = [cells[id_column] for number, cells in rows if number > heading and id_column < len(cells)]
        numbers = next((cell for cell in below if cell.isdecimal() and 0 < int(cell[:9]) < 10_000), "")
    return Layout(id_column, heading, named if "abnormality" in named else {}, numbers)


def _named(cells: Sequence[str]) -> dict[str, int]:
    """Return the columns that a row names, by field; the first of each."""
    named: dict[str, int] = {}
    for i, cell in enumerate(cells):
        word = re.sub(r"[^a-z]", "", cell[:60].lower())
        if word in HEADINGS:
            named.setdefault(HEADINGS[word], i)
    return named

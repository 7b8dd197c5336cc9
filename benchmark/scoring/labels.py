"""Labels of a file of reports, one JSON object a report."""

from pathlib import Path
from typing import Any

from benchmark.scoring.texts import read_lines
from metrics.labels.labeler import label

TEXT_KEYS = ("report", "prediction", "text")
"""Where a line's text may stand."""


def label_file(path: Path, key: str | None = None) -> list[dict[str, Any]]:
    """Label every line of a file of JSON lines with `id` and a text; the labels come in the order of the file.

    Args:
        path: of the file.
        key: where the text stands; None: whichever of `report`, `prediction` and `text` the line has.

    Raises:
        UserError: the file can't be read or holds no record, or lists every line that is not such an object.
    """
    lines = read_lines(path, (key,) if key else TEXT_KEYS)
    return [{"id": line.id, **label(line.text).to_dict()} for line in lines]

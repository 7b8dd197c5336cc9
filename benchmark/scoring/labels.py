"""Labels of a file of reports, one JSON object a report."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from metrics.labels.labeler import label

TEXT_KEYS = ("report", "prediction", "text")
"""Where a line's text may stand."""

_SHOWN = 20


def label_file(path: Path, key: str | None = None) -> list[dict[str, Any]]:
    """Label every line of a file of JSON lines with `id` and a text; the labels come in the order of the file.

    Args:
        key: where the text stands; None: whichever of `report`, `prediction` and `text` the line has.

    Raises:
        UserError: the file can't be read or holds no record, or lists every line that is not such an object.
    """
    wanted = " or ".join(map(repr, (key,) if key else TEXT_KEYS))
    expected = f"Expected JSON lines with 'id' and {wanted}."
    problems: list[str] = []
    labels: list[dict[str, Any]] = []
    for number, line in enumerate(_lines(path, expected), start=1):
        if not line.strip():
            continue
        record, problem = _parse(line, key)
        if problem:
            problems.append(f"line {number}: {problem}")
        else:
            labels.append({"id": record["id"], **label(record["text"]).to_dict()})
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise UserError("\n".join([f"{path}: {expected}", *problems[:_SHOWN], *more]))
    if not labels:
        raise UserError(f"{path}: holds no record. {expected}")
    return labels


def _lines(path: Path, expected: str) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. {expected}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}. Save it as UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}.") from None


def _parse(line: str, key: str | None) -> tuple[dict[str, Any], str | None]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        return {}, f"not JSON: {error.msg} at column {error.colno}"
    except RecursionError:
        return {}, "JSON nested too deeply"
    if not isinstance(record, dict):
        return {}, f"a JSON {type(record).__name__}, expected an object"
    if not isinstance(record.get("id"), str | int) or isinstance(record["id"], bool):
        return {}, "no 'id' that is text or a whole number"
    found = [name for name in ((key,) if key else TEXT_KEYS) if name in record]
    if len(found) > 1:
        return {}, f"has {' and '.join(map(repr, found))}; say which with --key"
    if not found:
        keys = ", ".join(sorted(map(str, record))[:8])
        return {}, f"no text; it has {keys}"
    if not isinstance(record[found[0]], str):
        return {}, f"{found[0]!r} is {type(record[found[0]]).__name__}, expected text"
    return {"id": record["id"], "text": record[found[0]]}, None

"""Files of predictions and of references: JSON lines with an id and a text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.errors import UserError

SHOWN = 20


@dataclass(frozen=True)
class Texts:
    """The texts of a file.

    Attributes:
        by_id: id to text, in the order of the file.
        blocks: id to block where the file names one for every record; None otherwise.
    """

    by_id: dict[str, str]
    blocks: dict[str, str] | None = field(default=None)


def read_texts(path: Path, key: str) -> Texts:
    """Read a file of JSON lines, each an object with `id` and `key`, and `block` where patients are known.

    Args:
        key: `prediction`, `report` ...

    Raises:
        UserError: the file can't be read, or lists every line that is not such an object and every duplicate id.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file. Expected JSON lines with 'id' and {key!r}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}. Save it as UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}.") from None
    texts: dict[str, str] = {}
    blocks: dict[str, str] = {}
    first: dict[str, int] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record, problem = _parse(line, key)
        if problem:
            problems.append(f"line {number}: {problem}")
            continue
        name = record["id"]
        if name in texts:
            problems.append(f"line {number}: duplicate id {name!r}, first in line {first[name]}")
            continue
        first[name], texts[name] = number, record[key]
        if isinstance(record.get("block"), str):
            blocks[name] = record["block"]
    if problems:
        shown = "\n".join(problems[:SHOWN])
        more = f"\nand {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise UserError(f"{path}: expected one JSON object a line with 'id' and {key!r}.\n{shown}{more}")
    if not texts:
        raise UserError(f"{path}: holds no record. Expected JSON lines with 'id' and {key!r}.")
    return Texts(texts, blocks if len(blocks) == len(texts) else None)


def _parse(line: str, key: str) -> tuple[Mapping[str, Any], str | None]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        return {}, f"not JSON: {error.msg} at column {error.colno}"
    except RecursionError:
        return {}, "JSON nested too deeply"
    if not isinstance(record, dict):
        return {}, f"a JSON {type(record).__name__}, expected an object"
    for name in ("id", key):
        if name not in record:
            keys = ", ".join(sorted(map(str, record))[:8])
            return {}, f"no {name!r}; it has {keys or 'no keys'}"
        if not isinstance(record[name], str):
            return {}, f"{name!r} is {type(record[name]).__name__}, expected text"
    return record, None

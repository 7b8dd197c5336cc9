"""Files of predictions, of references and of reports to label: JSON lines with an id and a text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.data import strict_json
from benchmark.errors import UserError

SHOWN = 20
"""Bad lines of a file that are listed, at most."""
LARGEST_TEXT = 200_000
"""Letters of a text, at most: a hundred times those of a long report. What two texts have in common takes the product
of their lengths to find."""


@dataclass(frozen=True)
class Line:
    """One line of a file of texts.

    Attributes:
        id: of the text.
        text: the report or prediction.
        block: of the study, where the line names one.
    """

    id: str | int
    text: str
    block: str | None


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
        path: of the file; no two of its lines have one id.
        key: `prediction`, `report` ...

    Raises:
        UserError: the file can't be read, or lists every line that is not such an object and every duplicate id.
    """
    lines = read_lines(path, (key,), distinct=True)
    blocks = {str(line.id): line.block for line in lines if line.block is not None}
    return Texts({str(line.id): line.text for line in lines}, blocks if len(blocks) == len(lines) else None)


def read_lines(path: Path, keys: Sequence[str], *, distinct: bool = False) -> list[Line]:
    """Return the lines of a file of JSON lines, each an object with `id` and a text.

    Args:
        path: of the file.
        keys: where the text may stand; a line has one of them.
        distinct: whether every id has to be text, and another in every line.

    Raises:
        UserError: the file can't be read or holds no record, or lists every line that is not such an object.
    """
    expected = f"Expected JSON lines with 'id' and {' or '.join(map(repr, keys))}."
    lines: list[Line] = []
    problems: list[str] = []
    first: dict[str | int, int] = {}
    for number, content in enumerate(_read(path, expected).split("\n"), start=1):
        if not content.strip():
            continue
        try:
            line = _parse(content, keys, (str,) if distinct else (str, int))
            if distinct and line.id in first:
                raise ValueError(f"duplicate id {strict_json.shown(str(line.id))}, first in line {first[line.id]}")
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        first[line.id] = number
        lines.append(line)
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise UserError("\n".join([f"{path}: {expected}", *problems[:SHOWN], *more]))
    if not lines:
        raise UserError(f"{path}: holds no record. {expected}")
    return lines


def _read(path: Path, expected: str) -> str:
    try:
        return strict_json.read_text(path)
    except ValueError as error:
        raise UserError(f"{path}: {error}. {expected}") from None


def _parse(content: str, keys: Sequence[str], ids: tuple[type, ...]) -> Line:
    """Return a line.

    Raises:
        ValueError: what is wrong with it, without its text, which may be a patient's.
    """
    record = strict_json.parse(content)
    if not isinstance(record, dict):
        raise ValueError(f"a JSON {type(record).__name__}, expected an object")
    has = ", ".join(strict_json.named(key) for key in sorted(record)[:8]) or "no keys"
    if "id" not in record:
        raise ValueError(f"no 'id'; it has {has}")
    if type(record["id"]) not in ids:
        expected = "text" if ids == (str,) else "text or a whole number"
        raise ValueError(f"'id' is {type(record['id']).__name__}, expected {expected}")
    if strict_json.has_control(str(record["id"])):
        raise ValueError("'id' holds a control character or a line break")
    named = [key for key in keys if key in record]
    if not named:
        raise ValueError(f"no {' or '.join(map(repr, keys))}; it has {has}")
    if len(named) > 1:
        raise ValueError(f"has {' and '.join(map(repr, named))}; say which with --key")
    text = record[named[0]]
    if not isinstance(text, str):
        raise ValueError(f"{named[0]!r} is {type(text).__name__}, expected text")
    if len(text) > LARGEST_TEXT:
        raise ValueError(
            f"{named[0]!r} has {len(text):,} letters, too many for a report; {LARGEST_TEXT:,} are the most"
        )
    block = record.get("block")
    if block is not None and not isinstance(block, str):
        raise ValueError(f"'block' is {type(block).__name__}, expected text")
    return Line(record["id"], text, block)

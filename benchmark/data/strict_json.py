"""JSON that people hand in, read so that nothing of it is dropped or guessed.

Python's reader lets the last of two equal keys win, takes NaN and Infinity, and passes on halves of surrogate pairs,
which no file can be written with. Here they are mistakes, told without the text they stand in, which may be a report.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

MOST_DIGITS = 30
"""Digits of a number, at most."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def parse(text: str) -> Any:
    """Return the content of JSON text.

    Raises:
        ValueError: what is wrong with it, and in which line where the text has several.
    """
    try:
        content = json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, text),
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if "\n" in text.strip() else f"column {error.colno}"
        raise ValueError(f"not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    if "\\u" in text or _SURROGATE.search(text):
        _check_surrogates(content)
    return content


def read_text(path: Path) -> str:
    """Return the text of a file that a user names, in UTF-8 with or without a byte order mark.

    Raises:
        ValueError: it is no regular file, can't be read, or isn't UTF-8; says which, and in which line.
    """
    try:
        if not path.exists():
            raise ValueError("no such file")
        if path.is_dir():
            raise ValueError("is a folder, and a file is expected")
        if not path.is_file():
            raise ValueError("is a device or a pipe, and a file is expected")
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"can't be read: {error.strerror}") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("looks like UTF-16, not UTF-8. Save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: not UTF-8 at byte {error.start}. Save it as UTF-8") from None


def has_control(text: str) -> bool:
    """Return whether text holds a control character or a line break, which no id has and no terminal should be sent."""
    return _CONTROL.search(text) is not None


def shown(text: str, most: int = 40) -> str:
    """Return a key or an id as a message quotes it: escaped, and cut where it is long."""
    quoted = ascii(text) if has_control(text) or _SURROGATE.search(text) else repr(text)
    return quoted if len(quoted) <= most + 2 else f"{quoted[:most]}…'"


def named(text: str) -> str:
    """Return an id or a key for a sentence: as it is, or as `shown` has it where one would stumble over it."""
    return text if text and text.isprintable() and len(text) <= 40 and " " not in text else shown(text)


def _object(pairs: list[tuple[str, Any]], text: str) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = [key for key, number in counts.items() if number > 1]
        raise ValueError(
            "; ".join(f"the key {shown(key)} is given {counts[key]} times{_lines(key, text)}" for key in twice)
        )
    return content


def _lines(key: str, text: str) -> str:
    """Return the lines in which a key stands; nothing where the text is one line."""
    if "\n" not in text.strip():
        return ""
    places = [match.start() for match in re.finditer(re.escape(json.dumps(key)) + r"\s*:", text)]
    lines = sorted({text.count("\n", 0, place) + 1 for place in places})
    return f" (line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:4]))})" if lines else ""


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits; {MOST_DIGITS} are the most")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number beyond the largest that can be computed with")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _check_surrogates(content: Any) -> None:
    """Raise for a text with half of a surrogate pair, key or value, at any depth."""
    rest = [content]
    while rest:
        one = rest.pop()
        if isinstance(one, str) and (bad := _SURROGATE.search(one)):
            raise ValueError(
                f"holds \\u{ord(bad.group()):04x}, half of a surrogate pair, which is no character: a text was cut "
                "within one, or written by a faulty program"
            )
        if isinstance(one, dict):
            rest += [*one, *one.values()]
        elif isinstance(one, list):
            rest += one

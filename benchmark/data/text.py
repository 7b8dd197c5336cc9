"""Report files as text: encodings, line ends, and the one form in which texts are compared."""

import codecs
import re
from pathlib import Path

from benchmark.disk.file_kinds import defect_of_file

_LINE_END = re.compile("\r\n|[\r\n\v\f\x85\u2028\u2029]")
_LARGEST_TEXT = 1_000_000


def read_text(path: Path, *, largest: int = _LARGEST_TEXT) -> str:
    """Read the text of a file: UTF-8 or UTF-16 with or without a byte order mark, else Windows-1252 or Latin-1.

    Line ends of every kind become one newline; blank space at either end goes.

    Raises:
        ValueError: it is no file, no text (a null byte remains), or larger than `largest`, by default a megabyte.
        OSError: it can't be read.
    """
    defect = defect_of_file(path)
    if defect:
        raise ValueError(defect)
    size = path.stat().st_size
    if size > largest:
        raise ValueError(f"is larger than {largest:,} bytes, too large for a text of this data set")
    if not size:  # some of a system's own files have no size and never end
        return ""
    text = decode_text(path.read_bytes())
    if "\0" in text:
        raise ValueError("is not text")
    return text


def decode_text(content: bytes) -> str:
    """Decode bytes as `read_text` does a file; every sequence of bytes has some reading."""
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        text = content.decode("utf-32", errors="replace")
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
    elif unmarked := _unmarked_utf_16(content):
        text = content.decode(unmarked, errors="replace")
    else:
        content = content.removeprefix(codecs.BOM_UTF8)
        for encoding in ("utf-8", "cp1252", "latin-1"):
            try:
                text = content.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return _LINE_END.sub("\n", text).removeprefix("\ufeff").strip()


def _unmarked_utf_16(content: bytes) -> str | None:
    """Return which UTF-16 bytes are in without a mark: of Latin letters, every other byte is null, and no other is."""
    if len(content) < 4 or len(content) % 2:
        return None
    even, odd = content[::2].count(0), content[1::2].count(0)
    most = 0.9 * (len(content) // 2)
    if odd >= most and not even:
        return "utf-16-le"
    return "utf-16-be" if even >= most and not odd else None


def normalise(text: str) -> str:
    """Return the form in which two reports are the same: lower case, every run of blank space one blank."""
    return " ".join(text.casefold().split())


def printable(text: str) -> str:
    """Return a text as a terminal may show it: what isn't printable, such as control characters, as escapes.

    A file's name may hold commands for a terminal, and bytes that are no text.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)

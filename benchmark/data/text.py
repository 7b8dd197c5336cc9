"""Report files as text: encodings, line ends, and the one form in which texts are compared."""

import codecs
import re
from pathlib import Path

_LINE_END = re.compile("\r\n|[\r\n\v\f\x85\u2028\u2029]")
_LARGEST_TEXT = 1_000_000


def read_text(path: Path) -> str:
    """Read the text of a file: UTF-8 or UTF-16 with or without a byte order mark, else Windows-1252 or Latin-1.

    Line ends of every kind become one newline; blank space at either end goes.

    Raises:
        ValueError: it is no text (a null byte remains), or larger than a megabyte.
        OSError: it can't be read.
    """
    if path.stat().st_size > _LARGEST_TEXT:
        raise ValueError(f"is larger than {_LARGEST_TEXT:,} bytes, too large for a text of this data set")
    text = decode_text(path.read_bytes())
    if "\0" in text:
        raise ValueError("is not text")
    return text


def decode_text(content: bytes) -> str:
    """Decode bytes as `read_text` does a file; every sequence of bytes has some reading."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
    else:
        content = content.removeprefix(codecs.BOM_UTF8)
        for encoding in ("utf-8", "cp1252", "latin-1"):
            try:
                text = content.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return _LINE_END.sub("\n", text).removeprefix("\ufeff").strip()


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

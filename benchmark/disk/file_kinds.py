"""What a path stands for before it is opened: a file of a sensible size, or a pipe that never ends."""

import os
import stat
from pathlib import Path

LARGEST_FILE = 1_000_000_000
"""Bytes of a file that are looked into; a mammogram's file has 60 million, an archive's pyramid a few times that."""

_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a pipe"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
)


def defect_of_file(path: Path) -> str | None:
    """Return why a path can't be read as a file of its own, without opening it; None where it can.

    A link is what it leads to. Pipes, sockets and devices are never opened: reading one may never end.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # a link to nowhere or to itself; a null byte in the name
        return f"can't be opened: {getattr(error, 'strerror', None) or error}"
    kind = next((words for test, words in _KINDS if test(status.st_mode)), None)
    if kind:
        return f"{kind}, not a file; remove it, or put the file in its place"
    if status.st_size > LARGEST_FILE:
        return f"has {status.st_size:,} bytes, more than the {LARGEST_FILE:,} that any image or table here may have"
    if not os.access(path, os.R_OK):
        return "can't be opened: no permission to read it (`chmod u+r` gives it to its owner)"
    return None

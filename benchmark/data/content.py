"""What a file holds, as a hash, computed once: eleven gigabytes of images are not read again on every run.

A hash is remembered with the file's size, modification time, change time and inode in a small SQLite file of
the user's cache folder (`AMRG_CACHE_DIR` where set). It is trusted only while all four are what they were,
and never remembered for a file changed in the last two seconds, when a second change could go unseen.
"""

import errno
import hashlib
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from benchmark.data.cache import cache_folder
from benchmark.data.limits import defect_of_file

_SETTLED_SECONDS = 2.0


def content_hash(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal.

    Raises:
        OSError: the file can't be read, or is none.
    """
    path = _real(path)
    state = _state(path)
    remembered = _recall(path, state)
    if remembered is not None:
        return remembered
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if _state(path) == state and time.time() - max(state[1], state[2]) / 1e9 > _SETTLED_SECONDS:
        _remember(path, state, digest)
    return digest


def content_hashes(paths: Sequence[Path]) -> list[str]:
    """Return `content_hash` of each path, a few at a time (hashing releases the interpreter's lock)."""
    with ThreadPoolExecutor(max_workers=4) as threads:
        return list(threads.map(content_hash, paths))


def remembered_hash(path: Path) -> str | None:
    """Return the remembered hash if it still holds, without reading the file; else None."""
    path = _real(path)
    return _recall(path, _state(path))


def _real(path: Path) -> Path:
    """Return where a path leads.

    Raises:
        OSError: it is a link to itself.
    """
    try:
        return Path(path).resolve()
    except RuntimeError:
        raise OSError(errno.ELOOP, "is a link that leads back to itself", str(path)) from None


def _state(path: Path) -> tuple[int, int, int, int]:
    """Return what changes when a file does: its size, modification and change time in nanoseconds, and inode.

    Raises:
        OSError: there is none, or it is a pipe or a device, which is never opened: reading one may never end.
    """
    defect = defect_of_file(path)
    stat = path.stat()
    if defect:
        raise OSError(errno.EINVAL, defect, str(path))
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _recall(path: Path, state: tuple[int, int, int, int]) -> str | None:
    """Return the hash that was remembered of a file in this state; None where there is none, or no cache."""
    try:
        with closing(_open()) as database:
            row = database.execute(
                "SELECT digest FROM hashes WHERE path = ? AND size = ? AND modified = ? AND changed = ? AND inode = ?",
                (str(path), *state),
            ).fetchone()
    except (OSError, sqlite3.Error):
        return None
    return row[0] if row else None


def _remember(path: Path, state: tuple[int, int, int, int], digest: str) -> None:
    """Remember a hash where possible: a cache folder that can't be written costs time, nothing else."""
    try:
        with closing(_open()) as database, database:
            database.execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?)", (str(path), *state, digest))
    except (OSError, sqlite3.Error):
        return


def _open() -> sqlite3.Connection:
    """Open the file of hashes, made first where it is missing."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(folder / "content-hashes.sqlite", timeout=10)
    database.execute(
        "CREATE TABLE IF NOT EXISTS hashes "
        "(path TEXT PRIMARY KEY, size INTEGER, modified INTEGER, changed INTEGER, inode INTEGER, digest TEXT)"
    )
    return database

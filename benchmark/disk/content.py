"""What a file holds, as a hash, computed once: eleven gigabytes of images are not read again on every run.

A hash is remembered with the file's size, modification time, change time and inode in a small SQLite file of
the user's cache folder (`AMRG_CACHE_DIR` where set). It is trusted only while all four are what they were,
and never remembered for a file changed in the last two seconds, when a second change could go unseen.

Beside hashes of files the digests are remembered of questions that were answered with yes, each with all that its
answer depends on (`is_known`).
"""

import errno
import hashlib
import sqlite3
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from benchmark.disk.cache import cache_folder
from benchmark.disk.file_kinds import defect_of_file

_SETTLED_SECONDS = 2.0
State = tuple[int, int, int, int]


def content_hash(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal.

    Raises:
        OSError: the file can't be read, or is none.
    """
    return content_hashes([path])[0]


def content_hashes(paths: Sequence[Path]) -> list[str]:
    """Return `content_hash` of each path, a few at a time (hashing releases the interpreter's lock).

    Raises:
        OSError: a file can't be read.
    """
    resolved = [_real(path) for path in paths]
    states = {path: _state(path) for path in resolved}
    known = _recall(states)
    unknown = [path for path in states if path not in known]
    if len(unknown) > 1:
        with ThreadPoolExecutor(max_workers=4) as threads:
            known |= zip(unknown, threads.map(_read, unknown), strict=True)
    else:
        known |= {path: _read(path) for path in unknown}
    now = time.time()
    _remember(
        {
            path: (state, known[path])
            for path in unknown
            if _state(path) == (state := states[path]) and now - max(state[1], state[2]) / 1e9 > _SETTLED_SECONDS
        }
    )
    return [known[path] for path in resolved]


def remembered_hash(path: Path) -> str | None:
    """Return the remembered hash if it still holds, without reading the file; else None."""
    path = _real(path)
    return _recall({path: _state(path)}).get(path)


def is_known(digest: str) -> bool:
    """Return whether a question was answered with yes before; `digest` is of the question and all it depends on."""
    try:
        with closing(_open()) as database:
            return database.execute("SELECT 1 FROM known WHERE digest = ?", (digest,)).fetchone() is not None
    except (OSError, sqlite3.Error):
        return False


def make_known(digest: str) -> None:
    """Remember that a question was answered with yes, where possible."""
    try:
        with closing(_open()) as database, database:
            database.execute("INSERT OR REPLACE INTO known VALUES (?)", (digest,))
    except (OSError, sqlite3.Error):
        return


def _real(path: Path) -> Path:
    """Return where a path leads.

    Raises:
        OSError: it is a link to itself.
    """
    try:
        return Path(path).resolve()
    except RuntimeError:
        raise OSError(errno.ELOOP, "is a link that leads back to itself", str(path)) from None


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(path: Path) -> State:
    """Return what changes when a file does: its size, modification and change time in nanoseconds, and inode.

    Raises:
        OSError: there is none, or it is a pipe or a device, which is never opened: reading one may never end.
    """
    defect = defect_of_file(path)
    stat = path.stat()
    if defect:
        raise OSError(errno.EINVAL, defect, str(path))
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _recall(states: Mapping[Path, State]) -> dict[Path, str]:
    """Return the hashes that were remembered of files in these states, of those that there are."""
    query = "SELECT digest FROM hashes WHERE path = ? AND size = ? AND modified = ? AND changed = ? AND inode = ?"
    known = {}
    try:
        with closing(_open()) as database:
            for path, state in states.items():
                if row := database.execute(query, (str(path), *state)).fetchone():
                    known[path] = str(row[0])
    except (OSError, sqlite3.Error):
        return {}
    return known


def _remember(hashes: Mapping[Path, tuple[State, str]]) -> None:
    """Remember hashes where possible: a cache folder that can't be written costs time, nothing else."""
    if not hashes:
        return
    rows = [(str(path), *state, digest) for path, (state, digest) in hashes.items()]
    try:
        with closing(_open()) as database, database:
            database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?)", rows)
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
    database.execute("CREATE TABLE IF NOT EXISTS known (digest TEXT PRIMARY KEY)")
    return database

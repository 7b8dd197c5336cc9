"""Locks by files: one process at a time makes a thing, on this machine or on another that shares the file system.

The system's own locks (`flock`, by filelock), which end with their holder, however that ended: no dead process has to
be found out. A network file system hands them from machine to machine (NFS since Linux 2.6.12); where there are none,
filelock falls back to marker files, of which it removes those of dead processes of the same machine.
"""

import glob
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_SECONDS = 0.5
"""Time between two looks at a lock that another process holds."""


class Holder(BaseModel):
    """The content of a lock's file: who holds it. It says nothing once the lock is free.

    Attributes:
        schema_version: of this model.
        host: name of the machine.
        process: its number there.
        since: when it took the lock.
    """

    schema_version: int = 1
    host: str
    process: int
    since: datetime

    @classmethod
    def this(cls) -> "Holder":
        """Return this process, from now on."""
        return cls(host=socket.gethostname(), process=os.getpid(), since=datetime.now(UTC).replace(microsecond=0))

    def __str__(self) -> str:
        """Return it in words."""
        return f"process {self.process} on {self.host}, since {self.since.astimezone():%Y-%m-%d %H:%M:%S}"


class Lock:
    """A lock by a file, whose folder is made with it; the file is gone when the lock is free again.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: BaseFileLock | None = None

    def take(self) -> bool:
        """Return whether it is this object's now; False where anybody else holds it. Nothing is waited for.

        Raises:
            OSError: the file can't be written.
        """
        from filelock import FileLock, SoftFileLock, Timeout

        assert self._lock is None, "a lock is taken once"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path, thread_local=False)
        # Whoever only looks, or lets go, is gone by the second or third try.
        for _ in range(3):
            try:
                lock.acquire(blocking=False)
                break
            except Timeout:
                time.sleep(0.01)
        else:
            return False
        self._lock = lock
        if not isinstance(lock, SoftFileLock):  # a marker's content is its own
            with suppress(OSError):  # a full disk: it is held all the same
                self.path.write_text(Holder.this().model_dump_json() + "\n", encoding="utf-8")
        return True

    def release(self) -> None:
        """Let go of it, where it is held."""
        if self._lock is not None:
            # Gone before it is free: whoever opened it meanwhile finds that it has no name any more, and tries again.
            with suppress(OSError):
                self.path.unlink()
            lock, self._lock = self._lock, None
            lock.release()


def holder(path: Path) -> Holder | None:
    """Return who holds a lock now, this process included; None where nobody does.

    A holder that didn't say who it is comes back as process 0 of an unknown host.
    """
    try:
        with path.open("rb") as file:
            content = file.read()
            if _is_free(file.fileno(), path):
                return None
    except OSError:
        return None  # there is none
    try:
        return Holder.model_validate_json(content)
    except ValidationError:
        return Holder(host="an unknown host", process=0, since=datetime.now(UTC).replace(microsecond=0))


def _is_free(descriptor: int, path: Path) -> bool:
    """Return whether nobody holds a lock; asked for as a reader, who needn't have the right to write."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # no such locks here: filelock knows
        probe = Lock(path)
        if taken := probe.take():
            probe.release()
        return taken
    return True


@contextmanager
def held(path: Path, waiting: Callable[[Holder | None], None] = lambda holder: None) -> Iterator[None]:
    """Hold a lock until the block ends, waiting for it as long as it takes.

    Args:
        path: of its file.
        waiting: told once who holds it, where it isn't free.
    """
    lock, told = Lock(path), False
    while not lock.take():
        if not told:
            waiting(holder(path))
            told = True
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def making(target: Path, waiting: Callable[[Holder | None], None] = lambda holder: None) -> Iterator[None]:
    """Let one process at a time make a folder or file that is kept, e.g. in a cache; others wait until it is there.

    Temporary folders that a dead process left beside it (`temporary_folder`) are removed.

    Args:
        target: what is made.
        waiting: told once who is at it, where somebody is.
    """
    with held(target.with_name(f".{target.name}.lock"), waiting):
        remove_unfinished(target)
        try:
            yield
        except OSError as error:
            if error.filename is None:  # a write that fails says nothing of where
                error.filename = str(target)
            raise


def temporary_folder(target: Path) -> Path:
    """Return a new folder beside `target`, to be filled and renamed to it; its name is drawn at random.

    It gets the rights of the folder that it lies in.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    folder.mkdir()
    rights = target.parent.stat().st_mode
    folder.chmod(rights & 0o2775 & (~0o022 if rights & 0o1000 else ~0))
    return folder


def remove_unfinished(target: Path) -> None:
    """Remove temporary folders of `target`, whose lock the caller holds."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)

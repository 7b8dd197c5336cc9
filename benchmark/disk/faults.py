"""What goes wrong with the machine, not with the work, as one sentence: which path, and what to do."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from benchmark.disk.files import TEMPORARY, make_folder
from benchmark.errors import RunFailed

KEPT = "What was finished is kept; the same command goes on from there."
REMEDIES = {
    errno.ENOSPC: "the disk is full. Free some space, or put it elsewhere",
    errno.EDQUOT: "the disk quota is used up. Free some space, or put it elsewhere",
    errno.EFBIG: "the file would be larger than is allowed here. Raise the limit (`ulimit -f`), or put it elsewhere",
    errno.EROFS: "the file system can only be read. Put it where it can be written",
    errno.EACCES: "permission is denied. Change the rights, or put it elsewhere",
    errno.EPERM: "it isn't permitted. Change the rights, or put it elsewhere",
    errno.ENOTDIR: "a file lies where a folder is expected. Move it away, or name another folder",
    errno.EEXIST: "something lies there already. Move it away, or name another place",
    errno.EISDIR: "a folder lies where a file is expected. Move it away",
    errno.ENOTEMPTY: "a folder that holds something lies in the way. Move it away",
    errno.EMFILE: "too many files are open. Raise the limit (`ulimit -n`)",
    errno.ENFILE: "too many files are open on this machine. End other programs",
    errno.EIO: "the disk can't be read or written. Look at the disk (`dmesg`), and put it elsewhere",
    errno.ENOLCK: "the file system can't lock files. Put it on another one",
    errno.EOPNOTSUPP: "the file system can't do that. Put it on another one",
    errno.ENOMEM: "memory is used up. End other programs, or run with fewer processes (`--jobs`)",
    errno.EAGAIN: "no further process can be started. Raise the limit (`ulimit -u`), or end other programs",
    errno.ENAMETOOLONG: "the name is too long. Put it into a folder with a shorter path",
}
"""What an error of the system means, and what to do about it."""
NEEDED = 10_000_000
"""Bytes that have to be free for a sweep to begin; what a suite takes is planned (`benchmark.planning.missing`)."""


class MachineFault(RunFailed):
    """The machine failed: a full disk, no memory. It isn't a trial's fault, and ends the whole run."""

    def at(self, place: Path) -> "MachineFault":
        """Return the same with the place that was written, where it doesn't name one."""
        return self if str(place.parent) in str(self) else MachineFault(f"{place}: {self}")


def fault_of(error: BaseException, *, memory: bool = True) -> MachineFault | None:
    """Return what the machine failed at; None where the error is something else.

    Args:
        error: that was met.
        memory: whether want of memory counts: what one trial lacks another may have enough of.
    """
    if isinstance(error, MachineFault):
        return error
    if any(isinstance(one, MemoryError) or _says_memory(one) for one in _led_to(error)):
        if not memory:
            return None
        return MachineFault(
            f"memory is used up. {KEPT} Give it more (`ulimit -v`, other programs), or run fewer processes (`--jobs`)."
        )
    if isinstance(error, OSError) and error.errno in REMEDIES:
        place = error.filename2 or error.filename
        where = f"{os.fsdecode(place)}: " if isinstance(place, str | bytes) else ""
        return MachineFault(f"{where}{REMEDIES[error.errno]}. {KEPT}")
    if _says_full(error):
        return MachineFault(f"{REMEDIES[errno.ENOSPC]} ({error}). {KEPT}")
    return None


def _led_to(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that led to it: libraries raise one of their own for what they met."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _says_memory(error: BaseException) -> bool:
    """Return whether an error of a library is one of memory: of the loader, of torch's allocator, of threads."""
    words = ("cannot allocate memory", "failed to map segment", "can't start new thread", "can't allocate memory")
    return isinstance(error, ImportError | RuntimeError | OSError) and any(w in str(error).lower() for w in words)


def _says_full(error: BaseException) -> bool:
    """Return whether an error of a library, which keeps no number, is one of a full disk."""
    text = str(error)
    return any(words in text for words in ("No space left on device", "File too large (os error 27)", "os error 28"))


def try_folder(folder: Path, what: str) -> None:
    """Make a folder and write into it, as a run will; one that wasn't there before is gone again after.

    Args:
        folder: of results, leaderboards or a cache.
        what: it is, in words.

    Raises:
        MachineFault: it can't be made or written, or has no room left.
    """
    probe = folder / f"{TEMPORARY}{secrets.token_hex(8)}.try"
    try:
        is_new = not folder.exists()
        make_folder(folder)
        with probe.open("xb") as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
        _forget(probe)
        if is_new:
            with suppress(OSError):  # another run may have begun in it
                folder.rmdir()
    except OSError as error:
        fault = fault_of(error)
        why = str(fault).removesuffix(f" {KEPT}") if fault else f"{error.strerror or error}."
        if error.filename is None or not fault:  # a write says nothing of where
            why = f"{folder}: {why}"
        raise MachineFault(f"{what} can't be written: {why} Nothing was begun.") from error
    finally:
        _forget(probe)
    if free < NEEDED:
        raise MachineFault(
            f"{what} can't be written: {folder}: {free / 1e6:.0f} MB are free, at least {NEEDED / 1e6:.0f} MB are "
            "needed. Free some space, or put it elsewhere. Nothing was begun."
        )


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what can't be written holds no file of ours

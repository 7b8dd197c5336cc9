"""What a folder was when it was made: its files' SHA-256, in a file that `sha256sum --check` reads too.

A folder that is made once and read often (a miniature, phantoms, a converted checkpoint) is rebuilt where a file of it
isn't what was written: a flipped bit would otherwise be other weights or other reports, and so another trial.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

MANIFEST = "SHA256SUMS"
"""A line a file: digest, two blanks, place in the folder. It is no part of the folder's own files."""


def write_manifest(folder: Path) -> None:
    """Write the digests of all files of a folder: the last thing that is done before the folder is where it belongs."""
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder)]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def has_manifest(folder: Path) -> bool:
    """Return whether a folder has one; those of earlier versions of amrg have none."""
    return (folder / MANIFEST).is_file()


def unsound(folder: Path, digests: Callable[[list[Path]], Iterable[str]] | None = None) -> list[str]:
    """Return what of a folder isn't as it was made, a sentence a file; hidden files that were added don't count.

    Args:
        folder: with a manifest.
        digests: gives the SHA-256 of files, from memory say; by default they are read.
    """
    try:
        listed = _read(folder / MANIFEST)
    except (OSError, ValueError):
        return [f"{folder / MANIFEST}: missing or damaged"]
    present = {path.relative_to(folder).as_posix() for path in _files(folder) if not path.name.startswith(".")}
    problems = [f"{folder / name}: missing" for name in sorted(listed.keys() - present)]
    problems += [f"{folder / name}: wasn't there when the folder was made" for name in sorted(present - listed.keys())]
    there = sorted(listed.keys() & present)
    try:
        found = list(digests([folder / name for name in there]) if digests else (sha256(folder / n) for n in there))
    except OSError as error:
        return [*problems, f"{error.filename or folder}: can't be read: {error.strerror or error}"]
    for name, digest in zip(there, found, strict=True):
        if digest != listed[name]:
            problems.append(f"{folder / name}: isn't what was written (SHA-256)")
    return problems


def unsound_since(folder: Path) -> list[str]:
    """Return what `unsound` does of a large folder, whose files are read again only where the system saw a change.

    Size, times and inode of files that were found sound are kept in a hidden file of the folder.
    """
    memory = folder / ".checked.json"
    states = {p.relative_to(folder).as_posix(): _state(p) for p in [*_files(folder), folder / MANIFEST] if p.is_file()}
    states.pop(memory.name, None)
    try:
        if json.loads(memory.read_text(encoding="utf-8")) == states:
            return []
    except (OSError, ValueError):
        pass  # not checked yet, or by another version
    if not (problems := unsound(folder)):
        with suppress(OSError):
            memory.write_text(json.dumps(states), encoding="utf-8")
    return problems


def _state(path: Path) -> list[int]:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle(path: Path) -> None:
    """Have the disk hold a file, or the names in a folder, before this returns: what a power cut can't undo."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folder
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)


def _read(path: Path) -> dict[str, str]:
    listed = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64 or not name:
            raise ValueError("not a line of a manifest")
        listed[name] = digest
    if not listed:
        raise ValueError("empty")
    return listed

"""What a trial's files were when they were written, and which of them are that no more.

A trial's record holds the size and SHA-256 of each of its files. Digests are remembered with what the system says of a
file (`benchmark.disk.content`), so a file is read again only where it was touched; `amrg results verify` reads all.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.disk.content import content_hashes
from benchmark.forms.record import FileDigest


def digests(folder: Path, names: Sequence[str]) -> dict[str, FileDigest]:
    """Return size and SHA-256 of those of a folder's files that are there, by place in it.

    Raises:
        OSError: a file can't be read.
    """
    found = {}
    for name in names:
        if (path := folder / name).is_file():
            content = path.read_bytes()
            found[name] = FileDigest(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    return found


def differing(folder: Path, written: Mapping[str, FileDigest], *, remembered: bool = True) -> dict[str, str]:
    """Return which files aren't what was written, and how, by place in the folder.

    Args:
        folder: that they lie in.
        written: what they were.
        remembered: whether a digest that is remembered of a file counts; else each is read.
    """
    problems: dict[str, str] = {}
    for name, expected in written.items():
        path = folder / name
        if path.is_dir():
            problems[name] = "a folder lies in its place"
        elif not path.is_file():
            problems[name] = "is missing"
        elif (size := path.stat().st_size) != expected.size:
            problems[name] = f"has {size} bytes, {expected.size} were written"
    same_size = [name for name in written if name not in problems]
    try:
        paths = [folder / name for name in same_size]
        found = content_hashes(paths) if remembered else [digests(folder, [n])[n].sha256 for n in same_size]
    except OSError as error:
        name = Path(error.filename).name if error.filename else "a file"
        return problems | {name: f"can't be read: {error.strerror or error}"}
    for name, digest in zip(same_size, found, strict=True):
        if digest != written[name].sha256:
            problems[name] = "isn't what was written (SHA-256)"
    return problems

"""Which files of a folder are DMID's, whatever the mirror, the nesting and the case of names.

Every file is told by its own name and the names of the folders above it: figshare's unpacked zips (nested in
a folder of the same name or not), Kaggle's and Hugging Face's mirrors, only DICOM or only TIFF all come out
alike.
"""

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.data.decode import IMAGE_SUFFIXES
from benchmark.data.text import printable

MOST_LEVELS = 40
"""Folders below each other that are looked into; releases and their mirrors have 4."""

_ID = re.compile(r"img[ _-]?0*(\d+)", re.IGNORECASE)
_COPY = re.compile(r"img[ _-]?0*(\d+)\W+(?:\(?\d+\)?|copy.*)", re.IGNORECASE)
_IGNORED_NAMES = re.compile(
    r"(read[ _-]?me|licen[cs]e|citation|changelog|desktop\.ini$|thumbs\.db$|truth\.jsonl$|(md5|sha\d+)sums?(\.txt)?$"
    r"|dataset[-_]metadata\.json$)",
    re.IGNORECASE,
)
_IGNORED_SUFFIXES = frozenset({".md", ".pdf"})
_SHEET_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".csv", ".tsv"})
_FILE_SUFFIXES = IMAGE_SUFFIXES | _SHEET_SUFFIXES | {".txt"}
PREFERENCE = {".tif": 0, ".tiff": 0, ".dcm": 1, ".dicom": 1, ".png": 2, ".jpg": 3, ".jpeg": 3}


@dataclass
class Inventory:
    """The files of a data set, by what they are. Lists are in the order of their paths.

    Attributes:
        folder: where they were looked for.
        reports, images, masks: paths by study id; several where several files claim an id. Images are in
            the order in which they are preferred: TIFF, DICOM, PNG, JPEG.
        indexes: `Info.txt` files, or the same as `.csv` or `.tsv`.
        sheets: `Metadata.xlsx` files, or the same as `.csv` or `.tsv`.
        archives: files still packed.
        copies: files whose names say that they are copies of another, such as `IMG001 (1).tif`.
        others: files that are none of these.
        passed_over: places that are not looked into, or whose name says what they are not, with the reason.
        linked_away: files that are links out of the folder.
    """

    folder: Path
    reports: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    images: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    masks: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    indexes: list[Path] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)
    archives: list[Path] = field(default_factory=list)
    copies: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    passed_over: dict[Path, str] = field(default_factory=dict)
    linked_away: list[Path] = field(default_factory=list)

    def relative(self, path: Path) -> str:
        """Return the path as seen from the folder, with forward slashes, as a terminal may show it."""
        return printable(path.relative_to(self.folder).as_posix())


def study_id(text: str) -> str | None:
    """Return the id that a name or a cell stands for in the one form used everywhere: `IMG1`, `img001` are `Img001`."""
    match = _ID.fullmatch(text.strip())
    return f"Img{int(match[1]):03d}" if match and len(match[1]) <= 9 else None


def take(folder: Path) -> Inventory:
    """Take the inventory of a folder and everything below it; hidden files and `__MACOSX` are passed over."""
    inventory = Inventory(folder)
    for path in _files(inventory):
        _sort_in(inventory, path)
    for paths in inventory.images.values():
        paths.sort(key=lambda p: PREFERENCE[p.suffix.lower()])  # stable: by path within a kind
    return inventory


def _files(inventory: Inventory) -> list[Path]:
    """Return everything below a folder that is no folder, in the order of the paths.

    Links are followed (images often lie on another disk), each place once, so that a link back ends.
    """
    folder = inventory.folder
    home = folder.resolve()
    files: list[Path] = []
    visited = {_identity(folder)}
    waiting = [(folder, 0)]
    while waiting:
        parent, depth = waiting.pop()
        folders, found = _listed(inventory, parent)
        for path in folders:
            identity = _identity(path)
            if identity is None or identity in visited:
                continue
            visited.add(identity)
            if depth == MOST_LEVELS:
                inventory.passed_over[path] = f"lies {MOST_LEVELS} folders deep; it is not looked into"
                continue
            if path.suffix.lower() in _FILE_SUFFIXES and (study_id(path.stem) or path.stem.lower() == "info"):
                inventory.passed_over[path] = "is a folder, though named like a file; what is in it is read"
            waiting.append((path, depth + 1))
        for path in found:
            if path.is_symlink() and path.is_file() and not path.resolve().is_relative_to(home):
                inventory.linked_away.append(path)
        files += found
    return sorted(files)


def _listed(inventory: Inventory, parent: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the rest of what is in a folder, sorted, hidden ones left out."""
    folders, files = [], []
    try:
        with os.scandir(parent) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        reason = f"can't be looked into: {error.strerror or error}; what is in it is missing"
        inventory.passed_over[parent] = reason
        return [], []
    for entry in listed:
        path = parent / entry.name
        if entry.name.startswith("."):
            continue
        if not _is_text(entry.name):
            inventory.passed_over[path] = "has a name that is no text; rename it"
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:  # a link to itself
            is_folder = False
        if not is_folder:
            files.append(path)
        elif not entry.name.startswith("__MACOSX"):
            folders.append(path)
    return folders, files


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a folder from every other, however it is reached; None where it vanished."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_text(name: str) -> bool:
    """Return whether a name is text: the bytes of one that isn't can't be written into any result."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sort_in(inventory: Inventory, path: Path) -> None:
    """Add a file to the list that its name and the folders above it say."""
    name, suffix = path.name.casefold(), path.suffix.lower()
    folders = " / ".join(path.relative_to(inventory.folder).parts[:-1]).casefold()
    key = study_id(path.stem)
    if suffix in (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz"):
        inventory.archives.append(path)
    elif name in ("info.txt", "info.csv", "info.tsv"):
        inventory.indexes.append(path)
    elif suffix in _SHEET_SUFFIXES and "metadata" in name:
        inventory.sheets.append(path)
    elif "annotation" in folders and suffix in IMAGE_SUFFIXES:
        return  # outlines drawn on the images: the release has them, nothing here reads them
    elif "mask" in folders and suffix in IMAGE_SUFFIXES and key:
        inventory.masks[key].append(path)
    elif suffix in IMAGE_SUFFIXES and key:
        inventory.images[key].append(path)
    elif suffix == ".txt" and key:
        inventory.reports[key].append(path)
    elif suffix in IMAGE_SUFFIXES | {".txt"} and _COPY.fullmatch(path.stem):
        inventory.copies.append(path)
    elif not (_IGNORED_NAMES.match(name) or suffix in _IGNORED_SUFFIXES):
        inventory.others.append(path)

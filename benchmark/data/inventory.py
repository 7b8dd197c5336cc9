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

_ID = re.compile(r"img[ _-]?0*(\d+)", re.IGNORECASE)
_COPY = re.compile(r"img[ _-]?0*(\d+)\W+(?:\(?\d+\)?|copy.*)", re.IGNORECASE)
_IGNORED_NAMES = re.compile(
    r"(read[ _-]?me|licen[cs]e|citation|changelog|desktop\.ini$|thumbs\.db$|truth\.jsonl$|dataset[-_]metadata\.json$)",
    re.IGNORECASE,
)
_IGNORED_SUFFIXES = frozenset({".md", ".pdf"})
_PREFERENCE = {".tif": 0, ".tiff": 0, ".dcm": 1, ".dicom": 1, ".png": 2, ".jpg": 3, ".jpeg": 3}


@dataclass
class Inventory:
    """The files of a data set, by what they are. Lists are in the order of their paths.

    Attributes:
        folder: where they were looked for.
        reports, images, masks: paths by study id; several where several files claim an id. Images are in
            the order in which they are preferred: TIFF, DICOM, PNG, JPEG.
        indexes: `Info.txt` files.
        sheets: `Metadata.xlsx` files.
        archives: files still packed.
        copies: files whose names say that they are copies of another, such as `IMG001 (1).tif`.
        others: files that are none of these.
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

    def relative(self, path: Path) -> str:
        """Return the path as seen from the folder, with forward slashes."""
        return path.relative_to(self.folder).as_posix()


def study_id(text: str) -> str | None:
    """Return the id that a name or a cell stands for in the one form used everywhere: `IMG1`, `img001` are `Img001`."""
    match = _ID.fullmatch(text.strip())
    return f"Img{int(match[1]):03d}" if match and len(match[1]) <= 9 else None


def take(folder: Path) -> Inventory:
    """Take the inventory of a folder and everything below it; hidden files and `__MACOSX` are passed over."""
    inventory = Inventory(folder)
    for path in _files(folder):
        _sort_in(inventory, path)
    for paths in inventory.images.values():
        paths.sort(key=lambda p: _PREFERENCE[p.suffix.lower()])  # stable: by path within a kind
    return inventory


def _files(folder: Path) -> list[Path]:
    """Return every file below a folder. Links are followed (images often lie on another disk), each place once."""
    files = []
    visited = {folder.resolve()}
    for parent, folders, names in os.walk(folder, followlinks=True):
        entered = []
        for name in sorted(folders):
            resolved = Path(parent, name).resolve()
            if not name.startswith((".", "__MACOSX")) and resolved not in visited:
                visited.add(resolved)
                entered.append(name)
        folders[:] = entered
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(files)


def _sort_in(inventory: Inventory, path: Path) -> None:
    """Add a file to the list that its name and the folders above it say."""
    name, suffix = path.name.casefold(), path.suffix.lower()
    folders = " / ".join(path.relative_to(inventory.folder).parts[:-1]).casefold()
    key = study_id(path.stem)
    if suffix in (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz"):
        inventory.archives.append(path)
    elif name == "info.txt":
        inventory.indexes.append(path)
    elif suffix in (".xlsx", ".xls") and "metadata" in name:
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

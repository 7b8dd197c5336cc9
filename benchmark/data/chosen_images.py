"""Which file is the image of an id where several claim it: the original, not a processed copy.

Of one id, the file below the folder that the release names (`TIFF Images`) is taken, else the one in the folder that
holds most ids; a folder whose name tells of processing comes last. Where that doesn't decide and the files differ, the
record can't be used until one of them is kept.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmark.data.inventory import PREFERENCE, Inventory
from benchmark.data.problem import Problem
from benchmark.disk.content import content_hash
from benchmark.disk.file_kinds import defect_of_file

_NAMED = re.compile(r"(?:tiff?|dicom|dcm|png|jpe?g)[ _-]?images?[\W_]*\d*", re.IGNORECASE)
_PROCESSED = re.compile(
    r"clahe|(?<!un)(?<!for[ _-])process|enhanc|crop|resiz|downsampl|augment|normali[sz]|equali[sz]|histogram|filter"
    r"|denois|contrast|sharpen|segment|overlay|thumb|preview|patch|grad[ _-]?cam|heat[ _-]?map|inpaint"
    r"|gamma|invert|flip|rotat|annotat|bound(?:ing|ed)|wavelet|median|gauss|synthe|generated|low[ _-]?res|binar"
    r"|(?:re|up|down)[ _-]?scal|(?<![a-z])scaled|threshold|regist(?:er|rat)|padd|masked|removed|cleaned"
    r"|\d{2,4} ?x ?\d{2,4}|8[ _-]?bit"
    r"|(?<![a-z])(?:rois?|aug|gans?|bbox(?:es)?|edges?|crops?|labell?ed)(?![a-z])",
    re.IGNORECASE,
)
_Rank = tuple[int, int, int, int]


def choose_images(inventory: Inventory, problems: list[Problem]) -> tuple[dict[str, Path], dict[Path, str]]:
    """Choose the image of each id; return the others too, with their ids. What is wrong is added to `problems`.

    The order is: fewest folders above that tell of processing; the folder that the release names; TIFF, DICOM, PNG,
    JPEG; the folder that holds most ids.
    """
    images: dict[str, Path] = {}
    unused: dict[Path, str] = {}
    held = Counter(folder for paths in inventory.images.values() for folder in {path.parent for path in paths})
    ranks = {
        path: _rank(path, inventory.folder, held[path.parent]) for paths in inventory.images.values() for path in paths
    }
    originals = any(rank[0] == 0 for rank in ranks.values())
    for key, paths in sorted(inventory.images.items()):
        sound = sorted(_sound(inventory, key, paths, problems), key=lambda path: (ranks[path], path))
        if not sound or _differ(inventory, key, [path for path in sound if ranks[path] == ranks[sound[0]]], problems):
            continue
        images[key] = sound[0]
        unused |= dict.fromkeys(sound[1:], key)
        if ranks[sound[0]][0] and originals:
            reason = "is below a folder of processed images and used, as no other file of this id is here"
            problems.append(Problem(inventory.relative(sound[0]), reason, key))
        for path in sound[1:]:
            if PREFERENCE[path.suffix.lower()] == PREFERENCE[sound[0].suffix.lower()]:
                finding = "the same image is here twice" if _same(path, sound[0]) else "another image of the same id"
                reason = f"{finding}; {inventory.relative(sound[0])} is used"
                problems.append(Problem(inventory.relative(path), reason, key))
    return images, unused


def _rank(path: Path, folder: Path, held: int) -> _Rank:
    """Return what images of one id are ordered by, the one to take first."""
    parts = path.relative_to(folder).parts[:-1]
    processed = sum(bool(_PROCESSED.search(part)) for part in parts)
    named = 0 if parts and _NAMED.fullmatch(parts[-1]) else 1 if any(map(_NAMED.fullmatch, parts)) else 2
    return processed, named, PREFERENCE[path.suffix.lower()], -held


def _sound(inventory: Inventory, key: str, paths: Sequence[Path], problems: list[Problem]) -> list[Path]:
    """Return the files that can be read and aren't empty."""
    sound = []
    for path in paths:
        defect = defect_of_file(path)
        try:
            defect = defect or (None if path.stat().st_size else "the image file is empty")
        except OSError as error:  # it vanished just now
            defect = str(error.strerror or error)
        if defect is None:
            sound.append(path)
        else:
            problems.append(Problem(inventory.relative(path), defect, key, fatal=len(paths) == 1))
    if not sound and len(paths) > 1:
        reason = "no file of this id holds an image"
        problems.append(Problem(inventory.relative(paths[0]), reason, key, fatal=True))
    return sound


def _differ(inventory: Inventory, key: str, equals: Sequence[Path], problems: list[Problem]) -> bool:
    """Return whether files that nothing ranks hold different images, and say so."""
    others = [path for path in equals[1:] if not _same(path, equals[0])]
    if others:
        listed = ", ".join(inventory.relative(path) for path in others)
        reason = f"the same id has other images too ({listed}), and nothing tells the original; keep one of them"
        problems.append(Problem(inventory.relative(equals[0]), reason, key, fatal=True))
    return bool(others)


def _same(path: Path, other: Path) -> bool:
    """Return whether two files hold the same bytes; not where one can't be read, which decoding tells of."""
    try:
        return path.stat().st_size == other.stat().st_size and content_hash(path) == content_hash(other)
    except OSError:
        return False

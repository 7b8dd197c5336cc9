"""Zips unpacked so that no entry leaves its folder, fills the disk, or is left half-made."""

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from benchmark.data.text import printable
from benchmark.errors import RunFailed

LARGEST_RATIO = 200
"""How many times its packed size an archive may take unpacked: mammograms are mostly black, bombs a thousandfold."""
SMALLEST_LIMIT = 100_000_000
"""Bytes that any archive may take unpacked, however small it is."""
MOST_ENTRIES = 100_000
"""Files and folders of an archive; the release has 2,000."""


def unpack(archive: Path, target: Path, *, temporary: Path) -> None:
    """Unpack a zip into `target`, which is there whole or not at all; one that is there already is replaced.

    Args:
        archive: the zip.
        target: the folder to be.
        temporary: a folder on the same disk, emptied first and gone afterwards.

    Raises:
        RunFailed: the zip is damaged; an entry has a name that leads outside, is a link or a device, or is encrypted;
            it would take more than `LARGEST_RATIO` times its size or more than is free on the disk. Nothing is
            unpacked then.
    """
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = packed.infolist()
            _check(archive, entries, target.parent)
            temporary.mkdir(parents=True)
            for entry in entries:
                _extract(packed, entry, temporary)
    except RunFailed:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    except Exception as error:  # of zipfile, of each decompressor, of the disk
        shutil.rmtree(temporary, ignore_errors=True)
        reason = printable(str(error) or type(error).__name__)
        raise RunFailed(f"{archive}: can't be unpacked ({reason}). Remove it and run the command again.") from None
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    if target.exists():
        replaced = temporary.with_name(temporary.name + ".replaced")
        shutil.rmtree(replaced, ignore_errors=True)
        target.replace(replaced)
        temporary.replace(target)
        shutil.rmtree(replaced)
    else:
        temporary.replace(target)


def _check(archive: Path, entries: list[zipfile.ZipInfo], disk: Path) -> None:
    """Refuse an archive as a whole, before anything of it is written."""
    defects = [f"{entry.filename!r} {reason}" for entry in entries if (reason := _defect_of(entry))]
    size = archive.stat().st_size
    unpacked = sum(entry.file_size for entry in entries)
    limit = max(LARGEST_RATIO * size, SMALLEST_LIMIT)
    if unpacked > limit or sum(entry.compress_size for entry in entries) > size:
        defects.append(f"{unpacked:,} bytes would come out of {size:,}")
    free = shutil.disk_usage(disk).free
    if unpacked > free:
        defects.append(f"{unpacked:,} bytes would come out, {free:,} are free")
    if len(entries) > MOST_ENTRIES:
        defects.append(f"it has {len(entries):,} entries, more than the {MOST_ENTRIES:,} allowed")
    if defects:
        raise RunFailed(f"{archive}: not unpacked: " + "; ".join(defects[:10]) + ".")


def _defect_of(entry: zipfile.ZipInfo) -> str | None:
    """Return why an entry can't be unpacked; None where it can."""
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        return "leads outside the folder"
    if not name.strip(" ./"):
        return "has no name"
    if not all(part.isprintable() for part in path.parts):
        return "has a name with control characters"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    return None


def _extract(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    """Write one entry; `zipfile` checks its length and CRC as it is read."""
    target = folder / PurePosixPath(entry.filename.replace("\\", "/"))
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as source, target.open("xb") as out:
        shutil.copyfileobj(source, out, 1 << 20)

"""Upkeep of stored results: every file read and compared with what was written, and what nobody needs removed."""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backbones.locks import Lock, holder
from benchmark.disk.files import TEMPORARY, is_free
from benchmark.errors import UserError
from benchmark.forms.record import FloorRecord, TrialRecord
from benchmark.results.store import Store, read_record, read_references
from benchmark.results.trial_folder import STAGED, TrialFolder

UNFINISHED = re.compile(r"\.(.+)\.[0-9a-f]{16}")
"""How folders in the making are called: `backbones.locks.temporary_folder`."""


@dataclass(frozen=True)
class Verified:
    """What came of reading all results.

    Attributes:
        trials: trials and floors with a record.
        files: that were compared with their digests.
        problems: what isn't what was written, or can't be read: by file.
        without_digests: ids of trials and floors of earlier versions, whose files can only be read.
    """

    trials: int
    files: int
    problems: dict[Path, str]
    without_digests: tuple[str, ...]


def verify(results: Path) -> Verified:
    """Read every file of a folder of results, whatever is remembered of it.

    Raises:
        UserError: there is no such folder.
    """
    store = _store(results)
    problems: dict[Path, str] = {}
    trials, files, without = 0, 0, []
    for folder in _folders(store):
        problems |= {folder.path / name: why for name, why in folder.damage(remembered=False).items()}
        record = _record(folder)
        if record is None:
            continue
        trials += 1
        if not folder.scores.exists():
            problems[folder.scores] = "is missing"
        if record.files is None:
            without.append(folder.path.name)
        files += len(record.files or {})
    for path in sorted((results / "suites").glob("*.json")):
        for read in (read_record, read_references):
            try:
                read(store, path.stem)
            except UserError as error:
                problems[path if read is read_record else store.references(path.stem)] = str(error)
    return Verified(trials, files, problems, tuple(without))


def leftovers(results: Path) -> dict[Path, str]:
    """Return what can be removed, and why: temporary files, locks that nobody holds, snapshots of what is done.

    Raises:
        UserError: there is no such folder.
    """
    store = _store(results)
    files = {p: "a temporary file that nobody writes" for p in results.rglob(f"{TEMPORARY}*") if _is_stale(p)}
    locks = {p: "a lock that nobody holds" for p in results.rglob("*.lock") if holder(p) is None}
    left = {path: why for folder in _folders(store) for path, why in _leftovers_of(store, folder).items()}
    return files | locks | left


def _is_stale(path: Path) -> bool:
    return path.is_file() and is_free(path)


def _leftovers_of(store: Store, folder: TrialFolder) -> dict[Path, str]:
    if holder(store.lock(folder.path.name).path) is not None:
        return {}
    found = dict.fromkeys(folder.path.glob(f".{folder.adapter.name}.*"), "an adapter that was never finished")
    if folder.is_done():
        found |= {
            path: "of training that is done"
            for path in (folder.snapshot, folder.written, folder.staged.path)
            if path.exists()
        }
    return found


def clear_up(folder: Path) -> None:
    """Remove what dead processes left below a folder of results or a cache: temporary files and folders, and locks.

    Whatever anybody works on is locked, and stays.
    """
    for path in folder.rglob(".*") if folder.is_dir() else ():
        with suppress(OSError):
            if path.name.startswith(TEMPORARY):
                if _is_stale(path):
                    path.unlink(missing_ok=True)
            elif (match := UNFINISHED.fullmatch(path.name)) and path.is_dir():
                _remove_unfinished(path, path.with_name(match[1]))
    for path in folder.rglob("*.lock") if folder.is_dir() else ():
        with suppress(OSError):
            if path.is_file() and holder(path) is None:
                path.unlink(missing_ok=True)


def _remove_unfinished(path: Path, target: Path) -> None:
    """Remove an unfinished folder where nobody holds the lock of what it would have become: itself, or its trial."""
    lock = target.with_name(f".{target.name}.lock")
    if target.name == "adapter":
        trial = target.parents[1] if target.parent.name == STAGED else target.parent
        lock = Store(trial.parent).lock(trial.name).path
    if holder(lock) is None:
        shutil.rmtree(path, ignore_errors=True)


def unnamed(results: Path) -> list[Path]:
    """Return the folders of trials and floors that no suite of these results names: of other grids, data or weights.

    Raises:
        UserError: there is no such folder, or the record of a suite can't be read.
    """
    store, named = _store(results), set()
    for path in (results / "suites").glob("*.json"):
        record = read_record(store, path.stem)
        named |= record.trials.keys() | record.floors.keys()
    return [folder.path for folder in _folders(store) if folder.path.name not in named]


def discard(results: Path, path: Path) -> bool:
    """Remove a file, or a trial's folder where nobody works on it; return whether it is gone."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return True
    trial = path if path.parent == results else path.parent
    lock: Lock = Store(results).lock(trial.name)
    if not lock.take():
        return False
    try:
        shutil.rmtree(path)
    finally:
        lock.release()
    return True


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _store(results: Path) -> Store:
    if not results.is_dir():
        raise UserError(f"{results}: no such folder of results. `--results DIR` names another one.")
    return Store(results)


def _folders(store: Store) -> Iterator[TrialFolder]:
    for path in sorted(store.folder.iterdir()):
        if path.is_dir() and path.name != "suites" and not path.name.startswith("."):
            folder = TrialFolder(path)
            if any(one.exists() for one in (folder.trial, folder.written, folder.spent, folder.failure)):
                yield folder


def _record(folder: TrialFolder) -> TrialRecord | FloorRecord | None:
    try:
        return folder.read_trial_or_floor()
    except UserError:
        return None

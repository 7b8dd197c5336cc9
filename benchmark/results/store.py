"""Results on disk: a folder per trial, named by the trial's id; each file appears whole or not at all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from backbones.locks import Lock
from backbones.manifest import settle
from benchmark.disk.files import (
    MOST_LISTED,
    atomic_file,
    private_folder,
    read_model,
    read_models,
    write_json,
    write_lines,
    write_text,
)
from benchmark.errors import UserError
from benchmark.forms.record import ReferenceReport, SuiteRecord, WrittenFiles
from benchmark.forms.suite import Trial, sweep_command
from benchmark.results.integrity import differing, digests
from benchmark.results.trial_folder import TrialFolder

__all__ = [
    "Store",
    "TrialFolder",
    "atomic_file",
    "by_start",
    "read_model",
    "read_models",
    "read_record",
    "read_references",
    "write_json",
    "write_lines",
    "write_record",
    "write_text",
]


class Store:
    """All results below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, trial: Trial | str) -> TrialFolder:
        """Return a trial's folder, whether or not it is there yet."""
        return TrialFolder(self.folder / (trial if isinstance(trial, str) else trial.id))

    def lock(self, identity: str) -> Lock:
        """Return the lock of a trial or a floor: whoever holds it works on it."""
        return Lock(self.folder / ".locks" / f"{identity}.lock")

    def suite_folder(self, name: str) -> Path:
        """Return the folder of a suite's reports and progress, made for its owner alone where there is none."""
        return private_folder(self.references(name).parent)

    def with_file(self, name: str) -> list[TrialFolder]:
        """Return the folders of trials and floors that hold a file of this name, in the order of their ids."""
        return [TrialFolder(path.parent) for path in sorted(self.folder.glob(f"*/{name}"))]

    def suite(self, name: str) -> Path:
        """Return the file that names the trials of a suite's latest run: what a leaderboard is made from."""
        return self.folder / "suites" / f"{name}.json"

    def written(self, name: str) -> Path:
        """Return what a suite's record and references were when they were written."""
        return self.folder / "suites" / name / "written.json"

    def references(self, name: str) -> Path:
        """Return the reports of a suite's data by part of its split. Results stay on this machine; so do these."""
        return self.folder / "suites" / name / "references.jsonl"


def by_start(folders: Sequence[TrialFolder], start: str) -> TrialFolder | None:
    """Return the one of `folders` whose trial's id begins so; None where none does.

    Raises:
        UserError: several do.
    """
    matches = [folder for folder in folders if folder.path.name.startswith(start)]
    if len(matches) > 1:
        listed = ", ".join(folder.path.name for folder in matches[:MOST_LISTED])
        more = " …" if len(matches) > MOST_LISTED else ""
        raise UserError(f"{start!r}: {len(matches)} trials in {matches[0].path.parent} begin so: {listed}{more}")
    return matches[0] if matches else None


def read_record(store: Store, suite: str) -> SuiteRecord:
    """Return the record of a suite's latest run.

    Raises:
        UserError: there is none, or it is damaged.
    """
    path = store.suite(suite)
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.json"))
        others = f" Suites with results there: {', '.join(known)}." if known else ""
        raise UserError(f"{path}: no results of suite {suite!r}. Run {sweep_command(suite)}.{others}")
    _check_written(store, suite, path)
    return read_model(path, SuiteRecord)


def write_record(store: Store, record: SuiteRecord, references: Iterable[ReferenceReport]) -> None:
    """Write what a leaderboard needs beside the trials' own files, and what those files are."""
    name = record.suite.name
    store.suite_folder(name)
    write_lines(store.references(name), references)
    write_json(store.suite(name), record)
    names = [path.relative_to(store.folder).as_posix() for path in (store.suite(name), store.references(name))]
    for one in names:
        settle(store.folder / one)
    written = WrittenFiles(files=digests(store.folder, names))
    write_json(store.written(name), written, durable=True)


def _check_written(store: Store, suite: str, path: Path) -> None:
    """Raise where a suite's file isn't what was written; results of earlier versions don't say what that was."""
    try:
        written = read_model(store.written(suite), WrittenFiles).files
    except UserError:
        return  # none, or damaged itself: the file is read as it is
    name = path.relative_to(store.folder).as_posix()
    if name in written and (problems := differing(store.folder, {name: written[name]})):
        raise UserError(f"{path}: {problems[name]}. `amrg sweep {suite}` writes it again; no trial is lost.")


def read_references(store: Store, suite: str) -> list[ReferenceReport]:
    """Return the reports of a suite's data, by which its predictions are judged.

    Raises:
        UserError: they aren't stored, or the file is damaged.
    """
    path = store.references(suite)
    if not path.is_file():
        raise UserError(
            f"{path}: no such file. It is written when the suite runs; {sweep_command(suite)} makes it, "
            "and repeats no trial that is done."
        )
    _check_written(store, suite, path)
    return read_models(path, ReferenceReport)

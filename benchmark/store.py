"""Results on disk: a folder a trial, named by the trial's id; each file appears whole or not at all."""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmark.errors import UserError
from benchmark.suite import Trial


def write_json(path: Path, content: Any) -> None:
    """Write JSON, indented, with a newline at its end."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines."""
    write_text(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines.

    Raises:
        UserError: the file is missing, or a line of it isn't JSON.
    """
    records = []
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise UserError(
                    f"{path}, line {number}: not JSON: {error.msg}. One object a line is expected."
                ) from error
    return records


@dataclass(frozen=True)
class TrialFolder:
    """`results/<trial id>/`: `trial.json`, `losses.csv`, `adapter/`, `predictions.jsonl`, `controls.jsonl`,
    `validation.jsonl`, `scores.json`, `spent.json`, or `failure.json`."""

    path: Path

    @property
    def trial(self) -> Path:
        """The trial and its provenance; written last, so its presence means that the trial is finished."""
        return self.path / "trial.json"

    @property
    def adapter(self) -> Path:
        """The adapter in PEFT's own format."""
        return self.path / "adapter"

    @property
    def losses(self) -> Path:
        """The loss of every step."""
        return self.path / "losses.csv"

    @property
    def predictions(self) -> Path:
        """Predictions of the test set."""
        return self.path / "predictions.jsonl"

    @property
    def controls(self) -> Path:
        """Predictions of the test set with another study's image, and with a blank one."""
        return self.path / "controls.jsonl"

    @property
    def validation(self) -> Path:
        """Predictions of the validation set, on which points of the grid are chosen."""
        return self.path / "validation.jsonl"

    @property
    def scores(self) -> Path:
        """Scores of the test set."""
        return self.path / "scores.json"

    @property
    def spent(self) -> Path:
        """Seconds and peak memory so far, over all sessions; see `benchmark.tuning.spent`."""
        return self.path / "spent.json"

    @property
    def failure(self) -> Path:
        """Why the trial failed: in words, and where in the code where an error ended it."""
        return self.path / "failure.json"

    def is_trained(self) -> bool:
        """Whether its adapter and losses are there."""
        return (self.adapter / "adapter_config.json").is_file() and self.losses.is_file()

    def is_done(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.trial.is_file() and self.scores.is_file()

    def forget(self, *paths: Path) -> None:
        """Delete files of it that say nothing any more, where they are there."""
        for path in paths:
            path.unlink(missing_ok=True)

    def read(self, path: Path) -> Any:
        """The content of one of its JSON files."""
        return json.loads(path.read_text(encoding="utf-8"))

    def write_adapter(self, save: Callable[[str], Any]) -> None:
        """Let `save` write the adapter into a temporary folder, then put that in place."""
        self.path.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(dir=self.path, prefix=".adapter."))
        save(str(temporary))
        if self.adapter.exists():
            shutil.rmtree(self.adapter)
        temporary.rename(self.adapter)

    def write_losses(self, losses: Sequence[Mapping[str, float]]) -> None:
        """Write one row a step."""
        temporary = self.losses.with_name(f".{self.losses.name}.{os.getpid()}")
        self.path.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, fieldnames=list(losses[0]), lineterminator="\n")
            rows.writeheader()
            rows.writerows(losses)
        temporary.replace(self.losses)


class Store:
    """All results below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, trial: Trial | str) -> TrialFolder:
        """A trial's folder, whether or not it is there yet."""
        return TrialFolder(self.folder / (trial if isinstance(trial, str) else trial.id))

    def suite(self, name: str) -> Path:
        """The file that names the trials of a suite's latest run: what a leaderboard is made from."""
        return self.folder / "suites" / f"{name}.json"

    def references(self, name: str) -> Path:
        """The reports of a suite's data by part of its split. Results stay on this machine; so do these."""
        return self.folder / "suites" / name / "references.jsonl"


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_record(store: Store, suite: str) -> dict[str, Any]:
    """The record of a suite's latest run.

    Raises:
        UserError: there is none.
    """
    path = store.suite(suite)
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.json"))
        there = f" Suites with results there: {', '.join(known)}." if known else ""
        raise UserError(f"{path}: no results of suite {suite!r}. Run `amrg sweep {suite}`.{there}")
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record

"""Results on disk: a folder per trial, named by the trial's id; each file appears whole or not at all."""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from threading import get_ident
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from benchmark.errors import UserError
from benchmark.record import (
    DrawnReport,
    Evaluation,
    Failure,
    FloorRecord,
    ReferenceReport,
    Report,
    ScoresRecord,
    SuiteRecord,
    TrialRecord,
)
from benchmark.suite import Trial

Model = TypeVar("Model", bound=BaseModel)
MOST_LISTED = 5
"""Mistakes of a file, or trials, that are listed, at most."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a place beside `path` to write to; what was written takes `path` when the block ends without an error.

    So the file is there whole or not at all, whatever interrupts the writing. The name keeps the file's suffix, by
    which some libraries choose the format; processes and threads that write the same file don't meet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{get_ident()}.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write JSON, indented, with a newline at its end; a model as `model_dump` gives it."""
    if isinstance(content, BaseModel):
        content = content.model_dump(mode="json")
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_lines(path: Path, records: Iterable[Mapping[str, object] | BaseModel]) -> None:
    """Write JSON lines."""
    plain = (r.model_dump(mode="json") if isinstance(r, BaseModel) else r for r in records)
    write_text(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in plain))


def read_model(path: Path, model: type[Model]) -> Model:
    """Return the content of a JSON file as a model.

    Raises:
        UserError: names the file and what is wrong: missing, unreadable, not JSON, or not such content.
    """
    return _validated(path, TypeAdapter(model))


def read_models(path: Path, model: type[Model]) -> list[Model]:
    """Return the lines of a file of JSON lines as models.

    Raises:
        UserError: names the file, and the first line that isn't such a record.
    """
    models = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            try:
                models.append(model.model_validate_json(line))
            except ValidationError as error:
                raise UserError(f"{path}, line {number}: {_mistakes(error)}") from None
    return models


def _validated(path: Path, adapter: TypeAdapter[Model]) -> Model:
    try:
        return adapter.validate_json(_text(path))
    except ValidationError as error:
        raise UserError(f"{path}: {_mistakes(error)}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}.") from None


def _mistakes(error: ValidationError) -> str:
    """Return what is wrong, place by place, without the content, which may be a report's."""
    mistakes = error.errors(include_input=False, include_url=False)
    listed = [f"{'.'.join(map(str, m['loc']))}: {m['msg']}" if m["loc"] else m["msg"] for m in mistakes[:MOST_LISTED]]
    more = f" and {len(mistakes) - MOST_LISTED} more" if len(mistakes) > MOST_LISTED else ""
    return f"damaged, or written by another version: {'; '.join(listed)}{more}. Remove it and run its sweep again."


@dataclass(frozen=True)
class TrialFolder:
    """`results/<trial id>/`, what a trial leaves.

    `trial.json`, `losses.csv`, `evaluations.jsonl`, `adapter/`, `predictions.jsonl`, `controls.jsonl`,
    `validation.jsonl`, `scores.json`, `spent.json`, or `failure.json`.
    """

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
    def evaluations(self) -> Path:
        """How good it was on the validation part within its training; only where its protocol asks for that."""
        return self.path / "evaluations.jsonl"

    @property
    def predictions(self) -> Path:
        """Predictions of the test set."""
        return self.path / "predictions.jsonl"

    @property
    def draws(self) -> Path:
        """Return the path of a random floor's further draws, beside the one in `predictions`."""
        return self.path / "draws.jsonl"

    @property
    def controls(self) -> Path:
        """Predictions of the test set with a blank image, and with parts painted over; once with a swapped one too."""
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
        """Return whether its adapter and losses are stored."""
        return (self.adapter / "adapter_config.json").is_file() and self.losses.is_file()

    def is_done(self, *, lesions: bool = False) -> bool:
        """Return whether nothing is left to do for it.

        Args:
            lesions: whether reports for images with parts painted over are asked for too, which another suite with
                the same trial may not have asked for.
        """
        done = self.trial.is_file() and self.scores.is_file()
        return done and (not lesions or self._has_lesions())

    def _has_lesions(self) -> bool:
        try:
            return self.read_scores().painted is not None
        except UserError:
            return False  # damaged: scored again

    def forget(self, *paths: Path) -> None:
        """Delete files of it that say nothing any more, where they exist."""
        for path in paths:
            path.unlink(missing_ok=True)

    def read_trial(self) -> TrialRecord:
        """Return its record.

        Raises:
            UserError: it isn't finished, it is a floor's folder, or the record is damaged.
        """
        return read_model(self.trial, TrialRecord)

    def read_trial_or_floor(self) -> TrialRecord | FloorRecord:
        """Return the record of a trial or of a floor, whichever this folder is.

        Raises:
            UserError: it isn't finished, or the record is damaged.
        """
        return _validated(self.trial, TypeAdapter(TrialRecord | FloorRecord))

    def read_scores(self) -> ScoresRecord:
        """Return its scores.

        Raises:
            UserError: there are none, or they are damaged.
        """
        return read_model(self.scores, ScoresRecord)

    def read_losses(self) -> list[float]:
        """Return the loss of every step.

        Raises:
            UserError: they are missing or damaged.
        """
        try:
            with self.losses.open(encoding="utf-8", newline="") as file:
                return [float(row["loss"]) for row in csv.DictReader(file)]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.losses}: missing or damaged ({type(error).__name__}). Remove the trial's folder and run its "
                "sweep again."
            ) from None

    def read_evaluations(self) -> list[Evaluation]:
        """Return how good it was on the validation part within its training, in order; nothing where it wasn't asked.

        Raises:
            UserError: they are damaged.
        """
        return read_models(self.evaluations, Evaluation) if self.evaluations.is_file() else []

    def read_predictions(self) -> dict[str, str]:
        """Return the predictions of the test set by the studies' ids.

        Raises:
            UserError: there are none, or they are damaged.
        """
        return {line.id: line.prediction for line in read_models(self.predictions, Report)}

    def read_draws(self) -> list[dict[str, str]]:
        """Return what stands for it on the test set by the studies' ids: its predictions, or a random floor's draws.

        Raises:
            UserError: there are none, or they are damaged.
        """
        draws = [self.read_predictions()]
        if self.draws.is_file():
            further: dict[int, dict[str, str]] = {}
            for line in read_models(self.draws, DrawnReport):
                further.setdefault(line.draw, {})[line.id] = line.prediction
            draws += [further[number] for number in sorted(further)]
        return draws

    def read_failure(self) -> Failure:
        """Return why it failed.

        Raises:
            UserError: it hasn't failed, or the record is damaged.
        """
        return read_model(self.failure, Failure)

    def write_adapter(self, save: Callable[[str], object]) -> None:
        """Let `save` write the adapter into a temporary folder, then put that in place."""
        self.path.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(dir=self.path, prefix=".adapter."))
        save(str(temporary))
        if self.adapter.exists():
            shutil.rmtree(self.adapter)
        temporary.rename(self.adapter)

    def write_losses(self, losses: Sequence[Mapping[str, float]]) -> None:
        """Write one row per step, in their order; the first row's keys are the columns."""
        with atomic_file(self.losses) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, fieldnames=list(losses[0]), lineterminator="\n")
            rows.writeheader()
            rows.writerows(losses)


class Store:
    """All results below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, trial: Trial | str) -> TrialFolder:
        """Return a trial's folder, whether or not it is there yet."""
        return TrialFolder(self.folder / (trial if isinstance(trial, str) else trial.id))

    def with_file(self, name: str) -> list[TrialFolder]:
        """Return the folders of trials and floors that hold a file of this name, in the order of their ids."""
        return [TrialFolder(path.parent) for path in sorted(self.folder.glob(f"*/{name}"))]

    def suite(self, name: str) -> Path:
        """Return the file that names the trials of a suite's latest run: what a leaderboard is made from."""
        return self.folder / "suites" / f"{name}.json"

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
        raise UserError(f"{path}: no results of suite {suite!r}. Run `amrg sweep {suite}`.{others}")
    return read_model(path, SuiteRecord)


def read_references(store: Store, suite: str) -> list[ReferenceReport]:
    """Return the reports of a suite's data, by which its predictions are judged.

    Raises:
        UserError: they aren't stored, or the file is damaged.
    """
    path = store.references(suite)
    if not path.is_file():
        raise UserError(
            f"{path}: no such file. It is written when the suite runs; `amrg sweep {suite}` makes it, "
            "and repeats no trial that is done."
        )
    return read_models(path, ReferenceReport)

"""A trial's folder: its files, what they were when they were written, and what is left where they are that no more."""

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from backbones.locks import remove_unfinished, temporary_folder
from backbones.manifest import settle
from benchmark.disk.faults import fault_of
from benchmark.disk.files import (
    atomic_file,
    private_folder,
    read_model,
    read_models,
    remove,
    remove_stale,
    validated,
    write_json,
)
from benchmark.errors import UserError
from benchmark.forms.record import (
    ControlPrediction,
    DrawnReport,
    Evaluation,
    Failure,
    FileDigest,
    FloorRecord,
    Prediction,
    Report,
    ScoresRecord,
    TrialRecord,
    WrittenFiles,
)
from benchmark.results.integrity import differing, digests

TRAINED = ("losses.csv", "evaluations.jsonl", "adapter/adapter_config.json", "adapter/adapter_model.safetensors")
"""What training leaves, by place in the trial's folder. The adapter's model card may be edited."""
WRITTEN = ("predictions.jsonl", "validation.jsonl", "controls.jsonl", "draws.jsonl")
"""What is written with an adapter, or by a floor."""
SCORED = ("scores.json",)
"""What is made of that."""
STAGED = ".trained"
"""The folder in a trial's own that its training is written to first."""


@dataclass(frozen=True)
class TrialFolder:
    """`results/<trial id>/`, what a trial leaves.

    `trial.json`, `losses.csv`, `evaluations.jsonl`, `adapter/`, `predictions.jsonl`, `controls.jsonl`,
    `validation.jsonl`, `scores.json`, `spent.json`, or `failure.json`; and `written.json` until it is done.
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

    @property
    def snapshot(self) -> Path:
        """Its latest snapshot within training; see `benchmark.tuning.snapshots`."""
        return self.path / "checkpoint.safetensors"

    @property
    def staged(self) -> "TrialFolder":
        """What its training left, until that of all that trained with it is there; see `benchmark.tuning.staged`."""
        return TrialFolder(self.path / STAGED)

    @property
    def written(self) -> Path:
        """What its files were when they were written, until its record says so."""
        return self.path / "written.json"

    def has_adapter(self) -> bool:
        """Return whether its adapter is stored."""
        return (self.adapter / "adapter_config.json").is_file()

    def is_trained(self) -> bool:
        """Return whether its adapter and losses are stored."""
        return self.has_adapter() and self.losses.is_file()

    def is_done(self, *, lesions: bool = False) -> bool:
        """Return whether nothing is left to do for it: its record is there, and every file as that says.

        Args:
            lesions: whether reports for images with parts painted over are asked for too, which another suite with
                the same trial may not have asked for.
        """
        done = self.trial.is_file() and self.scores.is_file() and not self.damage()
        return done and (not lesions or self._has_lesions())

    def _has_lesions(self) -> bool:
        try:
            return self.read_scores().painted is not None
        except UserError:
            return False  # damaged: scored again

    def damage(self, *, remembered: bool = True) -> dict[str, str]:
        """Return which of its files can't be used as they are, and why, by place in the folder.

        Files that aren't there yet are none of them, unless it is on record that they were. Where no digest is on
        record, as in results of earlier versions, a file is read, and counts if it can be.

        Args:
            remembered: whether a digest that is remembered of a file counts (`benchmark.disk.content`); else each is
                read.
        """
        problems: dict[str, str] = {}
        files: dict[str, FileDigest] = {}
        if self.trial.exists():
            try:
                files = self.read_trial_or_floor().files or {}
            except UserError as error:
                problems["trial.json"] = _what(error, self.trial)
        if self.written.exists():
            try:
                files = files | read_model(self.written, WrittenFiles).files
            except UserError as error:
                problems["written.json"] = _what(error, self.written)
        problems |= differing(self.path, files, remembered=remembered)
        for name, read in self._readers().items():
            if name not in files and (self.path / name).exists():
                try:
                    read()
                except UserError as error:
                    problems[name] = _what(error, self.path / name)
        return problems

    def _readers(self) -> dict[str, Callable[[], object]]:
        """Return what reads each file."""
        return {
            "losses.csv": self.read_losses,
            "evaluations.jsonl": self.read_evaluations,
            "adapter/adapter_model.safetensors": self._open_adapter,
            "predictions.jsonl": self.read_predictions,
            "validation.jsonl": lambda: read_models(self.validation, Prediction),
            "controls.jsonl": lambda: read_models(self.controls, ControlPrediction),
            "draws.jsonl": lambda: read_models(self.draws, DrawnReport),
            "scores.json": self.read_scores,
        }

    def _open_adapter(self) -> None:
        from safetensors import SafetensorError, safe_open

        path = self.adapter / "adapter_model.safetensors"
        try:
            with safe_open(str(path), framework="numpy"):
                pass
        except (OSError, SafetensorError) as error:
            raise UserError(f"{path}: not a safetensors file ({type(error).__name__}).") from None

    def restore(self) -> dict[str, str]:
        """Remove what of it is damaged and all that was made of that; return what was, and why.

        What is left is the deepest sound stage: adapter, predictions, or scores. Whoever calls it holds its lock.
        """
        remove_stale(self.path)
        remove_unfinished(self.adapter)
        for path in (self.spent, self.failure, self.snapshot):
            if path.is_dir():
                remove(path)
        problems = self.damage()
        stages = (TRAINED, WRITTEN, SCORED)
        first = next((i for i, names in enumerate(stages) if any(name in problems for name in names)), None)
        if first is not None:
            unsound = [name for names in stages[first:] for name in names]
            files = {name: entry for name, entry in self._files().items() if name not in unsound}
            # First what says that they are there: an interruption from here on leaves less, and nothing unsound.
            write_json(self.written, WrittenFiles(files=files), durable=True)
            self.forget(self.trial, *([self.adapter] if first == 0 else []), *(self.path / name for name in unsound))
        elif "trial.json" in problems:
            self.forget(self.trial)
        if "written.json" in problems:
            self.forget(self.written)
        return problems

    def _files(self) -> dict[str, FileDigest]:
        """Return what its files were when they were written, as far as that can be read."""
        files: dict[str, FileDigest] = {}
        with suppress(UserError):  # not done yet, or damaged
            files = self.read_trial_or_floor().files or {}
        try:
            return files | read_model(self.written, WrittenFiles).files
        except UserError:
            return files

    def note(self, names: Sequence[str]) -> None:
        """Have the disk hold files that were just written, then what they are.

        Args:
            names: a stage's, by place in the folder; those that aren't there are left out, and so is what an earlier
                session made of that stage.
        """
        for path in (*(self.path / name for name in names), self.adapter, self.path):
            if path.exists():
                settle(path)
        following: dict[tuple[str, ...], tuple[str, ...]] = {TRAINED: (*WRITTEN, *SCORED), WRITTEN: SCORED}
        later = following[tuple(names)]
        files = {name: entry for name, entry in self._files().items() if name not in (*names, *later)}
        write_json(self.written, WrittenFiles(files=files | digests(self.path, names)), durable=True)

    def finish(self, record: TrialRecord | FloorRecord) -> None:
        """Write its record, with what each of its files was: with that it is done, whatever happens then."""
        files = self._files()
        unknown = [name for name in (*TRAINED, *WRITTEN) if name not in files] + list(SCORED)
        for path in (*(self.path / name for name in unknown), self.path):
            if path.exists():
                settle(path)
        files |= digests(self.path, unknown)
        write_json(self.trial, record.model_copy(update={"files": files}), durable=True)
        settle(self.path.parent)
        self.forget(self.written)

    def rewrite_scores(self, scores: ScoresRecord) -> None:
        """Write scores that were made again, and have its record say so, where there is one with digests."""
        if self.scores.is_dir():
            remove(self.scores)
        write_json(self.scores, scores, durable=True)
        if self.trial.exists() and (record := self.read_trial_or_floor()).files is not None:
            files = record.files | digests(self.path, SCORED)
            write_json(self.trial, record.model_copy(update={"files": files}), durable=True)

    def forget(self, *paths: Path) -> None:
        """Delete files of it that say nothing any more, or folders in their places, where they exist."""
        for path in paths:
            remove(path)

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
        return validated(self.trial, _trial_or_floor())

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
                losses = [float(row["loss"]) for row in csv.DictReader(file)]
                if not losses or not all(map(math.isfinite, losses)):
                    raise ValueError("no losses, or no numbers")
                return losses
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise UserError(
                f"{self.losses}: missing or damaged ({type(error).__name__}). Remove the trial's folder and run its "
                "sweep again."
            ) from None

    def read_evaluations(self) -> list[Evaluation]:
        """Return how good it was on the validation part within its training, in order; nothing where it wasn't asked.

        Raises:
            UserError: they are damaged.
        """
        return read_models(self.evaluations, Evaluation) if self.evaluations.exists() else []

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
        private_folder(self.path)
        temporary = temporary_folder(self.adapter)
        try:
            save(str(temporary))
            remove(self.adapter)
            temporary.rename(self.adapter)
        except BaseException as error:
            remove(temporary)
            if fault := fault_of(error, memory=False):  # libraries say nothing of where
                raise fault.at(self.adapter) from error
            raise

    def take_trained(self, other: "TrialFolder", files: Mapping[str, FileDigest]) -> None:
        """Move here what training left in another folder of the same disk; what was moved before is here already.

        Args:
            other: the folder.
            files: what was written there, by place in it.
        """
        if other.has_adapter():
            remove(self.adapter)
            other.adapter.rename(self.adapter)
        for name in files:
            if (other.path / name).is_file():
                (other.path / name).replace(self.path / name)
        settle(self.adapter)
        of_others = {name: entry for name, entry in self._files().items() if name not in (*TRAINED, *WRITTEN, *SCORED)}
        write_json(self.written, WrittenFiles(files={**of_others, **files}), durable=True)

    def write_losses(self, losses: Sequence[Mapping[str, float]]) -> None:
        """Write one row per step, the first row's keys as columns; with them all that training leaves is noted."""
        with atomic_file(self.losses) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, fieldnames=list(losses[0]), lineterminator="\n")
            rows.writeheader()
            rows.writerows(losses)
        self.note(TRAINED)


@cache
def _trial_or_floor() -> TypeAdapter[TrialRecord | FloorRecord]:
    """Return what validates a record of either; to make it takes as long as to use it."""
    return TypeAdapter(TrialRecord | FloorRecord)


def _what(error: UserError, path: Path) -> str:
    """Return what is wrong with a file, without its name."""
    return str(error).removeprefix(f"{path}").lstrip(":, ")

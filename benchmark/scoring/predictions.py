"""A trial's predictions on disk: written for all sets at once, and known to be complete when they are found again."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.errors import UserError
from benchmark.forms.record import ALL_CONTROLS, ControlPrediction, Prediction, Set
from benchmark.results.store import TrialFolder, read_models, write_lines
from benchmark.results.trial_folder import WRITTEN


@dataclass(frozen=True)
class Shown:
    """One image that every trial writes a report for.

    Attributes:
        set: that the report belongs to.
        study: id of the study that it is compared with.
        image: key of the image.
    """

    set: Set
    study: str
    image: str


def store(folder: TrialFolder, shown: Sequence[Shown], predictions: Sequence[Prediction]) -> None:
    """Write a trial's predictions, one for each image shown; scores of earlier ones go first."""

    def of(chosen: Set) -> list[Prediction]:
        pairs = zip(shown, predictions, strict=True)
        return [prediction for one, prediction in pairs if one.set == chosen]

    folder.forget(folder.scores)
    write_lines(folder.predictions, of("test"))
    write_lines(folder.validation, of("validation"))
    controls = [ControlPrediction(control=name, **vars(line)) for name in ALL_CONTROLS for line in of(name)]
    write_lines(folder.controls, controls)
    folder.note(WRITTEN)


def forget(folder: TrialFolder) -> None:
    """Delete a trial's predictions and scores: those of an adapter that isn't there any more."""
    folder.forget(folder.predictions, folder.validation, folder.controls, folder.scores)


def is_complete(folder: TrialFolder, shown: Sequence[Shown], prompt_sha256: str) -> bool:
    """Return whether all three files hold one report for each image shown, in order, written for this prompt.

    Each file appears whole or not at all, but there are three, and an interruption may fall between them.
    """
    asked = {one.set for one in shown}
    try:
        lines = [
            *(("validation", line) for line in read_models(folder.validation, Prediction)),
            *(("test", line) for line in read_models(folder.predictions, Prediction)),
            # Those of earlier versions, and of suites that ask for more, have other controls beside.
            *((c.control, c) for c in read_models(folder.controls, ControlPrediction) if c.control in asked),
        ]
    except UserError:
        return False  # missing, damaged or of another version: written again
    same_images = [(name, line.id) for name, line in lines] == [(one.set, one.study) for one in shown]
    return same_images and all(line.prompt_sha256 == prompt_sha256 for _, line in lines)

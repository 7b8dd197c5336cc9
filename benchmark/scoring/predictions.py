"""A trial's predictions on disk: written for all sets at once, and known to be whole when they are found again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.errors import UserError
from benchmark.store import TrialFolder, read_lines, write_lines

Set = Literal["validation", "test", "swapped", "blank"]
CONTROLS: tuple[Set, ...] = ("swapped", "blank")


class Prediction(BaseModel):
    """A line of `predictions.jsonl` or `validation.jsonl`.

    Attributes:
        id: of the study.
        prediction: the report that was written.
        prompt_sha256: of the prompt with its placeholders and turn markers, in hexadecimal.
        tokens: written, the end token included.
        stop: whether the model ended the report or the length limit did.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    prediction: str
    prompt_sha256: str
    tokens: int
    stop: Literal["end", "length"]


class ControlPrediction(Prediction):
    """A line of `controls.jsonl`: a test study with another image."""

    control: Literal["swapped", "blank"]


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

    def of(chosen: Set) -> list[dict[str, object]]:
        pairs = zip(shown, predictions, strict=True)
        return [prediction.model_dump(mode="json") for one, prediction in pairs if one.set == chosen]

    folder.forget(folder.scores)
    write_lines(folder.predictions, of("test"))
    write_lines(folder.validation, of("validation"))
    write_lines(folder.controls, [{"control": c, **line} for c in CONTROLS for line in of(c)])


def forget(folder: TrialFolder) -> None:
    """Delete a trial's predictions and scores: those of an adapter that isn't there any more."""
    folder.forget(folder.predictions, folder.validation, folder.controls, folder.scores)


def whole(folder: TrialFolder, shown: Sequence[Shown], prompt_sha256: str) -> bool:
    """Whether all three files hold one report for each image shown, in order, written for this prompt.

    Each file appears whole or not at all, but there are three, and an interruption may fall between them.
    """
    try:
        lines = [
            *(("validation", Prediction.model_validate(line)) for line in read_lines(folder.validation)),
            *(("test", Prediction.model_validate(line)) for line in read_lines(folder.predictions)),
            *((c.control, c) for c in map(ControlPrediction.model_validate, read_lines(folder.controls))),
        ]
    except (UserError, ValidationError):
        return False  # missing, damaged or of another version: written again
    same_images = [(name, line.id) for name, line in lines] == [(one.set, one.study) for one in shown]
    return same_images and all(line.prompt_sha256 == prompt_sha256 for _, line in lines)

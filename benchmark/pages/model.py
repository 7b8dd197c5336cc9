"""What pages and `--json` say, as data: a comparison of two systems, and a gallery of reports."""

from pydantic import Field, SerializationInfo, field_serializer

from benchmark.board.model import Number
from benchmark.forms.record import Stored


class ComparedScore(Stored):
    """A score, or a category of one; see `benchmark.board.compare.Compared`."""

    name: str
    a: float | None
    b: float | None
    difference: Number
    n: int
    p: float | None
    adjusted: float | None
    better: str | None

    @field_serializer("difference")
    def _short(self, difference: Number, info: SerializationInfo) -> dict[str, float | str | None]:
        return difference.model_dump(mode=info.mode, exclude_none=True)


class ComparedStudy(Stored):
    """A study on which two systems differ; see `benchmark.board.compare.Differing`.

    It has no texts where those aren't to be shown.
    """

    id: str
    a: float
    b: float
    birads: tuple[str | None, str | None, str | None]
    texts: tuple[str, str, str] | None = Field(default=None, exclude_if=lambda texts: texts is None)


class ComparisonRecord(Stored):
    """A comparison as `amrg compare --json` prints it; see `benchmark.board.compare.Comparison`."""

    schema_version: int = 1
    a: str
    b: str
    primary: str
    reports: int
    blocks: int
    scores: tuple[ComparedScore, ...]
    categories: tuple[ComparedScore, ...]
    studies: tuple[ComparedStudy, ...]


class GalleryColumn(Stored):
    """A column of the gallery.

    Attributes:
        name: of the row or the baseline.
        point: of the grid, or what the baseline predicts.
        blind: whether it sees no image.
        shown: whether it is shown when the page opens.
    """

    name: str
    point: str
    blind: bool
    shown: bool


class ControlAnswer(Stored):
    """What was written for another image.

    Attributes:
        text: the report.
        same: whether it is the report for the study's own image, but for blank space.
        image_of: the study whose image was shown; None for a blank one.
    """

    text: str
    same: bool
    image_of: str | None = Field(default=None, exclude_if=lambda study: study is None)


class Answer(Stored):
    """What a column says of a study.

    Attributes:
        text: the report.
        birads, density: that it states.
        birads_right, density_right: whether the reference states the same.
        right, missing, invented: findings of both, of the reference alone, of the report alone.
        rouge_l: of the report.
        copied: whether it stands in the training part.
        swapped, blank: written for other images; None for a baseline.
    """

    text: str
    birads: str | None
    density: str | None
    birads_right: bool
    density_right: bool
    right: tuple[str, ...]
    missing: tuple[str, ...]
    invented: tuple[str, ...]
    rouge_l: float | None
    copied: bool
    swapped: ControlAnswer | None = Field(default=None, exclude_if=lambda answer: answer is None)
    blank: ControlAnswer | None = Field(default=None, exclude_if=lambda answer: answer is None)


class GalleryStudy(Stored):
    """A study of the gallery.

    Attributes:
        id: of the study.
        image: its place in the page's folder; None where the image isn't at hand.
        reference: its report.
        birads, major, density, findings: that the report states.
        answers: one per column.
    """

    id: str
    image: str | None
    reference: str
    birads: str | None
    major: str | None
    density: str | None
    findings: tuple[str, ...]
    answers: tuple[Answer, ...]


class GalleryPage(Stored):
    """All that a gallery shows.

    Attributes:
        schema_version: of this model.
        suite, title: whose.
        nature, warning: what the reports are, and what the page is not.
        columns, studies: of the page.
    """

    schema_version: int = 1
    suite: str
    title: str
    nature: str
    warning: str
    columns: tuple[GalleryColumn, ...]
    studies: tuple[GalleryStudy, ...]

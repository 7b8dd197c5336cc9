"""Studies as a Hugging Face `datasets` table, for anyone who wants the reader alone."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, overload

from datasets import Dataset, DatasetDict, Features, Image, List, Value
from PIL import Image as PillowImage

from benchmark.data import dicom
from benchmark.data.content import cache_folder, content_hash
from benchmark.data.decode import ImageError, decode
from benchmark.data.study import Study
from benchmark.errors import UserError

FEATURES = Features(
    {
        "id": Value("string"),
        "image": Image(),
        "report": Value("string"),
        "view": Value("string"),
        "laterality": Value("string"),
        "tissue": Value("string"),
        "density": Value("string"),
        "birads": List(Value("string")),
        "highest_birads": Value("string"),
        "lesions": List(
            {
                "abnormality": Value("string"),
                "pathology": Value("string"),
                "x": Value("int32"),
                "y": Value("int32"),
                "radius": Value("int32"),
            }
        ),
    }
)
"""A column for everything in a Study; what is unknown is None. `image` opens its file when it is asked for."""


@overload
def to_dataset(studies: Iterable[Study], split: None = None) -> Dataset: ...
@overload
def to_dataset(studies: Iterable[Study], split: Mapping[str, Sequence[str]]) -> DatasetDict: ...
def to_dataset(studies: Iterable[Study], split: Mapping[str, Sequence[str]] | None = None) -> Dataset | DatasetDict:
    """Make a `datasets` table of studies.

    Images stay where they are and are decoded when a row asks for them; `save_to_disk` copies them into the table.
    Pillow, which `datasets` decodes with, can't read DICOM: a DICOM image is converted once to a lossless PNG in
    this user's cache folder, keyed by content.

    Args:
        studies: as `benchmark.data.dmid.read(folder).studies` gives them.
        split: the name of each part with its ids, in the order wanted; studies in no part are left out, and
            so is a part without ids, whose table `datasets` could save but not load.

    Returns:
        One table in the order of `studies`, or, with `split`, one table a part.

    Raises:
        UserError: an id twice among the studies, parts that name ids that no study has, an image that is not where
            the study says, or a damaged DICOM image.
    """
    studies = list(studies)
    twice = sorted(id_ for id_, times in Counter(study.id for study in studies).items() if times > 1)
    if twice:
        raise UserError(f"ids given more than once: {_some(twice)}. Each study needs an id of its own.")
    if split is None:
        return _table(studies)
    by_id = {study.id: study for study in studies}
    unknown = [f"{id_} ({part})" for part, ids in split.items() for id_ in ids if id_ not in by_id]
    if unknown:
        raise UserError(
            f"the split names ids without a study: {_some(unknown)}. "
            "Was it made for this folder, and are its images here?"
        )
    return DatasetDict({part: _table([by_id[id_] for id_ in ids]) for part, ids in split.items() if ids})


def _table(studies: Sequence[Study]) -> Dataset:
    rows = [_row(study) for study in studies]
    return Dataset.from_dict({column: [row[column] for row in rows] for column in FEATURES}, features=FEATURES)


def _row(study: Study) -> dict[str, Any]:
    row = asdict(study)
    return {**row, "image": None if study.image is None else str(_readable_by_pillow(study.image))}


def _readable_by_pillow(path: Path) -> Path:
    """The path itself, or that of a PNG with the pixels of a DICOM file."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError as error:
        raise ImageError(path, f"can't be opened: {error.strerror or error}") from None
    if not dicom.is_dicom(path, start):
        return path.absolute()
    png = cache_folder() / "png" / f"{content_hash(path)}.png"
    if not png.is_file():
        png.parent.mkdir(parents=True, exist_ok=True)
        unfinished = png.with_suffix(f".{os.getpid()}.unfinished")
        try:
            PillowImage.fromarray(decode(path)).save(unfinished, format="png")
            unfinished.replace(png)
        finally:
            unfinished.unlink(missing_ok=True)
    return png


def _some(names: Sequence[str], most: int = 8) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest

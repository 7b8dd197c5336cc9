"""A DMID folder, as people have it, read into Studies; everything that is wrong is listed at once.

DMID: Oza P. et al., Biomedical Engineering Letters 2023, figshare 24522883. Reading doesn't decode images:
`benchmark.data.check` does, and so does whoever prepares them.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmark.data.chosen_images import choose_images
from benchmark.data.inventory import Inventory, take
from benchmark.data.metadata import Row, read_index, read_sheet
from benchmark.data.problem import Problem
from benchmark.data.study import Study
from benchmark.data.text import normalise, printable, read_text
from benchmark.disk.content import content_hashes
from benchmark.disk.file_kinds import defect_of_file
from benchmark.errors import UserError
from metrics.labels.birads import highest
from metrics.labels.labeler import label

EXPECTED = "Reports/Reports/Img001.txt … and TIFF Images/TIFF Images/IMG001.tif …"


@dataclass(frozen=True)
class Release:
    """What a folder holds.

    Attributes:
        folder: where it was read.
        studies: those with image and report, in the order of their numbers.
        reports_only: reports without an image, as studies whose `image` is None, in the order of their numbers.
        problems: everything that is wrong; fatal ones keep their record out of `studies`.
        images: every image found, by id, those without a report included.
        unused_images: further images of the same studies (DICOM beside TIFF, a second copy), with their ids.
        report_files: the file of every usable report, by id.
        index: the file that lesion rows are from, `Info.txt` where there is one, else `Metadata.xlsx`.
        masks: `ROI Masks`, by id; foreground is above 127. Normal images have none.
    """

    folder: Path
    studies: tuple[Study, ...]
    reports_only: tuple[Study, ...]
    problems: tuple[Problem, ...]
    images: Mapping[str, Path] = field(default_factory=dict)
    unused_images: Mapping[Path, str] = field(default_factory=dict)
    report_files: Mapping[str, Path] = field(default_factory=dict)
    index: Path | None = None
    masks: Mapping[str, Path] = field(default_factory=dict)

    @property
    def reports(self) -> tuple[Study, ...]:
        """Every study with a usable report, with an image or without, in the order of their numbers."""
        return tuple(sorted((*self.studies, *self.reports_only), key=lambda s: s.number))

    def relative(self, path: Path | None) -> str:
        """Return a path as problems name it: as seen from the folder, with forward slashes."""
        return printable(path.relative_to(self.folder).as_posix()) if path else "."

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of the complete studies' ids, report texts and image files.

        The same wherever the folder lies. Image files are hashed once (see `benchmark.disk.content`). A release
        read for its reports alone has the fingerprint of its reports.

        Raises:
            UserError: an image can't be read.
        """
        chosen = self.studies or self.reports_only
        try:
            contents = content_hashes([s.image for s in chosen if s.image])
        except OSError as error:
            name = printable(str(error.filename))
            raise UserError(f"{name}: can't be read ({error.strerror}). Was it moved since?") from None
        digest = hashlib.sha256()
        for index, study in enumerate(chosen):
            for part in (study.id, study.report, contents[index] if study.image else ""):
                digest.update(f"{len(part.encode())} {part}\n".encode())
        return digest.hexdigest()

    def summary_line(self) -> str:
        """Return what there is and what was left out, in one line."""
        parts = [_count(len(self.studies), "study", "studies")]
        if self.reports_only:
            parts.append(f"{_count(len(self.reports_only), 'report')} without an image left out")
        orphans = len(set(self.images) - {s.id for s in self.reports})
        if orphans:
            parts.append(f"{_count(orphans, 'image')} without a usable report left out")
        fatal = sum(p.fatal for p in self.problems)
        if fatal:
            parts.append(f"{_count(fatal, 'record')} unusable")
        if len(self.problems) > fatal:
            parts.append(_count(len(self.problems) - fatal, "remark"))
        return "; ".join(parts)


def read(folder: Path, *, reports_only: bool = False) -> Release:
    """Read a DMID folder.

    Any of the known layouts will do: figshare's zips unpacked, nested in a folder of the same name or not;
    Kaggle's and Hugging Face's mirrors; TIFF, DICOM, PNG or JPEG (where several kinds hold the same id, the
    first of these is read, see `benchmark.data.chosen_images`); `Img` or `IMG`; with or without `Info.txt`,
    `Metadata.xlsx` and masks.

    Args:
        folder: the release, or a folder that holds it.
        reports_only: be content with reports that have no images.

    Returns:
        the release. Studies with fatal problems are left out of it, and its problems say so.

    Raises:
        UserError: the folder doesn't exist, is not DMID, or holds no complete study (no report, with
            `reports_only`). Says what was looked for and what was found.
    """
    folder = Path(folder)
    if not folder.is_dir():
        state = "is a file, not a folder" if folder.exists() else "does not exist"
        give = f"Give the folder that holds {EXPECTED}; `amrg data download` fetches it."
        raise UserError(f"{printable(str(folder))}: {state}. {give}")
    inventory = take(folder)
    problems = _remarks(inventory)
    reports = _read_reports(inventory, problems)
    images, unused = choose_images(inventory, problems)
    masks = _choose_masks(inventory, problems)
    rows = _read_rows(inventory, problems)
    complete, alone = [], []
    for key in sorted(reports, key=lambda k: int(k[3:])):
        study = _study(key, reports[key][1], images.get(key), rows.get(key, Row()))
        if study.image:
            complete.append(study)
        else:
            alone.append(study)
    unusable = {p.record for p in problems if p.fatal}
    if not (complete or (alone and reports_only)):
        raise UserError(_nothing_usable(inventory, reports, images, problems))
    for key in sorted(set(images) - set(reports) - unusable):
        problems.append(Problem(inventory.relative(images[key]), "an image without a report", key))
    for key in sorted(set(rows) - set(reports) - set(images) - unusable):
        index = inventory.relative((inventory.indexes or inventory.sheets)[0])
        problems.append(Problem(index, "describes an image that is not here", key))
    return Release(
        folder,
        tuple(complete),
        tuple(alone),
        tuple(problems),
        images=images,
        unused_images=unused,
        report_files={key: path for key, (path, _) in reports.items()},
        index=next(iter([*inventory.indexes, *inventory.sheets]), None),
        masks=masks,
    )


def _study(key: str, report: str, image: Path | None, row: Row) -> Study:
    """Return the study of a report, labelled by what its text states."""
    labels = label(report)
    categories = tuple(labels.birads_header or labels.birads_all)
    return Study(
        id=key,
        image=image,
        report=report,
        view=row.view,
        laterality=row.laterality,
        tissue=row.tissue,
        lesions=tuple(row.lesions),
        density=labels.density,
        birads=categories,
        highest_birads=highest(categories),
    )


def _read_reports(inventory: Inventory, problems: list[Problem]) -> dict[str, tuple[Path, str]]:
    """Read file and text of the usable report of each id."""
    reports: dict[str, tuple[Path, str]] = {}
    for key, paths in sorted(inventory.reports.items()):
        texts: dict[Path, str] = {}
        for path in paths:
            try:
                text = read_text(path)
            except (OSError, ValueError) as error:
                problems.append(Problem(inventory.relative(path), _reason(error), key, fatal=len(paths) == 1))
                continue
            if text:
                texts[path] = text
            else:
                problems.append(Problem(inventory.relative(path), "the report is empty", key, fatal=len(paths) == 1))
        if len({normalise(t) for t in texts.values()}) > 1:
            others = ", ".join(inventory.relative(p) for p in list(texts)[1:])
            reason = f"the same id has other texts too ({others}); keep one of them"
            problems.append(Problem(inventory.relative(next(iter(texts))), reason, key, fatal=True))
        elif texts:
            reports[key] = next(iter(texts.items()))
            for path in list(texts)[1:]:
                problems.append(Problem(inventory.relative(path), "the same report is here twice", key))
        elif len(paths) > 1:
            problems.append(Problem(inventory.relative(paths[0]), "no file of this id holds a report", key, fatal=True))
    return reports


def _choose_masks(inventory: Inventory, problems: list[Problem]) -> dict[str, Path]:
    """Return the first mask of each id that can be read."""
    masks: dict[str, Path] = {}
    for key, paths in sorted(inventory.masks.items()):
        for path in paths:
            defect = defect_of_file(path)
            if defect is None:
                masks.setdefault(key, path)
            else:
                problems.append(Problem(inventory.relative(path), f"the mask {defect}", key))
    return masks


def _read_rows(inventory: Inventory, problems: list[Problem]) -> dict[str, Row]:
    """Read what `Info.txt` and `Metadata.xlsx` state, in one row per id; the sheet fills what the text file lacks."""
    index = _read_all(inventory, inventory.indexes, read_index, problems)
    sheet = _read_all(inventory, inventory.sheets, read_sheet, problems)
    rows: dict[str, Row] = {}
    for key in sorted({*index, *sheet}):
        first, second = index.get(key, Row()), sheet.get(key, Row())
        if first.lesions and second.lesions and Counter(first.lesions) != Counter(second.lesions):
            reason = f"its lesions are not those of {inventory.relative(inventory.sheets[0])}; these are used"
            problems.append(Problem(inventory.relative(inventory.indexes[0]), reason, key))
        rows[key] = Row(
            view=second.view or first.view,
            laterality=second.laterality or first.laterality,
            tissue=first.tissue or second.tissue,
            lesions=first.lesions or second.lesions,
        )
    return rows


_Reader = Callable[[Path, str], tuple[dict[str, Row], list[Problem]]]


def _read_all(inventory: Inventory, paths: Sequence[Path], reader: _Reader, problems: list[Problem]) -> dict[str, Row]:
    """Read the rows of the first readable file; a second copy of it (a mirror's nesting) adds nothing."""
    rows: dict[str, Row] = {}
    for path in paths:
        if rows:
            problems.append(
                Problem(inventory.relative(path), "a further table of this kind; the first that holds rows is used")
            )
            continue
        try:
            rows, of_file = reader(path, inventory.relative(path))
        except (OSError, ValueError) as error:
            of_file = [Problem(inventory.relative(path), _reason(error))]
        problems += of_file
    return rows


def _remarks(inventory: Inventory) -> list[Problem]:
    """Return a problem per file that is not read."""
    remarks = [
        *inventory.passed_over.items(),
        *((p, "looks like a copy of another file; it is not read") for p in inventory.copies),
        *((p, "belongs to nothing in the release; it is not read") for p in inventory.others),
        *((p, "is still packed; it is not read") for p in inventory.archives),
    ]
    if inventory.linked_away:
        first = inventory.linked_away[0]
        count = len(inventory.linked_away)
        what = "is a link" if count == 1 else f"and {count - 1} more files are links"
        target = printable(str(first.resolve().parent))
        remarks.append((first, f"{what} out of this folder, the first into {target}; they are followed"))
    return [Problem(inventory.relative(path), reason) for path, reason in remarks]


def _nothing_usable(
    inventory: Inventory, reports: Mapping[str, object], images: Mapping[str, Path], problems: Sequence[Problem]
) -> str:
    """Return the message on a folder without a complete study: what was looked for, what was found, what to do."""
    contents = Counter(
        {
            "report": len(inventory.reports),
            "image": len(inventory.images),
            "ROI mask": len(inventory.masks),
            "archive still packed": len(inventory.archives),
            "other file": len(inventory.others) + len(inventory.copies),
        }
    )
    listed = ", ".join(_count(n, name) for name, n in contents.items() if n) or "nothing"
    fatal = "".join(f"\n  {p}" for p in problems if p.fatal)
    advice = "Unpack the archives first." if inventory.archives else "`amrg data download` fetches the release."
    if reports and not images:
        advice = "Reports alone are enough for `--reports-only`. " + advice
    return (
        f"{printable(str(inventory.folder))}: no complete study. Looked for {EXPECTED}; found {listed}. {advice}{fatal}"
    )


def _count(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun."""
    if singular == "archive still packed":
        plural = "archives still packed"
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def _reason(error: Exception) -> str:
    """Return what the system says of an error, else its message."""
    return str(getattr(error, "strerror", None) or error)

"""Everything that is wrong with a DMID folder, in one pass, and what is in it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from benchmark.data.decode import Look, look
from benchmark.data.dmid import Release, read
from benchmark.data.problem import Problem
from benchmark.data.study import Study, tally
from benchmark.data.text import normalise
from benchmark.data.workers import each_image
from benchmark.disk.content import content_hash
from benchmark.forms.record import Stored
from metrics.labels.labeler import label


class WordCounts(Stored):
    """Words per report."""

    mean: float
    median: float
    min: int
    max: int


class Counts(Stored):
    """What a folder holds and what is wrong with it, in numbers: what `amrg data check --json` prints.

    Attributes:
        schema_version: of this model.
        folder: that was checked.
        usable, images_decoded: whether there is a complete study; whether images were decoded.
        reports, images, masks, complete: how many there are; complete studies have a report and an image.
        birads_highest, density, abnormality, view: number of reports by category; "none" where not stated.
        report_words: of the reports.
        distinct_reports: case and blank space aside.
        multiple_categories: reports that state several.
        problems: all of them.
    """

    schema_version: int = 1
    folder: str
    usable: bool
    images_decoded: bool
    reports: int
    images: int
    masks: int
    complete: int
    birads_highest: dict[str, int]
    density: dict[str, int]
    abnormality: dict[str, int]
    view: dict[str, int]
    report_words: WordCounts
    distinct_reports: int
    multiple_categories: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Check:
    """What a folder holds and what is wrong with it.

    Attributes:
        release: as read.
        complete: studies with a report and an image that decodes.
        problems: those of the release and those that only a look into the files tells.
        decoded: whether images were decoded.
    """

    release: Release
    complete: tuple[Study, ...]
    problems: tuple[Problem, ...]
    decoded: bool

    @property
    def usable(self) -> bool:
        """Whether there is a complete study."""
        return bool(self.complete)

    def counts(self) -> Counts:
        """Return counts and problems; counts of categories, densities and words are over all reports."""
        reports = self.release.reports
        words = [len(s.report.split()) for s in reports]
        return Counts(
            folder=str(self.release.folder),
            usable=self.usable,
            images_decoded=self.decoded,
            reports=len(reports),
            images=len(self.release.images),
            masks=len(self.release.masks),
            complete=len(self.complete),
            birads_highest=tally(s.birads_major for s in reports),
            density=tally(s.density for s in reports),
            abnormality=tally(a for s in reports for a in ({row.abnormality for row in s.lesions} or {"none"})),
            view=tally(f"{s.view} {s.laterality or ''}".strip() if s.view else None for s in reports),
            report_words=WordCounts(mean=mean(words), median=median(words), min=min(words), max=max(words)),
            distinct_reports=len({normalise(s.report) for s in reports}),
            multiple_categories=sum(len(s.birads) > 1 for s in reports),
            problems=self.problems,
        )


def check(
    folder: Path,
    *,
    decode_images: bool = True,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Check:
    """Read a DMID folder and look into every file of it.

    Args:
        folder: as `benchmark.data.dmid.read` takes it.
        decode_images: False to trust that images are sound (eleven gigabytes take minutes).
        jobs: processes that decode; see `benchmark.data.workers.each_image`.
        progress: called with how many images are decoded and how many there are.

    Raises:
        UserError: the folder is not DMID at all.
    """
    release = read(folder, reports_only=True)
    shapes: dict[str, tuple[int, int]] = {}
    problems = list(release.problems)
    damaged: set[str] = set()
    if decode_images:
        for path, (key, outcome) in _look_at(release, jobs, progress).items():
            used = path == release.images[key]
            if outcome.problem is not None:
                fatal = used and outcome.shape is None
                problems.append(Problem(release.relative(path), outcome.problem, key, fatal=fatal))
            if used and outcome.shape is None:
                damaged.add(key)
            elif used and outcome.shape is not None:
                shapes[key] = outcome.shape
    problems += _orphan_reports(release)
    problems += _equal_images(release)
    problems += _equal_reports(release)
    index = release.relative(release.index)
    for study in release.reports:
        report = release.relative(release.report_files[study.id])
        problems += [Problem(report, reason, study.id) for reason in _defects_of_report(study)]
        shape = shapes.get(study.id)
        problems += [Problem(index, reason, study.id) for reason in _defects_of_lesions(study, shape)]
    problems += [
        Problem(release.relative(path), "a mask without an image", key)
        for key, path in release.masks.items()
        if key not in release.images
    ]
    complete = tuple(s for s in release.studies if s.id not in damaged)
    return Check(release, complete, tuple(problems), decode_images)


def _look_at(
    release: Release, jobs: int | None, progress: Callable[[int, int], None] | None
) -> dict[Path, tuple[str, Look]]:
    """Return, by image file, those that are not used too, its id and what decoding it tells."""
    ids = {path: key for key, path in release.images.items()} | dict(release.unused_images)
    outcomes: dict[Path, Look] = {}
    for done, (path, outcome) in enumerate(each_image(look, list(ids), jobs=jobs), start=1):
        outcomes[path] = outcome
        if progress:
            progress(done, len(ids))
    return {path: (key, outcomes[path]) for path, key in ids.items()}


def _orphan_reports(release: Release) -> list[Problem]:
    """Return problems of usable reports without an image."""
    unusable = {p.record for p in release.problems if p.fatal}
    return [
        Problem(release.relative(release.report_files[s.id]), "a report without an image", s.id)
        for s in release.reports_only
        if s.id not in unusable
    ]


def _equal_images(release: Release) -> list[Problem]:
    """Return problems of byte-equal images of different studies; only files of one size are read."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for key, path in release.images.items():
        with suppress(OSError):  # a file that vanished or can't be read has a problem already
            by_size[path.stat().st_size].append(key)
    by_content: dict[str, list[str]] = defaultdict(list)
    for keys in by_size.values():
        for key in keys if len(keys) > 1 else ():
            with suppress(OSError):
                by_content[content_hash(release.images[key])].append(key)
    return _repetitions(release, "image", release.images, by_content.values())


def _equal_reports(release: Release) -> list[Problem]:
    """Return problems of reports of different studies that are one text, case and blank space aside."""
    groups: dict[str, list[str]] = defaultdict(list)
    for study in release.reports:
        groups[normalise(study.report)].append(study.id)
    return _repetitions(release, "text", release.report_files, groups.values())


def _repetitions(release: Release, noun: str, files: Mapping[str, Path], groups: Iterable[list[str]]) -> list[Problem]:
    """Return one problem per group of several ids, at the file of its first."""
    return [
        Problem(release.relative(files[first]), f"the same {noun} as {', '.join(others)}", first)
        for first, *others in groups
        if others
    ]


def _defects_of_report(study: Study) -> list[str]:
    """Return what a report fails to state, and where its header and body disagree."""
    reasons = []
    if not study.birads:
        reasons.append("states no BI-RADS category")
    if study.density is None:
        reasons.append("states no density letter")
    labels = label(study.report)
    only_in_body = [c for c in labels.birads_all if not any(_agree(c, h) for h in labels.birads_header)]
    if labels.birads_header and only_in_body:
        header, body = ", ".join(labels.birads_header), ", ".join(only_in_body)
        reasons.append(f"its header says BI-RADS {header}, its body also {body}")
    return reasons


def _agree(category: str, other: str) -> bool:
    """Return whether two categories are one, a bare 4 standing for any of its letters."""
    return category == other or (category[0] == other[0] and 1 in (len(category), len(other)))


def _defects_of_lesions(study: Study, shape: tuple[int, int] | None) -> list[str]:
    """Return where lesion rows disagree with each other, or with the height and width of the image if it is known."""
    reasons = []
    kinds = {row.abnormality for row in study.lesions}
    if "NORM" in kinds and len(kinds) > 1:
        reasons.append("its lesion rows say NORM and name lesions")
    outside = [
        row
        for row in study.lesions
        if shape and ((row.y is not None and row.y >= shape[0]) or (row.x is not None and row.x >= shape[1]))
    ]
    if outside and shape:
        places = ", ".join(f"({row.x}, {row.y})" for row in outside)
        reasons.append(f"a lesion at {places} lies outside its image of {shape[1]} × {shape[0]} pixels")
    return reasons

"""What a sweep works on: studies, their split, and where images and results lie."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from backbones.locks import making
from benchmark.data import dmid
from benchmark.data.folds import cross_validation, pooled
from benchmark.data.image import ImageCache, ImageSettings
from benchmark.data.lesion_places import Marked, PlacesCache, marked_of
from benchmark.data.split import PARTS, Split
from benchmark.data.split_rules import choose
from benchmark.data.study import Study
from benchmark.disk.cache import cache_folder
from benchmark.errors import UserError
from benchmark.forms.record import DataRecord, ReferenceReport
from benchmark.forms.suite import PhantomData, Suite, Trial
from benchmark.products import tell_waiting
from benchmark.progress.events import progress


@dataclass(frozen=True)
class Records:
    """The records of a suite.

    Attributes:
        studies: all of the data.
        split: of the studies; where there are folds, all of them as one, which only tests.
        image: how images are shown.
        cache: where decoded images and features are kept.
        results: the folder of all results.
        command: that runs the suite, without a path of this machine.
        data: what the data set is.
        folder: where it lies; images are named by their place in it.
        folds: the split of each fold; none without cross-validation.
        masks: of lesions, by study.
    """

    studies: tuple[Study, ...]
    split: Split
    image: ImageSettings
    cache: Path
    results: Path
    command: str
    data: DataRecord
    folder: Path
    folds: tuple[Split, ...] = ()
    masks: Mapping[str, Path] = field(default_factory=dict)

    @property
    def splits(self) -> tuple[Split, ...]:
        """The split of each fold, or the only one."""
        return self.folds or (self.split,)

    def split_of(self, trial: Trial) -> Split:
        """Return the split that a trial is tuned and tested on: that of its fold, or the only one."""
        return self.split if trial.fold is None else self.folds[trial.fold]

    def of_fold(self, fold: int | None) -> "Records":
        """Return the records of one fold by itself, as if there were no other; None for those of the only split."""
        return self if fold is None else replace(self, split=self.folds[fold], folds=())

    def part(self, name: str) -> list[Study]:
        """Return the studies of train, validation or test, in the order of the split."""
        return self.split.studies(name, self.studies)

    def marked(self) -> list[Marked]:
        """Return the test studies on which something marks a lesion."""
        return marked_of(self.part("test"), self.masks)

    def references(self) -> list[ReferenceReport]:
        """Return what predictions are compared with, one for each study."""
        return [
            ReferenceReport(
                id=study.id,
                part=part,
                block=self.split.blocks[study.id],
                report=study.report,
                image=Path(os.path.relpath(study.image, self.folder)).as_posix() if study.image else None,
            )
            for part in PARTS
            for study in self.part(part)
        ]


def read_records(
    suite: Suite,
    folder: Path,
    results: Path,
    *,
    splits: Sequence[Split] | None = None,
    named: str | None = None,
) -> Records:
    """Return the records of a suite: its data, read and parted.

    Args:
        suite: whose.
        folder: in DMID's layout.
        results: where results go.
        splits: of each fold, or the only one, where they are known already; chosen as the suite says if None.
        named: how the suite is named where it is run, such as its file; by its own name if None.

    Raises:
        UserError: the folder can't be read, or all that is wrong with it; or the split is none.
    """
    release = dmid.read(folder)
    part = suite.split
    if splits is None and part.folds is not None:
        splits = cross_validation(release.studies, part.folds, seed=part.seed)
    elif splits is None:
        splits = [choose(release.studies, part.name, seed=part.seed)]
    return Records(
        studies=release.studies,
        split=splits[0] if part.folds is None else pooled(splits, release.studies),
        folds=() if part.folds is None else tuple(splits),
        image=ImageSettings(**suite.image.model_dump()),
        cache=cache_folder(),
        results=results,
        command=_command(suite, named or suite.name),
        data=DataRecord(
            source=suite.data.source,
            fingerprint=release.fingerprint,
            summary=release.summary_line(),
            studies=len(release.studies),
        ),
        folder=folder,
        masks=release.masks,
    )


def decode_images(records: Records, processes: int) -> None:
    """Decode every image once, into the cache.

    Raises:
        UserError: images that can't be decoded, all of them.
    """
    cache = ImageCache(records.cache / "images", records.image)
    paths = [study.image for study in records.studies if study.image is not None]
    with making(cache.folder, tell_waiting("images")):
        bad = cache.warm(paths, jobs=processes, progress=progress("images"))
    if bad:
        listed = "\n".join(f"  - {path}: {reason}" for path, reason in bad.items())
        raise UserError(f"{len(bad)} images can't be decoded. Replace or remove them (`amrg data check`):\n{listed}")


def find_lesions(records: Records, processes: int) -> None:
    """Find the lesions of every test study, and as much breast elsewhere, once, into the cache.

    Raises:
        UserError: masks that can't be used, all of them.
    """
    cache = PlacesCache(records.cache / "places", records.image)
    with making(cache.folder, tell_waiting("places of lesions")):
        bad = cache.warm(records.marked(), jobs=processes, progress=progress("lesions"))
    if bad:
        listed = "\n".join(f"  - {path}: {reason}" for path, reason in bad.items())
        raise UserError(f"{len(bad)} lesions can't be painted over. Replace or remove these masks:\n{listed}")


def _command(suite: Suite, named: str) -> str:
    """Return the command that runs a suite, with a place for the user's own folder where it needs one."""
    data = "" if isinstance(suite.data, PhantomData) else " DMID=/path/to/DMID"
    return f"make sweep SUITE={shlex.quote(named)}{data}"

"""Digital phantoms: drawn mammograms with their truth and reports, written as a DMID folder.

They stand in for patients where none may be used: reader, checks, splits, images and training run on them by the
same code. They are drawings with the statistics of an archive, not a simulation of X-ray physics.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from backbones.locks import temporary_folder
from backbones.manifest import write_manifest
from benchmark.errors import UserError
from benchmark.executors.execute import in_order
from benchmark.phantoms import files
from benchmark.phantoms.cases import Case, plan
from benchmark.phantoms.image import draw
from benchmark.phantoms.reports import check_dialect, report
from benchmark.phantoms.truth import PhantomTruth

TRUTH = "truth.jsonl"
SMALLEST = 64
FEWEST_FOR_A_POOL = 64


def sample(number_of_studies: int, *, seed: int, size: int) -> Iterator[tuple[PhantomTruth, np.ndarray]]:
    """Draw phantoms one after another, in memory.

    Args:
        number_of_studies: how many images, several per patient.
        seed: the same seed gives the same phantoms; the first n of a longer series are the series of n.
        size: the long side in pixels; the other is 4750/6000 of it, as in DMID.

    Yields:
        The truth and the image, [height, width] uint8, black outside the breast.

    Raises:
        UserError: a number below 1 or a size below 64.
    """
    _check(number_of_studies, size)
    for case in plan(number_of_studies, seed=seed, size=size):
        yield case.truth, files.to_bytes(draw(case))


def write(
    folder: Path,
    *,
    studies: int,
    seed: int,
    size: int,
    dialect: str = "dmid",
    dicom: bool = False,
    jobs: int = 2,
    progress: Callable[[int, int], None] | None = None,
    manifest: bool = False,
) -> None:
    """Write an archive of phantoms in DMID's layout, with `truth.jsonl` beside it.

    The folder appears when everything in it is written, or not at all; the same arguments give the same bytes.

    Args:
        folder: to be made; it may exist if it is empty.
        studies: how many images.
        seed: of phantoms and wording.
        size: the long side in pixels.
        dialect: of the reports, one of `benchmark.phantoms.dialects.DIALECTS`.
        dicom: write `DICOM Images` as well.
        jobs: processes that draw.
        progress: called with the number of images written and to write.
        manifest: write the files' digests as well, by which `backbones.manifest` knows them.

    Raises:
        UserError: the folder holds something, the dialect is unknown, a number is out of range.
    """
    check_dialect(dialect)
    _check(studies, size)
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: there is something here already. Name a new or an empty folder.")
    unfinished = temporary_folder(folder)
    try:
        _fill(unfinished, studies, seed, size, dialect, dicom, jobs, progress)
        if manifest:
            write_manifest(unfinished)
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def write_texts(folder: Path, *, studies: int, seed: int, size: int, dialect: str = "dmid") -> None:
    """Write what `write` writes, but without an image, in a hundredth of the time: reports, `Info.txt`, the sheet.

    Args:
        folder: that there is.
        studies, seed, size, dialect: as in `write`.

    Raises:
        UserError: the dialect is unknown, or a number is out of range.
    """
    check_dialect(dialect)
    _check(studies, size)
    truths = [case.truth for case in plan(studies, seed=seed, size=size)]
    for name in (files.IMAGES, files.REPORTS):
        (folder / name).mkdir(parents=True)
    for truth in truths:
        files.write_report(folder, truth, report(truth, dialect, seed=seed), seed)
    _write_tables(folder, truths, seed)


def read_truth(folder: Path) -> dict[str, PhantomTruth]:
    """Read the truth of each phantom of a folder that `write` made, by id, in the order of the ids.

    Raises:
        UserError: there is no `truth.jsonl`, or a line of it can't be read.
    """
    path = Path(folder) / TRUTH
    if not path.is_file():
        raise UserError(f"{path}: no such file. Is this a folder that `amrg data phantom` wrote?")
    truths: dict[str, PhantomTruth] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            truth = PhantomTruth.from_dict(json.loads(line))
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path}, line {number}: not the truth of a phantom ({type(error).__name__}).") from error
        truths[truth.id] = truth
    return truths


def _check(studies: int, size: int) -> None:
    """Refuse a number of studies or a size that is too small."""
    if studies < 1:
        raise UserError(f"{studies} phantoms: expected 1 or more.")
    if size < SMALLEST:
        raise UserError(f"a phantom of {size} pixels: expected {SMALLEST} or more.")


def _fill(
    folder: Path,
    studies: int,
    seed: int,
    size: int,
    dialect: str,
    dicom: bool,
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write all files of an archive into an empty folder."""
    for name in (files.IMAGES, files.MASKS, files.ANNOTATIONS, files.REPORTS, *([files.DICOMS] if dicom else [])):
        (folder / name).mkdir(parents=True)
    cases = list(plan(studies, seed=seed, size=size))
    truths = [case.truth for case in cases]
    work = partial(_write_case, folder, seed, dialect, dicom)
    processes = jobs if studies >= FEWEST_FOR_A_POOL else 1
    for done, _ in enumerate(in_order(work, cases, processes=processes, chunk=8), start=1):
        if progress:
            progress(done, studies)
    _write_tables(folder, truths, seed)


def _write_tables(folder: Path, truths: Sequence[PhantomTruth], seed: int) -> None:
    files.write_info(folder / files.IMAGES / "Info.txt", truths, seed)
    files.write_metadata(folder / "Metadata.xlsx", truths, seed)
    lines = [json.dumps(truth.to_dict()) for truth in truths]
    (folder / TRUTH).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_case(folder: Path, seed: int, dialect: str, dicom: bool, case: Case) -> None:
    """Draw a case and write its files."""
    image = draw(case)
    files.write_image(folder, case.truth, image, seed)
    files.write_report(folder, case.truth, report(case.truth, dialect, seed=seed), seed)
    if dicom:
        files.write_dicom(folder, case.truth, image, seed)

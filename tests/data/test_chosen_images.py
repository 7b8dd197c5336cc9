"""Of several files of one id, the original is taken, a processed copy never."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from small_release import picture

from benchmark.data.check import check
from benchmark.data.decode import looks_inverted
from benchmark.data.dmid import read

ORIGINALS = "TIFF Images/TIFF Images"


def processed(folder: Path, name: str, numbers: range, suffix: str = ".tif") -> None:
    """Write other pictures under the same ids."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.fromarray(picture(100 + number)).save(folder / name / f"IMG{number:03d}{suffix}")


def folders_of(folder: Path) -> set[str]:
    """Return the folders that images were taken from."""
    return {s.image.parent.relative_to(folder).as_posix() for s in read(folder).studies if s.image}


@pytest.mark.parametrize(
    "name",
    [
        "CLAHE",
        "Preprocessed",
        "AAA",
        "0",
        f"{ORIGINALS}/CLAHE",
        "Cropped/TIFF Images",
        "TIFF Images enhanced",
        "images",
    ],
)
@pytest.mark.parametrize("count", [2, 6])
def test_the_folder_that_the_release_names(release: Callable[..., Path], name: str, count: int) -> None:
    folder = release(6)
    processed(folder, name, range(1, count + 1))
    assert folders_of(folder) == {ORIGINALS}
    assert len([p for p in read(folder).problems if "another image of the same id" in p.reason]) == count


def test_a_processed_tiff_never_beats_an_original_of_another_kind(release: Callable[..., Path]) -> None:
    folder = release(4)
    for path in (folder / ORIGINALS).iterdir():
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    processed(folder, "CLAHE", range(1, 5))
    assert folders_of(folder) == {ORIGINALS}


def test_else_the_folder_that_holds_most_ids(release: Callable[..., Path]) -> None:
    folder = release(6)
    (folder / ORIGINALS).rename(folder / "pictures")
    processed(folder, "aa", range(1, 3))
    assert folders_of(folder) == {"pictures"}


def test_where_nothing_tells_the_record_is_unusable(release: Callable[..., Path]) -> None:
    folder = release(3)
    (folder / ORIGINALS).rename(folder / "one")
    shutil.rmtree(folder / "TIFF Images")
    shutil.copytree(folder / "one", folder / "two")
    assert len(read(folder).studies) == 3  # the same bytes
    processed(folder, "two", range(2, 3))
    contents = read(folder)
    assert [s.id for s in contents.studies] == ["Img001", "Img003"]
    fatal = [p for p in contents.problems if p.fatal]
    assert [p.record for p in fatal] == ["Img002"]
    assert "one/IMG002.tif" in str(fatal[0])
    assert "two/IMG002.tif" in str(fatal[0])
    assert "keep one" in str(fatal[0])


def test_two_spellings_of_an_id_in_one_folder(release: Callable[..., Path]) -> None:
    folder = release(2)
    tifffile.imwrite(folder / ORIGINALS / "img_1.tif", picture(50))
    assert [p.record for p in read(folder).problems if p.fatal] == ["Img001"]


def test_a_processed_file_alone_is_used_and_said(release: Callable[..., Path]) -> None:
    folder = release(3)
    (folder / ORIGINALS / "IMG002.tif").unlink()
    processed(folder, "CLAHE", range(2, 3))
    contents = read(folder)
    assert len(contents.studies) == 3
    assert ["processed" in p.reason for p in contents.problems] == [True]


def test_an_inverted_export_gets_a_remark(release: Callable[..., Path]) -> None:
    folder = release(3)
    path = folder / ORIGINALS / "IMG002.tif"
    tifffile.imwrite(path, 255 - picture(2))
    checked = check(folder, jobs=1)
    assert [(p.record, p.fatal) for p in checked.problems] == [("Img002", False)]
    assert "inverted" in checked.problems[0].reason
    assert len(checked.complete) == 3


def test_a_bar_along_one_side_and_a_dense_breast_are_not_inverted() -> None:
    for seed in range(5):
        image = picture(seed, 60, 40)
        assert not looks_inverted(image)
        assert looks_inverted(255 - image)
        assert not looks_inverted(np.where(image > 0, 255, 0).astype(np.uint8))
        image[:, -3:] = 255
        assert not looks_inverted(image)


def framed(image: np.ndarray, width: int, level: int) -> np.ndarray:
    """Return the image with its outermost rows and columns at one level."""
    framed = np.full_like(image, level)
    framed[width:-width, width:-width] = image[width:-width, width:-width]
    return framed


@pytest.mark.parametrize("width", [1, 2, 5, 12])
def test_bars_borders_and_markers_hide_no_inversion(width: int) -> None:
    image = picture(1, 240, 160)
    inverted = 255 - image
    assert looks_inverted(framed(inverted, width, 0))
    assert looks_inverted(np.pad(inverted, ((0, 0), (0, 40))))
    dimmed = (0.7 * inverted).astype(np.uint8)
    dimmed[4:8, 100:120] = 255
    assert looks_inverted(dimmed)
    assert not looks_inverted(framed(image, min(width, 9), 255))


PROCESSED = (
    "ROI", "Gamma", "Inverted", "flipped", "rotated_90", "aug", "annotated", "bbox", "wavelet", "median_filter", "GAN",
    "low_res", "scaled", "binary", "thresholded", "edges", "registered", "padded", "224x224", "Images_8bit",
)  # fmt: skip


@pytest.mark.parametrize("name", PROCESSED)
def test_a_processed_folder_that_holds_more_ids_never_wins(release: Callable[..., Path], name: str) -> None:
    folder = release(3)
    (folder / ORIGINALS).rename(folder / "pictures")
    processed(folder, name, range(1, 7))
    assert folders_of(folder) == {"pictures"}

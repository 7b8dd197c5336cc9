from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from datasets import Dataset, DatasetDict, Image, load_from_disk

from benchmark.data import dmid
from benchmark.data.decode import decode
from benchmark.data.hub_view import to_dataset
from benchmark.data.study import Lesion, Study
from benchmark.errors import UserError
from benchmark.phantoms.write import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "archive"
    write(folder, studies=9, seed=3, size=96, dicom=True, jobs=1)
    return folder


@pytest.fixture(scope="module")
def studies(folder: Path) -> tuple[Study, ...]:
    return dmid.read(folder).studies


def as_study(row: dict) -> Study:
    """What a row says, as a Study without its image."""
    lesions = tuple(Lesion(**lesion) for lesion in row["lesions"])
    rest = {name: row[name] for name in ("id", "report", "view", "laterality", "tissue", "density", "highest_birads")}
    return Study(image=None, lesions=lesions, birads=tuple(row["birads"]), **rest)


def without_image(study: Study) -> Study:
    return replace(study, image=None)


def test_every_column_of_a_study_is_there(studies: tuple[Study, ...]) -> None:
    table = to_dataset(iter(studies))
    assert isinstance(table, Dataset)
    assert isinstance(table.features["image"], Image)
    assert [as_study(row) for row in table.remove_columns("image")] == [without_image(study) for study in studies]


def test_images_are_paths_until_a_row_is_asked_for(studies: tuple[Study, ...]) -> None:
    table = to_dataset(studies)
    stored = table.cast_column("image", Image(decode=False))
    assert [Path(row["image"]["path"]) for row in stored] == [study.image for study in studies]
    assert all(row["image"]["bytes"] is None for row in stored)
    for row, study in zip(table, studies, strict=True):
        assert study.image is not None
        np.testing.assert_array_equal(np.asarray(row["image"]), tifffile.imread(study.image))


def test_a_table_saved_and_loaded_is_the_same_without_its_files(tmp_path: Path, studies: tuple[Study, ...]) -> None:
    write(tmp_path / "archive", studies=4, seed=5, size=64, jobs=1)
    own = dmid.read(tmp_path / "archive").studies
    table = to_dataset(own)
    pixels = [np.asarray(row["image"]) for row in table]
    table.save_to_disk(tmp_path / "table")
    (tmp_path / "archive").rename(tmp_path / "elsewhere")
    loaded = load_from_disk(tmp_path / "table")
    assert loaded.features == table.features
    assert [as_study(row) for row in loaded.remove_columns("image")] == [without_image(study) for study in own]
    for row, before in zip(loaded, pixels, strict=True):
        np.testing.assert_array_equal(np.asarray(row["image"]), before)


def test_a_split_gives_a_table_for_each_part(studies: tuple[Study, ...], tmp_path: Path) -> None:
    ids = [study.id for study in studies]
    parts = {"train": ids[3:8], "test": [ids[1], ids[0]]}
    tables = to_dataset(studies, {**parts, "validation": []})
    assert isinstance(tables, DatasetDict)
    assert {part: list(table["id"]) for part, table in tables.items()} == parts
    assert len({str(table.features) for table in tables.values()}) == 1
    tables.save_to_disk(tmp_path / "tables")
    loaded = load_from_disk(tmp_path / "tables")
    assert {part: list(table["id"]) for part, table in loaded.items()} == parts


def test_a_dicom_image_is_converted_without_loss_and_only_once(
    folder: Path, studies: tuple[Study, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    files = {path.stem: path for path in folder.glob("DICOM Images/DICOM Images/*.dcm")}
    own = [replace(study, image=files[study.id.upper()]) for study in studies]
    for row, study in zip(to_dataset(own), own, strict=True):
        assert study.image is not None
        np.testing.assert_array_equal(np.asarray(row["image"]), decode(study.image))
    converted = sorted((tmp_path / "cache/png").iterdir())
    times = [path.stat().st_mtime_ns for path in converted]
    assert len(converted) == len(own)
    to_dataset(own)
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "cache/png").iterdir())] == times


def test_a_report_without_an_image_has_none() -> None:
    table = to_dataset([Study("Img001", None, "BIRADS: 1")])
    assert table[0]["image"] is None
    assert table[0]["lesions"] == []
    assert table[0]["view"] is None


def test_ids_that_do_not_fit_are_named(studies: tuple[Study, ...]) -> None:
    with pytest.raises(UserError, match=r"Img998 \(test\), Img999 \(test\)"):
        to_dataset(studies, {"train": ["Img001"], "test": ["Img998", "Img999"]})
    with pytest.raises(UserError, match="Img001"):
        to_dataset([*studies, studies[0]])
    gone = Study("Img001", Path("no-such-folder/IMG001.tif"), "BIRADS: 1")
    with pytest.raises(UserError, match=r"IMG001\.tif: can't be opened"):
        to_dataset([gone])

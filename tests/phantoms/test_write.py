import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pydicom
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from benchmark.cli.data_phantom import phantom
from benchmark.data import dmid
from benchmark.errors import UserError
from benchmark.phantoms.cases import plan
from benchmark.phantoms.dialects import DIALECTS
from benchmark.phantoms.files import rows
from benchmark.phantoms.truth import CODES, KINDS, SIGNS, PhantomLesion, PhantomTruth, category
from benchmark.phantoms.write import read_truth, sample, write
from metrics.labels.birads import BIRADS_SCALE

STUDIES, SEED, SIZE = 60, 4, 128


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "archive"
    write(folder, studies=STUDIES, seed=SEED, size=SIZE, dicom=True, jobs=1)
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def info_rows(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "TIFF Images/TIFF Images/Info.txt").read_text().splitlines()]


def test_the_folder_holds_every_file_of_the_release(archive: Path) -> None:
    truths = read_truth(archive)
    names = [f"IMG{number:03d}" for number in range(1, STUDIES + 1)]
    assert list(truths) == [f"Img{number:03d}" for number in range(1, STUDIES + 1)]
    assert sorted(path.stem for path in archive.glob("TIFF Images/TIFF Images/*.tif")) == names
    assert sorted(path.stem for path in archive.glob("DICOM Images/DICOM Images/*.dcm")) == names
    assert sorted(path.stem for path in archive.glob("Reports/Reports/*.txt")) == list(truths)
    masked = sorted(
        truth.id.upper() for truth in truths.values() if any(lesion.kind not in SIGNS for lesion in truth.lesions)
    )
    assert sorted(path.stem for path in archive.glob("ROI Masks/ROI Masks/*.tif")) == masked
    assert sorted(path.stem for path in archive.glob("Pixel-level annotation/*/*.tif")) == masked
    assert 0 < len(masked) < STUDIES
    assert sorted(path.name for path in archive.iterdir() if path.is_file()) == ["Metadata.xlsx", "truth.jsonl"]


def test_the_reader_of_the_release_finds_the_truth(archive: Path) -> None:
    release = dmid.read(archive)
    truths = read_truth(archive)
    assert release.problems == ()
    assert len(release.studies) == STUDIES
    for study in release.studies:
        truth = truths[study.id]
        assert (study.view, study.laterality) == (truth.view, truth.laterality)
        assert (study.density, study.highest_birads) == (truth.density, truth.birads)
        assert study.tissue in (None, {"A": "F", "B": "G", "C": "D", "D": "D"}[truth.density])
        expected: list[tuple[object, ...]] = [
            (CODES[row.kind], row.pathology, row.x, row.y, None if row.kind in SIGNS else row.radius)
            for row in truth.lesions
        ]
        lesions = [(row.abnormality, row.pathology, row.x, row.y, row.radius) for row in study.lesions]
        assert lesions == (expected or [("NORM", "N", None, None, None)])


def test_info_and_metadata_hold_the_same_rows_and_the_sheet_starts_at_row_32(archive: Path) -> None:
    sheet = openpyxl.load_workbook(archive / "Metadata.xlsx")["Sheet1"]
    assert sheet.cell(32, 1).value == "IMG001"
    assert not any(str(sheet.cell(row, 1).value or "").startswith("IMG") for row in range(1, 32))
    table = pd.read_excel(archive / "Metadata.xlsx", sheet_name="Sheet1", header=None, skiprows=31, dtype=str)
    from_sheet = [[value for value in (row[0], *row[2:]) if not pd.isna(value)] for row in table.values.tolist()]
    assert from_sheet == info_rows(archive)


def test_a_radius_is_missing_where_the_extent_is_unknown_and_a_tissue_at_times() -> None:
    all_rows = [row for case in plan(600, seed=1, size=512) for row in rows(case.truth, 1)]
    assert 0.005 < sum(row[2] == "-" for row in all_rows) / len(all_rows) < 0.05
    assert any(row[3] == "MISC" and row[7] == "-" for row in all_rows)
    assert max(Counter(row[0] for row in all_rows).values()) >= 3


def test_the_same_arguments_give_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    for name, jobs in (("one", 1), ("two", 2)):
        write(tmp_path / name, studies=64, seed=9, size=64, dicom=True, jobs=jobs)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_another_seed_gives_other_images_and_reports(tmp_path: Path, archive: Path) -> None:
    write(tmp_path / "other", studies=STUDIES, seed=SEED + 1, size=SIZE, jobs=1)
    ours, theirs = hashes(archive), hashes(tmp_path / "other")
    images = [name for name in ours if name.startswith("TIFF") and name.endswith(".tif")]
    assert all(ours[name] != theirs[name] for name in images)
    assert ours["truth.jsonl"] != theirs["truth.jsonl"]


def test_a_longer_series_begins_with_the_shorter_one_and_is_what_write_writes(archive: Path) -> None:
    short = list(sample(6, seed=SEED, size=SIZE))
    truths = list(read_truth(archive).values())
    assert [truth for truth, _ in short] == truths[:6]
    for truth, pixels in short:
        stored = tifffile.imread(archive / f"TIFF Images/TIFF Images/{truth.id.upper()}.tif")
        assert stored.dtype == np.uint8
        assert stored.shape[2] in (3, 4)
        for channel in range(3):
            np.testing.assert_array_equal(stored[..., channel], pixels)


def test_images_are_rgb_or_rgba_of_the_aspect_of_the_release(archive: Path) -> None:
    shapes = Counter(tifffile.imread(path).shape for path in archive.glob("TIFF Images/TIFF Images/*.tif"))
    width = round(SIZE * 4750 / 6000)
    assert set(shapes) == {(SIZE, width, 3), (SIZE, width, 4)}
    assert shapes[SIZE, width, 3] > shapes[SIZE, width, 4]


def test_masks_cover_the_lesions_and_nothing_else(archive: Path) -> None:
    y, x = np.mgrid[:SIZE, : round(SIZE * 4750 / 6000)]
    for truth in read_truth(archive).values():
        lesions = [lesion for lesion in truth.lesions if lesion.kind not in SIGNS]
        path = archive / f"ROI Masks/ROI Masks/{truth.id.upper()}.tif"
        if not lesions:
            assert not path.exists()
            continue
        with tifffile.TiffFile(path) as file:
            assert file.pages[0].compression == tifffile.COMPRESSION.LZW
            mask = file.asarray()
        assert set(np.unique(mask)) == {0, 255}
        allowed = np.zeros(mask.shape, dtype=bool)
        for lesion in lesions:
            distance = np.hypot(x - lesion.x, y - lesion.y)
            assert mask[distance <= max(lesion.radius, 2)].any(), (truth.id, lesion.kind)
            allowed |= distance <= 1.4 * lesion.radius + 2
        assert not (mask > 127)[~allowed].any(), truth.id


def test_dicom_shows_what_the_tiff_shows(archive: Path) -> None:
    photometric, syntaxes = set(), set()
    for truth in read_truth(archive).values():
        data = pydicom.dcmread(archive / f"DICOM Images/DICOM Images/{truth.id.upper()}.dcm")
        assert (data.ViewPosition, data.ImageLaterality) == (truth.view, truth.laterality[0].upper())
        photometric.add(data.PhotometricInterpretation)
        syntaxes.add(data.file_meta.TransferSyntaxUID)
        values = data.pixel_array.astype(float) / 4095
        if data.PhotometricInterpretation == "MONOCHROME1":
            values = 1 - values
        grey = tifffile.imread(archive / f"TIFF Images/TIFF Images/{truth.id.upper()}.tif")[..., 0] / 255
        assert np.abs(values - grey).max() < 1 / 255
    assert photometric == {"MONOCHROME1", "MONOCHROME2"}
    assert len(syntaxes) == 2


def test_some_reports_have_windows_line_ends(archive: Path) -> None:
    contents = [path.read_bytes() for path in archive.glob("Reports/Reports/*.txt")]
    windows = [content for content in contents if b"\r\n" in content]
    assert 0 < len(windows) < STUDIES / 2
    assert all(content.count(b"\n") == content.count(b"\r\n") for content in windows)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/note.txt").write_text("keep")
    with pytest.raises(UserError, match="something here already"):
        write(tmp_path / "mine", studies=1, seed=0, size=64)
    assert (tmp_path / "mine/note.txt").read_text() == "keep"
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", studies=1, seed=0, size=64)
    assert (tmp_path / "empty/truth.jsonl").exists()


def test_a_broken_off_run_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        assert total == 5
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "archive", studies=5, seed=0, size=64, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("studies", "size", "dialect"), [(0, 64, "dmid"), (1, 63, "dmid"), (1, 64, "dimd")])
def test_arguments_out_of_range_are_refused(tmp_path: Path, studies: int, size: int, dialect: str) -> None:
    with pytest.raises(UserError):
        write(tmp_path / "archive", studies=studies, seed=0, size=size, dialect=dialect)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_truth_is_named_by_line(tmp_path: Path, archive: Path) -> None:
    with pytest.raises(UserError, match="amrg data phantom"):
        read_truth(tmp_path)
    good = (archive / "truth.jsonl").read_text().splitlines()[0]
    (tmp_path / "truth.jsonl").write_text(good + '\n{"id": "Img002"}\n')
    with pytest.raises(UserError, match="line 2"):
        read_truth(tmp_path)


@given(st.data())
def test_truth_survives_json(data: st.DataObject) -> None:
    lesion = st.builds(
        PhantomLesion,
        kind=st.sampled_from(KINDS),
        location=st.sampled_from(("upper", "lower", "central")),
        x=st.integers(0, 4000),
        y=st.integers(0, 4000),
        radius=st.integers(1, 900),
        pathology=st.sampled_from("BM"),
        birads=st.sampled_from(BIRADS_SCALE),
    )
    truth = PhantomTruth("Img001", 1, "MLO", "left", "B", "1", tuple(data.draw(st.lists(lesion, max_size=4))))
    assert PhantomTruth.from_dict(json.loads(json.dumps(truth.to_dict()))) == truth


def test_the_category_is_the_highest_of_what_is_visible_and_follows_from_kind_and_size() -> None:
    for case in plan(800, seed=2, size=1000):
        signs = bool(case.truth.kinds & set(SIGNS))
        expected = [category(row.kind, row.radius / 1000, signs) for row in case.truth.lesions]
        assert [row.birads for row in case.truth.lesions] == expected
        assert case.truth.birads == max(expected, key=BIRADS_SCALE.index, default="1")
        for row in case.truth.lesions:
            assert row.pathology == ("B" if row.birads < "4B" else row.pathology)
            if row.birads in ("4C", "5"):
                assert row.pathology == "M"


def test_shares_of_categories_and_densities_are_those_of_the_release() -> None:
    truths = [case.truth for case in plan(3000, seed=3, size=512)]
    birads = Counter(truth.birads[0] for truth in truths)
    density = Counter(truth.density for truth in truths)
    birads_shares = {"1": 209 / 510, "2": 25 / 510, "3": 121 / 510, "4": 135 / 510, "5": 19 / 510}
    density_shares = {"A": 79 / 510, "B": 203 / 510, "C": 186 / 510, "D": 40 / 510}
    for counts, shares in ((birads, birads_shares), (density, density_shares)):
        for name, share in shares.items():
            assert counts[name] / 3000 == pytest.approx(share, abs=0.06), name


def test_neighbours_share_density_as_in_the_release() -> None:
    letters = [case.truth.density for case in plan(3000, seed=5, size=512)]
    for distance, share in ((1, 0.67), (2, 0.47), (3, 0.37), (6, 0.30)):
        same = np.mean([a == b for a, b in zip(letters, letters[distance:], strict=False)])
        assert same == pytest.approx(share, abs=0.1), distance


def test_both_views_of_a_breast_show_the_same_findings_each_in_its_own_terms() -> None:
    breasts: dict[tuple[int, str], dict[str, PhantomTruth]] = {}
    for case in plan(1000, seed=6, size=512):
        breasts.setdefault((case.truth.patient, case.truth.laterality), {})[case.truth.view] = case.truth
    with_both_views = [views for views in breasts.values() if len(views) == 2]
    assert len(with_both_views) > 200
    for views in with_both_views:
        cc, mlo = views["CC"], views["MLO"]
        assert cc.kinds == mlo.kinds - {"axillary_node"}
        assert cc.density == mlo.density
        assert {row.location for row in cc.lesions} <= {"outer", "inner", "central"}
        assert {row.location for row in mlo.lesions} <= {"upper", "lower", "central"}
        for in_cc, in_mlo in zip(cc.lesions, (row for row in mlo.lesions if row.kind != "axillary_node"), strict=True):
            assert (in_cc.kind, in_cc.radius, in_cc.birads) == (in_mlo.kind, in_mlo.radius, in_mlo.birads)
            assert (in_cc.location == "central") == (in_mlo.location == "central")


def test_the_command_writes_a_folder_and_prints_its_counts(tmp_path: Path) -> None:
    app = Typer()
    app.command()(phantom)
    arguments = [str(tmp_path / "archive"), "--studies", "9", "--seed", "2", "--size", "64", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    truths = read_truth(tmp_path / "archive").values()
    assert summary["studies"] == len(truths) == 9
    assert summary["patients"] == len({truth.patient for truth in truths})
    assert sum(summary["birads"].values()) == sum(summary["density"].values()) == 9


def test_the_help_of_the_command_names_every_dialect() -> None:
    app = Typer()
    app.command()(phantom)
    output = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    assert all(dialect in output for dialect in DIALECTS)
    assert "Example: amrg data phantom" in output

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from known import known
from PIL import Image
from small_release import picture, report_text

from benchmark.data.dmid import Release, read
from benchmark.data.study import Lesion
from benchmark.errors import UserError
from benchmark.phantoms import write
from metrics.labels.birads import HIERARCHY


def reasons(release: Release, record: str | None = None) -> list[str]:
    return [f"{p.path}: {p.reason}" for p in release.problems if record in (None, p.record)]


def move(folder: Path, source: str, target: str) -> None:
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder / source, folder / target)


def test_figshares_layout(release: Callable[..., Path]) -> None:
    plain = read(release(6))
    assert [s.id for s in plain.studies] == [f"Img{i:03d}" for i in range(1, 7)]
    assert all(known(s.image).name == f"IMG{s.number:03d}.tif" for s in plain.studies)
    assert plain.problems == ()
    assert plain.reports_only == ()
    assert plain.summary_line() == "6 studies"


LAYOUTS = {
    "zips unpacked without nesting": [
        ("Reports/Reports", "Reports2"),
        ("TIFF Images/TIFF Images", "TIFF Images2"),
    ],
    "all in one folder below": [("Reports", "DMID/Reports"), ("TIFF Images", "DMID/TIFF Images")],
    "lower case": [("Reports/Reports", "reports/reports_"), ("TIFF Images/TIFF Images", "tiff images/tiff images_")],
    "nested thrice": [("Reports/Reports", "Reports/a/Reports"), ("TIFF Images/TIFF Images", "x/y/TIFF Images")],
}


@pytest.mark.parametrize("moves", LAYOUTS.values(), ids=LAYOUTS)
def test_other_layouts_read_alike(release: Callable[..., Path], tmp_path: Path, moves: list[tuple[str, str]]) -> None:
    plain = read(release(6))
    rearranged = release(6, folder=tmp_path / "other")
    for source, target in moves:
        move(rearranged, source, target)
    moved = read(rearranged)
    assert [(s.id, s.report, s.birads) for s in moved.studies] == [(s.id, s.report, s.birads) for s in plain.studies]
    assert moved.problems == ()
    assert moved.fingerprint == plain.fingerprint


@pytest.mark.parametrize("stem", ["img001", "Img001", "IMG001", "IMG1", "img_001", "IMG-1", "Img 001"])
def test_the_case_and_form_of_names(release: Callable[..., Path], stem: str) -> None:
    folder = release(2)
    move(folder, "TIFF Images/TIFF Images/IMG001.tif", f"TIFF Images/TIFF Images/{stem}.TIF")
    move(folder, "Reports/Reports/Img001.txt", f"Reports/Reports/{stem.swapcase()}.txt")
    assert [s.id for s in read(folder).studies] == ["Img001", "Img002"]


def test_windows_line_ends_marks_and_latin_1(release: Callable[..., Path]) -> None:
    folder = release(3)
    plain = read(folder).studies
    for study, content in zip(
        plain,
        (
            plain[0].report.replace("\n", "\r\n").encode(),
            b"\xef\xbb\xbf" + plain[1].report.encode(),
            plain[2].report.encode("utf-16"),
        ),
        strict=True,
    ):
        (folder / f"Reports/Reports/{study.id}.txt").write_bytes(content)
    assert read(folder).studies == plain
    (folder / "Reports/Reports/Img001.txt").write_bytes(
        report_text(findings="opacity of 5 mm \xb1 1").encode("latin-1")
    )
    assert "±" in read(folder).studies[0].report


def test_what_the_report_says(release: Callable[..., Path]) -> None:
    folder = release(2)
    text = report_text("C", "3 and 4a", "opacity (BIRADS 3), another (BIRADS-4a)")
    (folder / "Reports/Reports/Img001.txt").write_text(text)
    study = read(folder).studies[0]
    assert (study.density, study.birads, study.highest_birads) == ("C", ("3", "4A"), "4A")


HEADERS = ["Breast Composition:", "BREAST COMPOSITION:", "Brest Composition:", "mBreast Composition: "]
FINDINGS = ["Findings:", "FINDINGS:", "Finidngs:", "Fundings: ", ""]
CATEGORIES = ["0", "1", "2", "3", "4a", "4b", "4c", "5"]  # a bare 4 beside 4a is the same statement


@given(
    st.sampled_from(HEADERS),
    st.sampled_from(FINDINGS),
    st.sampled_from("ABCD"),
    st.sampled_from(["(ACR {})", "(ACR-{})", "(ACR {} )", "(ACR {})."]),
    st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=2, unique=True),
    st.sampled_from([", ", ",", " and "]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16"]),
)
@settings(deadline=None)
def test_both_templates_in_every_spelling_give_what_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    header: str,
    findings: str,
    letter: str,
    density: str,
    categories: list[str],
    separator: str,
    last: bool,
    newline: str,
    encoding: str,
) -> None:
    category = f"BIRADS: {separator.join(categories)}"
    body = f"{findings} soft opacity suggests a lesion (BIRADS {categories[0]})"
    parts = [
        f"{header} fibro fatty parenchyma {density.format(letter)}",
        *([body, category] if last else [category, body]),
    ]
    folder = tmp_path_factory.mktemp("reports")
    (folder / "Img001.txt").write_bytes((newline * 2).join(parts).encode(encoding))
    study = read(folder, reports_only=True).reports_only[0]
    assert study.report == "\n\n".join(parts).strip()
    assert study.density == letter
    assert study.birads == tuple(c.upper() for c in categories)
    assert study.highest_birads == max((c.upper() for c in categories), key=HIERARCHY.index)


def test_linked_folders_are_followed_and_links_to_nowhere_are_told(
    release: Callable[..., Path], tmp_path: Path
) -> None:
    folder = release(3)
    elsewhere = tmp_path / "disk"
    move(folder, "TIFF Images", "../disk")
    (folder / "TIFF Images").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(folder)
    assert len(read(folder).studies) == 3
    gone = elsewhere / "TIFF Images/IMG002.tif"
    gone.unlink()
    gone.symlink_to(tmp_path / "nothing")
    contents = read(folder)
    assert [s.id for s in contents.studies] == ["Img001", "Img003"]
    assert [(p.record, p.fatal) for p in contents.problems] == [("Img002", True)]


def test_an_image_that_vanished_is_named_by_the_fingerprint(release: Callable[..., Path]) -> None:
    folder = release(3)
    contents = read(folder)
    known(contents.studies[1].image).unlink()
    with pytest.raises(UserError, match=r"IMG002\.tif"):
        _ = contents.fingerprint


def test_index_and_sheet_are_brought_together(release: Callable[..., Path]) -> None:
    import pandas as pd

    folder = release(3)
    (folder / "TIFF Images/TIFF Images/Info.txt").write_text("IMG001 G CIRC B 1 2 3\nIMG002 - NORM N\nIMG077 F NORM\n")
    rows = [
        ["legend", "CC or MLO"],
        ["IMG001", "MLO left", "G", "CIRC", "B", 1, 2, 3],
        ["IMG002", "CC right", "F", "NORM", "N"],
    ]
    pd.DataFrame([*rows, ["IMG003", "CC left", "D", "SPIC", "M", 4, 5, "-"]]).to_excel(
        folder / "Metadata.xlsx", header=False, index=False
    )
    contents = read(folder)
    first, second, third = contents.studies
    assert (first.view, first.laterality, first.tissue, first.lesions) == (
        "MLO",
        "left",
        "G",
        (Lesion("CIRC", "B", 1, 2, 3),),
    )
    assert (second.view, second.tissue) == ("CC", "F")
    assert third.lesions == (Lesion("SPIC", "M", 4, 5, None),)
    assert reasons(contents) == ["TIFF Images/TIFF Images/Info.txt: describes an image that is not here"]


def test_files_that_disagree_are_named(release: Callable[..., Path]) -> None:
    import pandas as pd

    folder = release(2)
    (folder / "Info.txt").write_text("IMG001 G CIRC B 1 2 3\n")
    pd.DataFrame([["IMG001", "CC left", "G", "CIRC", "B", 9, 9, 9]]).to_excel(
        folder / "Metadata.xlsx", header=False, index=False
    )
    assert any("not those of Metadata.xlsx" in r for r in reasons(read(folder), "Img001"))


def test_tiff_is_preferred_and_dicom_alone_is_enough(release: Callable[..., Path]) -> None:
    folder = release(3)
    Image.fromarray(picture(1)).save(folder / "TIFF Images/TIFF Images/IMG001.png")
    (folder / "DICOM Images").mkdir()
    (folder / "DICOM Images/IMG002.dcm").write_bytes(b"\0" * 128 + b"DICM")
    move(folder, "TIFF Images/TIFF Images/IMG003.tif", "aside")
    (folder / "DICOM Images/IMG003.dcm").write_bytes(b"\0" * 128 + b"DICM")
    (folder / "aside").unlink()
    contents = read(folder)
    assert [known(s.image).suffix for s in contents.studies] == [".tif", ".tif", ".dcm"]
    assert contents.problems == ()
    assert Counter(p.suffix for p in contents.unused_images) == {".png": 1, ".dcm": 1}


def test_masks_and_annotations_are_no_images(release: Callable[..., Path]) -> None:
    folder = release(2)
    for name in ("ROI Masks/ROI Masks", "Pixel-level annotation/Pixel-level annotation"):
        (folder / name).mkdir(parents=True)
        tifffile.imwrite(folder / name / "IMG001.tif", np.zeros((4, 4), np.uint8))
    contents = read(folder)
    assert list(contents.masks) == ["Img001"]
    assert known(contents.studies[0].image).parent.name == "TIFF Images"
    assert contents.problems == ()


def test_orphans_copies_strangers_and_archives_are_told_and_left_out(release: Callable[..., Path]) -> None:
    folder = release(3)
    (folder / "Reports/Reports/Img002.txt").unlink()
    (folder / "TIFF Images/TIFF Images/IMG003.tif").unlink()
    shutil.copy(folder / "TIFF Images/TIFF Images/IMG001.tif", folder / "TIFF Images/TIFF Images/IMG001 (1).tif")
    (folder / "Masks.zip").write_bytes(b"PK")
    (folder / "holiday.docx").write_bytes(b"x")
    (folder / "README.md").write_text("about")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX/Img009.txt").write_text("x")
    contents = read(folder)
    assert [s.id for s in contents.studies] == ["Img001"]
    assert [s.id for s in contents.reports_only] == ["Img003"]
    text = "\n".join(reasons(contents))
    for part in (
        "IMG001 (1).tif: looks like a copy",
        "IMG002.tif: an image without a report",
        "Masks.zip: is still packed",
        "holiday.docx: belongs to nothing",
    ):
        assert part in text
    assert len(contents.problems) == 4
    assert contents.summary_line().startswith(
        "1 study; 1 report without an image left out; 1 image without a usable report"
    )


def test_the_same_id_twice(release: Callable[..., Path]) -> None:
    folder = release(4)
    again = folder / "again"
    again.mkdir()
    shutil.copy(folder / "Reports/Reports/Img001.txt", again / "img001.txt")
    (again / "img002.txt").write_text("another text (ACR A) BIRADS: 2")
    shutil.copy(folder / "TIFF Images/TIFF Images/IMG003.tif", again / "IMG003.tif")
    tifffile.imwrite(again / "IMG004.tif", picture(99))
    contents = read(folder)
    assert [s.id for s in contents.studies] == ["Img001", "Img003", "Img004"]
    assert "twice" in reasons(contents, "Img001")[0]
    assert [p.fatal for p in contents.problems if p.record == "Img002"] == [True]
    assert "the same image is here twice" in reasons(contents, "Img003")[0]
    assert "another image of the same id" in reasons(contents, "Img004")[0]


def test_damaged_files_are_all_named_and_stop_nothing(release: Callable[..., Path]) -> None:
    folder = release(8)
    reports, images = folder / "Reports/Reports", folder / "TIFF Images/TIFF Images"
    (reports / "Img001.txt").write_bytes(b"")
    (reports / "Img002.txt").write_bytes(b"\0\1\2" * 10)
    (reports / "Img003.txt").write_text(" \n\n ")
    (images / "IMG004.tif").write_bytes(b"")
    (folder / "Metadata.xlsx").write_bytes(b"no workbook")
    (folder / "Info.txt").write_text("IMG005 G LUMP\nIMG006 F NORM N\n")
    contents = read(folder)
    assert [s.id for s in contents.studies] == ["Img005", "Img006", "Img007", "Img008"]
    assert {p.record for p in contents.problems if p.fatal} == {"Img001", "Img002", "Img003", "Img004"}
    assert {p.path for p in contents.problems if not p.fatal} == {"Metadata.xlsx", "Info.txt"}
    assert "4 records unusable" in contents.summary_line()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "gone", "does not exist"),
        (lambda p: (p / "f").write_text("x") and p / "f", "is a file"),
        (lambda p: p, "found nothing"),
        (lambda p: (p / "Reports.zip").write_bytes(b"PK") and p, "1 archive still packed.*Unpack"),
        (lambda p: (p / "table.csv").write_text("a") and p, "1 other file"),
    ],
    ids=["missing", "file", "empty", "zips", "another data set"],
)
def test_what_is_no_dmid_says_what_was_looked_for_and_found(
    tmp_path: Path, make: Callable[..., Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read(make(tmp_path))
    assert "Reports/Reports/Img001.txt" in str(caught.value)
    assert caught.value.exit_code == 2


def test_reports_alone_must_be_asked_for(release: Callable[..., Path]) -> None:
    folder = release(4, images=False)
    with pytest.raises(UserError, match=r"found 4 reports.*--reports-only"):
        read(folder)
    contents = read(folder, reports_only=True)
    assert len(contents.reports_only) == len(contents.reports) == 4
    assert contents.studies == ()


def test_no_report_is_quoted_in_a_message(release: Callable[..., Path]) -> None:
    folder = release(1)
    (folder / "Reports/Reports/Img001.txt").write_bytes(b"Mrs Secret\0")
    with pytest.raises(UserError) as caught:
        read(folder)
    assert "Secret" not in str(caught.value)


def test_the_fingerprint_is_of_the_content(release: Callable[..., Path], tmp_path: Path) -> None:
    first = read(release(4)).fingerprint
    copy = shutil.copytree(tmp_path / "dmid", tmp_path / "elsewhere" / "copy")
    assert read(copy).fingerprint == first
    (copy / "README.txt.md").write_text("x")
    assert read(copy).fingerprint == first
    changed = copy / "TIFF Images/TIFF Images/IMG002.tif"
    content = changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert read(copy).fingerprint != first
    changed.write_bytes(content)
    assert read(copy).fingerprint == first
    (copy / "Reports/Reports/Img003.txt").write_text(report_text(findings="other words"))
    assert read(copy).fingerprint != first


def test_phantoms_are_read_from_dicom_alone_as_from_tiff(tmp_path: Path) -> None:
    folder = tmp_path / "phantoms"
    write.write(folder, studies=24, seed=3, size=128, dicom=True, jobs=1)
    from_tiff = read(folder)
    shutil.rmtree(folder / "TIFF Images/TIFF Images")
    from_dicom = read(folder)
    assert [known(s.image).suffix for s in from_dicom.studies] == [".dcm"] * 24
    assert [(s.id, s.report, s.view) for s in from_dicom.studies] == [
        (s.id, s.report, s.view) for s in from_tiff.studies
    ]


def test_dmid_itself(dmid: Path) -> None:
    contents = read(dmid)
    images = sum(1 for path in (dmid / "TIFF Images").rglob("*") if path.is_file())
    assert 0 < len(contents.studies) <= images
    assert len(contents.reports) == 510
    assert contents.problems == ()
    without = f"; {510 - len(contents.studies)} reports without an image left out"
    assert contents.summary_line() == f"{len(contents.studies)} studies{without if len(contents.studies) < 510 else ''}"

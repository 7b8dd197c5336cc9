import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from small_release import picture, report_text

from benchmark.data.check import Check, check


def reasons_of(checked: Check, record: str | None) -> list[str]:
    return [p.reason for p in checked.problems if p.record == record]


def test_a_sound_folder_has_no_problems(release: Callable[..., Path]) -> None:
    checked = check(release(6), jobs=1)
    assert checked.problems == ()
    counts = checked.counts().model_dump(mode="json")
    assert (counts["reports"], counts["images"], counts["complete"], counts["usable"]) == (6, 6, 6, True)
    assert counts["density"] == {"A": 1, "B": 2, "C": 2, "D": 1}
    assert sum(counts["birads_highest"].values()) == 6


def test_every_problem_of_a_damaged_folder_is_named_and_none_is_fatal_to_the_rest(release: Callable[..., Path]) -> None:
    folder = release(20)
    reports, images = folder / "Reports/Reports", folder / "TIFF Images/TIFF Images"
    tifffile.imwrite(images / "IMG001.tif", np.random.default_rng(0).integers(0, 255, (90, 90), dtype=np.uint8))
    content = (images / "IMG001.tif").read_bytes()
    (images / "IMG001.tif").write_bytes(content[: len(content) // 2])
    (images / "IMG002.tif").write_bytes(b"no image")
    tifffile.imwrite(images / "IMG003.tif", np.full((30, 20), 7, np.uint8))
    shutil.copy(images / "IMG004.tif", images / "IMG005.tif")
    (images / "IMG006.tif").unlink()
    (reports / "Img007.txt").unlink()
    (reports / "Img008.txt").write_text(report_text(birads="3", findings="opacity (BIRADS 4b)"))
    (reports / "Img009.txt").write_text("Findings: nothing at all")
    (reports / "Img010.txt").write_text((reports / "Img011.txt").read_text().upper().replace("\n", " \r\n"))
    (reports / "Img012.txt").write_bytes(b"")
    (folder / "Info.txt").write_text(
        "IMG013 G CIRC B 500 500 9\nIMG014 F NORM N\nIMG014 F CALC B 1 1 1\nIMG015 F WHAT\n"
    )
    (folder / "ROI Masks").mkdir()
    tifffile.imwrite(folder / "ROI Masks/IMG006.tif", picture())
    (folder / "DICOM Images").mkdir()
    (folder / "DICOM Images/IMG016.dcm").write_bytes(b"\0" * 128 + b"DICM")
    (folder / "stranger.bin").write_bytes(b"x")

    checked = check(folder, jobs=1)

    assert "truncated" in reasons_of(checked, "Img001")[0]
    assert "not a TIFF" in reasons_of(checked, "Img002")[0]
    assert "blank" in reasons_of(checked, "Img003")[0]
    assert reasons_of(checked, "Img004") == ["the same image as Img005"]
    assert reasons_of(checked, "Img006") == ["a report without an image", "a mask without an image"]
    assert reasons_of(checked, "Img007") == ["an image without a report"]
    assert reasons_of(checked, "Img008") == ["its header says BI-RADS 3, its body also 4B"]
    assert reasons_of(checked, "Img009") == ["states no BI-RADS category", "states no density letter"]
    assert reasons_of(checked, "Img010") == ["the same text as Img011"]
    assert reasons_of(checked, "Img012") == ["the report is empty"]
    assert "(500, 500) lies outside its image of 30 × 40" in reasons_of(checked, "Img013")[0]
    assert "NORM and name lesions" in reasons_of(checked, "Img014")[0]
    assert "no abnormality" in reasons_of(checked, "Img015")[0]
    assert len(reasons_of(checked, "Img016")) == 1
    assert [p.path for p in checked.problems if p.record is None] == ["stranger.bin"]
    assert {p.record for p in checked.problems if p.fatal} == {"Img001", "Img002", "Img012"}
    assert len(checked.problems) == 17
    assert checked.usable
    unusable = {1, 2, 6, 7, 12}
    assert [s.number for s in checked.complete] == [i for i in range(1, 21) if i not in unusable]
    assert all((folder / p.path).exists() for p in checked.problems)


def test_a_bare_4_agrees_with_its_letters(release: Callable[..., Path]) -> None:
    folder = release(2)
    for header, body in (("4", "4a"), ("4a", "4")):
        (folder / "Reports/Reports/Img001.txt").write_text(report_text(birads=header, findings=f"x (BIRADS {body})"))
        assert reasons_of(check(folder, jobs=1), "Img001") == []


def test_a_folder_without_a_sound_image_is_not_usable(release: Callable[..., Path]) -> None:
    folder = release(2)
    for path in (folder / "TIFF Images/TIFF Images").iterdir():
        path.write_bytes(b"II*\0")
    checked = check(folder, jobs=1)
    assert not checked.usable
    assert sum(p.fatal for p in checked.problems) == 2


def test_without_decoding_images_are_trusted(release: Callable[..., Path]) -> None:
    folder = release(2)
    for path in (folder / "TIFF Images/TIFF Images").iterdir():
        path.write_bytes(b"II*\0")
    assert check(folder, decode_images=False).usable


def test_progress_and_two_processes(release: Callable[..., Path]) -> None:
    calls = []
    checked = check(release(4), jobs=2, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert checked.problems == ()


def test_the_figures_of_dmid(dmid: Path) -> None:
    counts = check(dmid, jobs=1).counts().model_dump(mode="json")
    expected = {
        "reports": 510,
        "birads_highest": {"0": 1, "1": 209, "2": 25, "3": 121, "4": 135, "5": 19},
        "density": {"A": 79, "B": 203, "C": 186, "D": 40, "none": 2},
        "distinct_reports": 435,
        "multiple_categories": 20,
    }
    assert {key: counts[key] for key in expected} == expected
    assert round(counts["report_words"]["mean"], 1) == 38.9
    assert (counts["report_words"]["min"], counts["report_words"]["max"]) == (22, 86)
    assert not any(p["fatal"] for p in counts["problems"])

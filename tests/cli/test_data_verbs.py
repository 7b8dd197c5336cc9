import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tifffile
from typer.testing import CliRunner, Result

from benchmark.cli.verbs import app
from benchmark.phantoms import write


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "phantoms"
    write.write(folder, studies=24, seed=2, size=96, jobs=1)
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def amrg(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from benchmark.cli import main; main()", "data", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})


def test_check_prints_only_json_with_its_counts(phantoms: Path) -> None:
    result = run("check", phantoms, "--json", "--jobs", 1)
    assert result.exit_code == 0
    counts = json.loads(result.stdout)
    assert (counts["reports"], counts["images"], counts["complete"]) == (24, 24, 24)


def test_check_shows_problems_and_counts(phantoms: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(phantoms, tmp_path / "broken")
    (folder / "TIFF Images/TIFF Images/IMG003.tif").write_bytes(b"[red]no image")
    for i in range(4, 14):
        (folder / f"TIFF Images/TIFF Images/IMG{i:03d}.tif").unlink()
    result = amrg("check", folder, "--jobs", "1")
    assert result.returncode == 0
    assert "IMG003.tif" in result.stdout
    assert "and 5 more like these" in result.stdout
    assert "13 complete studies can be used" in result.stdout


def test_check_exits_2_when_nothing_can_be_used(phantoms: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(phantoms, tmp_path / "broken")
    for path in (folder / "TIFF Images/TIFF Images").glob("*.tif"):
        path.write_bytes(b"II*\0")
    assert run("check", folder, "--json", "--jobs", 1).exit_code == 2
    result = amrg("check", tmp_path / "nowhere")
    assert result.returncode == 2
    assert "does not exist" in result.stderr
    assert "Traceback" not in result.stderr


def test_split_prints_ids_and_leakage_and_saves_what_it_reads_again(phantoms: Path, tmp_path: Path) -> None:
    result = run("split", phantoms, "--split", "random", "--seed", 4, "--save", tmp_path / "s.json", "--json")
    assert result.exit_code == 0
    parts = json.loads(result.stdout)
    assert len(parts["train"]) + len(parts["validation"]) + len(parts["test"]) == 24
    assert {"verbatim_in_train", "near_verbatim_in_train", "neighbour_in_train", "rouge_l_of_neighbour"} <= set(
        parts["leakage"]
    )
    again = json.loads(run("split", phantoms, "--split", tmp_path / "s.json", "--json").stdout)
    assert {k: again[k] for k in ("train", "validation", "test", "blocks", "fingerprint")} == {
        k: parts[k] for k in ("train", "validation", "test", "blocks", "fingerprint")
    }


def test_split_shows_tables(phantoms: Path) -> None:
    result = amrg("split", phantoms)
    assert result.returncode == 0, result.stderr
    assert "blocked split, seed 0" in result.stdout
    assert "test images with a part of their block in train" in result.stdout


def test_split_names_the_nearest_rule(phantoms: Path) -> None:
    result = amrg("split", phantoms, "--split", "sequentiel")
    assert result.returncode == 2
    assert "'sequential'" in result.stderr


def test_split_by_reports_alone(tmp_path: Path) -> None:
    (tmp_path / "Reports").mkdir()
    for i in range(1, 13):
        (tmp_path / f"Reports/Img{i:03d}.txt").write_text(f"(ACR {'ABCD'[i % 4]}) BIRADS: {i % 5 + 1} words {i}")
    assert amrg("split", tmp_path).returncode == 2
    result = run("split", tmp_path, "--reports-only", "--split", "sequential", "--json")
    assert json.loads(result.stdout)["test"] == ["Img012"]


def test_check_and_split_of_dmid(dmid: Path) -> None:
    checked = run("check", dmid, "--json", "--no-decode")
    assert checked.exit_code == 0
    counts = json.loads(checked.stdout)
    assert (counts["reports"], counts["distinct_reports"]) == (510, 435)
    assert 0 < counts["complete"] == counts["images"] <= 510
    parted = json.loads(amrg("split", dmid, "--split", "sequential", "--reports-only", "--json").stdout)
    assert (len(parted["train"]), len(parted["validation"]), len(parted["test"])) == (407, 51, 52)
    assert parted["leakage"]["verbatim_in_train"] == 3


def test_download_through_the_command_line_names_an_unreachable_server(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = amrg("download", tmp_path / "file")
    assert result.returncode == 2
    assert "is a file" in result.stderr


def test_phantom_is_one_of_the_verbs(tmp_path: Path) -> None:
    assert run("phantom", tmp_path / "p", "--studies", 4, "--size", 64, "--jobs", 1, "--json").exit_code == 0
    assert tifffile.imread(tmp_path / "p/TIFF Images/TIFF Images/IMG001.tif").shape[0] == 64

"""A sweep with nothing to do says so from digests, without torch; and whatever has changed, it looks again."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from known import known

from benchmark.pages import nothing_to_do as finished
from benchmark.pages.nothing_to_do import finished_sweep
from benchmark.suites.load import load_suite

SUITE = """\
name: tiny
title: A tiny suite on a miniature that comes with the project
data: {source: phantom, studies: 24, seed: 3, size: 96}
image: {size: 112}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2, 4], alpha: [8], seed: [0]}
protocol: {steps: 4, batch_size: 4, learning_rate: 5.0e-3, warmup_steps: 1, max_new_tokens: 24}
primary_metric: rouge_l
"""
SCRIPT = """
import sys
from benchmark.cli import main
from benchmark.pages import nothing_to_do
nothing_to_do.code_version = lambda: "a version"  # whether or not files of this checkout were changed
sys.argv = ["amrg", "sweep", "tiny.yaml"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = "torch transformers peft bitsandbytes matplotlib sklearn pandas scipy.stats scipy.ndimage nltk pydicom tifffile"
print("imported:", sorted(set(heavy.split()) & set(sys.modules)))
light = "numpy scipy PIL openpyxl metrics.labels.labeler"
print("read with:", sorted(set(light.split()) & set(sys.modules)))
"""


def amrg(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"AMRG_CACHE_DIR": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=True)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept")
    (folder / "tiny.yaml").write_text(SUITE)
    amrg(folder, "-m", "benchmark", "sweep", "tiny.yaml")
    return folder


@pytest.fixture
def copy(swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The swept folder, to spoil; its files are those of a sweep that nothing happened to since."""
    folder = Path(shutil.copytree(swept, tmp_path / "copy"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setattr("benchmark.pages.nothing_to_do.code_version", lambda: "a version")
    return folder


def nothing_to_do() -> bool:
    places = {"results": Path("results"), "leaderboards": Path("leaderboards")}
    end = finished_sweep(load_suite("tiny.yaml"), data=None, named="tiny.yaml", **places)
    return end is not None


def written(folder: Path) -> dict[Path, int]:
    """When each file was written, but what is remembered of files' hashes."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("content-hashes"))
    return {path: path.stat().st_mtime_ns for path in files}


def test_nothing_to_do_is_told_without_torch_and_nothing_is_written(swept: Path) -> None:
    before = written(swept)
    done = amrg(swept, "-c", SCRIPT)
    assert "0 trials run, 2 were done already" in done.stdout
    assert "medgemma-4b-it (miniature)" in done.stdout
    assert "leaderboards/tiny/README.md" in done.stdout
    assert "the leaderboard is current" in done.stderr
    assert done.stdout.splitlines()[-2] == "imported: []"
    assert written(swept) == before
    # The phantoms have been read by now, and are known by their digests.
    assert amrg(swept, "-c", SCRIPT).stdout.splitlines()[-2:] == ["imported: []", "read with: []"]


def test_nothing_that_is_stored_holds_a_path_of_the_machine(swept: Path) -> None:
    paths = [os.fsencode(path) for path in (swept, swept.resolve(), Path(__file__).parents[2], Path(sys.prefix))]
    files = [path for part in ("results", "leaderboards") for path in (swept / part).rglob("*") if path.is_file()]
    assert len(files) > 30
    assert [str(file) for file in files if any(path in file.read_bytes() for path in paths)] == []


def test_what_was_found_out_of_phantoms_once_is_not_read_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("the data are read again")

    assert nothing_to_do()
    monkeypatch.setattr("benchmark.data.records.read_records", read)
    assert nothing_to_do()
    edit(copy / "tiny.yaml", "A tiny", "Another tiny")
    with pytest.raises(AssertionError, match="read again"):
        nothing_to_do()


def test_code_that_no_version_names_is_asked_each_time(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    planned = finished._planned_as_recorded

    def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return planned(*arguments)

    monkeypatch.setattr(finished, "_planned_as_recorded", counted)
    monkeypatch.setattr(finished, "code_version", lambda: None)
    assert [nothing_to_do() for _ in range(2)] == [True, True]
    assert len(asked) == 2
    monkeypatch.setattr(finished, "code_version", lambda: "a version never met")
    assert [nothing_to_do() for _ in range(2)] == [True, True]
    assert len(asked) == 3


def trial(folder: Path) -> Path:
    record = json.loads((folder / "results/suites/tiny.json").read_text())
    return folder / "results" / next(iter(record["trials"]))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


CHANGES: dict[str, Callable[[Path], object]] = {
    "the suite asks for more": lambda f: edit(f / "tiny.yaml", "rank: [2, 4]", "rank: [2, 4, 8]"),
    "the suite asks for less": lambda f: edit(f / "tiny.yaml", "rank: [2, 4]", "rank: [2]"),
    "the suite's title": lambda f: edit(f / "tiny.yaml", "A tiny", "Another tiny"),
    "the protocol": lambda f: edit(f / "tiny.yaml", "steps: 4,", "steps: 5,"),
    "a trial is gone": lambda f: shutil.rmtree(trial(f)),
    "a trial isn't done": lambda f: (trial(f) / "trial.json").unlink(),
    "a trial's scores": lambda f: edit(trial(f) / "scores.json", "0.", "0.1"),
    "a trial's predictions": lambda f: edit(trial(f) / "predictions.jsonl", '"prediction": "', '"prediction": "x'),
    "a trial's losses": lambda f: (trial(f) / "losses.csv").open("a").write("9,9,9,9\n"),
    "a trial's adapter": lambda f: (trial(f) / "adapter/adapter_model.safetensors").unlink(),
    "the record": lambda f: edit(f / "results/suites/tiny.json", "make sweep", "make  sweep"),
    "the reports": lambda f: edit(f / "results/suites/tiny/references.jsonl", '"report": "', '"report": "x'),
    "the record of the leaderboard": lambda f: (f / "results/suites/tiny/leaderboard.json").write_text("{}"),
    "a record of another schema": lambda f: edit(
        f / "results/suites/tiny/leaderboard.json", '"schema_version": 1', '"schema_version": 0'
    ),
    "a document": lambda f: (f / "leaderboards/tiny/README.md").open("a").write("more\n"),
    "a figure is gone": lambda f: next((f / "leaderboards/tiny/figures").iterdir()).unlink(),
    "a card too many": lambda f: (f / "leaderboards/tiny/model-cards/old.md").write_text("old"),
    "no leaderboard": lambda f: shutil.rmtree(f / "leaderboards"),
    "no phantoms": lambda f: shutil.rmtree(f / "cache/phantoms"),
    "a report of the data": lambda f: edit(next((f / "cache/phantoms").rglob("Reports/*.txt")), "B", "C"),
    "the metadata of the data": lambda f: next((f / "cache/phantoms").rglob("Metadata.xlsx")).unlink(),
    "an image of the data": lambda f: next((f / "cache/phantoms").rglob("TIFF Images/*.tif")).open("ab").write(b"\0"),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_whatever_has_changed_is_looked_at_again(copy: Path, change: str) -> None:
    assert nothing_to_do()
    CHANGES[change](copy)
    assert not nothing_to_do()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("benchmark.pages.digests.SCHEMA", 99),
        ("benchmark.pages.digests.DOCUMENTS", 99),
        ("metrics.labels.version.LABELER", "99"),
        ("benchmark.phantoms.places.PHANTOMS", 99),
        ("benchmark.forms.suite.SCHEMA", 99),
        ("benchmark.sweep.SPLITS", 99),
        ("benchmark.pages.digests.versions", lambda: {"torch": "another"}),
    ],
)
def test_another_version_of_anything_is_looked_at_again(
    copy: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    assert nothing_to_do()
    monkeypatch.setattr(name, value)
    # Another version stands in other code.
    monkeypatch.setattr("benchmark.pages.nothing_to_do.code_version", lambda: "another version")
    assert not nothing_to_do()


def test_another_checkpoint_is_looked_at_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backbones.checkpoint import shipped

    other = Path(shutil.copytree(known(shipped("medgemma-4b-it")), copy / "other"))
    monkeypatch.setattr("backbones.checkpoint.shipped", lambda name: other)
    assert nothing_to_do()  # another place, the same weights
    edit(other / "config.json", "{", "{ ")
    assert not nothing_to_do()


def test_another_committed_leaderboard_is_looked_at_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert nothing_to_do()
    monkeypatch.setattr("benchmark.board.earlier._committed", lambda folder, suite: "{}")
    assert not nothing_to_do()


def test_phantoms_have_no_use_for_a_folder_and_a_sweep_says_so(copy: Path) -> None:
    suite, results, leaderboards = load_suite("tiny.yaml"), Path("results"), Path("leaderboards")
    assert finished_sweep(suite, data=Path("cache"), results=results, leaderboards=leaderboards) is None

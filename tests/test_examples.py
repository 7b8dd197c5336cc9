"""The examples run as their README says, on nothing but what comes with the project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.phantoms.write import write
from benchmark.tuning.infer import find_trial, write_reports

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


def run(script: str, *arguments: str | Path) -> str:
    """Return what a script prints, started as a user starts it, from this checkout."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_and_described() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py")}
    assert scripts == {"run_suite.py", "score_file.py", "load_adapter.py"}, "test the new one below"
    described = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"({script})" in described for script in scripts)


@pytest.mark.slow
def test_a_suite_is_run_and_its_adapter_writes_a_report(tmp_path: Path, one_thread: None) -> None:
    results = tmp_path / "results"
    printed = run("run_suite.py", "smoke", results)
    assert printed.count("medgemma-4b-it (miniature), rank ") == 2
    trial = find_trial(results, next(path.parent.name for path in results.glob("*/adapter")))
    write(tmp_path / "phantoms", studies=1, seed=3, size=96)
    [image] = (tmp_path / "phantoms" / "TIFF Images").rglob("*.tif")
    [expected] = write_reports(trial, [image], device="cpu")
    assert run("load_adapter.py", trial.path, image) == f"{expected.text}\n"


def test_a_file_is_scored(tmp_path: Path) -> None:
    assert "birads_exact 0.667" in run("score_file.py")  # 8 of 12
    right = tmp_path / "right.jsonl"
    references = (EXAMPLES / "references.jsonl").read_text(encoding="utf-8")
    right.write_text(references.replace('"report"', '"prediction"'), encoding="utf-8")
    assert "birads_exact 1.000" in run("score_file.py", right, EXAMPLES / "references.jsonl")

"""Everything that `amrg gpu-check` does on a GPU, done on a processor at reduced size."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from known import known
from published_families import FAMILIES
from published_folders import write_folder
from rich.console import Console
from typer.testing import CliRunner

from benchmark.cli.verbs import app
from benchmark.errors import UserError
from benchmark.gpu_check import run
from benchmark.gpu_check.found import Found
from benchmark.gpu_check.model import Difference, Finding, GpuCheck, MemoryUse
from benchmark.gpu_check.parity import unlike_masks
from benchmark.gpu_check.run import Wanted
from benchmark.gpu_check.subject import Subject
from benchmark.gpu_check.table import show
from benchmark.results.store import read_model
from benchmark.tuning import compilation

ALL = ["load", *run.CHECKS]
every = run.parts


@pytest.mark.slow
def test_every_check_runs_at_reduced_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_compile = [part for part in every(("qwen2.5-vl-3b",)) if "compile" not in part.checks]
    monkeypatch.setattr(run, "parts", lambda names: without_compile)
    out, said = tmp_path / "gpu-check.json", list[Finding]()
    result = run.run(Wanted("cpu", True, 1000.0, out, ("qwen2.5-vl-3b",)), said.append)
    assert result == read_model(out, GpuCheck)
    assert result.complete
    assert list(result.findings) == said
    ended = {f"{f.check}, {f.quantization or f.dtype}": f for f in said}
    failed = {name: finding.reason for name, finding in ended.items() if finding.ended == "failed"}
    assert failed == {}
    assert {finding.check for finding in said} == {*ALL} - {"compile"}
    assert {name for name, finding in ended.items() if finding.ended == "skipped"} == {"kernels, bfloat16"}
    widened = {d.what: d.value for d in ended["parity, float32"].differences}
    assert known(widened["loss, first step"]) < 1e-5
    assert widened["texts"] == 0
    assert [use.stage for use in ended["memory, bfloat16"].memory] == ["image features", "training", "writing"]
    assert "2 trials, then 1 at a time" in ended["out of memory, bfloat16"].note
    speeds = ended["speed, bfloat16"].speeds
    assert [(speed.contender, speed.trials) for speed in speeds] == [("A", 1), ("C", 1), ("D", 1), ("D", 2)]
    assert all(speed.steps_per_second > 0 and speed.reports_per_second for speed in speeds)
    console = Console(record=True, width=200)
    show(result, console)
    assert "D, all logits held" in console.export_text()


@pytest.mark.slow
def test_a_folder_of_a_checkpoint_is_checked_as_plugins_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    folder = str(write_folder(FAMILIES["internvl"], tmp_path / "internvl"))
    short = [run.Part(folder, None, ("parity", "memory"), widened=("parity",))]
    monkeypatch.setattr(run, "parts", lambda names: short)
    result = run.run(Wanted("cpu", True, 1000.0, tmp_path / "gpu-check.json", (folder,)), lambda _: None)
    assert [(finding.check, finding.ended, finding.reason) for finding in result.findings] == [
        ("load", "passed", ""), ("parity", "passed", ""), ("memory", "passed", ""), ("parity", "passed", ""),
    ]  # fmt: skip


def test_what_has_to_be_stated_first_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    folder = str(write_folder(FAMILIES["glm4v"], tmp_path / "glm"))
    out = tmp_path / "out.json"
    asked = CliRunner().invoke(app, ["gpu-check", "--device", "cpu", "--backbone", folder, "--out", str(out)])
    assert isinstance(asked.exception, UserError)
    assert "end token: which of these?" in str(asked.exception)
    assert "state `image_size:`" in str(asked.exception)
    several = ["--backbone", folder, "--backbone", "medgemma-4b-it", "--state", "end_token=<|user|>"]
    refused = CliRunner().invoke(app, ["gpu-check", "--device", "cpu", *several, "--out", str(out)])
    assert "--state is for one --backbone by itself" in str(refused.exception)
    unknown = CliRunner().invoke(app, ["gpu-check", "--device", "cpu", "--backbone", "medgema-4b", "--out", str(out)])
    assert "Did you mean 'medgemma-4b-it'" in str(unknown.exception)
    assert not out.exists()


def test_masks_that_differ_are_counted() -> None:
    there, kept = torch.ones(2, 3, dtype=torch.bool), torch.ones(2, 3, dtype=torch.bool)
    other = kept.clone()
    other[0, 0] = False
    absent = there.clone()
    absent[0, 0] = False
    assert unlike_masks([[(there, kept)]], [[(there, kept)]]) == 0
    assert unlike_masks([[(there, kept)]], [[(there, other)]]) == pytest.approx(1 / 6)
    assert unlike_masks([[(absent, kept)]], [[(there, other)]]) == 0, "an input of zero says nothing"
    assert unlike_masks([[(there, kept)]], [[]]) == 1
    assert unlike_masks([[]], [[]]) == 1, "that none was drawn is no agreement"


@pytest.mark.full_width  # for its time: tracing takes as long as all other checks
def test_compiled_layers_are_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Traced as for a GPU, and run by PyTorch instead of new machine code.
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    last = every(("qwen2.5-vl-3b",))[-1:]
    monkeypatch.setattr(run, "parts", lambda names: last)
    result = run.run(Wanted("cpu", True, 1000.0, tmp_path / "gpu-check.json", ()), lambda _: None)
    assert [(finding.check, finding.reason) for finding in result.findings] == [("load", ""), ("compile", "")]
    assert [speed.way for speed in result.findings[-1].speeds] == ["", "compiled"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Callable[..., GpuCheck]:
    """Run with checks of the test's own in place of the real ones."""

    def ran(out: Path, minutes: float = 1000.0, **checks: Callable[[Subject], Found]) -> GpuCheck:
        # Loaded once, which is what takes the time.
        monkeypatch.setattr(run, "parts", lambda names: every(names)[:1])
        for kind in run.CHECKS:
            monkeypatch.setitem(run.CHECKS, kind, checks.get(kind, lambda _: Found()))
        return run.run(Wanted("cpu", True, minutes, out, ("medgemma-4b-it",)), lambda _: None)

    return ran


def test_a_check_that_fails_stops_no_other_and_is_written_at_once(few: Callable[..., GpuCheck], tmp_path: Path) -> None:
    out = tmp_path / "gpu-check.json"
    seen: list[GpuCheck] = []

    def fails(_: Subject) -> Found:
        raise torch.OutOfMemoryError("no room")

    def later(_: Subject) -> Found:
        seen.append(read_model(out, GpuCheck))
        uses = [MemoryUse(stage="training", measured=2 * 10**9, planned=10**9)]
        return Found(differences=[Difference(what="loss", value=float("nan"), allowed=1.0)], memory=uses)

    result = few(out, parity=fails, speed=later)
    assert [finding.ended for finding in seen[0].findings] == ["passed", "failed", *["passed"] * 3]
    assert not seen[0].complete
    ended = {finding.check: finding for finding in result.findings if finding.dtype == "bfloat16"}
    assert not result.passed
    assert ended["kernels"].ended == "passed"
    assert ended["speed"].reason == "difference of loss not finite (allowed 1e+00); training: 2.00 GB, planned 1.00"
    assert ended["parity"].reason == "OutOfMemoryError: no room"


def test_what_the_minutes_have_no_room_for_is_named(few: Callable[..., GpuCheck], tmp_path: Path) -> None:
    result = few(tmp_path / "gpu-check.json", minutes=0.5)
    assert {finding.ended for finding in result.findings} == {"skipped"}
    assert {finding.check for finding in result.findings} == {*ALL} - {"compile"}
    assert "s are left of 0.5 minutes" in result.findings[0].reason
    assert result.complete
    assert result.passed


def test_a_machine_without_gpu_is_told_what_it_can_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    ended = CliRunner().invoke(app, ["gpu-check", "--out", str(tmp_path / "out.json")])
    assert "torch sees no GPU here" in str(ended.exception)
    assert getattr(ended.exception, "exit_code", None) == 2


def test_little_but_torch_and_its_kin_is_imported() -> None:
    """A machine with a GPU may have nothing else."""
    heavy = ["pandas", "tifffile", "imagecodecs", "pydicom", "nltk", "matplotlib", "openpyxl"]
    code = f"import sys, benchmark.gpu_check.run; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"

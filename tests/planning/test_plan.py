"""What a suite lacks on a machine, all at once, and its plan."""

import json
import re
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from backbones.registry import get
from benchmark.forms.suite import Suite
from benchmark.phantoms.write import write
from benchmark.planning import devices, machine
from benchmark.planning.machine import Gpu
from benchmark.planning.missing import missing
from benchmark.planning.model import BackbonePlan, Plan, UnfitBackbone
from benchmark.planning.plan import plan
from benchmark.suites.load import load_suite, parse

SUITE = """
name: one
title: One backbone
data: {{source: {source}}}
backbones:
  - {{name: {backbone}, checkpoint: {checkpoint}, dtype: {dtype}{more}}}
grid: {{rank: [8, 64], alpha: [16], seed: [0, 1]}}
protocol: {{steps: 10, batch_size: 8, micro_batch_size: {rows}}}
"""


def suite(
    *,
    source: str = "phantom",
    backbone: str = "qwen2.5-vl-7b",
    checkpoint: str | Path = "hub",
    dtype: str = "bfloat16",
    more: str = "",
    rows: int = 1,
) -> Suite:
    text = SUITE.format(source=source, backbone=backbone, checkpoint=checkpoint, dtype=dtype, more=more, rows=rows)
    return parse(text, where="one.yaml")


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without GPU, account and checkpoints, and with room on its disk."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(machine, "free_disk", lambda folder: 1000.0)
    monkeypatch.setattr(machine, "gpu", lambda: None)
    monkeypatch.setattr(devices, "gpu", lambda: None)
    monkeypatch.setattr("benchmark.planning.missing.available_memory", lambda: 16e9)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "phantoms"
    write(folder, studies=40, seed=0, size=64)
    return folder


def cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Put a whole snapshot of a backbone into the hub's cache, as far as its names go."""
    pinned = get(name).checkpoint
    snapshot = tmp_path / "hub" / f"models--{pinned.hub_id.replace('/', '--')}" / "snapshots" / pinned.revision
    snapshot.mkdir(parents=True)
    for file in ("config.json", "model.safetensors"):
        (snapshot / file).write_text("{}")


def test_suites_of_miniatures_lack_nothing_but_their_data(phantoms: Path) -> None:
    assert missing(load_suite("mini"), None) == []
    [need] = missing(load_suite("dmid-mini"), None)
    assert "--data DIR" in need
    assert "amrg data download" in need
    assert missing(load_suite("dmid-mini"), phantoms) == []


def test_targets_that_a_decoder_has_no_layers_for_are_named_with_those_it_has() -> None:
    text = files("benchmark.suites").joinpath("smoke.yaml").read_text(encoding="utf-8")
    grid = "grid: {rank: [2], alpha: [8], targets: [all, mixer], seed: [0]}"
    suite = parse(re.sub(r"grid: .*", grid, text), where="a suite")
    [need] = missing(suite, None)
    assert need.startswith(f"{suite.backbones[0].name}: `targets: mixer`: no layer of the decoder")
    assert "but by all, attention, " in need


def test_a_folder_that_is_not_there_or_not_dmid(tmp_path: Path) -> None:
    [need] = missing(load_suite("dmid-mini"), tmp_path / "nowhere")
    assert "nowhere" in need
    (tmp_path / "empty").mkdir()
    [need] = missing(load_suite("dmid-mini"), tmp_path / "empty")
    assert f"{tmp_path / 'empty'}: no complete study. Looked for" in need


def test_the_papers_suite_lists_everything_at_once() -> None:
    needs = missing(load_suite("paper"), None)
    kinds = [need.split(":")[0] for need in needs]
    assert kinds == ["data", *["GPU memory"] * 5, "checkpoint", "licence", *["checkpoint"] * 4, "licence"]
    text = "\n".join(needs)
    for entry in load_suite("paper").backbones:
        pinned = get(entry.name).checkpoint
        assert f"`hf download {pinned.hub_id} --revision {pinned.revision}`" in text
    assert "Accept it at https://huggingface.co/google/medgemma-4b-it" in text
    assert "hf auth login" in text


def test_a_gpu_that_is_large_enough_and_one_that_is_not() -> None:
    def gpu_needs(one: Suite, memory: float) -> list[str]:
        return [need for need in missing(one, None, gpu_memory=memory) if need.startswith("GPU")]

    assert gpu_needs(suite(), 80.0) == []
    [need] = gpu_needs(suite(), 16.0)
    assert "qwen2.5-vl-7b in bfloat16 needs" in need
    assert "the largest GPU has 16 GB" in need
    assert "quantization: nf4" in need
    assert gpu_needs(suite(more=", quantization: nf4"), 30.0) == []
    # Eight reports at once don't fit; both engines go on with fewer, as the plan's table says.
    assert gpu_needs(suite(rows=8), 40.0) == gpu_needs(suite(rows=1), 40.0) == []
    [need] = gpu_needs(suite(dtype="float32"), 40.0)
    assert "in float32" in need


def test_a_cached_checkpoint_needs_no_licence_and_no_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = suite(backbone="medgemma-4b-it")
    before = [need.split(":")[0] for need in missing(one, None, gpu_memory=80.0)]
    assert before == ["checkpoint", "licence"]
    cached(monkeypatch, tmp_path, "medgemma-4b-it")
    assert missing(one, None, gpu_memory=80.0) == []


def test_a_disk_that_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_disk", lambda folder: 3.0)
    needs = missing(suite(), None, gpu_memory=80.0)
    assert any(need.startswith("disk: the checkpoints take 17 GB") and "HF_HOME" in need for need in needs)


def test_a_disk_too_small_for_a_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_disk", lambda folder: 1000.0 if "hub" in str(folder) else 3.0)
    needs = missing(suite(backbone="llava-med-7b"), None, gpu_memory=80.0)
    [need] = [need for need in needs if need.startswith("disk")]
    assert "the converted checkpoints take 15 GB" in need
    assert "AMRG_CACHE_DIR" in need


def test_offline_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "is_offline", lambda: True)
    [need] = missing(suite(), None, gpu_memory=80.0)
    assert "HF_HUB_OFFLINE is set" in need


def test_a_folder_as_checkpoint(miniature: Callable[[str], Path], tmp_path: Path) -> None:
    small = suite(backbone="medgemma-4b-it", checkpoint=miniature("medgemma-4b-it"), dtype="float32")
    assert missing(small, None) == [], "so small a checkpoint needs no GPU"
    [need] = missing(suite(checkpoint=tmp_path / "gone"), None)
    assert "gone is not a checkpoint" in need
    [row] = plan(small, None, results=tmp_path).backbones
    assert isinstance(row, BackbonePlan)
    assert row.parameters < 2_000_000
    assert row.revision is None


def test_a_plan_has_all_that_it_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (devices, machine):
        monkeypatch.setattr(module, "gpu", lambda: Gpu("NVIDIA A100-SXM4-80GB", 85.0))
    planned = plan(load_suite("paper"), None, results=tmp_path)
    assert Plan.model_validate_json(planned.model_dump_json()) == planned
    content = json.loads(json.dumps(planned.model_dump(mode="json"), allow_nan=False))
    assert content["schema_version"] == 2
    assert (content["device"]["memory_gb"], content["device"]["tensor_tflops"]) == (85.0, 312)
    rows = {row["name"]: row for row in content["backbones"]}
    row = rows["medgemma-4b-it"]
    assert row["checkpoint"] == "google/medgemma-4b-it"
    assert row["revision"] == get("medgemma-4b-it").checkpoint.revision
    assert row["parameters"] == 4_300_079_472
    assert row["trainable_parameters"] == {"8": 14_901_248, "16": 29_802_496, "32": 59_604_992, "64": 119_209_984}
    assert row["bytes"]["download"] == 2 * 4_300_079_472
    # Those on blank images, one for each seed, and three that aren't tuned.
    assert row["packs"] * row["pack_size"] >= row["trials"] - 3 == 48 + 3
    assert rows["llava-med-7b"]["bytes"]["disk"] > 2 * rows["llava-med-7b"]["bytes"]["download"]
    for row in content["backbones"]:
        assert row["hours"]["total"] == pytest.approx(
            sum(row["hours"][s] for s in ("vision", "train", "write")), abs=2e-4
        )
        assert any("assumed: 35%" in note for note in row["assumptions"])
        assert row["memory"]["pack_gb"] < 85.0
        [own] = [mode for mode in row["modes"] if mode["chosen"]]
        assert own["together"] >= row["pack_size"]
        together = [mode["together"] for mode in row["modes"]]
        assert together[0] <= together[1]
        assert together[2] <= together[3]
    assert content["hours"] == pytest.approx(sum(row["hours"]["total"] for row in content["backbones"]), abs=1e-3)
    assert not any(need.startswith("GPU") for need in content["missing"])
    # 51 trials of 5 epochs over 407 reports at the arithmetic of 5.4 to 5.8 TFLOP a report, and half as much for each
    # of 51 whose loss is taken.
    reports = 51 * 5 * (407 + 51 / 2)
    assert rows["medgemma-4b-it"]["operations"]["train"] / 1e12 == pytest.approx(reports * 5.5, rel=0.05)


def test_the_data_folder_decides_how_much_there_is_to_do(phantoms: Path, tmp_path: Path) -> None:
    one = suite(source="dmid")
    all_studies, few = (plan(one, data, results=tmp_path).backbones[0] for data in (None, phantoms))
    assert isinstance(all_studies, BackbonePlan)
    assert isinstance(few, BackbonePlan)
    assert few.operations.vision / all_studies.operations.vision == pytest.approx(41 / 511)
    assert few.operations.train == all_studies.operations.train, "steps are given, not epochs"


def test_an_unfit_plugin_is_a_row_with_its_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from backbones import registry

    one = suite()
    places = registry.locations() | {"qwen2.5-vl-7b": "no_such_module:Plugin"}
    monkeypatch.setattr(registry, "locations", lambda: places)
    planned = plan(one, None, results=tmp_path)
    [row] = planned.backbones
    assert isinstance(row, UnfitBackbone)
    assert "no_such_module" in row.error
    assert planned.hours is None
    assert any("no_such_module" in need for need in planned.missing)


def test_a_plugin_without_a_configuration_has_its_size_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmark.planning.structures.structure_of", lambda entry, plugin: None)
    planned = plan(suite(), None, results=tmp_path)
    [row] = planned.model_dump(mode="json")["backbones"]
    assert set(row) == {
        "name", "checkpoint", "revision", "licence", "dtype", "quantization", "trials", "parameters", "bytes",
        "assumptions",
    }  # fmt: skip
    assert row["parameters"] == get("qwen2.5-vl-7b").checkpoint.parameters
    assert planned.hours is None
    assert Plan.model_validate_json(planned.model_dump_json()) == planned


def test_widths_that_four_bits_cannot_hold_are_named_before_anything_is_loaded(
    miniature: Callable[[str], Path], tmp_path: Path
) -> None:
    narrow = shutil.copytree(miniature("medgemma-4b-it"), tmp_path / "narrow")
    config = json.loads((narrow / "config.json").read_text())
    config["text_config"]["intermediate_size"] = 160
    (narrow / "config.json").write_text(json.dumps(config))
    settings: dict[str, Any] = {"backbone": "medgemma-4b-it", "checkpoint": narrow, "dtype": "float32"}
    assert missing(suite(**settings), None) == []
    [need] = missing(suite(**settings, more=", quantization: nf4"), None)
    assert need.startswith("quantization: medgemma-4b-it: projections of 160 → 128 don't fit 4-bit blocks")
    assert missing(suite(backbone="medgemma-4b-it", checkpoint="miniature", more=", quantization: nf4"), None) == []

"""A rehearsal takes a checkpoint of random weights through every stage of a sweep, and holds it to the plan."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from known import known
from published_families import FAMILIES
from published_folders import write_folder
from rich.console import Console
from typer.testing import CliRunner

from backbones import random_checkpoint
from backbones.contract import written_miniature
from backbones.errors import UserError
from backbones.made_after import miniature_of
from backbones.miniature import SIDE, train_tokenizer
from backbones.registry import get
from backbones.shortened import shortened
from benchmark.cli.verbs import app
from benchmark.entries.named import published_entry
from benchmark.entries.plugins import plugin_of
from benchmark.forms.suite import Entry, ImagePart, Protocol
from benchmark.rehearsal import run
from benchmark.rehearsal.materials import Wanted
from benchmark.rehearsal.model import Rehearsal, Rehearsals, StageCost
from benchmark.rehearsal.table import show

WORDS = 1400


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Give a plugin its miniature's configuration for the published one, so that it is rehearsed in seconds."""

    def narrowed(name: str, image_tokens: int) -> None:
        plugin: Any = get(name)
        config = miniature_of(plugin).config(train_tokenizer(miniature_of(plugin), []))
        config.get_text_config().vocab_size = WORDS
        pinned = replace(plugin.checkpoint, image_size=SIDE, image_tokens=image_tokens)
        monkeypatch.setattr(plugin, "checkpoint", pinned)
        monkeypatch.setattr(plugin, "full_configuration", lambda: config)

    return narrowed


def wanted(name: str, layers: int | None) -> Wanted:
    protocol = Protocol(epochs=5, batch_size=8, micro_batch_size=2, dropout=0.05)
    return Wanted(Entry(name=name), "cpu", protocol, (2, 4), ImagePart(size=SIDE), layers)


@pytest.mark.parametrize(("name", "image_tokens"), [("medgemma-4b-it", 16), ("qwen3-vl-4b", 16)])
def test_every_stage_is_gone_through(
    name: str, image_tokens: int, narrow: Callable[[str, int], None], tmp_path: Path
) -> None:
    narrow(name, image_tokens)
    said: list[str] = []
    rehearsal = run.rehearse(wanted(name, 2), tmp_path, said.append)
    stages = {stage.stage: stage for stage in rehearsal.stages}
    assert [*stages] == ["checkpoint", "load", "vision", "interrupted", "resume", "write", "score", "reload"]
    assert rehearsal.layers == 2
    assert stages["checkpoint"].disk == pytest.approx(stages["checkpoint"].planned_disk, rel=0.1)
    for stage in ("interrupted", "resume"):
        assert stages[stage].disk == pytest.approx(stages[stage].planned_disk, rel=0.2)
    assert "differ by" in stages["reload"].note
    assert Rehearsal.model_validate_json(rehearsal.model_dump_json()) == rehearsal


def test_a_checkpoint_that_no_plugin_speaks_for_is_rehearsed_by_its_files(tmp_path: Path, one_thread: None) -> None:
    files = write_folder(FAMILIES["llava"], tmp_path / "files")
    small = plugin_of(Entry(name="ours", checkpoint="miniature", files=str(files)))
    folder = written_miniature(small, tmp_path)
    for weights in folder.glob("*.safetensors"):
        weights.unlink()
    entry = published_entry(str(folder), ["image_size=112"])
    assert entry.checkpoint == str(folder)
    protocol = Protocol(epochs=5, batch_size=8, micro_batch_size=2)
    wished = Wanted(entry, "cpu", protocol, (2, 4), ImagePart(size=SIDE), None)
    rehearsal = run.rehearse(wished, tmp_path / "work", lambda line: None)
    assert rehearsal.own_tokenizer
    assert [stage.stage for stage in rehearsal.stages][-1] == "reload"


def test_statements_are_for_a_backbone_by_itself() -> None:
    ended = CliRunner().invoke(app, ["rehearse", "paper", "--state", "image_size=448"])
    assert isinstance(ended.exception, UserError)
    assert "paper is a suite, whose entries state it" in str(ended.exception)


def test_too_much_memory_is_named_and_fails() -> None:
    stages = [
        StageCost(stage="load", seconds=1.0, processor_seconds=1.0, memory=1_090, planned_memory=1_000),
        StageCost(stage="write", seconds=1.0, processor_seconds=1.0, memory=9_999),
        StageCost(stage="resume", seconds=1.0, processor_seconds=1.0, memory=1_500, planned_memory=1_000),
    ]
    console = Console(record=True, width=170)
    assert passed(*stages[:2], console=console)
    assert "more memory than planned" not in console.export_text()
    assert not passed(*stages, console=console)
    assert "resume: 50% more memory than planned" in console.export_text()


def test_too_much_on_disk_is_named_and_fails() -> None:
    console = Console(record=True, width=170)
    fitting, twice = (
        StageCost(stage="vision", seconds=1.0, processor_seconds=1.0, memory=1_000, disk=disk, planned_disk=1_000)
        for disk in (1_090, 2_000)
    )
    assert passed(fitting, console=console)
    assert not passed(twice, console=console)
    assert "vision: 100% more disk than planned" in console.export_text()


def passed(*stages: StageCost, console: Console) -> bool:
    rehearsal = Rehearsal(
        backbone="medgemma-4b-it",
        layers=2,
        parameters=9,
        dtype="float32",
        quantization=None,
        device="cpu",
        ranks=(8, 64),
        rows=1,
        own_tokenizer=False,
        stages=stages,
    )
    show(rehearsal, console)
    return rehearsal.passed


def test_a_published_structure_is_cut_and_its_width_kept() -> None:
    full = known(get("medgemma-4b-it").full_configuration())
    short = shortened(full, 3)
    assert short.text_config.num_hidden_layers == short.vision_config.num_hidden_layers == 3
    assert short.text_config.layer_types == ["sliding_attention", "sliding_attention", "full_attention"]
    assert short.text_config.hidden_size == full.text_config.hidden_size
    assert full.text_config.num_hidden_layers == 34
    windows = shortened(known(get("qwen2.5-vl-3b").full_configuration()), 8).vision_config
    assert windows.fullatt_block_indexes == [7]


def test_tensors_have_the_published_names_in_shards(
    narrow: Callable[[str, int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow("medgemma-4b-it", 16)
    monkeypatch.setattr(random_checkpoint, "SHARD_BYTES", 400_000)
    made = random_checkpoint.write_random(get("medgemma-4b-it"), tmp_path / "made")
    places = json.loads((made.folder / "model.safetensors.index.json").read_text())["weight_map"]
    assert "language_model.model.layers.0.self_attn.q_proj.weight" in places
    assert "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight" in places
    assert len(set(places.values())) == len([*made.folder.glob("*.safetensors")]) > 1
    assert not made.own_tokenizer
    with pytest.raises(UserError, match="something here already"):
        random_checkpoint.write_random(get("medgemma-4b-it"), made.folder)


def test_a_plugin_without_a_configuration_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = get("medgemma-4b-it")
    monkeypatch.setattr(plugin, "configuration", None)
    with pytest.raises(UserError, match="states no configuration"):
        random_checkpoint.write_random(plugin, tmp_path / "made")


@pytest.mark.full_width
@pytest.mark.parametrize("name", ["smolvlm-2.2b", "qwen3-vl-4b"])
def test_full_width_goes_through_every_stage(name: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["rehearse", name, "--layers", "2", "--folder", str(tmp_path), "--json"])
    [rehearsal] = Rehearsals.model_validate_json(ended.stdout).rehearsals
    assert [stage.stage for stage in rehearsal.stages][-1] == "reload"
    assert ended.exit_code == (0 if rehearsal.passed else 1)

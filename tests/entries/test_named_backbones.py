"""Backbones that a suite or a command line names by a hub id or a folder, from the entry to the loaded model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from published_families import FAMILIES
from published_folders import write_folder
from typer.testing import CliRunner

from backbones.contract import PROMPTS, miniature
from benchmark.cli.plan import sweep_command
from benchmark.cli.verbs import app
from benchmark.entries.named import entry_line, entry_of, told, with_backbone, write_suite
from benchmark.entries.plugins import files_of, plugin_of
from benchmark.entries.verdicts import Verdict, keep, verdict_of
from benchmark.errors import UserError
from benchmark.forms.suite import Entry, Suite
from benchmark.planning.dealing import trials_of
from benchmark.suites.load import load_suite, parse


def suite_with(entry: str) -> Suite:
    """Return a suite whose backbones are one entry, as a file has it."""
    text = "name: one\ntitle: One\ndata: {source: phantom}\ngrid: {rank: [2], alpha: [4]}\nprotocol: {steps: 1}\n"
    return parse(f"{text}backbones: [{entry}]\n", where="one.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a family's files, without weights."""
    return write_folder(FAMILIES["mistral3"], tmp_path / "Our Own")


def test_an_entry_names_a_plugin_a_hub_repository_or_a_folder() -> None:
    assert suite_with("{name: owner/model, image_size: 448}").backbones[0].stated == (("image_size", 448),)
    assert suite_with("{name: ours, checkpoint: /data/ours, end_token: '</s>'}").backbones[0].is_folder
    assert suite_with("{name: ours, checkpoint: miniature, files: /data/ours}").backbones[0].files == "/data/ours"
    with pytest.raises(UserError, match=r"line 6: unknown backbone 'medgema-4b'.*medgemma-4b-it"):
        suite_with("{name: medgema-4b, checkpoint: miniature}")
    with pytest.raises(UserError, match=r"unknown key 'backbones\.0\.end_tokens'.*Did you mean 'end_token'"):
        suite_with("{name: owner/model, end_tokens: x}")


def test_an_entry_that_states_nothing_is_written_as_ever() -> None:
    entry = Entry(name="medgemma-4b-it", checkpoint="miniature")
    assert entry.model_dump() == {
        "name": "medgemma-4b-it",
        "checkpoint": "miniature",
        "quantization": None,
        "dtype": "float32",
    }


def test_what_is_stated_is_part_of_a_trials_id_and_nothing_else_is() -> None:
    suite = load_suite("smoke")

    def ids(entry: Entry) -> list[str]:
        trials = trials_of(suite, entry, checkpoint="c", data="d", splits={None: "s"})
        return [trial.id for trial in trials]

    plain = Entry(name="owner/model", checkpoint="miniature")
    assert ids(plain) == ids(plain.model_copy(update={"files": "/elsewhere"}))
    assert not set(ids(plain)) & set(ids(plain.model_copy(update={"end_token": "</s>"})))


def test_a_plugin_speaks_for_itself() -> None:
    with pytest.raises(UserError, match="medgemma-4b-it: has a plugin, which says end_token itself"):
        plugin_of(Entry(name="medgemma-4b-it", end_token="</s>"))


def test_what_is_typed_becomes_an_entry_that_a_suites_file_can_have(folder: Path) -> None:
    entry = entry_of(str(folder), ["generation_prompt=\\nAnswer:"])
    assert (entry.name, entry.checkpoint, entry.files) == ("our-own", "miniature", str(folder))
    assert "no weights in its folder" in told(entry)
    assert suite_with(entry_line(entry)).backbones == (entry,)
    (folder / "model.safetensors").touch()
    assert entry_of(str(folder)) == Entry(name="our-own", checkpoint=str(folder))
    assert entry_of("medgemma-4b-it") == Entry(name="medgemma-4b-it", checkpoint="miniature")
    with pytest.raises(UserError, match="no such folder"):
        entry_of("/nowhere/at/all")
    with pytest.raises(UserError, match="unknown backbone 'medgema'"):
        entry_of("medgema")


def test_a_suite_on_one_backbone_has_a_name_and_a_file_of_its_own(folder: Path, tmp_path: Path) -> None:
    for name in ("smoke", "mini"):
        suite = with_backbone(load_suite(name), entry_of(str(folder)))
        assert suite.name == f"{name}-our-own"
        assert "not the published model" in suite.title
        assert load_suite(str(write_suite(suite, tmp_path))) == suite


def test_weights_in_a_folder_are_loaded_by_the_plugin_of_its_files(folder: Path, one_thread: None) -> None:
    small = plugin_of(Entry(name="ours", checkpoint="miniature", files=str(folder)))
    with miniature(small) as made:
        plugin = plugin_of(Entry(name="ours", checkpoint=str(made), image_size=112))
        backbone = plugin.load(made)
        assert backbone.prompt_tokens(PROMPTS[0]).count(backbone.image_token) == backbone.image_tokens == 16
        [features] = backbone.encode_images([np.zeros((300, 300), np.uint8)])
        assert features.shape == (16, 128)
        assert torch.isfinite(features).all()


def test_a_checkpoint_whose_packed_trials_differ_is_remembered_to_train_one_by_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    entry = Entry(name="ours", checkpoint="miniature", files=str(folder))
    plugin, files = plugin_of(entry), files_of(entry)
    assert verdict_of(files, plugin) is None  # type: ignore[arg-type]
    keep(Verdict(packed=False, why_alone="loss is 2 packed and 1 alone"), files, plugin)  # type: ignore[arg-type]
    assert plugin_of(entry).packable is False
    keep(Verdict(packed=True, own_head="a report's loss is 2 by parts"), files, plugin)  # type: ignore[arg-type]
    assert plugin_of(entry).packable is True
    assert plugin_of(entry).plain_logits is False


def test_a_plan_is_of_the_published_sizes_though_no_weights_are_here(folder: Path, tmp_path: Path) -> None:
    asked = ["plan", "smoke", "--backbone", str(folder), "--state", "image_size=448", "--gpu", "H100", "--json"]
    result = CliRunner().invoke(app, [*asked, "--results", str(tmp_path)])
    [row] = json.loads(result.stdout)["backbones"]
    assert (row["name"], row["checkpoint"]) == ("our-own", str(folder))
    assert row["parameters"] > 20e9
    assert row["memory"]["weights_gb"] == pytest.approx(4 * row["parameters"] / 1e9, rel=0.01)
    assert result.exit_code == 2  # for want of weights
    assert sweep_command("smoke", None, "ours", ["a=b"]) == "amrg sweep smoke --backbone ours --state a=b"


def test_show_prints_what_is_found_and_what_is_to_be_stated(folder: Path) -> None:
    result = CliRunner().invoke(app, ["backbones", "show", str(folder), "--json"])
    printed = json.loads(result.stdout)
    told_of = {one["what"]: one["value"] for one in printed["found"]}
    assert told_of["end token"] == "</s>"
    assert told_of["model class"] == "Mistral3ForConditionalGeneration (mistral3)"
    assert [one["statement"] for one in printed["to_state"]] == ["image_size"]
    text = CliRunner().invoke(app, ["backbones", "show", str(folder), "--state", "image_size=448"]).stdout
    assert "To be stated" not in text
    assert "448 px, 256 tokens" in text

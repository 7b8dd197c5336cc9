"""An adapter's own files: which base they name, that no path of the machine stands in them, and that they load."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from peft import PeftConfig, PeftModel, get_peft_model
from short_trials import trial

from backbones.base import Backbone
from backbones.registry import get
from benchmark.results.store import Store
from benchmark.tuning import saving
from benchmark.tuning.protocol import lora_config

NAME = "medgemma-4b-it"


@pytest.fixture
def source(load: Callable[..., Backbone], tmp_path: Path) -> Path:
    """A copy of a miniature, in a folder whose name tells where it lies."""
    folder = tmp_path / "a-users-home" / "clinic-model"
    shutil.copytree(load(NAME).source, folder)
    return folder


def written(backbone: Backbone, results: Path) -> tuple[Path, dict[str, Any]]:
    point = trial(4, steps=1)
    folder = Store(results).of(point)
    torch.manual_seed(0)
    model = get_peft_model(backbone.model, lora_config(backbone, point))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    state = {n: p.detach().clone() for n, p in model.named_parameters() if "lora_" in n}
    saving.write(folder, backbone, point, model.save_pretrained)
    model.unload()
    return folder.adapter, state


def no_path_in(folder: Path, *paths: Path) -> bool:
    texts = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return not any(str(part).encode() in text for text in texts for path in paths for part in (path, path.parent))


def test_a_miniature_is_named_with_its_fingerprint(source: Path, tmp_path: Path) -> None:
    backbone = get(NAME).load(source)
    folder, _ = written(backbone, tmp_path / "results")
    configuration = PeftConfig.from_pretrained(str(folder))
    assert configuration.base_model_name_or_path == "medgemma-4b-it (miniature)"
    assert configuration.revision == backbone.fingerprint
    assert no_path_in(folder, source, tmp_path)
    card = ModelCard.load(folder / "README.md")
    assert card.data.base_model is None  # no name that the hub could look for
    assert backbone.fingerprint in card.text


def test_a_folder_is_named_without_its_path(source: Path, tmp_path: Path) -> None:
    (source / "miniature.txt").unlink()
    backbone = get(NAME).load(source)
    folder, _ = written(backbone, tmp_path / "results")
    configuration = json.loads((folder / "adapter_config.json").read_text())
    assert configuration["base_model_name_or_path"] == "medgemma-4b-it (own checkpoint clinic-model)"
    assert configuration["revision"] == backbone.fingerprint
    assert no_path_in(folder, source, tmp_path)


def test_a_published_checkpoint_is_named_by_hub_id_and_pinned_revision(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = get(NAME)
    monkeypatch.setattr("backbones.base.locate", lambda folder, pinned: folder or source)  # the hub's cache
    backbone = plugin.load(None)
    folder, _ = written(backbone, tmp_path / "results")
    configuration = PeftConfig.from_pretrained(str(folder))
    assert configuration.base_model_name_or_path == plugin.checkpoint.hub_id
    assert configuration.revision == plugin.checkpoint.revision
    card = ModelCard.load(folder / "README.md")
    assert card.data.base_model == plugin.checkpoint.hub_id
    assert plugin.checkpoint.revision in card.text
    assert no_path_in(folder, source, tmp_path)


def test_it_loads_onto_its_base(source: Path, tmp_path: Path) -> None:
    folder, trained = written(get(NAME).load(source), tmp_path / "results")
    reloaded = PeftModel.from_pretrained(get(NAME).load(source).model, str(folder))
    loaded = {n: p for n, p in reloaded.named_parameters() if "lora_" in n}
    assert loaded.keys() == trained.keys()
    for name, value in trained.items():
        torch.testing.assert_close(loaded[name], value, rtol=0, atol=0)

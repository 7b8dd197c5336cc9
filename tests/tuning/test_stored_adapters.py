"""An adapter in a trial's folder is the trial's, or is told not to be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model
from safetensors.torch import load_file, save_file

from backbones.base import Backbone
from backbones.checkpoint import shipped
from backbones.registry import get
from benchmark.forms.suite import ImagePart, Protocol, Trial
from benchmark.results.store import TrialFolder
from benchmark.tuning.adapters import misfit, taken_out
from benchmark.tuning.protocol import lora_config

TRIAL = Trial(
    backbone="qwen2.5-vl-3b", checkpoint="c", quantization=None, dtype="float32", data="d", image=ImagePart(size=112),
    split="s", protocol=Protocol(steps=3), rank=2, alpha=8, seed=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return get("qwen2.5-vl-3b").load(shipped("qwen2.5-vl-3b"))


@pytest.fixture
def folder(backbone: Backbone, tmp_path: Path) -> TrialFolder:
    """A trial's folder with an adapter as peft writes it."""
    with taken_out(backbone):
        get_peft_model(backbone.model, lora_config(backbone, TRIAL)).save_pretrained(str(tmp_path / "adapter"))
    return TrialFolder(tmp_path)


Tensors = dict[str, torch.Tensor]


def changed(folder: TrialFolder, change: Callable[[Tensors], Tensors]) -> None:
    path = folder.adapter / "adapter_model.safetensors"
    save_file(change(load_file(path)), path)


def settings(folder: TrialFolder, **further: Any) -> None:
    path = folder.adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | further))


def test_an_adapter_as_peft_writes_it_fits(folder: TrialFolder, backbone: Backbone) -> None:
    assert misfit(folder, backbone, TRIAL) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tensors: dict(sorted(tensors.items())[::2]), "tensors of its adapter are missing"),
        (lambda tensors: dict(list(tensors.items())[1:]), "1 of"),
        (lambda tensors: {}, "are missing"),
        (lambda tensors: {n: t.repeat(2, 1) if "lora_A" in n else t for n, t in tensors.items()}, "another shape"),
        (lambda tensors: tensors | {"base_model.model.lm_head.lora_A.weight": torch.ones(2, 2)}, "not of the model's"),
    ],
)
def test_other_tensors_are_told(
    change: Callable[[Tensors], Tensors], says: str, folder: TrialFolder, backbone: Backbone
) -> None:
    changed(folder, change)
    assert says in str(misfit(folder, backbone, TRIAL))


@pytest.mark.parametrize(
    "further",
    [
        {"r": 4}, {"lora_alpha": 16}, {"use_rslora": True}, {"use_dora": True}, {"target_modules": ["q_proj"]},
        {"rank_pattern": {"q_proj": 8}}, {"alpha_pattern": {"q_proj": 8}}, {"bias": "all"}, {"peft_type": "LOHA"},
        {"modules_to_save": ["lm_head"]}, {"layers_to_transform": [0]},
    ],
)  # fmt: skip
def test_other_settings_are_told(further: dict[str, Any], folder: TrialFolder, backbone: Backbone) -> None:
    settings(folder, **further)
    assert next(iter(further)) in str(misfit(folder, backbone, TRIAL))


def test_another_trials_adapter_is_told(folder: TrialFolder, backbone: Backbone) -> None:
    for change in ({"rank": 4}, {"alpha": 4}):
        assert misfit(folder, backbone, TRIAL.model_copy(update=change))


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"{"])
def test_damaged_files_are_told(name: str, content: bytes, folder: TrialFolder, backbone: Backbone) -> None:
    (folder.adapter / name).write_bytes(content)
    assert misfit(folder, backbone, TRIAL)

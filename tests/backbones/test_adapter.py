"""Adapters from elsewhere: those that fit are known by their own tensors, and those that don't are refused by name."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hub_server import Hub, run, serving
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from backbones.adapter import CONFIGURATION, WEIGHTS, find_adapter, fit
from backbones.base import Backbone
from backbones.errors import UserError
from backbones.private.lora import lora_layers, take_out
from backbones.registry import get

NAME = "medgemma-4b-it"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
VISION = r".*vision_tower.*\.(q_proj|v_proj)"


@pytest.fixture(scope="module")
def backbone(miniature: Callable[[str], Path]) -> Backbone:
    return get(NAME).load(miniature(NAME))


@pytest.fixture
def saved(backbone: Backbone, tmp_path: Path) -> Callable[..., Path]:
    """Write an adapter as peft does, with both matrices drawn; `targets` and others are LoRA's own settings."""

    def save(name: str = "one", **settings: object) -> Path:
        torch.manual_seed(0)
        config = LoraConfig(**({"r": 3, "lora_alpha": 6, "target_modules": backbone.targets()} | settings))  # type: ignore[arg-type]
        model = get_peft_model(backbone.model, config)
        for layer in lora_layers(model).values():
            torch.nn.init.normal_(layer.lora_B["default"].weight, std=0.1)  # type: ignore[arg-type]
        model.save_pretrained(str(tmp_path / name))
        take_out(backbone.model)
        return tmp_path / name

    return save


def _change(folder: Path, tensors: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Path:
    save_file(tensors(load_file(folder / WEIGHTS)), folder / WEIGHTS)
    return folder


def test_one_that_fits_gives_its_own_tensors_and_leaves_nothing_in_the_model(
    backbone: Backbone, saved: Callable[..., Path]
) -> None:
    folder = saved()
    adapter = find_adapter(str(folder))
    assert (adapter.name, adapter.rank, adapter.alpha, adapter.revision) == ("one", 3, 6, None)
    fitting = fit(backbone, adapter)
    stored = load_file(folder / WEIGHTS)
    assert fitting.tensors.keys() == stored.keys()
    assert all(torch.equal(fitting.tensors[name], stored[name]) for name in stored)
    assert (fitting.image_modules, fitting.renamed) == ((), False)
    assert not lora_layers(backbone.model)


def test_one_on_the_vision_encoder_is_known_by_its_modules(backbone: Backbone, saved: Callable[..., Path]) -> None:
    fitting = fit(backbone, find_adapter(str(saved(target_modules=VISION))))
    assert fitting.image_modules
    assert all("vision_tower" in name for name in fitting.image_modules)


def test_tensors_named_as_by_earlier_versions_of_transformers_are_found(
    backbone: Backbone, saved: Callable[..., Path]
) -> None:
    # As an adapter of Gemma 3 saved with transformers 4.50 names them.
    earlier = {
        r"base_model\.model\.model\.language_model\.": "base_model.model.language_model.model.",
        r"base_model\.model\.model\.vision_tower\.": "base_model.model.vision_tower.",
    }

    def rename(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        for pattern, name in earlier.items():
            tensors = {re.sub(pattern, name, key): tensor for key, tensor in tensors.items()}
        return tensors

    folder = saved(target_modules=r".*\.(q_proj|v_proj)")
    today = load_file(folder / WEIGHTS)
    fitting = fit(backbone, find_adapter(str(_change(folder, rename))))
    assert fitting.renamed
    assert fitting.tensors.keys() == today.keys()
    assert all(torch.equal(fitting.tensors[name], tensor) for name, tensor in today.items())


def test_what_doesnt_fit_is_refused_with_what_is_wrong(backbone: Backbone, saved: Callable[..., Path]) -> None:
    whole = load_file(saved() / WEIGHTS)
    first = sorted(whole)[0]
    cases = {
        "tensors missing": lambda tensors: {n: t for n, t in tensors.items() if n != first},
        "tensors that fit no module": lambda tensors: (
            tensors | {"base_model.model.gone.lora_A.weight": torch.zeros(3, 4)}
        ),
        "tensors of another shape or rank": lambda tensors: (
            tensors | {first: torch.zeros(5, *tensors[first].shape[1:])}
        ),
    }
    for place, (what, change) in enumerate(cases.items()):
        folder = _change(saved(f"case{place}"), change)
        with pytest.raises(UserError, match=rf"case{place} doesn't fit {NAME}.*{what}[^:]*: 1 \(") as error:
            fit(backbone, find_adapter(str(folder)))
        assert ("gone" if "no module" in what else first) in str(error.value)
        assert not lora_layers(backbone.model)


def test_one_of_another_architecture_fits_no_module(backbone: Backbone, saved: Callable[..., Path]) -> None:
    folder = saved()
    content = json.loads((folder / CONFIGURATION).read_text())
    (folder / CONFIGURATION).write_text(json.dumps(content | {"target_modules": ["query_key_value"]}))
    with pytest.raises(UserError, match=f"one fits no module of {NAME}.*query_key_value"):
        fit(backbone, find_adapter(str(folder)))
    assert not lora_layers(backbone.model)


def test_what_is_no_adapter_of_lora_in_safetensors_is_refused(
    backbone: Backbone, saved: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"no adapter_config\.json"):
        find_adapter(str(tmp_path))
    pickled = saved("pickled")
    (pickled / WEIGHTS).rename(pickled / "adapter_model.bin")
    with pytest.raises(UserError, match="Pickle files"):
        find_adapter(str(pickled))
    other = saved("other")
    content = json.loads((other / CONFIGURATION).read_text())
    (other / CONFIGURATION).write_text(json.dumps(content | {"peft_type": "IA3"}))
    with pytest.raises(UserError, match="IA3"):
        find_adapter(str(other))
    damaged = saved("damaged")
    (damaged / WEIGHTS).write_bytes((damaged / WEIGHTS).read_bytes()[:100])
    with pytest.raises(UserError, match="damaged"):
        fit(backbone, find_adapter(str(damaged)))


def test_the_fingerprint_is_of_what_decides_a_result(saved: Callable[..., Path], tmp_path: Path) -> None:
    folder = saved()
    before = find_adapter(str(folder)).fingerprint
    shutil.copytree(folder, tmp_path / "copy")
    content = json.loads((folder / CONFIGURATION).read_text())
    (folder / CONFIGURATION).write_text(json.dumps(content | {"base_model_name_or_path": "elsewhere"}))
    assert find_adapter(str(folder)).fingerprint == find_adapter(str(tmp_path / "copy")).fingerprint == before
    (folder / CONFIGURATION).write_text(json.dumps(content | {"lora_alpha": 12}))
    assert find_adapter(str(folder)).fingerprint != before


FIND = f"""
from backbones.adapter import find_adapter
from backbones.errors import UserError
for name in ("somebody/mammo", "somebody/gone", "no/such/place"):
    try:
        adapter = find_adapter(name, {COMMIT!r})
        print("found", adapter.name, adapter.revision, adapter.rank)
    except UserError as error:
        print("refused", error)
"""


def test_one_is_fetched_from_the_hub_and_pickles_never(saved: Callable[..., Path], tmp_path: Path) -> None:
    folder = saved()
    (folder / "pytorch_model.bin").write_bytes(b"never fetched")
    with serving(Hub({"somebody/mammo": (folder, COMMIT)})) as hub:
        said = run(FIND, tmp_path / "home", HF_ENDPOINT=hub.url).splitlines()
    assert said[0] == f"found somebody/mammo {COMMIT} 3"
    assert said[1].startswith("refused somebody/gone: no such folder, and the hub doesn't give it")
    assert said[2].startswith("refused no/such/place: neither a folder nor a repository")
    assert not any("pytorch_model" in path for path in hub.asked if "/resolve/" in path)

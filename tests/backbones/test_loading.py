"""What a checkpoint folder can have wrong is named before anything is trained; nothing of its own is run."""

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from families import FAMILIES
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from backbones.errors import UserError
from backbones.medgemma import MedGemma
from backbones.registry import get
from backbones.structure import build

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(miniature: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of MedGemma's miniature to spoil."""
    return Path(shutil.copytree(miniature("medgemma-4b-it"), tmp_path / "copy"))


def change_json(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_miniature_is_loaded_exactly_frozen_and_in_evaluation_mode(
    name: str, miniature: Callable[[str], Path], tmp_path: Path
) -> None:
    backbone = get(name).load(miniature(name))
    backbone.model.save_pretrained(tmp_path)
    stored, saved = (load_file(folder / "model.safetensors") for folder in (miniature(name), tmp_path))
    assert stored.keys() == saved.keys()
    assert all(torch.equal(stored[key], saved[key]) for key in stored)
    assert not any(p.requires_grad for p in backbone.model.parameters())
    assert not backbone.model.training
    assert 300_000 < sum(p.numel() for p in backbone.model.parameters()) < 2_000_000


def test_another_class(miniature: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="holds a model of type 'gemma3', but llava-med-7b needs 'llava'"):
        get("llava-med-7b").load(miniature("medgemma-4b-it"))


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("florence2", "an encoder-decoder.*Choose a decoder that takes images"),
        ("qwen3", "takes no images, so it can't report any. Give the checkpoint of a vision-language model"),
        ("siglip", "takes no images"),
    ],
)
def test_a_model_of_a_kind_that_cant_be_tuned_here(model_type: str, reason: str, copy: Path) -> None:
    class Odd(MedGemma):
        name = "odd"

    Odd.model_type = model_type
    config = AutoConfig.for_model(model_type)
    config.save_pretrained(copy)
    with pytest.raises(UserError, match=rf"{copy}: .*{reason}"):
        Odd.load(copy)
    with pytest.raises(UserError, match=rf"a configuration of type '{model_type}': .*{reason}"):
        build(config)


def test_a_missing_tensor(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    name = next(key for key in tensors if "layers.1.mlp.up_proj" in key)
    del tensors[name]
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"1 tensor \(.*layers\.1\.mlp\.up_proj\.weight\) is"):
        get("medgemma-4b-it").load(copy)


def spare(folder: Path, *names: str) -> None:
    """Add tensors that no model has."""
    tensors = load_file(folder / "model.safetensors")
    tensors |= {name: torch.zeros(3) for name in names}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_tensor_left_over(copy: Path) -> None:
    spare(copy, "audio_tower.weight")
    with pytest.raises(UserError, match=r"1 tensor \(audio_tower\.weight\) is in the weights, but not in the model"):
        get("medgemma-4b-it").load(copy)


def test_tensors_missing_and_left_over_are_both_named(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    name = next(key for key in tensors if "layers.1.mlp.up_proj" in key)
    tensors["language_model.model.up_project.weight"] = tensors.pop(name)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"up_proj\.weight\) is of .* missing .*; 1 tensor \(.*up_project\."):
        get("medgemma-4b-it").load(copy)


def test_a_plugin_names_what_may_be_left_over(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spare(copy, "audio_tower.weight", "video_tower.weight")
    plugin = get("medgemma-4b-it")
    monkeypatch.setattr(plugin, "spare_tensors", (r"audio_tower\..*",))
    with pytest.raises(UserError, match=r"1 tensor \(video_tower\.weight\) is in the weights"):
        plugin.load(copy)
    monkeypatch.setattr(plugin, "spare_tensors", (r"(audio|video)_tower\..*",))
    assert plugin.load(copy).model is not None


def test_a_tensor_of_another_shape(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    name = next(key for key in tensors if "layers.1.mlp.up_proj" in key)
    tensors[name] = torch.zeros(3, 3)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="weights can't be loaded"):
        get("medgemma-4b-it").load(copy)


def test_a_weights_file_cut_short(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(UserError, match="damaged or cut short"):
        get("medgemma-4b-it").load(copy)


def test_pickles_only(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"only pickle files \(pytorch_model\.bin\), which can run code"):
        get("medgemma-4b-it").load(copy)


def test_another_tokenizer(copy: Path, miniature: Callable[[str], Path]) -> None:
    for path in miniature("llava-med-7b").glob("tokenizer*"):
        shutil.copy(path, copy / path.name)
    with pytest.raises(UserError, match=r"processor can.t be loaded: .*boi_token"):
        get("medgemma-4b-it").load(copy)


def test_a_tokenizer_without_the_end_token(copy: Path) -> None:
    text = (copy / "tokenizer.json").read_text()
    (copy / "tokenizer.json").write_text(text.replace("<end_of_turn>", "<end_of_tour>"))
    config = (copy / "tokenizer_config.json").read_text()
    (copy / "tokenizer_config.json").write_text(config.replace("<end_of_turn>", "<end_of_tour>"))
    with pytest.raises(UserError, match="the tokenizer has no '<end_of_turn>'"):
        get("medgemma-4b-it").load(copy)


def test_no_processor(copy: Path) -> None:
    for path in [*copy.glob("*processor_config.json"), *copy.glob("tokenizer*")]:
        path.unlink()
    with pytest.raises(UserError, match="processor can't be loaded"):
        get("medgemma-4b-it").load(copy)


def test_a_tokenizer_of_more_tokens_than_the_model_has(copy: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(copy)
    tokenizer.add_tokens([f"<extra_{i}>" for i in range(100)])
    tokenizer.save_pretrained(copy)
    with pytest.raises(UserError, match="another checkpoint's tokenizer"):
        get("medgemma-4b-it").load(copy)


def test_another_image_size(copy: Path) -> None:
    [path] = [p for p in copy.glob("*processor_config.json") if "image_seq_length" in p.read_text()]
    content = json.loads(path.read_text())
    content["image_processor"]["size"] = {"height": 168, "width": 168}
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="image processor doesn't fit its vision encoder"):
        get("medgemma-4b-it").load(copy)


def test_another_number_of_image_tokens(copy: Path) -> None:
    [path] = [p for p in copy.glob("*processor_config.json") if "image_seq_length" in p.read_text()]
    change_json(path, image_seq_length=9)
    with pytest.raises(UserError, match="gives 16 features, but the prompt has 9 image tokens"):
        get("medgemma-4b-it").load(copy)


def test_a_configuration_that_is_not_json(copy: Path) -> None:
    (copy / "config.json").write_text("<html>")
    with pytest.raises(UserError, match=r"config\.json: can't be read as JSON"):
        get("medgemma-4b-it").load(copy)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_of_the_checkpoints_own_is_refused_and_not_run(file: str, copy: Path) -> None:
    ran = copy / "ran"
    (copy / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass Evil: pass\n")
    change_json(copy / file, auto_map={"AutoConfig": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]})
    with pytest.raises(UserError, match="code of the checkpoint's own"):
        get("medgemma-4b-it").load(copy)
    assert not ran.exists()


def test_trust_remote_code_is_never_passed() -> None:
    """Not as a keyword argument, nor in a dictionary or text that could become one."""
    sources = [path for package in ("backbones", "benchmark", "metrics") for path in (ROOT / package).rglob("*.py")]
    assert len(sources) > 50
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword):
                assert node.arg != "trust_remote_code", path
            if isinstance(node, ast.Constant):
                assert node.value != "trust_remote_code", path

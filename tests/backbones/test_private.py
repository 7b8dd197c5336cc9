"""The private parts of libraries are where `backbones.private` says, and do what is relied on.

Of transformers, peft, torch and bitsandbytes.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
import torch
from known import known
from private_parts import bound_in_pyproject, moved, outside, same_versions, uses_missing
from torch import nn

from backbones import private
from backbones.private.lora import (
    lora_layers,
    lora_sizes,
    lora_weight,
    replace_dropout,
    save_adapter,
    take_out,
    without_adapter_name,
)
from backbones.private.masks import whole_rows
from backbones.private.memory import host_memory_ran_out
from backbones.private.modules import forward_is_replaced, replace_forward, restore_forward, run_uncompiled
from backbones.private.optimizers import adamw_moments, adamw_state
from backbones.private.parts import PARTS, PEFT, Library, Part
from backbones.private.quantization import forbid_repacking, unpacked_size
from backbones.private.shapes import ShapesOnly
from backbones.private.tokenizers import merges_by_score
from backbones.qwen_processor import ImageProcessor

MODULES = [import_module(f"backbones.private.{module.name}") for module in iter_modules(private.__path__)]
LIBRARIES = sorted({part.library for part in PARTS}, key=lambda library: library.name)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.place)
def test_a_part_is_where_it_was(part: Part) -> None:
    assert (wrong := moved(part)) is None, wrong
    assert uses_missing(part, *MODULES) in ([], ["report_losses"])


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_a_version_is_one_that_was_checked(library: Library) -> None:
    assert (wrong := outside(library)) is None, wrong
    assert same_versions(library.versions, bound_in_pyproject(library))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            Part(PEFT, "peft:PeftModel.gone", "nothing"),
            r"peft \S+: peft:PeftModel.gone isn't there.*for >=0.21",
        ),
        (Part(PEFT, "peft.gone:PeftModel", "nothing"), r"peft \S+: peft.gone:PeftModel isn't there"),
        (Part(PEFT, "peft:get_peft_model", "nothing", ("model", "gone")), "takes no gone: its parameters are model"),
        (
            Part(PEFT, "peft:get_peft_model", "nothing", ("peft_config", "model")),
            "another order: model, peft_config",
        ),
    ],
)
def test_what_moved_is_named(part: Part, message: str) -> None:
    assert re.search(message, known(moved(part)))


def test_whole_rows_are_whole_only_within() -> None:
    from transformers import masking_utils

    two = torch.tensor([[0, 1, 2, 0, 1]])
    before = known(masking_utils.find_packed_sequence_indices(two))
    with whole_rows():
        assert masking_utils.find_packed_sequence_indices(two) is None
    assert torch.equal(known(masking_utils.find_packed_sequence_indices(two)), before)
    assert "find_packed_sequence_indices(" in inspect.getsource(masking_utils._preprocess_mask_arguments)


def test_a_compiled_layer_runs_as_it_is_again() -> None:
    layer = nn.Linear(2, 2)
    layer.compile(backend=lambda graph, inputs: lambda *tensors: (torch.full((1, 2), 7.0),))
    with torch.no_grad():
        assert torch.equal(layer(torch.zeros(1, 2)), torch.full((1, 2), 7.0))
        run_uncompiled(layer)
        assert torch.equal(layer(torch.zeros(1, 2)), layer.bias[None])


def test_a_replaced_forward_runs_with_hooks_around_it() -> None:
    layer, seen = nn.Linear(2, 2), []
    layer.register_forward_hook(lambda *call: seen.append(call[2]))
    replace_forward(layer, lambda x: x + 1)
    assert forward_is_replaced(layer)
    assert torch.equal(layer(torch.zeros(2)), torch.ones(2))
    restore_forward(layer)
    assert not forward_is_replaced(layer)
    assert not torch.equal(layer(torch.zeros(2)), torch.ones(2))
    assert len(seen) == 2


@pytest.mark.parametrize("fused", [False, True])
def test_adamw_goes_on_from_a_state(fused: bool) -> None:
    def optimizer(parameter: nn.Parameter) -> torch.optim.AdamW:
        return torch.optim.AdamW([parameter], lr=0.1, weight_decay=0.1, fused=fused)

    def step(parameter: nn.Parameter, adamw: torch.optim.AdamW) -> None:
        parameter.grad = torch.tensor([1.0, -2.0])
        adamw.step()

    parameter = nn.Parameter(torch.ones(2))
    adamw = optimizer(parameter)
    step(parameter, adamw)
    copy = nn.Parameter(parameter.detach().clone())
    resumed = optimizer(copy)
    first, second = (moment.clone() for moment in adamw_moments(adamw.state[parameter]))
    resumed.state[copy] = adamw_state(1, first, second)
    step(parameter, adamw)
    step(copy, resumed)
    assert torch.equal(parameter, copy)
    assert adamw.state[parameter].keys() == resumed.state[copy].keys()


def test_host_memory_that_runs_out_is_told_by_its_words() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**55)
    assert host_memory_ran_out(error.value)
    assert not host_memory_ran_out(RuntimeError("shapes differ"))


def test_an_adapter_goes_in_and_out(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    base = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    plain = base[0]
    config = LoraConfig(r=2, lora_dropout=0.5, target_modules=["0"])
    model = get_peft_model(base, config, adapter_name="one")
    [(name, layer)] = lora_layers(model).items()
    assert name == "base_model.model.0"
    assert lora_sizes(layer) == (4, 3)
    assert lora_weight(layer, "lora_A", "one").shape == (2, 4)
    assert lora_weight(layer, "lora_B", "one").shape == (3, 2)
    assert layer.base_layer is plain
    save_adapter(model, "one", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {"adapter_config.json", "adapter_model.safetensors"}
    take_out(base)
    assert base[0] is plain
    assert not hasattr(base, "peft_config")


def test_dropout_of_the_only_adapter_is_replaced() -> None:
    from peft import LoraConfig, get_peft_model

    class Doubled(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

    model = get_peft_model(nn.Sequential(nn.Linear(4, 3)), LoraConfig(r=2, lora_dropout=0.5, target_modules=["0"]))
    layer: Any
    [layer] = lora_layers(model).values()
    nn.init.ones_(lora_weight(layer, "lora_B", "default"))
    replace_dropout(layer, Doubled())
    x = torch.ones(1, 4)
    down, up = (lora_weight(layer, part, "default") for part in ("lora_A", "lora_B"))
    scale = layer.scaling["default"]
    assert torch.allclose(layer(x) - layer.base_layer(x), 2 * scale * x @ down.T @ up.T)
    named = [without_adapter_name(n) for n, p in model.named_parameters() if p.requires_grad]
    assert named == ["base_model.model.0.lora_A.weight", "base_model.model.0.lora_B.weight"]


def test_four_bit_layers_have_the_switch_and_the_shape() -> None:
    from bitsandbytes.nn import Linear4bit

    layer: Any = Linear4bit(64, 32, bias=False, quant_type="nf4").to("cpu")
    assert "support_avx512bf16_for_cpu" in vars(layer), "bitsandbytes has no such switch any more: see forbid_repacking"
    forbid_repacking(layer)
    assert layer.support_avx512bf16_for_cpu is False
    assert layer.weight.numel() < 64 * 32
    assert unpacked_size(layer.weight) == 64 * 32
    assert unpacked_size(nn.Parameter(torch.zeros(3, 2))) == 6


def test_qwens_processor_has_no_video_part() -> None:
    assert list(ImageProcessor.get_attributes()) == ["image_processor", "tokenizer"]


def test_merges_come_in_the_order_of_scores() -> None:
    vocabulary = {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4}
    scores = {"a": 0.0, "b": 0.0, "c": 0.0, "ab": -2.0, "bc": -1.0}
    assert merges_by_score(vocabulary, scores) == [("b", "c"), ("a", "b")]


@torch.inference_mode()
def test_a_model_run_for_its_shapes_multiplies_nothing() -> None:
    pictures = torch.ones(2, 3, 28, 28)
    encoder = nn.Sequential(nn.Conv2d(3, 8, 14, 14), nn.Flatten(2), nn.Linear(4, 6), nn.LayerNorm(6), nn.GELU())
    grid = torch.tensor([2, 2])
    with ShapesOnly():
        encoded, patches = encoder(pictures), grid.prod()
    assert encoded.shape == encoder(pictures).shape
    assert not encoded.any()
    assert int(patches) == 4
    with ShapesOnly(), pytest.raises(RuntimeError, match=r"\[18, 9\]|18x9|\b9\b"):
        encoder(torch.ones(2, 3, 42, 42))

"""Full-size structures on the meta device, against published figures and the paper's."""

import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from families import FAMILIES
from known import known
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

from backbones.registry import BUILT_IN, get
from backbones.structure import RANKS, build, read, structure
from benchmark.planning.costs import vision_operations

# Total parameters and trainable ones at rank 8: shared facts, computed there with transformers and peft on the meta
# device; Qwen3-VL and SmolVLM: totals of the hub's pages, adapters by the sum of rank × (inputs + outputs).
PUBLISHED = {
    "medgemma-4b-it": (4_300_079_472, 14_901_248),
    "medgemma-1.5-4b-it": (4_300_079_472, 14_901_248),
    "llava-med-7b": (7_566_743_552, 20_971_520),
    "qwen2.5-vl-3b": (3_754_622_976, 14_966_784),
    "qwen2.5-vl-7b": (8_292_166_656, 20_185_088),
    "qwen3-vl-4b": (4_437_815_808, 16_515_072),
    "qwen3-vl-8b": (8_767_123_696, 21_823_488),
    # 3,032,242,416 at 224 pixels; at 448 there are 768 more positions of width 1152.
    "paligemma2-3b": (3_032_242_416 + 768 * 1152, 10_383_360),
    "paligemma2-3b-pt": (3_032_242_416 + 768 * 1152, 10_383_360),
    "smolvlm-2.2b": (2_246_272_880, 9_043_968),
}


def adapted(model: PreTrainedModel, targets: str | list[str], rank: int) -> Any:
    config = LoraConfig(r=rank, target_modules=targets)
    with torch.device("meta"):
        return get_peft_model(model, config, low_cpu_mem_usage=True)


def trainable(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", BUILT_IN)
def test_parameters_and_adapters_are_the_published_ones(name: str) -> None:
    plugin = get(name)
    total, at_rank_8 = PUBLISHED[name]
    full_size = known(structure(plugin))
    assert full_size.parameters == plugin.checkpoint.parameters == total
    for rank in RANKS:
        assert full_size.trainable(rank) == at_rank_8 * rank // 8


@pytest.mark.parametrize("name", FAMILIES)
def test_peft_adapts_seven_projections_a_layer_of_the_decoder_and_no_others(name: str) -> None:
    plugin = get(name)
    config = known(plugin.full_configuration())
    published = build(config)
    model = adapted(published, plugin.expression(published), 8)
    names = [n.removesuffix(".lora_A.default") for n, _ in model.named_modules() if n.endswith(".lora_A.default")]
    layers = config.get_text_config().num_hidden_layers
    assert len(names) == 7 * layers
    assert all(f".{plugin.decoder}.layers." in n for n in names)
    assert {n.rsplit(".", 1)[1].removesuffix("_proj") for n in names} == {"q", "k", "v", "o", "gate", "up", "down"}
    assert trainable(model) == PUBLISHED[name][1]


@pytest.mark.parametrize(("name", "kept"), [("qwen3-vl-4b", 4), ("qwen3-vl-8b", 4), ("medgemma-4b-it", 1)])
def test_features_of_deeper_layers_are_counted_where_they_are_kept(name: str, kept: int) -> None:
    assert known(structure(get(name))).kept_layers == kept


def test_bare_names_adapt_the_vision_encoder_too() -> None:
    """The trap: 16.4 million at rank 8, as a published study reports for MedGemma, are not the decoder's alone."""
    bare = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = adapted(build(known(get("medgemma-4b-it").full_configuration())), bare, 8)
    assert trainable(model) == 16_394_240
    in_vision = [n for n, _ in model.named_modules() if "vision_tower" in n and n.endswith("lora_A.default")]
    assert len(in_vision) == 3 * 27


@pytest.mark.parametrize("path", sorted(files("backbones").joinpath("configurations").iterdir(), key=str), ids=str)
def test_every_value_has_its_source(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))

    def sources(values: dict[str, Any]) -> Iterator[str]:
        for value in values.values():
            if isinstance(value, dict):
                yield from sources(value)
            else:
                yield value[1]

    assert set(sources(content["values"])) == set(content["sources"])


@pytest.mark.parametrize("name", ["medgemma-4b-it", "llava-med-7b", "paligemma2-3b"])
def test_operations_of_the_encoder_are_those_that_torch_counts(name: str) -> None:
    plugin = get(name)
    model = build(known(plugin.full_configuration())).eval()
    side = plugin.checkpoint.image_size
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.get_image_features(pixel_values=torch.empty(1, 3, side, side, device="meta"))
    assert vision_operations(known(structure(plugin))) == pytest.approx(counter.get_total_flops(), rel=0.005)


@pytest.mark.parametrize("name", FAMILIES)
def test_image_tokens_and_operations_of_a_miniature(name: str, miniature: Callable[[str], Path]) -> None:
    """What is read off a structure is what the model does: windows, tiles and mergers included."""
    plugin = get(name)
    backbone = plugin.load(miniature(name))
    miniature_structure = read(plugin, backbone.model, backbone.model.config, 112, backbone.image_tokens)
    inputs = backbone.feature_inputs([torch.zeros(112, 112, dtype=torch.uint8).numpy()])
    # The fused attention kernels of a processor aren't counted.
    backbone.model.set_attn_implementation("eager")
    model: Any = backbone.model
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.get_image_features(**inputs)
    # Rotary tables, pooled heads and class tokens are left out of the arithmetic.
    assert vision_operations(miniature_structure) == pytest.approx(counter.get_total_flops(), rel=0.08)
    assert re.fullmatch(backbone.targets(), f"model.{plugin.decoder}.layers.0.self_attn.q_proj")

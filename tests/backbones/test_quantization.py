"""4-bit bases (QLoRA) on the CPU: what is quantised, and that it trains and writes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from families import FAMILIES
from known import known
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from torch import nn

from backbones.base import Backbone
from backbones.contract import PROMPTS, REPORTS, examples
from backbones.errors import UserError
from backbones.miniature_checkpoint import write_miniature
from backbones.pretraining import Recipe
from backbones.quantization import BLOCK, PANEL, decoder_widths, misfit, parameters
from backbones.registry import get

pytestmark = pytest.mark.numeric


def quantised(model: nn.Module) -> dict[str, Any]:
    from bitsandbytes.nn import Linear4bit

    return {name: module for name, module in model.named_modules() if isinstance(module, Linear4bit)}


def learn(backbone: Backbone, steps: int) -> tuple[Any, list[float]]:
    """Losses of a LoRA on three reports."""
    torch.manual_seed(0)
    model = get_peft_model(backbone.model, LoraConfig(r=8, lora_alpha=16, target_modules=backbone.targets()))
    features = backbone.encode_images([example.image for example in examples(3)])
    inputs = backbone.model_inputs(backbone.encode_text([PROMPTS[0]] * 3, REPORTS), features)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3)
    losses = []
    for _ in range(steps):
        loss = model(**inputs).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return model, losses


@pytest.mark.parametrize("name", FAMILIES)
def test_the_decoders_layers_are_quantised_and_nothing_else(name: str, miniature: Callable[[str], Path]) -> None:
    plugin = get(name)
    backbone = plugin.load(miniature(name), quantization="nf4")
    layers = quantised(backbone.model)
    linear = {n for n, m in backbone.model.named_modules() if isinstance(m, torch.nn.Linear)}
    inside = {n for n in linear if f".{plugin.decoder}.layers." in n}
    assert layers.keys() == inside
    assert len(layers) == 7 * backbone.model.config.get_text_config().num_hidden_layers
    assert all(re.fullmatch(backbone.targets(), n) for n in layers)
    for module in layers.values():
        assert module.weight.quant_state.quant_type == "nf4"
        assert module.weight.quant_state.nested, "double quantisation"
        assert module.compute_dtype == torch.float32
    plain = plugin.load(miniature(name))
    image = [examples(1)[0].image]
    assert torch.equal(backbone.encode_images(image)[0], plain.encode_images(image)[0]), "the encoder is untouched"


@pytest.mark.parametrize("name", ["medgemma-4b-it", "smolvlm-2.2b"])
def test_it_trains_as_the_unquantised_base_does_and_writes(name: str, miniature: Callable[[str], Path]) -> None:
    plugin = get(name)
    tuned, losses = learn(plugin.load(miniature(name), quantization="nf4"), 12)
    _, plain = learn(plugin.load(miniature(name)), 12)
    assert losses[-1] < losses[0]
    assert losses[0] == pytest.approx(plain[0], rel=0.02)
    assert losses[-1] == pytest.approx(plain[-1], rel=0.1)
    backbone = plugin.load(miniature(name), quantization="nf4")
    features = backbone.encode_images([examples(1)[0].image])
    inputs = backbone.model_inputs(backbone.encode_text([PROMPTS[0]]), features)
    writer: Any = backbone.model
    tokens = writer.generate(**inputs, max_new_tokens=5, do_sample=False)
    assert tokens.shape[1] == inputs["input_ids"].shape[1] + 5
    assert all(module.weight.dtype == torch.uint8 for module in quantised(tuned).values())


def test_a_bfloat16_base_computes_in_bfloat16(miniature: Callable[[str], Path], bfloat16_attention: None) -> None:
    backbone = get("medgemma-4b-it").load(miniature("medgemma-4b-it"), quantization="nf4", dtype=torch.bfloat16)
    assert {m.compute_dtype for m in quantised(backbone.model).values()} == {torch.bfloat16}
    assert backbone.model.get_input_embeddings().weight.dtype == torch.bfloat16
    assert backbone.model.dtype == torch.bfloat16


def test_what_prepare_model_for_kbit_training_would_change(
    miniature: Callable[[str], Path], bfloat16_attention: None
) -> None:
    """Why the engines don't call it.

    The base is frozen already; embeddings and head would double in size, as 32-bit numbers; and activation
    checkpointing is the protocol's to choose. In 32 bits it changes no loss.
    """
    plugin = get("medgemma-4b-it")
    backbone = plugin.load(miniature("medgemma-4b-it"), quantization="nf4", dtype=torch.bfloat16)
    before = {n: p.dtype for n, p in backbone.model.named_parameters()}
    assert not any(p.requires_grad for p in backbone.model.parameters())
    prepare_model_for_kbit_training(backbone.model, use_gradient_checkpointing=False)
    changed = {n for n, p in backbone.model.named_parameters() if p.dtype != before[n]}
    assert any("embed_tokens" in n for n in changed)
    assert not any("_proj.weight" in n and ".language_model.layers." in n for n in changed)
    plain, prepared = (plugin.load(miniature("medgemma-4b-it"), quantization="nf4") for _ in range(2))
    prepare_model_for_kbit_training(prepared.model, use_gradient_checkpointing=False)
    assert learn(plain, 2)[1] == learn(prepared, 2)[1]


def test_an_unknown_quantization(miniature: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="unknown quantization 'int3'"):
        get("medgemma-4b-it").load(miniature("medgemma-4b-it"), quantization="int3")


@pytest.mark.parametrize("name", FAMILIES)
def test_every_path_of_the_library_can_hold_a_miniature(name: str, miniature: Callable[[str], Path]) -> None:
    """There and back gives the bytes again.

    By bitsandbytes' own layout for processors with AVX-512 BF16, which is plain torch and so runs on any.
    """
    from bitsandbytes.functional import _convert_weight_packed_for_cpu, _convert_weight_packed_for_cpu_inverse

    plugin = get(name)
    backbone = plugin.load(miniature(name), quantization="nf4")
    assert misfit(decoder_widths(backbone.model, plugin.decoder)) is None
    for module in quantised(backbone.model).values():
        before = module.weight.data.clone()
        packed, state = _convert_weight_packed_for_cpu(module.weight.data, module.weight.quant_state)
        assert state.packing_format_for_cpu
        assert torch.equal(_convert_weight_packed_for_cpu_inverse(packed, state)[0], before)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_library_repacks_only_where_it_is_let(name: str, miniature: Callable[[str], Path]) -> None:
    """As loaded, no processor repacks, and what has written still learns; forced, products are those of bfloat16."""
    from bitsandbytes.functional import has_avx512bf16

    plugin = get(name)
    backbone = plugin.load(miniature(name), quantization="nf4")
    layers = quantised(backbone.model)
    assert not any(module.support_avx512bf16_for_cpu for module in layers.values())
    rows = {width: torch.randn(3, width) for width in {module.in_features for module in layers.values()}}
    with torch.inference_mode():
        plain = {n: module(rows[module.in_features]) for n, module in layers.items()}
    assert not any(getattr(m.weight.quant_state, "packing_format_for_cpu", False) for m in layers.values())
    _, losses = learn(backbone, 2)
    assert losses[1] != losses[0], "a base that has written passes gradients on"
    if not has_avx512bf16():
        pytest.skip("what follows needs AVX-512 BF16, whose kernel bitsandbytes has on no other processor")
    forced_backbone = plugin.load(miniature(name), quantization="nf4")
    for n, module in quantised(forced_backbone.model).items():
        module.support_avx512bf16_for_cpu = True
        with torch.inference_mode():
            forced = module(rows[module.in_features])
        assert module.weight.quant_state.packing_format_for_cpu
        # Scales and inputs are rounded to 8 bits of mantissa, products summed over a row.
        assert float((forced - plain[n]).norm() / plain[n].norm()) < 2**-6


def test_widths_that_do_not_fit_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("backbones.miniature.WIDTH", 96)
    plugin = get("medgemma-4b-it")
    folder = write_miniature(plugin, tmp_path / "narrow", examples(), prompt=PROMPTS[0], recipe=Recipe(1, 1))
    plugin.load(folder)
    with pytest.raises(
        UserError, match=r"medgemma-4b-it can't be run in 4 bits: projections of 96 → .*multiples of 64"
    ):
        plugin.load(folder, quantization="nf4")


def test_what_fits_is_what_the_blocks_divide() -> None:
    assert misfit([(BLOCK, PANEL), (3 * BLOCK, 5 * PANEL)]) is None
    assert "96 → 64" in known(misfit([(96, 64), (128, 64)]))
    assert "128 → 48" in known(misfit([(128, 48)]))


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_packed_two_in_a_byte_count_one_each(name: str, miniature: Callable[[str], Path]) -> None:
    plain, packed = (get(name).load(miniature(name), quantization=kind).model for kind in (None, "nf4"))
    assert sum(p.numel() for p in packed.parameters()) < sum(p.numel() for p in plain.parameters())
    assert parameters(packed) == parameters(plain) == sum(p.numel() for p in plain.parameters())

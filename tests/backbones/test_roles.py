"""A decoder's linear layers by role: every one of all families, with and without a plugin, and odd parts."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from families import FAMILIES
from further_families import FURTHER, Family
from known import known
from peft import LoraConfig, get_peft_model
from torch import nn

from backbones.base import Backbone
from backbones.coverage import Coverage, coverage
from backbones.description import published_coverage
from backbones.errors import UserError
from backbones.registry import get
from backbones.roles import LinearLayer, decoder_layers
from backbones.structure import build
from backbones.targets import CHOICES, decoder_projections, vision_projections
from benchmark.forms.grid import CHOICES as OF_SUITES

USUAL = {
    "attention_in": "q_proj k_proj v_proj", "attention_out": "o_proj",
    "gate": "gate_proj", "up": "up_proj", "down": "down_proj",
}  # fmt: skip
DELTA = {"mixer_in": "in_proj_qkv in_proj_z in_proj_b in_proj_a", "mixer_out": "out_proj"}
PER_LAYER = "per_layer_input_gate per_layer_projection per_layer_model_projection"
EXPECTED: Mapping[str, Mapping[str, str]] = {
    "Qwen3.5 4B": USUAL | DELTA,
    "Qwen3.5 9B": USUAL | DELTA,
    "Qwen3.5 35B-A3B": USUAL | DELTA | {"experts": "gate_up_proj down_proj", "router": "weight shared_expert_gate"},
    "Gemma 3n E4B": USUAL | {
        "other": f"{PER_LAYER} linear_left linear_right correction_coefs prediction_coefs 0 1 2",
        "router": "modality_router",
    },
    "Gemma 4 E4B": USUAL | {"other": PER_LAYER},
    "GLM-4.6V-Flash": {
        "attention_in": "q_proj k_proj v_proj", "attention_out": "o_proj",
        "gate_up": "gate_up_proj", "down": "down_proj",
    },
    "LFM2.5-VL 1.6B": {
        "attention_in": "q_proj k_proj v_proj", "attention_out": "out_proj",
        "mixer_in": "in_proj", "mixer_out": "out_proj",
        "gate": "w1", "up": "w3", "down": "w2",
    },
}  # fmt: skip
"""Layers' own names by role, where they aren't the usual seven alone: read off the classes' code."""


def plugin_of(name: str, family: Family) -> type[Backbone]:
    return type("Further", (Backbone,), {"name": name, "decoder": family.decoder, "model_type": family.model_type})


def with_adapters(model: nn.Module, targets: str, rank: int) -> Any:
    with torch.device("meta"):
        return get_peft_model(model, LoraConfig(r=rank, target_modules=targets), low_cpu_mem_usage=True)


@pytest.mark.parametrize("name", FURTHER)
def test_every_linear_layer_of_a_decoder_has_its_role_and_peft_adapts_those_that_are_counted(name: str) -> None:
    family = FURTHER[name]
    plugin, model = plugin_of(name, family), build(family.configuration())
    layers = decoder_layers(model, family.decoder)
    by_role: dict[str, set[str]] = {}
    for layer in layers:
        by_role.setdefault(layer.role, set()).add(layer.name.rpartition(".")[2])
    assert by_role == {role: set(leaves.split()) for role, leaves in EXPECTED.get(name, USUAL).items()}

    linear = {n for n, module in model.named_modules() if isinstance(module, nn.Linear)}
    decoder = f"model.{family.decoder}."
    assert {layer.name for layer in layers} & linear == {n for n in linear if n.startswith(decoder)}
    reached = coverage(plugin, model)
    assert reached.weights == sum(layer.weights for layer in layers)
    assert (reached.share > 0.99) == (family.model_type != "qwen3_5_moe")
    assert reached.alone is None

    tuned = with_adapters(model, reached.expression, 8)
    adapted = {n.removesuffix(".lora_A.default") for n, _ in tuned.base_model.model.named_modules() if "lora_A.d" in n}
    assert all(n.startswith(decoder) for n in adapted)
    assert sum(p.numel() for p in tuned.parameters() if p.requires_grad) == reached.trainable[8]
    assert len(adapted) + sum(left.layers for left in reached.left_out) == len(layers)
    # What is in a model with adapters is what was there before: peft asks for the second trial's then.
    assert plugin.expression(tuned.base_model.model) == reached.expression


@pytest.mark.parametrize("name", FAMILIES)
def test_the_expressions_of_backbones_here_are_those_that_stored_adapters_have(name: str) -> None:
    plugin = get(name)
    model = build(known(plugin.full_configuration()))
    every = decoder_projections(plugin.decoder)
    assert {which: plugin.expression(model, which) for which in ("all", "attention", "mlp", "vision+decoder")} == {
        "all": every,
        "attention": rf"(?=.*\.(self_attn|attention|attn)\.)({every})",
        "mlp": rf"(?=.*\.(mlp|feed_forward)\.)({every})",
        "vision+decoder": f"({every})|({vision_projections()})",
    }
    with pytest.raises(UserError, match=rf"{name}: no layer of its decoder can have an adapter by `targets: mixer`"):
        plugin.expression(model, "mixer")


def test_published_decoders_are_reached_whole() -> None:
    for name in FAMILIES:
        reached = known(published_coverage(get(name)))
        assert (reached.share, reached.left_out, reached.alone) == (1.0, (), None)
        assert Coverage.model_validate_json(reached.model_dump_json()) == reached


def test_suites_name_the_roles_that_there_are() -> None:
    assert set(OF_SUITES["targets"]) == set(CHOICES)


def test_a_suite_of_mixers_or_of_both_reaches_what_stands_in_attentions_place() -> None:
    family = FURTHER["LFM2.5-VL 1.6B"]
    plugin, model = plugin_of("lfm", family), build(family.configuration())
    mixer, attention, both = (coverage(plugin, model, which) for which in ("mixer", "attention", "attention+mixer"))
    # Sizes of the convolution's projections: hidden → 3 · hidden and hidden → hidden, in 10 of 16 layers.
    assert mixer.adapted == 10 * 4 * 2048**2
    assert both.adapted == mixer.adapted + attention.adapted
    assert {left.reason for left in mixer.left_out} == {"`targets: mixer` doesn't name its role"}


class Gate(nn.Module):
    """A router: a bare matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, 64))


class Stacked(nn.Module):
    """Experts in one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_up_proj = nn.Parameter(torch.zeros(4, 128, 64))


class Clipped(nn.Linear):
    """A linear layer of another kind."""


def part(**modules: nn.Module) -> nn.Module:
    holder = nn.Module()
    for name, module in modules.items():
        setattr(holder, name, module)
    return holder


def wide() -> nn.Linear:
    return nn.Linear(64, 64, bias=False)


def odd(**modules: nn.Module) -> dict[str, LinearLayer]:
    """The layers of a decoder with one layer of such parts, by their names within it."""
    model = part(language_model=part(layers=nn.ModuleList([part(**modules)]), embed_tokens=nn.Embedding(8, 64)))
    prefix = "language_model.layers.0."
    return {layer.name.removeprefix(prefix): layer for layer in decoder_layers(model, "language_model")}


def test_experts_are_a_choice_and_routers_none() -> None:
    lists = nn.ModuleList([part(gate_proj=wide(), down_proj=wide()) for _ in range(2)])
    layers = odd(mlp=part(gate=Gate(), experts=lists, shared_experts=part(up_proj=wide())), router=part(proj=wide()))
    assert {name: layer.role for name, layer in layers.items()} == {
        "mlp.gate.weight": "router", "mlp.experts.0.gate_proj": "experts", "mlp.experts.0.down_proj": "experts",
        "mlp.experts.1.gate_proj": "experts", "mlp.experts.1.down_proj": "experts",
        "mlp.shared_experts.up_proj": "up", "router.proj": "router",
    }  # fmt: skip
    assert all("frozen" in str(layer.left_out) for layer in layers.values() if layer.role == "router")
    assert "sends it" in str(layers["mlp.experts.0.gate_proj"].alone)

    mixed = plugin_of("mixed", Family("", {}, ""))
    layer = part(mlp=part(experts=lists, shared_expert=part(up_proj=wide())))
    model = part(language_model=part(layers=nn.ModuleList([layer])))
    some, every = (coverage(mixed, model, which) for which in ("all", "all+experts"))
    assert (some.adapted, every.adapted) == (64**2, 5 * 64**2)
    assert (some.alone, every.share) == (None, 1.0)
    assert every.alone is not None
    assert "targets: all+experts" in some.left_out[0].reason


def test_experts_in_one_parameter_are_left_out_with_their_weights_counted() -> None:
    layers = odd(mlp=part(experts=Stacked()))
    assert layers["mlp.experts.gate_up_proj"].weights == 4 * 128 * 64
    assert "no linear layers of their own" in str(layers["mlp.experts.gate_up_proj"].left_out)


def test_shared_and_tied_layers_are_adapted_once() -> None:
    shared, tied = wide(), wide()
    tied.weight = shared.weight
    layers = odd(self_attn=part(q_proj=shared, k_proj=shared, v_proj=tied))
    assert layers.keys() == {"self_attn.q_proj", "self_attn.v_proj"}
    assert layers["self_attn.q_proj"].left_out is None
    assert layers["self_attn.v_proj"].left_out == "its weight is that of language_model.layers.0.self_attn.q_proj"


def test_layers_that_adapters_or_packs_cant_take_say_why() -> None:
    layers = odd(
        self_attn=part(attention=nn.MultiheadAttention(64, 4)), mlp=part(w1=Clipped(64, 128), w2=nn.Linear(64, 64)),
        scale=nn.Linear(8, 8), conv=part(conv=nn.Conv1d(64, 64, 3, groups=64), in_proj=nn.Linear(64, 192)),
    )  # fmt: skip
    assert "without calling it" in str(layers["self_attn.attention.out_proj"].left_out)
    assert (layers["mlp.w1"].role, layers["mlp.w1"].alone) == ("gate_up", "Clipped is no plain linear layer")
    assert "larger than the layer" in str(layers["scale"].left_out)
    assert layers["conv.in_proj"].role == "mixer_in"
    assert "conv.conv" not in layers


def test_a_model_without_one_decoder_says_what_to_state() -> None:
    with pytest.raises(UserError, match=r"no module that could be its decoder. State in the plugin's `decoder`"):
        decoder_layers(part(a=wide()), "language_model")
    with pytest.raises(UserError, match="2 modules that could be its decoder"):
        decoder_layers(part(a=part(decoder=wide()), b=part(decoder=wide())), "decoder")


def test_an_expression_of_the_plugins_own_stands_for_all_attention_and_mlps_alone() -> None:
    own = plugin_of("own", Family("", {}, ""))
    own.lora_targets = r".*\.(q|v)_proj"
    model = part(language_model=part(layers=nn.ModuleList([part(self_attn=part(q_proj=wide(), k_proj=wide()))])))
    reached = coverage(own, model)
    assert (reached.expression, reached.share) == (own.lora_targets, 0.5)
    assert reached.left_out[0].reason == "the plugin's `lora_targets` doesn't match it"
    assert re.fullmatch(own.expression(model, "attention"), "language_model.layers.0.self_attn.q_proj")
    with pytest.raises(UserError, match="says nothing of `targets: mixer`"):
        own.expression(model, "mixer")

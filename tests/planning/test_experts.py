"""Decoders with experts, and with layers of different widths, as plans count them."""

import pytest
import torch
from transformers import AutoConfig, PreTrainedConfig

from backbones.base import Backbone
from backbones.miniature import MiniatureSpec
from backbones.roles import decoder_layers
from backbones.structure import Structure, build, read
from backbones.targets import chosen
from backbones.widths import head_width, inner_width, key_value_width
from benchmark.planning.costs import training_operations, weights_in_memory
from benchmark.tuning.packed.kept import Pass, kept


def of_30b_a3b() -> PreTrainedConfig:
    """Qwen3-VL 30B-A3B, by its name's two numbers: 128 experts a layer, of which a token is sent to eight."""
    text = {
        "hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768, "num_hidden_layers": 48,
        "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128, "num_local_experts": 128,
        "num_experts": 128, "num_experts_per_tok": 8, "vocab_size": 151_936, "tie_word_embeddings": False,
    }  # fmt: skip
    vision = {"out_hidden_size": 2048, "hidden_size": 1152, "depth": 27, "num_heads": 16, "intermediate_size": 4304}
    return AutoConfig.for_model("qwen3_vl_moe", text_config=text, vision_config=vision)


class Experts(Backbone):
    """A plugin of that family, as far as its structure goes."""

    name = "experts"
    image_token = 5

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return nothing: it is never built."""
        raise NotImplementedError


@pytest.fixture(scope="module")
def moe() -> Structure:
    config = of_30b_a3b()
    return read(Experts, build(config), config, 896, 784)


def test_experts_are_in_memory_and_a_token_meets_those_that_it_is_sent_to(moe: Structure) -> None:
    one = 3 * 2048 * 768
    assert moe.met_experts == 48 * 8 * one
    assert moe.parameters > 48 * 128 * one
    active = moe.met_weights + 2 * 151_936 * 2048
    assert 2.9e9 < active < 3.5e9  # the 3 of A3B
    assert 30e9 < moe.parameters < 32e9
    assert weights_in_memory(moe, "bfloat16", None) == 2 * moe.parameters
    # No linear layers, so 4 bits don't reach them.
    assert weights_in_memory(moe, "bfloat16", "nf4") > 2 * 48 * 128 * one


def test_operations_are_of_the_experts_that_are_met(moe: Structure) -> None:
    dense = training_operations(moe, 8) - 4 * moe.met_experts * (784 + 40 + 93)
    assert dense > 0
    assert training_operations(moe, 8) < 4 * 48 * 128 * 3 * 2048 * 768 * (784 + 40 + 93)


def test_routers_are_frozen_and_experts_in_one_parameter_have_no_adapter_by_any_choice() -> None:
    config = of_30b_a3b()
    config.get_text_config().num_hidden_layers = 2
    layers = decoder_layers(build(config), "language_model")
    for which in ("all", "all+experts"):
        assert not {layer.role for layer in chosen(layers, which)} & {"router", "experts"}
    reasons = {layer.role: layer.left_out for layer in layers if layer.left_out}
    assert "routers stay frozen" in str(reasons["router"])
    assert "one parameter" in str(reasons["experts"])


def test_what_training_keeps_is_counted_with_experts_too() -> None:
    config = of_30b_a3b()
    counted = kept(Experts, config, Pass(torch.bfloat16, prompt=824, report=93))
    assert counted.assumed == ""
    assert counted.layers == 48


@pytest.mark.parametrize(
    ("model_type", "inner", "head", "keys"),
    [
        ("qwen3_5_moe", 9 * 512, 256, 512),  # eight experts and a shared one, and no dense width at all
        ("gemma3n", 16_384, 256, 512),  # a width for each layer
        ("gemma4", 9216, 512, 2048),  # heads of two widths
        ("qwen2_vl", 29_568, 128, 1024),
    ],
)
def test_widths_are_those_of_the_widest_layer(model_type: str, inner: int, head: int, keys: int) -> None:
    text = AutoConfig.for_model(model_type).get_text_config()
    assert (inner_width(text), head_width(text), key_value_width(text)) == (inner, head, keys)

"""Published configurations made small: every kind of layer stays, and the parts still fit each other."""

from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from known import known
from transformers import AutoConfig, AutoModelForImageTextToText

from backbones.configuration import configuration
from backbones.miniature import LAYERS, WIDTH
from backbones.registry import BUILT_IN, get
from backbones.shrinking import of_each_kind, sections, shrunk

PUBLISHED = sorted({known(get(name).configuration) for name in BUILT_IN if get(name).configuration})
FAMILIES = ("gemma4", "qwen3_5", "qwen3_vl_moe", "glm4v_moe", "mistral3", "lfm2_vl", "llama4", "cohere2_vision")
"""Classes with layers of several kinds, experts, or a projector's own widths, at transformers' default sizes."""


def built(config: Any) -> tuple[Any, Any]:
    """Return a small configuration and its model, without numbers."""
    small = shrunk(config, {}, 1024, 16)
    with torch.device("meta"):
        return small, AutoModelForImageTextToText.from_config(small)


def kinds_of(config: Any) -> set[Any]:
    """Return the kinds of layers of a decoder, as transformers' configurations list them."""
    text = config.get_text_config()
    columns = [getattr(text, name, None) for name in ("layer_types", "mlp_layer_types", "no_rope_layers")]
    return set(zip(*(column for column in columns if column), strict=True))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_configuration_becomes_a_model_of_a_few_small_layers(name: str) -> None:
    published = configuration(name)
    small, model = built(published)
    text = small.get_text_config()
    assert type(small) is type(published)
    assert text.hidden_size == WIDTH
    assert text.num_hidden_layers >= LAYERS
    assert kinds_of(small) == kinds_of(published)
    assert sum(p.numel() for p in model.parameters()) < 3_000_000


@pytest.mark.parametrize("model_type", FAMILIES)
def test_other_classes_are_made_small_at_their_own_default_sizes(model_type: str) -> None:
    published = AutoConfig.for_model(model_type)
    small, model = built(published)
    assert small.get_text_config().hidden_size == WIDTH
    assert kinds_of(small) == kinds_of(published)
    assert sum(p.numel() for p in model.parameters()) < 5_000_000


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.integers(1, 4))
def test_every_kind_of_layer_is_kept_once_and_no_more_than_asked_beside(kinds: list[str], layers: int) -> None:
    kept = of_each_kind({"layer_types": kinds}, len(kinds), layers)
    assert {kinds[index] for index in kept} == set(kinds)
    assert len(kept) == max(len(set(kinds)), min(layers, len(kinds)))
    assert list(kept) == sorted(set(kept))


def test_a_kind_is_all_that_is_said_of_a_layer() -> None:
    settings = {"layer_types": ["s", "s", "f"] * 3, "mlp_only_layers": [0], "num_kv_shared_layers": 3}
    # (type, whether dense, whether it shares keys and values)
    assert of_each_kind(settings, 9, 2) == (0, 1, 2, 6, 8)


@pytest.mark.parametrize(("published", "pairs"), list(product([(16, 24, 24), (24, 20, 20), (8, 12, 12)], [4, 8, 16])))
def test_rotary_sections_share_what_a_small_head_turns(published: tuple[int, ...], pairs: int) -> None:
    small = sections(published, pairs)
    assert sum(small) == pairs
    assert min(small) >= 1
    assert sections(published, sum(published)) == list(published)

"""Decoders with linear attention or convolutions in attention's place: packed as others are, their states with them."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from test_layouts import TINY
from transformers import AutoConfig, AutoModelForImageTextToText, DynamicCache, Qwen3_5Config

from backbones.contract import check
from backbones.miniature import PATCH, SIDE, MiniatureSpec
from backbones.private.generation import select_rows
from backbones.qwen import QwenVL
from backbones.qwen_vl import Qwen2_5VL3B
from backbones.small.qwen import of_qwen
from benchmark.tuning.contract import CLAUSES

pytestmark = pytest.mark.numeric


class Hybrid(QwenVL):
    """Qwen3.5: linear attention in three of four layers."""

    name = "qwen3.5-4b"
    model_type = "qwen3_5"
    checkpoint = replace(Qwen2_5VL3B.checkpoint, hub_id="Qwen/Qwen3.5-4B", revision="0" * 40)

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        rotary = {"rope_type": "default", "mrope_section": [6, 5, 5], "partial_rotary_factor": 1.0}
        linear = {"linear_num_key_heads": 8, "linear_num_value_heads": 32, "linear_key_head_dim": 8}
        kinds = {"layer_types": ["linear_attention", "full_attention"], "linear_value_head_dim": 8}
        vision = {"num_position_embeddings": (SIDE // PATCH) ** 2}
        return of_qwen(cls.end_token, Qwen3_5Config, {"rope_parameters": rotary, **linear, **kinds}, vision)


@pytest.mark.slow
def test_a_hybrid_decoder_keeps_the_contract_adapted_by_role(one_thread: None) -> None:
    clauses = list(check(Hybrid, CLAUSES))
    assert [(clause.sentence, clause.reason) for clause in clauses if not clause.kept] == []


@pytest.mark.parametrize("model_type", ["qwen3_5", "lfm2_vl"])
@torch.inference_mode()
def test_rows_that_stay_go_on_from_their_own_states(model_type: str, one_thread: None) -> None:
    text, vision, whole = TINY[model_type]
    config = AutoConfig.for_model(model_type, text_config=text, vision_config=vision, **whole)
    torch.manual_seed(0)
    model: Any = AutoModelForImageTextToText.from_config(config).eval()
    tokens, rows = torch.randint(3, 60, (4, 9)), torch.tensor([2, 0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.config, "image_token_id", 61)
        caches = [DynamicCache(config=config.get_text_config()) for _ in range(2)]
        for cache in caches:
            model(input_ids=tokens[:, :8], past_key_values=cache, use_cache=True)
        every = model(input_ids=tokens[:, 8:], past_key_values=caches[0], use_cache=True).logits
        staying = select_rows({"past_key_values": caches[1]}, rows)["past_key_values"]
        some = model(input_ids=tokens[rows, 8:], past_key_values=staying, use_cache=True).logits
    torch.testing.assert_close(some, every[rows])
    assert not torch.allclose(every[0], every[2])

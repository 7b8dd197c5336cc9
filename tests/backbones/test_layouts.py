"""Checkpoints of families without a plugin here, by names that they were published under: nothing missing or over.

Tiny configurations of the same classes; names don't depend on widths.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from further_families import FURTHER
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForImageTextToText

from backbones.loading import check_tensors

TEXT = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
VISION = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16,
    "patch_size": 4,
}  # fmt: skip
BLOCKS = {
    "hidden_size": 32, "intermediate_size": 64, "depth": 1, "num_heads": 2, "patch_size": 4, "out_hidden_size": 32,
}  # fmt: skip
PER_LAYER = {"hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": 64, "num_kv_shared_layers": 2}
FOUR = ["sliding_attention", "full_attention"] * 2
DELTA = {
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
    "layer_types": ["linear_attention", "full_attention"],
}  # fmt: skip
TINY: Mapping[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "qwen3_5": (TEXT | DELTA, BLOCKS | {"num_position_embeddings": 16}, {}),
    "gemma3n": (
        TEXT | PER_LAYER | {
            "num_hidden_layers": 4, "layer_types": FOUR, "laurel_rank": 8, "activation_sparsity_pattern": [0.0] * 4,
        },
        {"architecture": "test_resnet", "hidden_size": 32},
        {"audio_config": {"hidden_size": 32, "conf_num_hidden_layers": 1, "conf_num_attention_heads": 2}},
    ),
    "gemma4": (TEXT | PER_LAYER | {"num_hidden_layers": 4, "layer_types": FOUR, "global_head_dim": 8}, VISION, {}),
    "internvl": (TEXT | {"model_type": "qwen3"}, VISION | {"image_size": [16, 16], "patch_size": [4, 4]}, {}),
    "glm4v": (TEXT, BLOCKS, {}),
    "lfm2_vl": (
        TEXT | {"model_type": "lfm2", "layer_types": ["conv", "full_attention"]},
        VISION | {"model_type": "siglip2_vision_model", "num_patches": 16},
        {},
    ),
    "smolvlm": (TEXT | {"model_type": "llama"}, VISION, {}),
    "mistral3": (TEXT | {"model_type": "mistral"}, VISION | {"head_dim": 16}, {}),
    "llava": (TEXT | {"model_type": "mistral"}, VISION | {"model_type": "pixtral", "head_dim": 16}, {}),
    "llava_onevision": (TEXT | {"model_type": "qwen2"}, VISION, {}),
    "gemma3": (TEXT, VISION | {"vision_use_head": False}, {"mm_tokens_per_image": 4}),
    "qwen2_5_vl": (TEXT, BLOCKS | {"fullatt_block_indexes": [0]}, {}),
}  # fmt: skip
"""Settings of decoder, vision encoder and the whole, by `model_type`."""

TOWER = (r"^(model\.)?vision_tower\.(?=encoder|embeddings|post_layernorm|head)", r"\1vision_tower.vision_model.")
DECODER_IN_A_MODEL = (
    (r"^lm_head", "language_model.lm_head"),
    (r"^model\.language_model\.", "language_model.model."),
    (r"^model\.(vision_tower|multi_modal_projector|image_newline)", r"\1"),
)
LAYOUTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "today": (),
    "towers with a model inside": (TOWER,),
    # transformers 4.50 and before.
    "a decoder with its head": DECODER_IN_A_MODEL,
    "a decoder with its head, towers with a model inside": (*DECODER_IN_A_MODEL, TOWER),
    "a decoder without a name": ((r"^model\.visual\.", "visual."), (r"^model\.language_model\.", "model.")),
}
"""Patterns of today's names, and what they were."""
TAKEN = [
    *((family, "today") for family in TINY),
    *((family, "towers with a model inside") for family in ("lfm2_vl", "llava_onevision", "gemma3")),
    *((family, "a decoder with its head") for family in ("internvl", "mistral3", "llava")),
    *((f, "a decoder with its head, towers with a model inside") for f in ("llava_onevision", "gemma3")),
    ("qwen2_5_vl", "a decoder without a name"),
]


def test_every_family_is_tried() -> None:
    assert {family.model_type for family in FURTHER.values()} - {"qwen3_5_moe"} == TINY.keys()


@pytest.mark.parametrize(("model_type", "layout"), TAKEN)
def test_a_checkpoint_is_read_whole_by_the_names_it_was_published_under(
    model_type: str, layout: str, tmp_path: Path, one_thread: None
) -> None:
    text, vision, whole = TINY[model_type]
    config = AutoConfig.for_model(model_type, text_config=text, vision_config=vision, **whole)
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_config(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)  # so that a tensor in another's place would be noticed
    published = {}
    for name, parameter in model.named_parameters():  # tied ones stand once
        for pattern, earlier in LAYOUTS[layout]:
            name = re.sub(pattern, earlier, name)
        published[name] = parameter.detach().clone()
    assert layout == "today" or published.keys() != dict(model.named_parameters()).keys()
    published |= {name: buffer.clone() for name, buffer in model.named_buffers() if name in model.state_dict()}
    config.save_pretrained(tmp_path)
    save_file(published, tmp_path / "model.safetensors", metadata={"format": "pt"})
    read: Any = AutoModelForImageTextToText.from_pretrained(tmp_path, output_loading_info=True)
    loaded, report = read
    check_tensors(tmp_path, report["missing_keys"], report["unexpected_keys"], name=model_type, spare_tensors=())
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter), name

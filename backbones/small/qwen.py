"""What miniatures of Qwen's families are built from."""

from typing import Any

from transformers import Qwen2_5_VLConfig, Qwen2VLImageProcessorPil, Qwen3VLConfig

from backbones.miniature import ENCODER_LAYERS, PATCH, SIDE, WIDTH, MiniatureSpec, decoder
from backbones.qwen_processor import IMAGE_TOKENS, ImageProcessor

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}"
    "{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def qwen2_5_vl(end_token: str) -> MiniatureSpec:
    """Return what a miniature of Qwen2.5-VL is built from; `end_token` ends its reports."""
    rotary = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]}
    windows = {"fullatt_block_indexes": [ENCODER_LAYERS - 1], "window_size": SIDE}
    return of_qwen(end_token, Qwen2_5_VLConfig, {"head_dim": None, "rope_parameters": rotary}, windows)


def qwen3_vl(end_token: str) -> MiniatureSpec:
    """Return what a miniature of Qwen3-VL is built from; `end_token` ends its reports."""
    rotary = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [6, 5, 5]}
    vision = {"num_position_embeddings": (SIDE // PATCH) ** 2, "deepstack_visual_indexes": [0, 1]}
    return of_qwen(end_token, Qwen3VLConfig, {"rope_parameters": rotary}, vision)


def of_qwen(end_token: str, configuration: type, text: dict[str, Any], vision: dict[str, Any]) -> MiniatureSpec:
    """Return a family's miniature, by its configuration class and what its decoder and encoder have of their own."""
    side = {"shortest_edge": SIDE * SIDE, "longest_edge": SIDE * SIDE}
    shared = {
        "depth": ENCODER_LAYERS,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 4,
        "patch_size": PATCH,
        "out_hidden_size": WIDTH,
    }
    return MiniatureSpec(
        tokens={"pad_token": "<|endoftext|>", "eos_token": end_token},
        extra_tokens={**IMAGE_TOKENS, "start": "<|im_start|>"},
        chat_template=TEMPLATE,
        config=lambda t: configuration(
            text_config=decoder(t, **text),
            vision_config=shared | vision,
            **{f"{name}_id": t.convert_tokens_to_ids(token) for name, token in IMAGE_TOKENS.items()},
        ),
        processor=lambda t: ImageProcessor(Qwen2VLImageProcessorPil(size=side, patch_size=PATCH), t, t.chat_template),
    )

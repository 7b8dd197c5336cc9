"""What Qwen's vision-language models share, and Qwen2.5-VL.

Rotary positions in three dimensions depend on where the image stands.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backbones.base import Backbone
from backbones.checkpoint import Checkpoint
from backbones.later import later
from backbones.miniature import ENCODER_LAYERS, PATCH, SIDE, WIDTH, MiniatureSpec, decoder
from backbones.private.inputs import ModelInputs, rotary_positions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor
    from transformers import BatchEncoding
    from transformers.processing_utils import ProcessorMixin

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}"
    "{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class QwenVL(Backbone):
    """What the families and sizes share. Images are square here, so each has the same grid of patches."""

    processor_class = later("backbones.qwen_processor:ImageProcessor")
    end_token = "<|im_end|>"
    stacked_features = False
    token_types = "mm_token_type_ids"

    @classmethod
    def load_processor(cls, folder: Path) -> ProcessorMixin:
        """Return the checkpoint's processor, which makes every square image the size that `checkpoint` states."""
        processor = super().load_processor(folder)
        side = min(cls.checkpoint.image_size, int(processor.image_processor.size["longest_edge"] ** 0.5))
        # Its `size` counts pixels: lower and upper bound equal make every square image the same size.
        processor.image_processor.size = {"shortest_edge": side * side, "longest_edge": side * side}
        return processor

    def prompt_text(self, prompt: str) -> str:
        """Return the prompt by the checkpoint's own chat template, one image before it."""
        return self.chat_prompt(prompt)

    def model_inputs(self, text: BatchEncoding, features: Sequence[Tensor]) -> ModelInputs:
        """Return keyword arguments of the model's `forward` and `generate`, each image's grid of patches among them."""
        grids = self.grid.repeat(len(features), 1).to(self.device)
        return {**super().model_inputs(text, features), "image_grid_thw": grids}

    def training_text(self, prompt: str, reports: Sequence[str]) -> BatchEncoding:
        """Encode reports with positions, which the model would look for in the tokens; all rows have the first's."""
        text = super().training_text(prompt, reports)
        tokens, types = text["input_ids"][:1], text.pop("mm_token_type_ids")[:1]
        positions = rotary_positions(self.model, tokens, types, self.grid)
        text["position_ids"] = positions.expand(-1, len(reports), -1)
        return text

    @cached_property
    def grid(self) -> Tensor:
        """Patches of an image in time, height and width, [1, 3]."""
        import torch

        return torch.as_tensor(self.feature_inputs([np.zeros((SIDE, SIDE), np.uint8)])["image_grid_thw"])


def qwen_miniature(configuration: type, text: dict[str, Any], vision: dict[str, Any]) -> MiniatureSpec:
    """Return a family's miniature, by its configuration class and what its decoder and encoder have of their own."""
    from transformers import Qwen2VLImageProcessorPil

    from backbones.qwen_processor import IMAGE_TOKENS, ImageProcessor

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
        tokens={"pad_token": "<|endoftext|>", "eos_token": QwenVL.end_token},
        extra_tokens={**IMAGE_TOKENS, "start": "<|im_start|>"},
        chat_template=TEMPLATE,
        config=lambda t: configuration(
            text_config=decoder(t, **text),
            vision_config=shared | vision,
            **{f"{name}_id": t.convert_tokens_to_ids(token) for name, token in IMAGE_TOKENS.items()},
        ),
        processor=lambda t: ImageProcessor(Qwen2VLImageProcessorPil(size=side, patch_size=PATCH), t, t.chat_template),
    )


class Qwen2_5VL(QwenVL):
    """What the sizes of Qwen2.5-VL share."""

    model_type = "qwen2_5_vl"

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of Qwen2.5-VL is built from."""
        from transformers import Qwen2_5_VLConfig

        rotary = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]}
        windows = {"fullatt_block_indexes": [ENCODER_LAYERS - 1], "window_size": SIDE}
        return qwen_miniature(Qwen2_5_VLConfig, {"head_dim": None, "rope_parameters": rotary}, windows)


class Qwen2_5VL3B(Qwen2_5VL):
    """Qwen/Qwen2.5-VL-3B-Instruct."""

    name = "qwen2.5-vl-3b"
    configuration = name
    checkpoint = Checkpoint(
        hub_id="Qwen/Qwen2.5-VL-3B-Instruct",
        revision="66285546d2b821cf421d4f5eb2576359d3770cd3",
        licence="Qwen Research License",
        gated=False,
        parameters=3_754_622_976,
        image_size=896,
        image_tokens=1024,
    )


class Qwen2_5VL7B(Qwen2_5VL):
    """Qwen/Qwen2.5-VL-7B-Instruct."""

    name = "qwen2.5-vl-7b"
    configuration = name
    checkpoint = Checkpoint(
        hub_id="Qwen/Qwen2.5-VL-7B-Instruct",
        revision="cc594898137f460bfe9f0759e9844b3ce807cfb5",
        licence="Apache-2.0",
        gated=False,
        parameters=8_292_166_656,
        image_size=896,
        image_tokens=1024,
    )

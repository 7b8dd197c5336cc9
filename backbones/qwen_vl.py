"""Qwen2.5-VL: rotary positions in three dimensions, which depend on where the image stands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import BatchEncoding, Qwen2_5_VLConfig, Qwen2_5_VLProcessor, Qwen2VLImageProcessorPil
from transformers.processing_utils import ProcessorMixin

from backbones.base import Backbone
from backbones.checkpoint import Checkpoint
from backbones.miniature import LAYERS, PATCH, SIDE, WIDTH, MiniatureSpec, decoder


class ImageProcessor(Qwen2_5_VLProcessor):
    """Qwen2.5-VL's processor without its video part, which needs torchvision.

    transformers reads a processor's parts off its `__init__`, so leaving the argument out leaves the part out.
    """

    def __init__(self, image_processor=None, tokenizer=None, chat_template=None, **kwargs):
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


class QwenVL(Backbone):
    """What the sizes of Qwen2.5-VL share. Images are square here, so each has the same grid of patches."""

    model_type = "qwen2_5_vl"
    processor_class = ImageProcessor
    end_token = "<|im_end|>"
    stacked_features = False
    token_types = "mm_token_type_ids"

    @classmethod
    def _load_processor(cls, folder: Any) -> Any:
        processor = super()._load_processor(folder)
        side = min(cls.checkpoint.image_size, int(processor.image_processor.size["longest_edge"] ** 0.5))
        # Its `size` counts pixels: lower and upper bound equal make every square image the same size.
        processor.image_processor.size = {"shortest_edge": side * side, "longest_edge": side * side}
        return processor

    def prompt_text(self, prompt: str) -> str:
        return self.chat_prompt(prompt)

    def model_inputs(self, text: BatchEncoding, features: Sequence[Tensor]) -> dict[str, Any]:
        grid = self.feature_inputs([np.zeros((SIDE, SIDE), np.uint8)])["image_grid_thw"]
        rows = torch.as_tensor(grid, device=self.device).repeat(len(features), 1)
        return {**super().model_inputs(text, features), "image_grid_thw": rows}

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        image = {
            "image_token": "<|image_pad|>",
            "video_token": "<|video_pad|>",
            "vision_start_token": "<|vision_start|>",
            "vision_end_token": "<|vision_end|>",
        }
        rotary = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [6, 5, 5]}
        return MiniatureSpec(
            tokens={"pad_token": "<|endoftext|>", "eos_token": cls.end_token},
            extra_tokens={**image, "start": "<|im_start|>"},
            chat_template=(
                "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
                "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}"
                "{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
                "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
            ),
            config=lambda t: Qwen2_5_VLConfig(
                text_config=decoder(t, head_dim=None, rope_parameters=rotary),
                vision_config={
                    "depth": LAYERS,
                    "hidden_size": 64,
                    "intermediate_size": 128,
                    "num_heads": 4,
                    "patch_size": PATCH,
                    "out_hidden_size": WIDTH,
                    "fullatt_block_indexes": [LAYERS - 1],
                    "window_size": 4 * PATCH,
                },
                **{f"{k}_id": t.convert_tokens_to_ids(v) for k, v in image.items()},
            ),
            processor=lambda t: ImageProcessor(
                Qwen2VLImageProcessorPil(size={"shortest_edge": SIDE * SIDE, "longest_edge": SIDE * SIDE}),
                t,
                chat_template=t.chat_template,
            ),
        )


class QwenVL3B(QwenVL):
    """Qwen/Qwen2.5-VL-3B-Instruct."""

    name = "qwen2.5-vl-3b"
    checkpoint = Checkpoint(
        hub_id="Qwen/Qwen2.5-VL-3B-Instruct",
        revision="66285546d2b821cf421d4f5eb2576359d3770cd3",
        licence="Qwen Research License",
        gated=False,
        parameters=3_754_622_976,
        image_size=896,
        image_tokens=1024,
    )


class QwenVL7B(QwenVL):
    """Qwen/Qwen2.5-VL-7B-Instruct."""

    name = "qwen2.5-vl-7b"
    checkpoint = Checkpoint(
        hub_id="Qwen/Qwen2.5-VL-7B-Instruct",
        revision="cc594898137f460bfe9f0759e9844b3ce807cfb5",
        licence="Apache-2.0",
        gated=False,
        parameters=8_292_166_656,
        image_size=896,
        image_tokens=1024,
    )

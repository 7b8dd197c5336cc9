"""Qwen3-VL: further features of earlier vision layers are added to the decoder's first layers (DeepStack)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbones.checkpoint import Checkpoint
from backbones.miniature import PATCH, SIDE, MiniatureSpec
from backbones.private.inputs import ModelInputs, deepstack_output
from backbones.qwen_vl import QwenVL, qwen_miniature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import BatchEncoding
    from transformers.modeling_outputs import ModelOutput


class Qwen3VL(QwenVL):
    """What the sizes share. An image's features are the last layer's and DeepStack's, side by side."""

    model_type = "qwen3_vl"

    def features_of(self, encoded: ModelOutput) -> Sequence[Tensor]:
        """Return one [image_tokens, layers · hidden] tensor per image: the last layer's, then DeepStack's."""
        import torch

        layers = [encoded["pooler_output"], *encoded["deepstack_features"]]
        return [torch.cat(image, dim=-1) for image in zip(*layers, strict=True)]

    def encoder_output(self, features: Sequence[Tensor]) -> ModelOutput:
        """Return images' features as the model's vision encoder returns them, split into the layers' again."""
        width = self.model.config.get_text_config().hidden_size
        last, *deeper = zip(*(image.split(width, dim=-1) for image in features), strict=True)  # one tuple a layer
        return deepstack_output(last, deeper)

    def training_inputs(self, text: BatchEncoding, features: Tensor) -> ModelInputs:
        """Return inputs as in generation: DeepStack's features reach the decoder only beside the last layer's."""
        inputs = self.model_inputs(text, features.chunk(len(text["input_ids"])))
        del inputs["attention_mask"]
        return inputs

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of Qwen3-VL is built from."""
        from transformers import Qwen3VLConfig

        rotary = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [6, 5, 5]}
        vision = {"num_position_embeddings": (SIDE // PATCH) ** 2, "deepstack_visual_indexes": [0, 1]}
        return qwen_miniature(Qwen3VLConfig, {"rope_parameters": rotary}, vision)


class Qwen3VL4B(Qwen3VL):
    """Qwen/Qwen3-VL-4B-Instruct."""

    name = "qwen3-vl-4b"
    configuration = name
    checkpoint = Checkpoint(
        hub_id="Qwen/Qwen3-VL-4B-Instruct",
        revision="ebb281ec70b05090aa6165b016eac8ec08e71b17",
        licence="Apache-2.0",
        gated=False,
        parameters=4_437_815_808,
        image_size=896,
        image_tokens=784,
    )


class Qwen3VL8B(Qwen3VL):
    """Qwen/Qwen3-VL-8B-Instruct."""

    name = "qwen3-vl-8b"
    configuration = name
    checkpoint = Checkpoint(
        hub_id="Qwen/Qwen3-VL-8B-Instruct",
        revision="0c351dd01ed87e9c1b53cbc748cba10e6187ff3b",
        licence="Apache-2.0",
        gated=False,
        parameters=8_767_123_696,
        image_size=896,
        image_tokens=784,
    )

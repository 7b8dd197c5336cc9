"""Qwen3-VL: further features of earlier vision layers are added to the decoder's first layers (DeepStack)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import BatchEncoding
from transformers.modeling_outputs import ModelOutput

from backbones import pinned
from backbones.miniature import MiniatureSpec
from backbones.private.inputs import ModelInputs, deepstack_output
from backbones.qwen import QwenVL
from backbones.small.qwen import qwen3_vl


class Qwen3VL(QwenVL):
    """What the sizes share. An image's features are the last layer's and DeepStack's, side by side."""

    model_type = "qwen3_vl"

    def features_of(self, encoded: ModelOutput) -> Sequence[Tensor]:
        """Return one [image_tokens, layers · hidden] tensor per image: the last layer's, then DeepStack's."""
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
        return qwen3_vl(cls.end_token)


class Qwen3VL4B(Qwen3VL):
    """Qwen/Qwen3-VL-4B-Instruct."""

    name = "qwen3-vl-4b"
    configuration = name
    checkpoint = pinned.QWEN3_VL_4B


class Qwen3VL8B(Qwen3VL):
    """Qwen/Qwen3-VL-8B-Instruct."""

    name = "qwen3-vl-8b"
    configuration = name
    checkpoint = pinned.QWEN3_VL_8B

"""Features of several vision layers: DeepStack's, which are added to the decoder's first layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbones.base import Backbone
from backbones.private.inputs import ModelInputs, deepstack_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import BatchEncoding
    from transformers.modeling_outputs import ModelOutput


class DeepStack(Backbone):
    """A family with DeepStack. An image's features are the last layer's and DeepStack's, side by side."""

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

"""Families whose processors give an image more than pixels: its grid of patches, and with it rotary positions."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backbones.base import Backbone
from backbones.private.inputs import ModelInputs, image_parameters, parameters_of, rotary_positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor
    from transformers import BatchEncoding


class Beside(Backbone):
    """What such families share. Images are square here, so each has what a blank one has.

    Attributes of a plugin class:
        image_inputs: what its processor gives an image beside pixels.
        learns_as_generating: whether a training step is given what generation is, tokens and all.
    """

    image_inputs: ClassVar[tuple[str, ...]] = ()
    learns_as_generating: ClassVar[bool] = False

    @cached_property
    def beside(self) -> dict[str, Tensor]:
        """What a blank image's processing gives beside pixels, and the model's `forward` takes."""
        import torch

        side = self.checkpoint.image_size
        inputs = self.pixel_inputs([np.zeros((side, side), np.uint8)])
        taken = parameters_of(self.model.forward)
        return {
            name: torch.as_tensor(inputs[name]) for name in self.image_inputs if name in inputs and name in taken
        }  # fmt: skip

    def feature_inputs(self, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Return `pixel_inputs` without what `get_image_features` doesn't take."""
        taken = image_parameters(self.model)
        return {name: value for name, value in self.pixel_inputs(images).items() if name in taken}

    def model_inputs(self, text: BatchEncoding, features: Sequence[Tensor]) -> ModelInputs:
        """Return keyword arguments of the model's `forward` and `generate`, with what its processor gives an image."""
        inputs: Any = dict(super().model_inputs(text, features))
        for name, value in self.beside.items():
            inputs[name] = value.repeat(len(features), *[1] * (value.ndim - 1)).to(self.device)
        return inputs

    def training_text(self, prompt: str, reports: Sequence[str]) -> BatchEncoding:
        """Encode reports, with rotary positions where the model would look for an image in the tokens.

        All rows have the first's: behind one prompt a report's tokens have the same places.
        """
        text = super().training_text(prompt, reports)
        if self.learns_as_generating:
            return text
        positions = rotary_positions(self.model, text, self.beside, self.token_types)
        if positions is not None:
            text["position_ids"] = positions.expand(-1, len(reports), -1)
            text.pop(self.token_types or "", None)
        return text

    def training_inputs(self, text: BatchEncoding, features: Tensor) -> ModelInputs:
        """Return keyword arguments for a batch to learn from, as `model_inputs` where the model needs the tokens."""
        if not self.learns_as_generating:
            return super().training_inputs(text, features)
        return self.model_inputs(text, features.chunk(len(text["input_ids"])))

"""What Qwen's vision-language models share.

Rotary positions in three dimensions depend on where the image stands.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from backbones.base import Backbone
from backbones.later import later
from backbones.miniature import SIDE
from backbones.private.inputs import ModelInputs, rotary_positions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor
    from transformers import BatchEncoding
    from transformers.processing_utils import ProcessorMixin


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

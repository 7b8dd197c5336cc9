"""What Qwen's vision-language models share.

Rotary positions in three dimensions depend on where the image stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbones.beside import Beside
from backbones.later import later

if TYPE_CHECKING:
    from pathlib import Path

    from transformers.processing_utils import ProcessorMixin


class QwenVL(Beside):
    """What the families and sizes share. Images are square here, so each has the same grid of patches."""

    processor_class = later("backbones.qwen_processor:ImageProcessor")
    end_token = "<|im_end|>"
    stacked_features = False
    token_types = "mm_token_type_ids"
    image_inputs = ("image_grid_thw",)

    @classmethod
    def load_processor(cls, folder: Path) -> ProcessorMixin:
        """Return the checkpoint's processor, which makes every square image the size that `checkpoint` states."""
        processor = super().load_processor(folder)
        side = min(cls.checkpoint.image_size, int(processor.image_processor.size["longest_edge"] ** 0.5))
        # Its `size` counts pixels: lower and upper bound equal make every square image the same size.
        processor.image_processor.size = {"shortest_edge": side * side, "longest_edge": side * side}
        return processor

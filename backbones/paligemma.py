"""PaliGemma 2: Gemma 2 with SigLIP; the prompt is a prefix that attends in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backbones import pinned
from backbones.base import IGNORED, Backbone
from backbones.gemma_masks import row_masks
from backbones.later import later

if TYPE_CHECKING:
    from torch import Tensor

    from backbones.miniature import MiniatureSpec
    from backbones.private.inputs import ModelInputs


class PaliGemma2(Backbone):
    """google/paligemma2-3b-mix-448. It has no chat template; its processor adds the beginning token itself."""

    name = "paligemma2-3b"
    checkpoint = pinned.PALIGEMMA2
    model_type = "paligemma"
    configuration = "paligemma2-3b"
    processor_class = later("transformers:PaliGemmaProcessor")
    end_token = "<eos>"
    token_types = "token_type_ids"

    def prompt_text(self, prompt: str) -> str:
        """Return the image's placeholder and the prompt, with nothing about them."""
        return f"<image>{prompt}"

    def token_type_ids(self, input_ids: Tensor, labels: Tensor) -> Tensor:
        """Return 0 for the prefix (image and prompt), 1 for the suffix (report and padding), [rows, length]."""
        return (labels != IGNORED).long().cummax(dim=1).values

    def training_mask(self, inputs: ModelInputs) -> Tensor | None:
        """Return one mask where the model takes one: within the window all layers see the same."""
        within = inputs["labels"].shape[1] <= self.model.config.get_text_config().sliding_window
        return row_masks(self.model, inputs)["full_attention"] if within else None

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of PaliGemma 2 is built from."""
        from backbones.small.paligemma import paligemma

        return paligemma(cls.end_token)


class PaliGemma2Pretrained(PaliGemma2):
    """google/paligemma2-3b-pt-448: before the mixture of tasks, and meant to be tuned."""

    name = "paligemma2-3b-pt"
    checkpoint = pinned.PALIGEMMA2_PRETRAINED

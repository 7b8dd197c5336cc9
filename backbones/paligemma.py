"""PaliGemma 2: Gemma 2 with SigLIP; the prompt is a prefix that attends in both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from backbones.base import IGNORED, Backbone
from backbones.checkpoint import Checkpoint
from backbones.gemma_masks import row_masks
from backbones.later import later
from backbones.miniature import PATCH, SIDE, WIDTH, MiniatureSpec, decoder, encoder, square, token_id
from backbones.private.inputs import ModelInputs

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PaliGemmaProcessor


class PaliGemma2(Backbone):
    """google/paligemma2-3b-mix-448. It has no chat template; its processor adds the beginning token itself."""

    name = "paligemma2-3b"
    checkpoint = Checkpoint(
        hub_id="google/paligemma2-3b-mix-448",
        revision="1406c92ec87d32cc6b983239278901b904ba7a51",
        licence="Gemma",
        gated=True,
        parameters=3_033_127_152,
        image_size=448,
        image_tokens=1024,
    )
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
        if inputs["labels"].shape[1] > self.model.config.get_text_config().sliding_window:
            return None
        return row_masks(self.model, inputs)["full_attention"]

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of PaliGemma 2 is built from."""
        from transformers import PaliGemmaConfig, PaliGemmaProcessor, SiglipImageProcessorPil

        def processor(tokenizer: Any) -> PaliGemmaProcessor:
            images: Any = SiglipImageProcessorPil(size=square(SIDE), image_mean=[0.5] * 3, image_std=[0.5] * 3)
            images.image_seq_length = (SIDE // PATCH) ** 2
            return PaliGemmaProcessor(images, tokenizer)

        return MiniatureSpec(
            tokens={"pad_token": "<pad>", "eos_token": cls.end_token, "bos_token": "<bos>", "unk_token": "<unk>"},
            extra_tokens={"image_token": "<image>"},
            chat_template=None,
            config=lambda t: PaliGemmaConfig(
                text_config=decoder(t, model_type="gemma2", query_pre_attn_scalar=WIDTH // 4, sliding_window=512),
                vision_config=encoder("siglip_vision_model", vision_use_head=False, projection_dim=WIDTH),
                image_token_index=token_id(t, "<image>"),
                projection_dim=WIDTH,
                hidden_size=WIDTH,
            ),
            processor=processor,
        )


class PaliGemma2Pretrained(PaliGemma2):
    """google/paligemma2-3b-pt-448: before the mixture of tasks, and meant to be tuned."""

    name = "paligemma2-3b-pt"
    checkpoint = replace(
        PaliGemma2.checkpoint,
        hub_id="google/paligemma2-3b-pt-448",
        revision="bd60523c1ff2b0020c11e68affe65ef0b2379cab",
    )

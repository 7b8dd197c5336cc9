"""MedGemma 4B: Gemma 3 with the MedSigLIP image encoder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backbones.base import Backbone
from backbones.checkpoint import Checkpoint
from backbones.gemma_masks import row_masks
from backbones.later import later
from backbones.miniature import SIDE, WIDTH, MiniatureSpec, decoder, encoder, square, token_id
from backbones.private.inputs import ModelInputs

if TYPE_CHECKING:
    from torch import Tensor

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m['role'] }}\n"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<start_of_image>{% else %}{{ c['text'] }}"
    "{% endif %}{% endfor %}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


class MedGemma(Backbone):
    """google/medgemma-4b-it. Image tokens attend to each other in both directions, told by `token_type_ids`."""

    name = "medgemma-4b-it"
    checkpoint = Checkpoint(
        hub_id="google/medgemma-4b-it",
        revision="290cda5eeccbee130f987c4ad74a59ae6f196408",
        licence="Health AI Developer Foundations",
        gated=True,
        parameters=4_300_079_472,
        image_size=896,
        image_tokens=256,
    )
    model_type = "gemma3"
    configuration = "medgemma-4b"
    processor_class = later("transformers:Gemma3Processor")
    end_token = "<end_of_turn>"
    token_types = "token_type_ids"

    def prompt_text(self, prompt: str) -> str:
        """Return the prompt by the checkpoint's own chat template, one image before it."""
        return self.chat_prompt(prompt)

    def training_mask(self, inputs: ModelInputs) -> dict[str, Tensor]:
        """Return a mask for each kind of the model's layers, made for all rows at once."""
        return row_masks(self.model, inputs)

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of Gemma 3 is built from."""
        from transformers import Gemma3Config, Gemma3ImageProcessorPil, Gemma3Processor

        image = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
        return MiniatureSpec(
            tokens={"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"},
            extra_tokens={**image, "start": "<start_of_turn>", "end": cls.end_token},
            chat_template=TEMPLATE,
            config=lambda t: Gemma3Config(
                text_config=decoder(
                    t,
                    query_pre_attn_scalar=WIDTH // 4,
                    sliding_window=512,
                    layer_types=["sliding_attention", "full_attention"],
                ),
                vision_config=encoder("siglip_vision_model", vision_use_head=False),
                mm_tokens_per_image=16,
                image_token_index=token_id(t, "<image_soft_token>"),
                boi_token_index=token_id(t, "<start_of_image>"),
                eoi_token_index=token_id(t, "<end_of_image>"),
            ),
            processor=lambda t: Gemma3Processor(
                Gemma3ImageProcessorPil(size=square(SIDE), image_mean=[0.5] * 3, image_std=[0.5] * 3),
                t,
                chat_template=t.chat_template,
                image_seq_length=16,
            ),
        )


class MedGemma1_5(MedGemma):
    """google/medgemma-1.5-4b-it: the same architecture and prompt, trained further."""

    name = "medgemma-1.5-4b-it"
    checkpoint = replace(
        MedGemma.checkpoint,
        hub_id="google/medgemma-1.5-4b-it",
        revision="e9792da5fb8ee651083d345ec4bce07c3c9f1641",
    )

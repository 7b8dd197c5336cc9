"""Idefics 3: SigLIP and a Llama decoder joined by pixel shuffling; an image may be cut into tiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backbones.base import Backbone
from backbones.checkpoint import Checkpoint
from backbones.later import later
from backbones.miniature import PATCH, SIDE, MiniatureSpec, decoder, encoder, token_id

if TYPE_CHECKING:
    from transformers.processing_utils import ProcessorMixin

TEMPLATE = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}:{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)

IMAGE_TOKENS = ("<image>", "<fake_token_around_image>", "<global-img>", "<row_1_col_1>")
LONGEST = {"longest_edge": SIDE}


class SmolVLM(Backbone):
    """HuggingFaceTB/SmolVLM-Instruct, an Idefics 3 of 2.2 billion parameters.

    The image is seen whole and in 2 × 2 tiles; by its own default there would be 4 × 4 and three times the tokens.
    """

    name = "smolvlm-2.2b"
    checkpoint = Checkpoint(
        hub_id="HuggingFaceTB/SmolVLM-Instruct",
        revision="81cd9a775a4d644f2faf4e7becff4559b46b14c7",
        licence="Apache-2.0",
        gated=False,
        parameters=2_246_272_880,
        image_size=768,
        image_tokens=405,
        tiles=5,
    )
    model_type = "idefics3"
    configuration = "smolvlm-2.2b"
    processor_class = later("transformers:Idefics3Processor")
    end_token = "<end_of_utterance>"
    decoder = "text_model"
    stacked_features = False
    report_start = " "

    @classmethod
    def load_processor(cls, folder: Path) -> ProcessorMixin:
        """Return the checkpoint's processor, which cuts an image into as many tiles as `checkpoint` states."""
        processor = super().load_processor(folder)
        images = processor.image_processor
        images.size = {"longest_edge": min(cls.checkpoint.image_size, images.size["longest_edge"])}
        return processor

    def prompt_text(self, prompt: str) -> str:
        """Return the prompt by the checkpoint's own chat template, one image before it."""
        return self.chat_prompt(prompt)

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of Idefics 3 is built from."""
        from transformers import Idefics3Config, Idefics3ImageProcessorPil, Idefics3Processor

        images = Idefics3ImageProcessorPil(size=LONGEST, max_image_size=LONGEST, do_image_splitting=False)
        tokens = {"pad_token": "<pad>", "bos_token": "<|im_start|>", "unk_token": "<unk>", "eos_token": cls.end_token}
        return MiniatureSpec(
            tokens=tokens,
            extra_tokens={token.strip("<>"): token for token in IMAGE_TOKENS},
            chat_template=TEMPLATE,
            config=lambda t: Idefics3Config(
                text_config=decoder(t, model_type="llama"),
                vision_config=encoder("idefics3_vision"),
                image_token_id=token_id(t, "<image>"),
                scale_factor=2,
            ),
            processor=lambda t: Idefics3Processor(
                images, t, image_seq_len=(SIDE // PATCH // 2) ** 2, chat_template=t.chat_template
            ),
        )

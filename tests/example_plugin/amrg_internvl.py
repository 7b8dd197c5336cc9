"""InternVL3 2B, a backbone of amrg: InternViT and Qwen2.5, joined by pixel shuffling."""

from typing import Any

from transformers import GotOcr2ImageProcessorPil, InternVLConfig, InternVLProcessor

from backbones.base import Backbone
from backbones.checkpoint import Checkpoint
from backbones.miniature import PATCH, SIDE, MiniatureSpec, decoder, encoder, square, token_id

IMAGE = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<IMG_CONTEXT>\n{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class ImageProcessor(InternVLProcessor):
    """InternVL's processor without its video part: transformers reads a processor's parts off its `__init__`."""

    images_kwargs = {"crop_to_patches": False}  # type: ignore[typeddict-unknown-key]  # noqa: RUF012

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        image_seq_length: int = 256,
        chat_template: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(image_processor, tokenizer, None, image_seq_length, chat_template, **kwargs)


class InternVL(Backbone):
    """OpenGVLab/InternVL3-2B-hf, seeing an image whole."""

    name = "internvl3-2b"
    checkpoint = Checkpoint(
        hub_id="OpenGVLab/InternVL3-2B-hf",
        revision="cb57a075cb75a2e6d1b668b128d48bb00ae321d2",
        licence="Apache-2.0",
        gated=False,
        parameters=2_088_883_712,
        image_size=448,
        image_tokens=256,
    )
    model_type = "internvl"
    processor_class = ImageProcessor
    end_token = "<|im_end|>"

    def prompt_text(self, prompt: str) -> str:
        return self.chat_prompt(prompt)

    @classmethod
    def full_configuration(cls) -> InternVLConfig:
        text = {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12}
        return InternVLConfig(
            text_config={**text, "num_key_value_heads": 2, "vocab_size": 151674}, tie_word_embeddings=False
        )

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        tokens = (SIDE // PATCH // 2) ** 2
        sides = {"image_size": [SIDE, SIDE], "patch_size": [PATCH, PATCH]}
        return MiniatureSpec(
            tokens={"pad_token": "<|endoftext|>", "eos_token": cls.end_token},
            extra_tokens={**IMAGE, "start": "<|im_start|>"},
            chat_template=TEMPLATE,
            config=lambda t: InternVLConfig(
                text_config=decoder(t, model_type="qwen2", head_dim=None),
                vision_config=encoder("internvl_vision", **sides),
                image_token_id=token_id(t, "<IMG_CONTEXT>"),
                image_seq_length=tokens,
            ),
            processor=lambda t: ImageProcessor(GotOcr2ImageProcessorPil(size=square(SIDE)), t, tokens, t.chat_template),
        )

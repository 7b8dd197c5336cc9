"""What a miniature of PaliGemma 2 is built from."""

from typing import Any

from transformers import PaliGemmaConfig, PaliGemmaProcessor, SiglipImageProcessorPil

from backbones.miniature import PATCH, SIDE, WIDTH, MiniatureSpec, decoder, encoder, square, token_id


def paligemma(end_token: str) -> MiniatureSpec:
    """Return what a miniature is built from; `end_token` ends its reports."""

    def processor(tokenizer: Any) -> PaliGemmaProcessor:
        images: Any = SiglipImageProcessorPil(size=square(SIDE), image_mean=[0.5] * 3, image_std=[0.5] * 3)
        images.image_seq_length = (SIDE // PATCH) ** 2
        return PaliGemmaProcessor(images, tokenizer)

    return MiniatureSpec(
        tokens={"pad_token": "<pad>", "eos_token": end_token, "bos_token": "<bos>", "unk_token": "<unk>"},
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

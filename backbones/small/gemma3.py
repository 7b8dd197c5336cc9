"""What a miniature of Gemma 3 is built from."""

from transformers import Gemma3Config, Gemma3ImageProcessorPil, Gemma3Processor

from backbones.miniature import SIDE, WIDTH, MiniatureSpec, decoder, encoder, square, token_id

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m['role'] }}\n"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<start_of_image>{% else %}{{ c['text'] }}"
    "{% endif %}{% endfor %}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def gemma3(end_token: str) -> MiniatureSpec:
    """Return what a miniature is built from; `end_token` ends its reports."""
    image = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
    return MiniatureSpec(
        tokens={"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"},
        extra_tokens={**image, "start": "<start_of_turn>", "end": end_token},
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

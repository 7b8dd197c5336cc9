"""What a miniature of Idefics 3 is built from."""

from transformers import Idefics3Config, Idefics3ImageProcessorPil, Idefics3Processor

from backbones.miniature import PATCH, SIDE, MiniatureSpec, decoder, encoder, token_id

TEMPLATE = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}:{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
IMAGE_TOKENS = ("<image>", "<fake_token_around_image>", "<global-img>", "<row_1_col_1>")
LONGEST = {"longest_edge": SIDE}


def idefics3(end_token: str) -> MiniatureSpec:
    """Return what a miniature is built from; `end_token` ends its reports."""
    tokens = {"pad_token": "<pad>", "bos_token": "<|im_start|>", "unk_token": "<unk>", "eos_token": end_token}
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
            Idefics3ImageProcessorPil(size=LONGEST, max_image_size=LONGEST, do_image_splitting=False),
            t,
            image_seq_len=(SIDE // PATCH // 2) ** 2,
            chat_template=t.chat_template,
        ),
    )

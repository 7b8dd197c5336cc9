"""What a miniature of LLaVA-Med is built from."""

from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaProcessor

from backbones.miniature import PATCH, SIDE, MiniatureSpec, decoder, encoder, square, token_id


def llava(end_token: str) -> MiniatureSpec:
    """Return what a miniature is built from; `end_token` ends its reports."""
    return MiniatureSpec(
        tokens={"pad_token": "<pad>", "eos_token": end_token, "bos_token": "<s>", "unk_token": "<unk>"},
        extra_tokens={"image_token": "<image>"},
        chat_template=None,
        config=lambda t: LlavaConfig(
            text_config=decoder(t, model_type="mistral", sliding_window=None),
            vision_config=encoder("clip_vision_model", projection_dim=64),
            image_token_index=token_id(t, "<image>"),
            vision_feature_layer=-2,
            vision_feature_select_strategy="default",
            image_seq_length=(SIDE // PATCH) ** 2,
        ),
        processor=lambda t: LlavaProcessor(
            CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=square(SIDE)),
            t,
            patch_size=PATCH,
            vision_feature_select_strategy="default",
            num_additional_image_tokens=1,
        ),
    )

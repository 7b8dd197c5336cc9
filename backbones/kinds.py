"""Which models can be tuned here: decoders that take images. Others are named before anything of them is loaded."""

from typing import TYPE_CHECKING

from backbones.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def check_kind(config: "PreTrainedConfig", at: str) -> None:
    """Refuse a configuration whose model is no decoder that takes images.

    Args:
        config: of the checkpoint.
        at: what it is, as the message begins.

    Raises:
        UserError: it is an encoder-decoder, or takes no images.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    refuse_encoder_decoder(config, at)
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING or getattr(config, "vision_config", None) is None:
        raise UserError(
            f"{at}: it takes no images, so it can't report any. Give the checkpoint of a vision-language model, whose "
            "config.json has a `vision_config` and a class of transformers for images and text to text."
        )


def refuse_encoder_decoder(config: "PreTrainedConfig", at: str) -> None:
    """Refuse a configuration whose decoder reads the image by cross-attention; see `check_kind`.

    Raises:
        UserError: it is an encoder-decoder.
    """
    parts = (config, config.get_text_config(decoder=True))
    if any(getattr(part, "is_encoder_decoder", False) for part in parts):
        raise UserError(
            f"{at}: {config.model_type!r} is an encoder-decoder. Its decoder reads image and prompt by "
            "cross-attention, where amrg puts a report behind them and trains one decoder on both. Choose a decoder "
            "that takes images, such as those that `amrg backbones list` names."
        )

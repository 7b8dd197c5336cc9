"""LLaVA-Med 1.5: LLaVA with a Mistral decoder and CLIP's image encoder."""

from pathlib import Path
from typing import Any

from backbones.base import Backbone
from backbones.checkpoint import Checkpoint
from backbones.later import later
from backbones.miniature import PATCH, SIDE, MiniatureSpec, decoder, encoder, square, token_id

SHARDS = (
    "ef2190dc6c2a940e60f03f5fdb4dddb2320eb87801aeca5c40b0a28ce8aa420e",
    "2b229607fecd98b8111320178e5bf3e2c527b05a942c85d65b5b507c76c1ed00",
    "12b18ecdf8924d5fe28ada797fe6697fa60e62cba630759fbeb52975b261c4e2",
    "1d2063fcd429d3f0f0a8a091b0522f0e02f2d85fe0e5b0eeb4ae168183a603bc",
)
"""SHA-256 of the pinned revision's shards."""


class LlavaMed(Backbone):
    """microsoft/llava-med-v1.5-mistral-7b, whose prompt is Mistral's `[INST] … [/INST]`.

    The original is converted once and kept; a folder in transformers' layout is read as it is.
    """

    name = "llava-med-7b"
    checkpoint = Checkpoint(
        hub_id="microsoft/llava-med-v1.5-mistral-7b",
        revision="91bb16c122001ddc9cf1fd36ce1dae09448943a2",
        licence="Microsoft Research License",
        gated=False,
        parameters=7_566_743_552,
        image_size=336,
        image_tokens=576,
    )
    model_type = "llava"
    configuration = "llava-med-7b"
    converted = True
    processor_class = later("transformers:LlavaProcessor")
    end_token = "</s>"
    turn_markers = ("[INST]", "[/INST]")
    stacked_features = False

    @classmethod
    def prepare(cls, folder: Path, *, pinned: bool) -> Path:
        """Return the folder in transformers' layout: the conversion's, or `folder` where it has that layout."""
        from backbones.llava_med_conversion import converted

        return converted(folder, digests=SHARDS if pinned else None)

    def prompt_text(self, prompt: str) -> str:
        """Return the prompt as a turn of Mistral's, one image before it."""
        return f"{self.tokenizer.bos_token}[INST] <image>\n{prompt} [/INST]"

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of LLaVA-Med is built from."""
        from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaProcessor

        image: dict[str, Any] = {"patch_size": PATCH, "vision_feature_select_strategy": "default"}
        image["num_additional_image_tokens"] = 1
        return MiniatureSpec(
            tokens={"pad_token": "<pad>", "eos_token": cls.end_token, "bos_token": "<s>", "unk_token": "<unk>"},
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
                CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=square(SIDE)), t, **image
            ),
        )

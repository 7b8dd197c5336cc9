"""InternVL3 2B, a backbone of amrg: InternViT and Qwen2.5, joined by pixel shuffling."""

from transformers import InternVLProcessor

from backbones.base import Backbone
from backbones.checkpoint import Checkpoint


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
    processor_class = InternVLProcessor
    end_token = "<|im_end|>"
    switched_off = ("crop_to_patches",)

"""LLaVA-Med 1.5: LLaVA with a Mistral decoder and CLIP's image encoder."""

from pathlib import Path

from transformers import LlavaProcessor

from backbones.base import Backbone
from backbones.llava_med_conversion import converted
from backbones.miniature import MiniatureSpec
from backbones.pinned import LLAVA_MED, LLAVA_MED_SHARDS


class LlavaMed(Backbone):
    """microsoft/llava-med-v1.5-mistral-7b, whose prompt is Mistral's `[INST] … [/INST]`.

    The original is converted once and kept; a folder in transformers' layout is read as it is.
    """

    name = "llava-med-7b"
    checkpoint = LLAVA_MED
    model_type = "llava"
    configuration = "llava-med-7b"
    converted = True
    processor_class = LlavaProcessor
    end_token = "</s>"
    turn_markers = ("[INST]", "[/INST]")
    stacked_features = False

    @classmethod
    def prepare(cls, folder: Path, *, pinned: bool) -> Path:
        """Return the folder in transformers' layout: the conversion's, or `folder` where it has that layout."""
        return converted(folder, digests=LLAVA_MED_SHARDS if pinned else None)

    def prompt_text(self, prompt: str) -> str:
        """Return the prompt as a turn of Mistral's, one image before it."""
        return f"{self.tokenizer.bos_token}[INST] <image>\n{prompt} [/INST]"

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of LLaVA-Med is built from."""
        from backbones.small.llava import llava

        return llava(cls.end_token)

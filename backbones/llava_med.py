"""LLaVA-Med 1.5: LLaVA with a Mistral decoder and CLIP's image encoder."""

from pathlib import Path

from transformers import LlavaProcessor

from backbones import pinned
from backbones.base import Backbone
from backbones.llava_med_conversion import converted
from backbones.miniature import MiniatureSpec
from backbones.small.llava import llava

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
    checkpoint = pinned.LLAVA_MED
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
        return converted(folder, digests=SHARDS if pinned else None)

    def prompt_text(self, prompt: str) -> str:
        """Return the prompt as a turn of Mistral's, one image before it."""
        return f"{self.tokenizer.bos_token}[INST] <image>\n{prompt} [/INST]"

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of LLaVA-Med is built from."""
        return llava(cls.end_token)

"""Idefics 3: SigLIP and a Llama decoder joined by pixel shuffling; an image may be cut into tiles."""

from pathlib import Path

from transformers import Idefics3Processor
from transformers.processing_utils import ProcessorMixin

from backbones import pinned
from backbones.base import Backbone, decoder_projections
from backbones.miniature import MiniatureSpec


class SmolVLM(Backbone):
    """HuggingFaceTB/SmolVLM-Instruct, an Idefics 3 of 2.2 billion parameters.

    The image is seen whole and in 2 × 2 tiles; by its own default there would be 4 × 4 and three times the tokens.
    """

    name = "smolvlm-2.2b"
    checkpoint = pinned.SMOLVLM
    model_type = "idefics3"
    configuration = "smolvlm-2.2b"
    processor_class = Idefics3Processor
    end_token = "<end_of_utterance>"
    decoder = "text_model"
    lora_targets = decoder_projections("text_model")
    stacked_features = False
    report_start = " "

    @classmethod
    def load_processor(cls, folder: Path) -> ProcessorMixin:
        """Return the checkpoint's processor, which cuts an image into as many tiles as `checkpoint` states."""
        processor = super().load_processor(folder)
        images = processor.image_processor
        images.size = {"longest_edge": min(cls.checkpoint.image_size, images.size["longest_edge"])}
        return processor

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of Idefics 3 is built from."""
        from backbones.small.idefics3 import idefics3

        return idefics3(cls.end_token)

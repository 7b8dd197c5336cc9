"""MedGemma 4B: Gemma 3 with the MedSigLIP image encoder."""

from torch import Tensor
from transformers import Gemma3Processor

from backbones import pinned
from backbones.base import Backbone
from backbones.gemma_masks import row_masks
from backbones.miniature import MiniatureSpec
from backbones.private.inputs import ModelInputs


class MedGemma(Backbone):
    """google/medgemma-4b-it. Image tokens attend to each other in both directions, told by `token_type_ids`."""

    name = "medgemma-4b-it"
    checkpoint = pinned.MEDGEMMA
    model_type = "gemma3"
    configuration = "medgemma-4b"
    processor_class = Gemma3Processor
    end_token = "<end_of_turn>"
    token_types = "token_type_ids"

    def training_mask(self, inputs: ModelInputs) -> dict[str, Tensor]:
        """Return a mask for each kind of the model's layers, made for all rows at once."""
        return row_masks(self.model, inputs)

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        """Return what a miniature of Gemma 3 is built from."""
        from backbones.small.gemma3 import gemma3

        return gemma3(cls.end_token)


class MedGemma1_5(MedGemma):
    """google/medgemma-1.5-4b-it: the same architecture and prompt, trained further."""

    name = "medgemma-1.5-4b-it"
    checkpoint = pinned.MEDGEMMA_1_5

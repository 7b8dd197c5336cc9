"""LLaVA-Med 1.5: LLaVA with a Mistral decoder and CLIP's image encoder."""

from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaProcessor

from backbones.base import Backbone
from backbones.checkpoint import Checkpoint
from backbones.miniature import PATCH, SIDE, MiniatureSpec, decoder, encoder, square


class LlavaMed(Backbone):
    """microsoft/llava-med-v1.5-mistral-7b, whose prompt is Mistral's `[INST] … [/INST]`."""

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
    processor_class = LlavaProcessor
    end_token = "</s>"
    stacked_features = False

    def prompt_text(self, prompt: str) -> str:
        return f"{self.tokenizer.bos_token}[INST] <image>\n{prompt} [/INST]"

    @classmethod
    def miniature(cls) -> MiniatureSpec:
        return MiniatureSpec(
            tokens={
                "pad_token": "<pad>",
                "eos_token": cls.end_token,
                "bos_token": "<s>",
                "unk_token": "<unk>",
            },
            extra_tokens={"image_token": "<image>"},
            chat_template=None,
            config=lambda t: LlavaConfig(
                text_config=decoder(t, model_type="mistral", sliding_window=None),
                vision_config=encoder("clip_vision_model", projection_dim=64),
                image_token_index=t.convert_tokens_to_ids("<image>"),
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

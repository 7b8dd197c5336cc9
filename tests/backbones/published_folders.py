"""Folders in the hub's layout of families that no plugin speaks for: configuration, tokenizer, processor, no weights.

Each configuration is transformers' own default for the class, at its published size, with the ids of the tokenizer
beside it; each processor is the class's own, as it comes.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, PreTrainedTokenizerFast

IM = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}IMAGE{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML, as Qwen's family writes turns."""
CHATML = {"im_start": "<|im_start|>", "im_end": "<|im_end|>"}
QWEN = {
    "image_token": "<|image_pad|>", "video_token": "<|video_pad|>", "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}  # fmt: skip
QWEN_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
THINKING = (
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}"
)
GLM = (
    "[gMASK]<sop>{% for m in messages %}<|{{ m['role'] }}|>\n{% if m['content'] is string %}{{ m['content'] }}"
    "{% else %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<|begin_of_image|><|image|><|end_of_image|>"
    "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
LLAVA = (
    "{% for m in messages %}{% if m['role'] == 'user' %}USER: {% else %}ASSISTANT: {% endif %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>\n{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{% if m['role'] == 'user' %} {% else %}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST]{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}[IMG]{% else %}{{ c['text'] }}{% endif %}{% endfor %}[/INST]{% else %}"
    "{{ m['content'] if m['content'] is string else m['content'][0]['text'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
UTTERANCES = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}:{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{% if m['role'] == 'assistant' %} {% endif %}{{ c['text'] }}"
    "{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}<|turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<|image|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}<turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn>model\n{% endif %}"
)
SPACES = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}


@dataclass(frozen=True)
class Family:
    """What a family's folder is made of.

    Attributes:
        model_type: of the configuration; its sizes are transformers' defaults.
        processor, images: classes of transformers.
        template: chat template.
        tokens, extra: special tokens, by the names that tokenizer and processor know them under.
        ends: tokens that generation stops at, for `generation_config.json`; none where empty.
        settings: of the processor; `image_settings` of the image processor, `config` of the configuration.
    """

    model_type: str
    processor: str
    images: str
    template: str | None
    tokens: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    ends: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    image_settings: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, Any] = field(default_factory=dict)


ENDOFTEXT = {"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"}
FAMILIES: dict[str, Family] = {
    "qwen2_vl": Family(
        "qwen2_vl", "Qwen2VLProcessor", "Qwen2VLImageProcessorPil", IM.replace("IMAGE", QWEN_IMAGE), ENDOFTEXT,
        {**QWEN, **CHATML}, ("<|im_end|>", "<|endoftext|>"),
        config={
            "text_config": {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28,
                            "num_attention_heads": 12, "num_key_value_heads": 2,
                            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}},
            "vision_config": {"hidden_size": 1536},
        },
    ),
    "qwen3_5": Family(
        "qwen3_5", "Qwen3VLProcessor", "Qwen2VLImageProcessorPil",
        IM.replace("IMAGE", QWEN_IMAGE).split("{% if add_generation_prompt")[0] + THINKING, ENDOFTEXT,
        {**QWEN, **CHATML}, ("<|im_end|>", "<|endoftext|>"), image_settings={"patch_size": 16},
        config={"vision_config": {"out_hidden_size": 4096}},
    ),
    "qwen3_vl_moe": Family(
        "qwen3_vl_moe", "Qwen3VLProcessor", "Qwen2VLImageProcessorPil", IM.replace("IMAGE", QWEN_IMAGE), ENDOFTEXT,
        {**QWEN, **CHATML}, ("<|im_end|>", "<|endoftext|>"), image_settings={"patch_size": 16},
        config={"vision_config": {"out_hidden_size": 2048}},
    ),
    "glm4v": Family(
        "glm4v", "Glm4vProcessor", "Glm4vImageProcessorPil", GLM,
        {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>"},
        {
            "image_token": "<|image|>", "video_token": "<|video|>", "image_start_token": "<|begin_of_image|>",
            "image_end_token": "<|end_of_image|>", "video_start_token": "<|begin_of_video|>",
            "video_end_token": "<|end_of_video|>", "user": "<|user|>", "assistant": "<|assistant|>",
            "mask": "[gMASK]", "sop": "<sop>",
        },
        ("<|endoftext|>", "<|user|>"), stated={"end_token": "<|user|>"},
        config={"text_config": {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [8, 12, 12], "partial_rotary_factor": 0.5}}},
    ),
    "mistral3": Family(
        "mistral3", "PixtralProcessor", "PixtralImageProcessorPil", MISTRAL, SPACES,
        {
            "image_token": "[IMG]", "image_break_token": "[IMG_BREAK]", "image_end_token": "[IMG_END]",
            "inst": "[INST]", "end_inst": "[/INST]",
        },
        ("</s>",), settings={"patch_size": 14, "spatial_merge_size": 2},
        image_settings={"patch_size": 14, "size": {"longest_edge": 1540}},
    ),
    "gemma4": Family(
        "gemma4", "Gemma4Processor", "Gemma4ImageProcessorPil", GEMMA,
        {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"},
        {
            "image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>", "video_token": "<|video|>",
            "audio_token": "<|audio|>", "boa_token": "<|audio>", "eoa_token": "<audio|>", "turn": "<|turn>",
            "turn_end": "<turn|>",
        },
        ("<eos>", "<turn|>"), config={"audio_config": None, "vision_config": {"model_type": "gemma4_vision"}},
    ),
    "llava_onevision": Family(
        "llava_onevision", "LlavaOnevisionProcessor", "LlavaOnevisionImageProcessorPil",
        IM.replace("IMAGE", "<image>\n"), ENDOFTEXT, {"image_token": "<image>", "video_token": "<video>", **CHATML},
        ("<|im_end|>",), settings={"num_image_tokens": 729, "vision_feature_select_strategy": "full"},
    ),
    "llava_next": Family(
        "llava_next", "LlavaNextProcessor", "LlavaNextImageProcessorPil", LLAVA, SPACES, {"image_token": "<image>"},
        ("</s>",), settings={
            "patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1,
        },
    ),
    "llava": Family(
        "llava", "LlavaProcessor", "CLIPImageProcessorPil", LLAVA, SPACES, {"image_token": "<image>"},
        ("</s>",), settings={
            "patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1,
        },
        image_settings={"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}},
    ),
    "vipllava": Family(
        "vipllava", "LlavaProcessor", "CLIPImageProcessorPil", LLAVA, SPACES, {"image_token": "<image>"},
        ("</s>",), settings={
            "patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1,
        },
        image_settings={"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}},
    ),
    "smolvlm": Family(
        "smolvlm", "SmolVLMProcessor", "SmolVLMImageProcessorPil", UTTERANCES,
        {"pad_token": "<|im_end|>", "eos_token": "<end_of_utterance>", "bos_token": "<|im_start|>", "unk_token": "<unk>"},
        {
            "image_token": "<image>", "fake_image_token": "<fake_token_around_image>",
            "global_image_token": "<global-img>", "end_of_utterance_token": "<end_of_utterance>",
        },
        ("<end_of_utterance>",), settings={"image_seq_len": 81},
        image_settings={"size": {"longest_edge": 2048}, "max_image_size": {"longest_edge": 512}},
        config={"vision_config": {"image_size": 512, "patch_size": 16, "model_type": "smolvlm_vision"}, "scale_factor": 4},
    ),
    "idefics2": Family(
        "idefics2", "Idefics2Processor", "Idefics2ImageProcessorPil",
        UTTERANCES.replace("<|im_start|>", "{{ bos_token }}"), SPACES,
        {
            "image_token": "<image>", "image_boundary_token": "<fake_token_around_image>",
            "end_of_utterance_token": "<end_of_utterance>",
        },
        ("</s>", "<end_of_utterance>"), image_settings={"do_image_splitting": False},
    ),
    "ovis2": Family(
        "ovis2", "Ovis2Processor", "Ovis2ImageProcessorPil", IM.replace("IMAGE", "<image>\n"), ENDOFTEXT,
        {
            "image_token": "<image>", "image_atom": "<IMG_ATOM>", **CHATML, "image_start": "<IMG_START>", "image_grid": "<IMG_GRID>",
            "image_column": "<IMG_COL>", "image_row": "<IMG_ROW>", "image_end": "<IMG_END>",
        },
        ("<|im_end|>",), ids={"image_token_id": "<IMG_ATOM>"},
    ),
    "internvl": Family(
        "internvl", "InternVLProcessor", "GotOcr2ImageProcessorPil", IM.replace("IMAGE", "<IMG_CONTEXT>\n"), ENDOFTEXT,
        {
            "start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>", **CHATML,
        },
        ("<|im_end|>",), image_settings={"size": {"height": 448, "width": 448}},
        ids={"image_token_id": "<IMG_CONTEXT>"},
    ),
    "aya_vision": Family(
        "aya_vision", "AyaVisionProcessor", "GotOcr2ImageProcessorPil", IM.replace("IMAGE", "<image>"), ENDOFTEXT,
        {
            "image_token": "<image>", **CHATML, "a": "<|START_OF_IMG|>", "b": "<|END_OF_IMG|>", "c": "<|IMG_PATCH|>",
            "d": "<|IMG_LINE_BREAK|>", "e": "TILE", "f": "TILE_GLOBAL",
        },
        ("<|im_end|>",),
        image_settings={"size": {"height": 364, "width": 364}}, ids={"image_token_index": "<|IMG_PATCH|>"},
        config={"vision_config": {"model_type": "siglip_vision_model", "hidden_size": 1152, "num_attention_heads": 16, "intermediate_size": 4304, "num_hidden_layers": 27, "image_size": 364, "patch_size": 14, "vision_use_head": False}},
    ),
    "aria": Family(
        "aria", "AriaProcessor", "AriaImageProcessorPil", IM.replace("IMAGE", "<|img|>"), ENDOFTEXT,
        {"image_token": "<|img|>", **CHATML}, ("<|im_end|>",),
    ),
    "glm46v": Family(
        "glm46v", "Glm46VProcessor", "Glm46VImageProcessorPil", GLM,
        {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>"},
        {
            "image_token": "<|image|>", "video_token": "<|video|>", "image_start_token": "<|begin_of_image|>",
            "image_end_token": "<|end_of_image|>", "video_start_token": "<|begin_of_video|>",
            "video_end_token": "<|end_of_video|>", "user": "<|user|>", "assistant": "<|assistant|>",
            "mask": "[gMASK]", "sop": "<sop>",
        },
        ("<|endoftext|>", "<|user|>"), stated={"end_token": "<|user|>"},
        config={"text_config": {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [8, 12, 12], "partial_rotary_factor": 0.5}}},
    ),
    "exaone4_5": Family(
        "exaone4_5", "Exaone4_5_Processor", "Qwen2VLImageProcessorPil", IM.replace("IMAGE", QWEN_IMAGE), ENDOFTEXT,
        {**QWEN, **CHATML}, ("<|im_end|>",),
    ),
    "lighton_ocr": Family(
        "lighton_ocr", "LightOnOcrProcessor", "PixtralImageProcessorPil", IM.replace("IMAGE", "<|image_pad|>"), ENDOFTEXT,
        {
            "image_token": "<|image_pad|>", "image_break_token": "<|vision_pad|>", "image_end_token": "<|vision_end|>",
            **CHATML,
        },
        ("<|im_end|>",), settings={"patch_size": 14, "spatial_merge_size": 2},
        image_settings={"patch_size": 14, "size": {"longest_edge": 1540}},
    ),
    "video_llama_3": Family(
        "video_llama_3", "VideoLlama3Processor", "VideoLlama3ImageProcessorPil", IM.replace("IMAGE", "<|image_pad|>"),
        ENDOFTEXT, {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>", **CHATML}, ("<|im_end|>",),
    ),
    "paddleocr_vl": Family(
        "paddleocr_vl", "PaddleOCRVLProcessor", "PaddleOCRVLImageProcessorPil", IM.replace("IMAGE", "<|IMAGE_PLACEHOLDER|>"),
        ENDOFTEXT, {
            "image_token": "<|IMAGE_PLACEHOLDER|>", "video_token": "<|video_pad|>",
            "vision_start_token": "<|IMAGE_START|>", "vision_end_token": "<|IMAGE_END|>", **CHATML,
        },
        ("<|im_end|>",), config={"text_config": {"rope_parameters": {
            "rope_type": "default", "rope_theta": 5e5, "mrope_section": [16, 24, 24],
        }}},
    ),
    "deepseek_vl": Family(
        "deepseek_vl", "DeepseekVLProcessor", "DeepseekVLImageProcessorPil", IM.replace("IMAGE", "<image_placeholder>"),
        ENDOFTEXT, {"image_token": "<image_placeholder>", **CHATML}, ("<|im_end|>",),
    ),
    "janus": Family(
        "janus", "JanusProcessor", "JanusImageProcessorPil", IM.replace("IMAGE", "<image_placeholder>\n"), ENDOFTEXT,
        {
            "image_token": "<image_placeholder>", "boi_token": "<begin_of_image>", "eoi_token": "<end_of_image>",
            **CHATML,
        },
        ("<|im_end|>",),
    ),
    "got_ocr2": Family(
        "got_ocr2", "GotOcr2Processor", "GotOcr2ImageProcessorPil", IM.replace("IMAGE", "<img><imgpad></img>"), ENDOFTEXT,
        {"image_token": "<imgpad>", "img": "<img>", "img_end": "</img>", **CHATML}, ("<|im_end|>",),
    ),
    "ernie4_5_vl_moe": Family(
        "ernie4_5_vl_moe", "Ernie4_5_VLMoeProcessor", "Ernie4_5_VLMoeImageProcessorPil",
        IM.replace("IMAGE", "<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>"), ENDOFTEXT,
        {
            "image_token": "<|IMAGE_PLACEHOLDER|>", "image_start_token": "<|IMAGE_START|>",
            "image_end_token": "<|IMAGE_END|>", "video_token": "<|VIDEO_PLACEHOLDER|>",
            "video_start_token": "<|VIDEO_START|>", "video_end_token": "<|VIDEO_END|>", **CHATML,
        },
        ("<|im_end|>",),
    ),
    "cohere_compass": Family(
        "cohere_compass", "CohereCompassProcessor", "CohereCompassImageProcessorPil", IM.replace("IMAGE", "<image>"),
        ENDOFTEXT, {"image_token": "<image>", **CHATML}, ("<|im_end|>",),
    ),
    "granite_docling": Family(
        "granite_docling", "GraniteDoclingProcessor", "GraniteDoclingImageProcessorPil", IM.replace("IMAGE", "<image>"),
        ENDOFTEXT, {"image_token": "<image>", **CHATML}, ("<|im_end|>",),
    ),
    "minicpmv4_6": Family(
        "minicpmv4_6", "MiniCPMV4_6Processor", "MiniCPMV4_6ImageProcessorPil", IM.replace("IMAGE", "<image>"),
        ENDOFTEXT, {"image_token": "<image>", **CHATML}, ("<|im_end|>",),
    ),
    "qwen3_vl": Family(
        "qwen3_vl", "Qwen3VLProcessor", "Qwen2VLImageProcessorPil", IM.replace("IMAGE", QWEN_IMAGE), ENDOFTEXT,
        {**QWEN, **CHATML}, ("<|im_end|>", "<|endoftext|>"), image_settings={"patch_size": 16},
        config={"vision_config": {"out_hidden_size": 4096}},
    ),
}  # fmt: skip


def tokenizer_of(family: Family, *, further: Callable[[dict[str, int]], None] = lambda words: None) -> Any:
    """Return a byte-level tokenizer with a family's special tokens."""
    words = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    further(words)
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **family.tokens, extra_special_tokens=dict(family.extra), chat_template=family.template
    )  # fmt: skip


def write_folder(family: Family, folder: Path) -> Path:
    """Write a family's folder; return it."""
    from backbones.private.processors import images_and_text

    tokenizer = tokenizer_of(family)
    images = getattr(transformers, family.images)(**family.image_settings)
    kind: Any = images_and_text(getattr(transformers, family.processor))
    processor = kind(
        image_processor=images, tokenizer=tokenizer, chat_template=tokenizer.chat_template, **family.settings
    )
    processor.save_pretrained(folder)
    config = AutoConfig.for_model(family.model_type, **family.config)
    _take_ids(config, processor.tokenizer, family)
    config.save_pretrained(folder)
    if family.ends:
        ends = processor.tokenizer.convert_tokens_to_ids(list(family.ends))
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}), encoding="utf-8")
    return folder


def _take_ids(config: Any, tokenizer: Any, family: Family) -> None:
    """Give a configuration the ids of the tokenizer's tokens, by their names."""
    named = {**family.extra, **family.tokens}
    for part in (config, config.get_text_config()):
        for name in vars(part).copy():
            base = name.removesuffix("_index").removesuffix("_id")
            if name.endswith(("_token_id", "_token_index")):
                token = family.ids.get(name) or named.get(base)
                if (
                    token
                    or not isinstance(part, type(config))
                    or name in ("bos_token_id", "eos_token_id", "pad_token_id")
                ):
                    setattr(part, name, tokenizer.convert_tokens_to_ids(token) if token else None)

"""Families of transformers without a plugin here, and two with one: their classes, templates and tokens."""

from dataclasses import replace

from published_folders import Family

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
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|image|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn>model\n{% endif %}"
)
SPACES = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}

ENDOFTEXT = {"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"}
FAMILIES: dict[str, Family] = {
    "qwen2_vl": Family(
        "qwen2_vl",
        "Qwen2VLProcessor",
        "Qwen2VLImageProcessorPil",
        IM.replace("IMAGE", QWEN_IMAGE),
        ENDOFTEXT,
        {**QWEN, **CHATML},
        ("<|im_end|>", "<|endoftext|>"),
        config={
            "text_config": {
                "hidden_size": 1536,
                "intermediate_size": 8960,
                "num_hidden_layers": 28,
                "num_attention_heads": 12,
                "num_key_value_heads": 2,
                "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
            },
            "vision_config": {"hidden_size": 1536},
        },
    ),
    "qwen3_5": Family(
        "qwen3_5",
        "Qwen3VLProcessor",
        "Qwen2VLImageProcessorPil",
        IM.replace("IMAGE", QWEN_IMAGE).split("{% if add_generation_prompt")[0] + THINKING,
        ENDOFTEXT,
        {**QWEN, **CHATML},
        ("<|im_end|>", "<|endoftext|>"),
        image_settings={"patch_size": 16},
        config={"vision_config": {"out_hidden_size": 4096}},
    ),
    "glm4v": Family(
        "glm4v",
        "Glm4vProcessor",
        "Glm4vImageProcessorPil",
        GLM,
        {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>"},
        {
            "image_token": "<|image|>",
            "video_token": "<|video|>",
            "image_start_token": "<|begin_of_image|>",
            "image_end_token": "<|end_of_image|>",
            "video_start_token": "<|begin_of_video|>",
            "video_end_token": "<|end_of_video|>",
            "user": "<|user|>",
            "assistant": "<|assistant|>",
            "mask": "[gMASK]",
            "sop": "<sop>",
        },
        ("<|endoftext|>", "<|user|>"),
        stated={"end_token": "<|user|>"},
        config={
            "text_config": {
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 1e4,
                    "mrope_section": [8, 12, 12],
                    "partial_rotary_factor": 0.5,
                }
            }
        },
    ),
    "mistral3": Family(
        "mistral3",
        "PixtralProcessor",
        "PixtralImageProcessorPil",
        MISTRAL,
        SPACES,
        {
            "image_token": "[IMG]",
            "image_break_token": "[IMG_BREAK]",
            "image_end_token": "[IMG_END]",
            "inst": "[INST]",
            "end_inst": "[/INST]",
        },
        ("</s>",),
        settings={"patch_size": 14, "spatial_merge_size": 2},
        image_settings={"patch_size": 14, "size": {"longest_edge": 1540}},
    ),
    "gemma4": Family(
        "gemma4",
        "Gemma4Processor",
        "Gemma4ImageProcessorPil",
        GEMMA,
        {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"},
        {
            "image_token": "<|image|>",
            "boi_token": "<|image>",
            "eoi_token": "<image|>",
            "video_token": "<|video|>",
            "audio_token": "<|audio|>",
            "boa_token": "<|audio>",
            "eoa_token": "<audio|>",
            "turn": "<|turn>",
            "turn_end": "<turn|>",
        },
        ("<eos>", "<turn|>"),
        config={"audio_config": None, "vision_config": {"model_type": "gemma4_vision"}},
    ),
    "llava_onevision": Family(
        "llava_onevision",
        "LlavaOnevisionProcessor",
        "LlavaOnevisionImageProcessorPil",
        IM.replace("IMAGE", "<image>\n"),
        ENDOFTEXT,
        {"image_token": "<image>", "video_token": "<video>", **CHATML},
        ("<|im_end|>",),
        settings={"num_image_tokens": 729, "vision_feature_select_strategy": "full"},
    ),
    "llava_next": Family(
        "llava_next",
        "LlavaNextProcessor",
        "LlavaNextImageProcessorPil",
        LLAVA,
        SPACES,
        {"image_token": "<image>"},
        ("</s>",),
        settings={
            "patch_size": 14,
            "vision_feature_select_strategy": "default",
            "num_additional_image_tokens": 1,
        },
    ),
    "llava": Family(
        "llava",
        "LlavaProcessor",
        "CLIPImageProcessorPil",
        LLAVA,
        SPACES,
        {"image_token": "<image>"},
        ("</s>",),
        settings={
            "patch_size": 14,
            "vision_feature_select_strategy": "default",
            "num_additional_image_tokens": 1,
        },
        image_settings={"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}},
    ),
    "smolvlm": Family(
        "smolvlm",
        "SmolVLMProcessor",
        "SmolVLMImageProcessorPil",
        UTTERANCES,
        {
            "pad_token": "<|im_end|>",
            "eos_token": "<end_of_utterance>",
            "bos_token": "<|im_start|>",
            "unk_token": "<unk>",
        },
        {
            "image_token": "<image>",
            "fake_image_token": "<fake_token_around_image>",
            "global_image_token": "<global-img>",
            "end_of_utterance_token": "<end_of_utterance>",
        },
        ("<end_of_utterance>",),
        settings={"image_seq_len": 81},
        image_settings={"size": {"longest_edge": 2048}, "max_image_size": {"longest_edge": 512}},
        config={
            "vision_config": {"image_size": 512, "patch_size": 16, "model_type": "smolvlm_vision"},
            "scale_factor": 4,
        },
    ),
    "idefics2": Family(
        "idefics2",
        "Idefics2Processor",
        "Idefics2ImageProcessorPil",
        UTTERANCES.replace("<|im_start|>", "{{ bos_token }}"),
        SPACES,
        {
            "image_token": "<image>",
            "image_boundary_token": "<fake_token_around_image>",
            "end_of_utterance_token": "<end_of_utterance>",
        },
        ("</s>", "<end_of_utterance>"),
        image_settings={"do_image_splitting": False},
    ),
    "ovis2": Family(
        "ovis2",
        "Ovis2Processor",
        "Ovis2ImageProcessorPil",
        IM.replace("IMAGE", "<image>\n"),
        ENDOFTEXT,
        {
            "image_token": "<image>",
            "image_atom": "<IMG_ATOM>",
            **CHATML,
            "image_start": "<IMG_START>",
            "image_grid": "<IMG_GRID>",
            "image_column": "<IMG_COL>",
            "image_row": "<IMG_ROW>",
            "image_end": "<IMG_END>",
        },
        ("<|im_end|>",),
        ids={"image_token_id": "<IMG_ATOM>"},
    ),
    "internvl": Family(
        "internvl",
        "InternVLProcessor",
        "GotOcr2ImageProcessorPil",
        IM.replace("IMAGE", "<IMG_CONTEXT>\n"),
        ENDOFTEXT,
        {
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
            **CHATML,
        },
        ("<|im_end|>",),
        image_settings={"size": {"height": 448, "width": 448}},
        ids={"image_token_id": "<IMG_CONTEXT>"},
    ),
    "aya_vision": Family(
        "aya_vision",
        "AyaVisionProcessor",
        "GotOcr2ImageProcessorPil",
        IM.replace("IMAGE", "<image>"),
        ENDOFTEXT,
        {
            "image_token": "<image>",
            **CHATML,
            "a": "<|START_OF_IMG|>",
            "b": "<|END_OF_IMG|>",
            "c": "<|IMG_PATCH|>",
            "d": "<|IMG_LINE_BREAK|>",
            "e": "TILE",
            "f": "TILE_GLOBAL",
        },
        ("<|im_end|>",),
        image_settings={"size": {"height": 364, "width": 364}},
        ids={"image_token_index": "<|IMG_PATCH|>"},
        config={
            "vision_config": {
                "model_type": "siglip_vision_model",
                "hidden_size": 1152,
                "num_attention_heads": 16,
                "intermediate_size": 4304,
                "num_hidden_layers": 27,
                "image_size": 364,
                "patch_size": 14,
                "vision_use_head": False,
            }
        },
    ),
    "lighton_ocr": Family(
        "lighton_ocr",
        "LightOnOcrProcessor",
        "PixtralImageProcessorPil",
        IM.replace("IMAGE", "<|image_pad|>"),
        ENDOFTEXT,
        {
            "image_token": "<|image_pad|>",
            "image_break_token": "<|vision_pad|>",
            "image_end_token": "<|vision_end|>",
            **CHATML,
        },
        ("<|im_end|>",),
        settings={"patch_size": 14, "spatial_merge_size": 2},
        image_settings={"patch_size": 14, "size": {"longest_edge": 1540}},
    ),
    "video_llama_3": Family(
        "video_llama_3",
        "VideoLlama3Processor",
        "VideoLlama3ImageProcessorPil",
        IM.replace("IMAGE", "<|image_pad|>"),
        ENDOFTEXT,
        {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>", **CHATML},
        ("<|im_end|>",),
    ),
    "paddleocr_vl": Family(
        "paddleocr_vl",
        "PaddleOCRVLProcessor",
        "PaddleOCRVLImageProcessorPil",
        IM.replace("IMAGE", "<|IMAGE_PLACEHOLDER|>"),
        ENDOFTEXT,
        {
            "image_token": "<|IMAGE_PLACEHOLDER|>",
            "video_token": "<|video_pad|>",
            "vision_start_token": "<|IMAGE_START|>",
            "vision_end_token": "<|IMAGE_END|>",
            **CHATML,
        },
        ("<|im_end|>",),
        config={
            "text_config": {
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 5e5,
                    "mrope_section": [16, 24, 24],
                }
            }
        },
    ),
    "granite_docling": Family(
        "granite_docling",
        "GraniteDoclingProcessor",
        "GraniteDoclingImageProcessorPil",
        IM.replace("IMAGE", "<image>"),
        ENDOFTEXT,
        {"image_token": "<image>", **CHATML},
        ("<|im_end|>",),
    ),
}
FAMILIES |= {
    "lfm2_vl": Family(
        "lfm2_vl", "Lfm2VlProcessor", "Lfm2VlImageProcessor",
        "{{ bos_token }}" + IM.replace("IMAGE", "<image>"),
        {"pad_token": "<|pad|>", "eos_token": "<|im_end|>", "bos_token": "<|startoftext|>"},
        {
            "image_token": "<image>", "image_start_token": "<|image_start|>", "image_end_token": "<|image_end|>",
            "image_thumbnail_token": "<|img_thumbnail|>", **CHATML,
        },
        ("<|im_end|>",),
    ),
    "vipllava": replace(FAMILIES["llava"], model_type="vipllava"),
    "exaone4_5": replace(FAMILIES["qwen2_vl"], model_type="exaone4_5", processor="Exaone4_5_Processor", config={}),
    "glm46v": replace(
        FAMILIES["glm4v"], model_type="glm46v", processor="Glm46VProcessor", images="Glm46VImageProcessorPil"
    ),
    "qwen3_vl": replace(
        FAMILIES["qwen3_5"], model_type="qwen3_vl", template=FAMILIES["qwen2_vl"].template,
        config={"vision_config": {"out_hidden_size": 4096}},
    ),
    "qwen3_vl_moe": replace(
        FAMILIES["qwen3_5"], model_type="qwen3_vl_moe", template=FAMILIES["qwen2_vl"].template,
        config={"vision_config": {"out_hidden_size": 2048}},
    ),
}  # fmt: skip

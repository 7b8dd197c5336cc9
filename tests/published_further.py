"""Further families as folders in the hub's layout: those that `published_families` doesn't have."""

from dataclasses import replace
from typing import Any

from published_families import CHATML, ENDOFTEXT, FAMILIES, GEMMA, IM, MISTRAL, SPACES
from published_folders import Family

GEMMA3 = GEMMA.replace("<|turn>", "<start_of_turn>").replace("<turn|>", "<end_of_turn>")
GEMMA_TOKENS = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
TURNS = {"turn": "<start_of_turn>", "turn_end": "<end_of_turn>"}


def _text(hidden: int, inner: int, layers: int, heads: int, groups: int, **further: Any) -> dict[str, Any]:
    return {
        "hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": groups, **further,
    }  # fmt: skip


MINICPM = {
    "image_token": "<|image_pad|>", "video_token": "<|video_pad|>", "image_start_token": "<image>",
    "image_end_token": "</image>", "slice_start_token": "<slice>", "slice_end_token": "</slice>",
    "image_id_start_token": "<image_id>", "image_id_end_token": "</image_id>", **CHATML,
}  # fmt: skip
FURTHER: dict[str, Family] = {
    "gemma3n": Family(
        "gemma3n", "Gemma3nProcessor", "SiglipImageProcessorPil",
        GEMMA3.replace("<|image|>", "<image_soft_token>"), GEMMA_TOKENS,
        {
            "image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
            "audio_token": "<audio_soft_token>", "boa_token": "<start_of_audio>", "eoa_token": "<end_of_audio>",
            **TURNS,
        },
        ("<eos>", "<end_of_turn>"),
        image_settings={"size": {"height": 768, "width": 768}},
    ),
    "gemma3_27b": Family(
        "gemma3", "Gemma3Processor", "Gemma3ImageProcessorPil",
        GEMMA3.replace("<|image|>", "<start_of_image>"), GEMMA_TOKENS,
        {
            "image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
            **TURNS,
        },
        ("<eos>", "<end_of_turn>"),
        settings={"image_seq_length": 256},
        image_settings={"size": {"height": 896, "width": 896}},
        config={
            "text_config": _text(5376, 21_504, 62, 32, 16, head_dim=128, vocab_size=262_208),
            "vision_config": {
                "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
                "image_size": 896, "patch_size": 14, "vision_use_head": False,
            },
        },
    ),
    "qwen2_5_vl": replace(
        FAMILIES["qwen2_vl"], model_type="qwen2_5_vl", processor="Qwen2_5_VLProcessor",
        config={
            "text_config": _text(
                3584, 18_944, 28, 28, 4,
                rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
            ),
            "vision_config": {"hidden_size": 1280, "out_hidden_size": 3584},
        },
    ),
    "pixtral": Family(
        "llava", "PixtralProcessor", "PixtralImageProcessorPil", MISTRAL, SPACES,
        {
            "image_token": "[IMG]", "image_break_token": "[IMG_BREAK]", "image_end_token": "[IMG_END]",
            "inst": "[INST]", "end_inst": "[/INST]",
        },
        ("</s>",),
        settings={"patch_size": 16, "spatial_merge_size": 1},
        image_settings={"patch_size": 16, "size": {"longest_edge": 1024}},
        config={
            "text_config": _text(5120, 14_336, 40, 32, 8, model_type="mistral", head_dim=128, vocab_size=131_072),
            "vision_config": {"model_type": "pixtral"},
            "vision_feature_layer": -1, "vision_feature_select_strategy": "full",
        },
    ),
    "molmo2": Family(
        "molmo2", "Molmo2Processor", "Molmo2ImageProcessor",
        IM.replace("IMAGE", "<|image|>"), ENDOFTEXT,
        {
            "image_token": "<|image|>", "video_token": "<|video|>", **CHATML, "image_patch": "<im_patch>",
            "image_col": "<im_col>", "image_start": "<im_start>", "low_res_image_start": "<low_res_im_start>",
            "frame_start": "<frame_start>", "image_end": "<im_end>", "frame_end": "<frame_end>",
            "image_low": "<im_low>",
        },
        ("<|im_end|>",),
        ids={
            "image_patch_id": "<im_patch>", "image_start_token_id": "<im_start>", "image_end_token_id": "<im_end>",
            "low_res_image_start_token_id": "<low_res_im_start>",
        },
    ),
    "minicpmv4_6": Family(
        "minicpmv4_6", "MiniCPMV4_6Processor", "MiniCPMV4_6ImageProcessorPil",
        IM.replace("IMAGE", "<|image_pad|>"), ENDOFTEXT, MINICPM, ("<|im_end|>",),
        ids={"image_token_id": "<|image_pad|>"},
    ),
    "minicpmv4_7": Family(
        "minicpmv4_7", "MiniCPMV4_7Processor", "MiniCPMV4_6ImageProcessorPil",
        IM.replace("IMAGE", "<|image_pad|>"), ENDOFTEXT, MINICPM, ("<|im_end|>",),
        ids={
            "image_token_id": "<|image_pad|>", "image_start_id": "<image>", "image_end_id": "</image>",
            "slice_start_id": "<slice>", "slice_end_id": "</slice>", "newline_id": "Ċ",
        },
    ),
}  # fmt: skip

"""Families without a plugin here, as configurations of transformers' own classes: what roles are tried on.

Sizes are published ones where a source is named, else the defaults of the class, which name a checkpoint themselves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transformers import AutoConfig, PreTrainedConfig

from backbones.configuration import configuration

CLASS = "defaults of the class"


@dataclass(frozen=True)
class Family:
    """A family.

    Attributes:
        model_type: of its configuration in transformers.
        values: of its configuration, or a function that makes it.
        sizes: where the values are from.
        decoder: name of the module that holds the decoder's layers.
        processor: the family of `published_families` or `published_further` that has its processor; empty where that
            wants a package that isn't among the project's.
        licence: as its publisher names it, where that was seen; else empty.
        licence_from: where it was seen.
    """

    model_type: str
    values: Mapping[str, Any] | Callable[[], PreTrainedConfig]
    sizes: str
    processor: str = ""
    decoder: str = "language_model"
    licence: str = ""
    licence_from: str = ""

    def configuration(self) -> PreTrainedConfig:
        """Return its configuration."""
        if callable(self.values):
            return self.values()
        return AutoConfig.for_model(self.model_type, **self.values)


def _text(hidden: int, inner: int, layers: int, heads: int, groups: int, **further: Any) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        **further,
    }


def _medgemma_27b() -> PreTrainedConfig:
    small = configuration("medgemma-4b")
    text = _text(5376, 21_504, 62, 32, 16, head_dim=128, vocab_size=262_208)
    return AutoConfig.for_model("gemma3", text_config=text, vision_config=small.vision_config.to_dict())


FURTHER: Mapping[str, Family] = {
    "Qwen3.5 4B": Family(
        "qwen3_5",
        {"text_config": _text(2560, 9216, 32, 16, 4), "vision_config": {"out_hidden_size": 2560}},
        "widths and layers of a config.json derived from it on the hub; the rest defaults of the class",
        processor="qwen3_5",
    ),
    "Qwen3.5 9B": Family("qwen3_5", {"vision_config": {"out_hidden_size": 4096}}, CLASS, processor="qwen3_5"),
    "Qwen3.5 35B-A3B": Family("qwen3_5_moe", {}, CLASS, processor="qwen3_5"),
    "Gemma 3n E4B": Family("gemma3n", {}, CLASS, processor="gemma3n"),
    "Gemma 4 E4B": Family(
        "gemma4",
        {
            "text_config": _text(2560, 10_240, 42, 8, 2, num_kv_shared_layers=18, hidden_size_per_layer_input=256),
            "vision_config": {},
        },
        "google-deepmind/gemma, gemma/gm/nn/gemma4/_gemma4.py",
        processor="gemma4",
        licence="Apache-2.0",
        licence_from="ai.google.dev, the page of Gemma 4 for LiteRT-LM",
    ),
    "InternVL3.5 4B": Family(
        "internvl",
        {"text_config": _text(2560, 9728, 36, 32, 8, model_type="qwen3", head_dim=128, vocab_size=151_936)},
        "its decoder is Qwen3 4B, whose sizes are those of `qwen3-vl-4b`; the encoder's are defaults of the class",
        licence="Apache-2.0",
        processor="internvl",
        licence_from="the hub's page of it",
    ),
    "GLM-4.6V-Flash": Family("glm4v", {}, f"{CLASS} (GLM-4.1V-9B-Thinking)", processor="glm4v"),
    "LFM2.5-VL 1.6B": Family(
        "lfm2_vl",
        {
            "text_config": _text(
                2048, 12_288, 16, 32, 8, model_type="lfm2", full_attn_idxs=[2, 5, 8, 10, 12, 14], vocab_size=65_536
            )
        },
        "its decoder's sizes are those of LFM2-1.2B's config.json on the hub",
        processor="lfm2_vl",
    ),
    "SmolVLM2 2.2B": Family(
        "smolvlm",
        {"text_config": _text(2048, 8192, 24, 32, 32, model_type="llama", vocab_size=49_280)},
        "its decoder's sizes are those of `smolvlm-2.2b`",
        decoder="text_model",
        processor="",  # wants num2words, for videos
        licence="Apache-2.0",
        licence_from="a copy of the card of HuggingFaceTB/SmolVLM2-2.2B-Instruct",
    ),
    "Mistral Small 3.1 24B": Family(
        "mistral3",
        {"text_config": _text(5120, 32_768, 40, 32, 8, model_type="mistral", head_dim=128, vocab_size=131_072)},
        "Mistral Small's config.json on the hub; the encoder's are defaults of the class",
        processor="mistral3",
    ),
    "Pixtral 12B": Family(
        "llava",
        {
            "text_config": _text(5120, 14_336, 40, 32, 8, model_type="mistral", head_dim=128, vocab_size=131_072),
            "vision_config": {"model_type": "pixtral"},
        },
        "config.json of pixtral-12b on the hub; the encoder's are defaults of the class",
        processor="pixtral",
        licence="Apache-2.0",
        licence_from="the hub's pages of mistralai/Pixtral-12B-2409",
    ),
    "LLaVA-OneVision 7B": Family(
        "llava_onevision",
        {"text_config": _text(3584, 18_944, 28, 28, 4, model_type="qwen2", vocab_size=152_064)},
        "its decoder is Qwen2 7B; the encoder's are defaults of the class",
        processor="llava_onevision",
        licence="Apache-2.0",
        licence_from="the hub's pages of lmms-lab/llava-onevision-qwen2-7b-ov",
    ),
    "MedGemma 27B": Family(
        "gemma3",
        _medgemma_27b,
        "Gemma 3 27B by the public list of its sizes",
        processor="gemma3_27b",
        licence="Health AI Developer Foundations",
        licence_from="the terms beside medgemma:27b-it in Ollama's library",
    ),
    "Lingshu 7B": Family(
        "qwen2_5_vl", lambda: configuration("qwen2.5-vl-7b"), "those of `qwen2.5-vl-7b`", processor="qwen2_5_vl"
    ),
    "HuatuoGPT-Vision 7B Qwen2.5VL": Family(
        "qwen2_5_vl", lambda: configuration("qwen2.5-vl-7b"), "those of `qwen2.5-vl-7b`", processor="qwen2_5_vl"
    ),
}
"""By name."""

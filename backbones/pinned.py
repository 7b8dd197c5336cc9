"""The published checkpoints that plugins here stand for, each pinned to a commit."""

from dataclasses import replace

from backbones.checkpoint import Checkpoint

MEDGEMMA = Checkpoint(
    hub_id="google/medgemma-4b-it",
    revision="290cda5eeccbee130f987c4ad74a59ae6f196408",
    licence="Health AI Developer Foundations",
    gated=True,
    parameters=4_300_079_472,
    image_size=896,
    image_tokens=256,
)

MEDGEMMA_1_5 = replace(
    MEDGEMMA,
    hub_id="google/medgemma-1.5-4b-it",
    revision="e9792da5fb8ee651083d345ec4bce07c3c9f1641",
)

LLAVA_MED = Checkpoint(
    hub_id="microsoft/llava-med-v1.5-mistral-7b",
    revision="91bb16c122001ddc9cf1fd36ce1dae09448943a2",
    licence="Microsoft Research License",
    gated=False,
    parameters=7_566_743_552,
    image_size=336,
    image_tokens=576,
)

LLAVA_MED_SHARDS = (
    "ef2190dc6c2a940e60f03f5fdb4dddb2320eb87801aeca5c40b0a28ce8aa420e",
    "2b229607fecd98b8111320178e5bf3e2c527b05a942c85d65b5b507c76c1ed00",
    "12b18ecdf8924d5fe28ada797fe6697fa60e62cba630759fbeb52975b261c4e2",
    "1d2063fcd429d3f0f0a8a091b0522f0e02f2d85fe0e5b0eeb4ae168183a603bc",
)
"""SHA-256 of its shards."""

QWEN2_5_VL_3B = Checkpoint(
    hub_id="Qwen/Qwen2.5-VL-3B-Instruct",
    revision="66285546d2b821cf421d4f5eb2576359d3770cd3",
    licence="Qwen Research License",
    gated=False,
    parameters=3_754_622_976,
    image_size=896,
    image_tokens=1024,
)

QWEN2_5_VL_7B = Checkpoint(
    hub_id="Qwen/Qwen2.5-VL-7B-Instruct",
    revision="cc594898137f460bfe9f0759e9844b3ce807cfb5",
    licence="Apache-2.0",
    gated=False,
    parameters=8_292_166_656,
    image_size=896,
    image_tokens=1024,
)

QWEN3_VL_4B = Checkpoint(
    hub_id="Qwen/Qwen3-VL-4B-Instruct",
    revision="ebb281ec70b05090aa6165b016eac8ec08e71b17",
    licence="Apache-2.0",
    gated=False,
    parameters=4_437_815_808,
    image_size=896,
    image_tokens=784,
)

QWEN3_VL_8B = Checkpoint(
    hub_id="Qwen/Qwen3-VL-8B-Instruct",
    revision="0c351dd01ed87e9c1b53cbc748cba10e6187ff3b",
    licence="Apache-2.0",
    gated=False,
    parameters=8_767_123_696,
    image_size=896,
    image_tokens=784,
)

PALIGEMMA2 = Checkpoint(
    hub_id="google/paligemma2-3b-mix-448",
    revision="1406c92ec87d32cc6b983239278901b904ba7a51",
    licence="Gemma",
    gated=True,
    parameters=3_033_127_152,
    image_size=448,
    image_tokens=1024,
)

PALIGEMMA2_PRETRAINED = replace(
    PALIGEMMA2,
    hub_id="google/paligemma2-3b-pt-448",
    revision="bd60523c1ff2b0020c11e68affe65ef0b2379cab",
)

SMOLVLM = Checkpoint(
    hub_id="HuggingFaceTB/SmolVLM-Instruct",
    revision="81cd9a775a4d644f2faf4e7becff4559b46b14c7",
    licence="Apache-2.0",
    gated=False,
    parameters=2_246_272_880,
    image_size=768,
    image_tokens=405,
    tiles=5,
)

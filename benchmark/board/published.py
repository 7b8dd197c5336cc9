"""Results that others published on DMID, as published: each with its source and how it was made."""

from dataclasses import dataclass

AMRG = "arXiv:2508.09225"
TWO_STAGE = "Esen & Nurtas, github.com/ganiesenov/Two-stage-mammo-vlm"
DB_ATRG = "medRxiv 10.64898/2026.07.22.26358655"
LAST_52 = "last 52 by id"


@dataclass(frozen=True)
class Published:
    """One published result.

    Attributes:
        name: the system.
        setting: how it was tuned and on what it was tested.
        source: where it was published.
        rouge_l, meteor, cider: as published; their signatures are not those of this project.
        birads: accuracy as published, by a rule of its own.
    """

    name: str
    setting: str
    source: str
    rouge_l: float | None = None
    meteor: float | None = None
    cider: float | None = None
    birads: float | None = None


NOT_COMPARABLE = (
    "other signatures, and other splits unless said, so not comparable; Esen & Nurtas' split is `sequential` here, and "
    "AMRG's isn't known"
)

PUBLISHED: tuple[Published, ...] = (
    Published(
        "AMRG, MedGemma-4B-it with LoRA r 32, α 16",
        "52 test images by image, which ones is not known; .5582 is no share of 52",
        AMRG,
        0.5691, 0.6152, 0.5818, 0.5582,
    ),
    Published(
        "MedGemma-4B, DMID only, r 64",
        f"{LAST_52}; one run, three seeds have .654 on average",
        TWO_STAGE,
        0.6696, 0.6906, 0.6925, 0.365,
    ),
    Published("MedGemma-4B, two-stage, r 64", LAST_52, TWO_STAGE, 0.671, 0.685, 0.729, 0.365),
    Published("CLIP and GPT-2", LAST_52, TWO_STAGE, 0.613, 0.591, 0.078),
    Published("MedGemma-4B, not tuned", LAST_52, TWO_STAGE, 0.098),
    Published("Qwen2.5-VL-7B, not tuned", LAST_52, TWO_STAGE, 0.145),
    Published("Qwen3-VL-8B, not tuned", LAST_52, TWO_STAGE, 0.147),
    Published("LLaVA-1.6-7B, not tuned", LAST_52, TWO_STAGE, 0.109),
    Published(
        "MammoWise, prompting with retrieval",
        "a fifth of the images at random; leakage is likely",
        "arXiv:2602.22462",
        birads=0.895,
    ),
    Published(
        "DB-ATRG, MedGemma-1.5-4B QLoRA r 16",
        "152 test images, training stopped on them",
        DB_ATRG,
        0.669, 0.719, None, 0.428,
    ),
)  # fmt: skip
"""What is known of the field, in the order of its first source."""

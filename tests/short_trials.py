"""Trials on a handful of pictures under a short protocol, and what engines make of them: for tests to import."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backbones.base import Backbone
from benchmark.forms.record import Evaluation
from benchmark.forms.suite import ImagePart, Protocol, Trial
from benchmark.results.store import TrialFolder
from benchmark.tuning.interface import Engine, Generated, Outcome
from benchmark.tuning.norms import fused_norms

FAMILIES = ("medgemma-4b-it", "llava-med-7b", "qwen2.5-vl-3b", "paligemma2-3b")
ALWAYS = ("medgemma-4b-it", "qwen2.5-vl-3b")
"""Families that a slow test takes in every run: layers that see a window, and positions in three dimensions."""
PROMPT = "Describe."
REPORTS = (
    "Dense breast.",
    "A round mass in the left breast, BI-RADS 4.",
    "No mass, no calcification. BI-RADS 1.",
    "Scattered densities.",
    "Fatty breast with a spiculated mass at twelve o'clock; BI-RADS 5.",
)


def some_always(families: Sequence[str], always: Sequence[str] = ALWAYS) -> list[Any]:
    """The families as parameters of a slow test; those that it doesn't take in every run come by `make test-long`."""
    return [pytest.param(name, marks=() if name in always else pytest.mark.long) for name in families]


def trial(rank: int, alpha: int = 8, seed: int = 0, *, dtype: str = "float32", **protocol: Any) -> Trial:
    """A trial of an unnamed backbone under a short protocol; its rate may be one that no suite may have."""
    settings: dict[str, Any] = {
        "prompt": PROMPT,
        "steps": 4,
        "batch_size": 2,
        "learning_rate": 2e-4,
        "warmup_steps": 2,
        "weight_decay": 0.01,
        "max_new_tokens": 12,
    }
    settings |= protocol
    rate = {"learning_rate": settings.pop("learning_rate")}
    return Trial(
        backbone="miniature",
        checkpoint="c",
        quantization=None,
        dtype=dtype,
        data="d",
        image=ImagePart(size=112),
        split="s",
        protocol=Protocol(**settings).model_copy(update=rate),
        rank=rank,
        alpha=alpha,
        seed=seed,
    )


@dataclass
class Run:
    """What an engine made of trials."""

    outcomes: dict[str, Outcome]
    folders: dict[str, TrialFolder]
    losses: dict[str, list[float]]
    norms: dict[str, list[float]]
    evaluations: dict[str, list[Evaluation]] = field(default_factory=dict)

    def distance(self, other: "Run") -> float:
        """The greatest difference between losses of the same trial and step."""
        return max(
            abs(mine - theirs)
            for name in self.losses
            for mine, theirs in zip(self.losses[name], other.losses[name], strict=True)
        )


def written(
    engine: Engine, backbone: Backbone, trials: Sequence[Trial], run: Run, pictures: np.ndarray
) -> dict[str, list[Generated]]:
    """What each trial's adapter writes for the pictures."""
    features = backbone.encode_images(list(pictures))
    return {t.id: texts for t, texts in engine.generate(backbone, trials, run.folders, features)}


@contextmanager
def all_in_float64(model: torch.nn.Module) -> Iterator[None]:
    """Within, norms and eager attention of a model in float64 compute in it.

    The models' own RMSNorms, and the softmax of Gemma 2's eager attention, compute in float32 whatever their input:
    roundings of 1e-8 that depend on how far a batch is padded, and would drown what is compared here.
    """
    softmax = torch.nn.functional.softmax

    def softmax_in_float64(
        x: Tensor, dim: int | None = None, dtype: torch.dtype | None = None, **others: Any
    ) -> Tensor:
        return softmax(x, dim=dim, dtype=None if x.dtype == torch.float64 else dtype, **others)

    with pytest.MonkeyPatch.context() as patch, fused_norms(model):
        patch.setattr(torch.nn.functional, "softmax", softmax_in_float64)
        yield

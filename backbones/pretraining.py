"""How a miniature learns to read pictures, from a fixed seed.

First the vision encoder, by small auxiliary heads that name what is in the image; then the decoder, on the frozen
image features, to write it down in several styles.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from backbones.base import Backbone


@dataclass(frozen=True)
class Example:
    """A picture to train a miniature on.

    Attributes:
        image: uint8 [side, side].
        reports: the same content in several styles.
        labels: what is in the image, as class numbers by attribute; −1 where an attribute doesn't apply.
    """

    image: np.ndarray
    reports: tuple[str, ...]
    labels: Mapping[str, int]


@dataclass(frozen=True)
class Recipe:
    """How long a miniature is trained.

    Attributes:
        vision_steps: steps of the vision encoder with its auxiliary heads.
        language_steps: steps of the decoder on the image features.
        vision_batch, language_batch: examples a step.
        seed: of initialisation and order.
    """

    vision_steps: int = 300
    language_steps: int = 500
    vision_batch: int = 64
    language_batch: int = 16
    vision_rate: float = 1e-3
    language_rate: float = 2e-3
    seed: int = 0


def rate(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine down to 5 %."""
    decay = 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))
    return min(1.0, (step + 1) / warmup) * (0.05 + 0.95 * decay)


def optimise(
    parameters: Sequence[nn.Parameter],
    steps: int,
    peak: float,
    loss_of_step: Callable[[int], Tensor],
    progress: Callable[[int], None],
) -> None:
    """AdamW with clipping to norm 1 for `steps` steps of `loss_of_step`."""
    optimizer = torch.optim.AdamW(parameters, lr=peak, weight_decay=0.02, betas=(0.9, 0.98))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = peak * rate(step, steps, warmup=30)
        loss = loss_of_step(step)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 10 == 9 or step == steps - 1:
            progress(step + 1)


def batches(total: int, size: int, seed: int) -> Callable[[int], Tensor]:
    """Step → indices of its examples: every example once an epoch, in an order drawn from `seed`."""
    generator = torch.Generator().manual_seed(seed)
    waiting: list[int] = []

    def draw(_: int) -> Tensor:
        while len(waiting) < size:
            waiting.extend(torch.randperm(total, generator=generator).tolist())
        taken, waiting[:] = waiting[:size], waiting[size:]
        return torch.tensor(taken)

    return draw


def train_vision(
    miniature: "Backbone", examples: Sequence[Example], recipe: Recipe, progress: Callable[[int], None]
) -> None:
    """Teach the vision encoder and projector to name what is in the image, by one linear head an attribute."""
    model = miniature.model
    inputs = [miniature.feature_inputs([example.image]) for example in examples]
    pixels = torch.stack([i["pixel_values"] for i in inputs]).flatten(1, 1)
    width = model.config.get_text_config().hidden_size
    labels = {a: torch.tensor([e.labels[a] for e in examples]) for a in examples[0].labels}
    heads = nn.ModuleDict({a: nn.Linear(2 * width, int(y.max()) + 1) for a, y in labels.items()})
    parameters = [p for n, p in model.named_parameters() if "language_model" not in n and "lm_head" not in n]
    draw = batches(len(examples), recipe.vision_batch, recipe.seed)

    def loss(step: int) -> Tensor:
        rows = draw(step)
        batch = pixels[rows].flatten(0, 1)
        noisy = {"pixel_values": batch + 0.03 * torch.randn_like(batch)}
        if "image_grid_thw" in inputs[0]:
            noisy["image_grid_thw"] = torch.cat([inputs[0]["image_grid_thw"]] * len(rows))
        tokens = torch.stack(tuple(model.get_image_features(**noisy).pooler_output))
        pooled = torch.cat([tokens.mean(1), tokens.amax(1)], dim=1)
        return torch.stack(
            [
                functional.cross_entropy(heads[a](pooled), y[rows], ignore_index=-1, reduction="sum") / len(rows)
                for a, y in labels.items()
            ]
        ).sum()

    model.train()
    optimise([*parameters, *heads.parameters()], recipe.vision_steps, recipe.vision_rate, loss, progress)
    model.eval()


def train_language(
    miniature: "Backbone",
    examples: Sequence[Example],
    prompt: str,
    recipe: Recipe,
    progress: Callable[[int], None],
) -> None:
    """Teach the decoder to write the examples' reports from the vision encoder's frozen features."""
    model = miniature.model
    features: list[Tensor] = []
    for start in range(0, len(examples), 100):
        features += miniature.encode_images([e.image for e in examples[start : start + 100]])
    parameters = [p for n, p in model.named_parameters() if "language_model" in n or "lm_head" in n]
    draw = batches(len(examples), recipe.language_batch, recipe.seed + 1)
    epoch = max(1, len(examples) // recipe.language_batch)

    def loss(step: int) -> Tensor:
        rows = draw(step).tolist()
        styles = [(row + step // epoch) % len(examples[row].reports) for row in rows]
        reports = [examples[row].reports[style] for row, style in zip(rows, styles, strict=True)]
        text = miniature.encode_text([prompt] * len(rows), reports)
        return model(**miniature.model_inputs(text, [features[row] for row in rows])).loss

    model.train()
    optimise(parameters, recipe.language_steps, recipe.language_rate, loss, progress)
    model.eval()

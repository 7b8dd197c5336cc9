"""How a miniature learns to read pictures, from a fixed seed.

First the vision encoder, by small auxiliary heads that name what is in the image; then the decoder, on the frozen
image features, to write it down in several styles.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from backbones.base import IGNORED, Backbone
from backbones.muon import Muon
from backbones.private.inputs import embeddings_of, image_features

READING_PROMPT = "Write any report."
"""The prompt under which the decoder reads reports that belong to no image."""
VARIANTS = 3
"""How often each image is altered; the image processor, which is slow, sees each of these once."""


@dataclass(frozen=True)
class Example:
    """A picture to train a miniature on.

    Attributes:
        image: uint8 [side, side].
        reports: the same content in several styles.
        labels: what is in the image, as class numbers by attribute; −1 where an attribute doesn't apply.
        regions: what lies where, as class numbers from 1 up and circles (x, y, radius) in parts of the side.
    """

    image: np.ndarray
    reports: tuple[str, ...]
    labels: Mapping[str, int]
    regions: tuple[tuple[int, float, float, float], ...] = ()

    def cells(self, grid: int) -> np.ndarray:
        """Return the class of each cell of the image's grid × grid division, 0 where there is nothing; int [grid²]."""
        centre = (np.arange(grid) + 0.5) / grid
        classes = np.zeros((grid, grid), dtype=np.int64)
        for number, x, y, radius in self.regions:
            reach = max(radius, 0.5 / grid)
            near = (np.abs(centre - x)[None, :] <= reach) & (np.abs(centre - y)[:, None] <= reach)
            classes[near] = number
        return classes.ravel()


@dataclass(frozen=True)
class Recipe:
    """How long a miniature is trained.

    Attributes:
        vision_steps: steps of the vision encoder with its auxiliary heads.
        language_steps: steps of the decoder on the image features.
        vision_batch, language_batch: examples a step.
        vision_rate, language_rate: AdamW's learning rates at their peak.
        matrix_rate: Muon's, for the matrices of the hidden layers.
        seed: of initialisation and order.
    """

    vision_steps: int = 300
    language_steps: int = 250
    vision_batch: int = 32
    language_batch: int = 16
    vision_rate: float = 5e-3
    language_rate: float = 1e-2
    matrix_rate: float = 0.02
    seed: int = 0


def rate(step: int, steps: int, warmup: int) -> float:
    """Return the share of the peak learning rate: linear warm-up, then a cosine down to 5 %."""
    decay = 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))
    return min(1.0, (step + 1) / warmup) * (0.05 + 0.95 * decay)


def optimise(
    parameters: Sequence[nn.Parameter],
    matrices: Sequence[nn.Parameter],
    steps: int,
    peak: float,
    matrix_peak: float,
    loss_of_step: Callable[[int], Tensor],
    progress: Callable[[int], None],
) -> None:
    """Take `steps` steps of `loss_of_step`, clipped to norm 1, by Muon on `matrices` and AdamW on the rest.

    Muon takes half the steps that AdamW alone does to the same loss on phantoms held back.
    """
    chosen = set(matrices)
    others = [p for p in parameters if p not in chosen]
    optimizers: list[tuple[torch.optim.Optimizer, float]] = [
        (torch.optim.AdamW(others, weight_decay=0.02, betas=(0.9, 0.98)), peak),
        (Muon(matrices, lr=matrix_peak, momentum=0.9, weight_decay=0.02), matrix_peak),
    ]
    for step in range(steps):
        share = rate(step, steps, warmup=max(1, min(30, steps // 10)))
        loss_of_step(step).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer, highest in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = highest * share
            optimizer.step()
            optimizer.zero_grad()
        if step % 10 == 9 or step == steps - 1:
            progress(step + 1)


def matrices_of(model: nn.Module, parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
    """Return those `parameters` that are matrices of the model's hidden layers; the head that names tokens is none."""
    linear = {m.weight for n, m in model.named_modules() if isinstance(m, nn.Linear) and "lm_head" not in n}
    return [p for p in parameters if p in linear]


def batches(total: int, size: int, seed: int) -> Callable[[int], Tensor]:
    """Return step → indices of its examples: every example once an epoch, in an order drawn from `seed`."""
    generator = torch.Generator().manual_seed(seed)
    waiting: list[int] = []

    def draw(_: int) -> Tensor:
        while len(waiting) < size:
            waiting.extend(torch.randperm(total, generator=generator).tolist())
        drawn, waiting[:] = waiting[:size], waiting[size:]
        return torch.tensor(drawn)

    return draw


def train_vision(
    miniature: Backbone, examples: Sequence[Example], recipe: Recipe, progress: Callable[[int], None]
) -> nn.ModuleDict:
    """Teach the vision encoder and projector to name what is in the image and where.

    One linear head an attribute reads the image's mean and greatest token, and one reads each token for what lies in
    its cell. Images are mirrored and shifted and their exposure changed, three times each.

    Returns:
        The heads, which the checkpoint has no use for.
    """
    model = miniature.model
    width = model.config.get_text_config().hidden_size
    labels = {a: torch.tensor([e.labels[a] for e in examples]) for a in examples[0].labels}
    # Tokens that are no square's, of an image and its tiles say, are of no cell.
    grid = round(miniature.image_tokens**0.5)
    in_cells = grid**2 == miniature.image_tokens
    kinds = max((number for example in examples for number, *_ in example.regions), default=0)
    heads = nn.ModuleDict({a: nn.Linear(2 * width, int(y.max()) + 1) for a, y in labels.items()})
    heads["cell"] = nn.Linear(width, kinds + 1)
    parameters = [p for n, p in model.named_parameters() if miniature.decoder not in n and "lm_head" not in n]
    draw = batches(VARIANTS * len(examples), recipe.vision_batch, recipe.seed)
    random = np.random.default_rng(recipe.seed)
    balance = torch.tensor([0.05] + [1.0] * kinds)  # most cells are empty

    shown = [altered(example, random) for _ in range(VARIANTS) for example in examples]
    cells_of = torch.from_numpy(np.stack([example.cells(grid) for example in shown]))
    pixels_of = processed(miniature, [example.image for example in shown])

    def loss(step: int) -> Tensor:
        drawn = draw(step)
        cells, rows = cells_of[drawn], drawn % len(examples)
        inputs = pixels_of(drawn.tolist())
        inputs["pixel_values"] = inputs["pixel_values"].float()
        tokens = torch.stack(tuple(miniature.last_features(image_features(model, inputs))))
        pooled = torch.cat([tokens.mean(1), tokens.amax(1)], dim=1)
        total = torch.zeros(())
        if in_cells:
            total = 2 * functional.cross_entropy(heads["cell"](tokens).flatten(0, 1), cells.flatten(), weight=balance)
        for attribute, y in labels.items():
            losses = functional.cross_entropy(heads[attribute](pooled), y[rows], ignore_index=-1, reduction="sum")
            total = total + losses / len(rows)
        return total

    model.train()
    matrices = matrices_of(model, parameters)
    optimise(
        [*parameters, *heads.parameters()],
        matrices,
        recipe.vision_steps,
        recipe.vision_rate,
        recipe.matrix_rate,
        loss,
        progress,
    )
    model.eval()
    return heads


def processed(miniature: Backbone, images: Sequence[np.ndarray]) -> Callable[[Sequence[int]], dict[str, Tensor]]:
    """Return the function that gives what the vision encoder takes of some of the images, by their places.

    Each image is processed once, and its pixels kept in half precision; but where what a processor makes of an image
    depends on those before it (Molmo2 counts patches through a batch), each batch is.
    """
    first = _inputs(miniature, images[:2])
    alone = [_inputs(miniature, [image]) for image in images[:2]]
    axes = {name: _image_axis(alone[0][name], value) for name, value in first.items()}
    if any(not torch.equal(torch.cat([one[n] for one in alone], dim=axes[n]), value) for n, value in first.items()):
        return lambda places: _inputs(miniature, [images[place] for place in places])
    kept: list[dict[str, Tensor]] = []
    for start in range(0, len(images), 50):
        part = images[start : start + 50]
        inputs = _inputs(miniature, part)
        inputs["pixel_values"] = inputs["pixel_values"].half()
        apart = {name: value.chunk(len(part), dim=axes[name]) for name, value in inputs.items()}
        kept += [{name: values[i].clone() for name, values in apart.items()} for i in range(len(part))]
    return lambda places: {n: torch.cat([kept[place][n] for place in places], dim=axis) for n, axis in axes.items()}


def _inputs(miniature: Backbone, images: Sequence[np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in miniature.feature_inputs(images).items()}


def _image_axis(one: Tensor, two: Tensor) -> int:
    """Return the axis along which images stand one after another: the first, but in MiniCPM-V, which packs patches."""
    doubled = [axis for axis, (of_one, of_two) in enumerate(zip(one.shape, two.shape, strict=True)) if of_two > of_one]
    return doubled[0] if doubled else 0


def altered(example: Example, random: np.random.Generator) -> Example:
    """Return an example, mirrored or not, shifted by up to a tenth of its side, lighter or darker, a little noisy."""
    side = len(example.image)
    reach = side // 10
    x, y = random.integers(-reach, reach + 1, size=2)
    image = np.zeros_like(example.image)
    image[max(0, y) : side + min(0, y), max(0, x) : side + min(0, x)] = example.image[
        max(0, -y) : side + min(0, -y), max(0, -x) : side + min(0, -x)
    ]
    regions = tuple((kind, cx + x / side, cy + y / side, radius) for kind, cx, cy, radius in example.regions)
    if random.random() < 0.5:
        image = image[:, ::-1]
        regions = tuple((kind, 1 - cx, cy, radius) for kind, cx, cy, radius in regions)
    exposed = image * random.uniform(0.85, 1.15) + random.normal(0, 2, image.shape)
    return replace(example, image=exposed.clip(0, 255).astype(np.uint8), regions=regions)


def telling(miniature: Backbone, reports: Sequence[str]) -> Tensor:
    """Return how much each token of the vocabulary tells about an image: its inverse document frequency, [vocabulary].

    A word of every report of a style teaches the decoder its template, which takes a few steps; what is left of the
    training goes to the words that depend on the image.
    """
    documents = torch.zeros(embeddings_of(miniature.model).num_embeddings)
    for report in reports:
        documents[torch.tensor(sorted(set(miniature.report_tokens(report))))] += 1
    return torch.log((len(reports) + 1) / (documents + 1)).clamp(0.3, 1.5)


def train_language(
    miniature: Backbone,
    examples: Sequence[Example],
    prompt: str,
    recipe: Recipe,
    progress: Callable[[int], None],
    texts: Sequence[str] = (),
) -> None:
    """Teach the decoder to write the examples' reports from the vision encoder's frozen features.

    A quarter of each batch are `texts`, under another prompt and without an image: a published checkpoint has read
    much before it is tuned, and an adapter can't teach words to frozen embeddings.
    """
    model = miniature.model
    features: list[Tensor] = []
    for start in range(0, len(examples), 100):
        features += miniature.encode_images([e.image for e in examples[start : start + 100]])
    [blank] = miniature.encode_images([np.zeros_like(examples[0].image)])
    parameters = [p for n, p in model.named_parameters() if miniature.decoder in n or "lm_head" in n]
    reading = recipe.language_batch // 4 if texts else 0
    size = recipe.language_batch - reading
    draw, read = (
        batches(len(examples), size, recipe.seed + 1),
        batches(max(1, len(texts)), max(1, reading), recipe.seed + 2),
    )
    styles = len(examples[0].reports)
    start = min(len(miniature.prompt_tokens(text)) for text in (prompt, READING_PROMPT))
    weights = [telling(miniature, [example.reports[style] for example in examples]) for style in range(styles)]

    def loss(step: int) -> Tensor:
        # One style a step: reports of one length, and so little padding.
        rows, style = draw(step).tolist(), step % styles
        reports = [examples[row].reports[style] for row in rows]
        reports += [texts[i] for i in read(step).tolist()[:reading]]
        text = miniature.encode_text([prompt] * size + [READING_PROMPT] * reading, reports)
        inputs = miniature.model_inputs(text, [features[row] for row in rows] + [blank] * reading)
        targets = inputs.pop("labels")[:, start:]
        logits = model(**inputs, logits_to_keep=targets.shape[1] + 1).logits[:, :-1]
        losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
        table = torch.stack([*[weights[style]] * size, *[torch.ones_like(weights[0])] * reading])
        token_weights = torch.where(targets == IGNORED, 0.0, table.gather(1, targets.clamp(min=0)))
        return (losses * token_weights).sum() / token_weights.sum()

    model.train()
    matrices = matrices_of(model, parameters)
    optimise(parameters, matrices, recipe.language_steps, recipe.language_rate, recipe.matrix_rate, loss, progress)
    model.eval()

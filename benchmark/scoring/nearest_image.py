"""The report of the nearest training image, by the cosine of open_clip features."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.loss import ClipLoss
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch.nn import functional

from benchmark.data.image import ImageLoader
from benchmark.data.study import Study
from benchmark.errors import UserError
from metrics.text.whitespace import collapse_whitespace

SIDE = 112
CONTEXT = 77
EMBEDDING = 64
STEPS = 300
BATCH = 32
LEARNING_RATE = 1e-3


def predict_nearest(
    train: Sequence[Study], test: Sequence[Study], *, seed: int, clip: str | None, images: ImageLoader | None
) -> dict[str, str]:
    """Return each test study's id to the report of the training image with the largest cosine; the first of equals.

    Raises:
        UserError: a study has no image.
    """
    missing = [s.id for s in (*train, *test) if s.image is None]
    if missing:
        raise UserError(
            f"nearest_image needs an image of every study; {len(missing)} have none: {', '.join(missing[:20])}."
        )
    load = images or _prepared
    pixels = [[np.asarray(load(s.image)) for s in group if s.image is not None] for group in (train, test)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encode = miniature(pixels[0], [s.report for s in train], seed) if clip is None else load_model(clip)
        known, asked = encode(pixels[0]), encode(pixels[1])
    nearest = (asked @ known.T).argmax(dim=1).tolist()
    return {study.id: train[index].report for study, index in zip(test, nearest, strict=True)}


class Encoder:
    """An open_clip model with the way its images are prepared; called with images uint8 [side, side]."""

    def __init__(self, model: Any, transform: Any, batch: int = 16):
        self.model = model.eval()
        self.transform = transform
        self.batch = batch

    @torch.no_grad()
    def __call__(self, images: Sequence[np.ndarray]) -> torch.Tensor:
        """Return float32 [images, features], each row of length 1."""
        rows = []
        for start in range(0, len(images), self.batch):
            inputs = torch.stack([self.transform(image) for image in images[start : start + self.batch]])
            rows.append(functional.normalize(self.model.encode_image(inputs).float(), dim=-1))
        return torch.cat(rows) if rows else torch.zeros(0, EMBEDDING)


def load_model(name: str) -> Encoder:
    """Load an encoder from open_clip.

    Args:
        name: `MODEL:WEIGHTS` with a tag or a checkpoint file of open_clip (`ViT-B-32:laion2b_s34b_b79k`,
            `ViT-B-32:weights/clip.pt`), or one of its addresses (`hf-hub:organisation/name`, `local-dir:folder`).

    Raises:
        UserError: open_clip knows no such model, or its weights can't be had.
    """
    from PIL import Image

    address = name.startswith(("hf-hub:", "local-dir:"))
    model_name, _, weights = (name, "", "") if address else name.partition(":")
    if not address and (not weights or model_name not in open_clip.list_models()):
        raise UserError(
            f"open_clip model {name!r}: expected MODEL:WEIGHTS, such as ViT-B-32:laion2b_s34b_b79k or "
            "ViT-B-32:weights/clip.pt, hf-hub:organisation/name or local-dir:folder. "
            "`python -c 'import open_clip; print(open_clip.list_pretrained())'` lists the tags."
        )
    try:
        model, _, transform = open_clip.create_model_and_transforms(model_name, pretrained=weights or None)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).strip().split("\n")[0][:300]
        raise UserError(f"open_clip model {name!r}: its weights can't be loaded: {reason}") from None
    return Encoder(model, lambda image: transform(Image.fromarray(image).convert("RGB")))


def miniature(images: Sequence[np.ndarray], reports: Sequence[str], seed: int) -> Encoder:
    """Train a small CLIP of open_clip's own classes from scratch on training images and reports.

    The contrastive loss of CLIP (Radford et al. 2021) on 112-pixel images, 300 steps of 32 pairs, on the CPU; the
    same seed and data give the same features.

    Args:
        images: uint8 [side, side] each, of the training set.
        reports: theirs, in the same order.
    """
    tokens = open_clip.get_tokenizer("ViT-B-32", context_length=CONTEXT)([collapse_whitespace(r) for r in reports])
    # Numbered anew: most of CLIP's 49,408 tokens occur in no report. The order is kept, so the last one ends a text.
    known, tokens = tokens.unique(return_inverse=True)
    model = CLIP(
        EMBEDDING,
        CLIPVisionCfg(layers=2, width=64, head_width=32, patch_size=16, image_size=SIDE),
        CLIPTextCfg(context_length=CONTEXT, vocab_size=len(known), width=64, heads=2, layers=1),
    )
    encoder = Encoder(model, _to_tensor, batch=64)
    pixels = torch.stack([_to_tensor(image) for image in images])
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)
    loss_of = ClipLoss()
    model.train()
    for batch in _batches(len(images), seed):
        loss = loss_of(*model(pixels[batch], tokens[batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    return encoder


def _batches(number: int, seed: int) -> Iterator[np.ndarray]:
    generator = np.random.default_rng([seed, number])
    order: np.ndarray = np.zeros(0, dtype=int)
    for _ in range(STEPS):
        if len(order) < min(BATCH, number):
            order = np.concatenate([order, generator.permutation(number)])
        yield order[:BATCH]
        order = order[BATCH:]


def _prepared(path: Path) -> np.ndarray:
    from benchmark.data.image import ImageSettings, prepare

    return prepare(path, ImageSettings(size=224))


def _to_tensor(image: np.ndarray) -> torch.Tensor:
    grey = torch.from_numpy(np.array(image, dtype=np.float32))[None, None] / 255
    resized = functional.interpolate(grey, size=(SIDE, SIDE), mode="area" if grey.shape[-1] > SIDE else "bilinear")
    return ((resized - 0.25) / 0.25)[0].expand(3, -1, -1)

"""Image features: each image goes through a backbone's frozen vision encoder once, and the result is kept."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from backbones.base import Backbone
from backbones.locks import making
from benchmark.disk.files import remove_stale
from benchmark.products import tell_waiting
from benchmark.results.store import atomic_file
from benchmark.tuning.interface import Picture

VALUES = 16 * 3 * 112 * 112
"""Of `pixel_values` that go through a vision encoder at once: small images by sixteen, large ones each alone."""


class FeatureStore:
    """Features on disk, one file an image, in a folder named by everything that decides them.

    Args:
        folder: where all backbones' features lie.
        backbone: whose vision encoder; its weights' fingerprint, its image processor's settings and its number
            format name the folder below.
    """

    def __init__(self, folder: Path, backbone: Backbone) -> None:
        settings = json.dumps(
            {
                "checkpoint": backbone.fingerprint,
                "processor": backbone.processor.image_processor.to_dict(),
                "dtype": str(backbone.model.dtype),
                "side": backbone.checkpoint.image_size,
            },
            sort_keys=True,
            default=str,
        )
        self.folder = folder / hashlib.sha256(settings.encode()).hexdigest()[:32]
        self.backbone = backbone

    def get(
        self,
        images: Mapping[str, Callable[[], np.ndarray]],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> dict[str, Tensor]:
        """Return features by image key, [image_tokens, hidden] each, memory-mapped where they were there already.

        As many images are encoded at a time always, the last filled up: a batch's size decides how its products are
        computed, and so the last digits. Features then don't depend on which images came together.

        Args:
            images: image key → a function that gives the square image, called only where features are missing.
            progress: called with images done and images in all.
        """
        features = {key: self._read(key) for key in images}
        if any(stored is None for stored in features.values()):
            with making(self.folder, tell_waiting(f"image features in {self.folder}")):
                remove_stale(self.folder)
                self._add_missing(images, features, progress)
        else:
            progress(len(images), len(images))
        return {key: tokens for key, tokens in features.items() if tokens is not None}

    def _add_missing(
        self,
        images: Mapping[str, Callable[[], np.ndarray]],
        features: dict[str, Tensor | None],
        progress: Callable[[int, int], None],
    ) -> None:
        """Encode images that have no features, unless whoever had the lock before has done it."""
        features |= {key: self._read(key) for key, stored in features.items() if stored is None}
        missing = [key for key, stored in features.items() if stored is None]
        size = images_at_once(self.backbone) if missing else 1
        progress(len(images) - len(missing), len(images))
        for start in range(0, len(missing), size):
            keys = missing[start : start + size]
            pictures = [images[key]() for key in keys]
            encoded = self.backbone.encode_images([*pictures, *pictures[-1:] * (size - len(keys))])
            for key, tokens in zip(keys, encoded, strict=False):
                features[key] = self._keep(key, tokens)
            progress(len(images) - len(missing) + start + len(keys), len(images))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _read(self, key: str) -> Tensor | None:
        """Read the entry; None where it is missing, cut short, damaged, or not what this backbone's encoder gives."""
        try:
            with safe_open(self._path(key), framework="pt") as file:
                if list(file.keys()) != ["features"]:
                    return None
                tokens, digest = file.get_tensor("features"), (file.metadata() or {}).get("sha256")
        except (OSError, SafetensorError):
            return None
        width = self.backbone.model.config.get_text_config().hidden_size
        fits = tokens.ndim == 2 and len(tokens) == self.backbone.image_tokens and tokens.shape[1] % width == 0
        sound = fits and tokens.dtype == self.backbone.model.dtype and digest == _digest(tokens)
        return tokens if sound else None

    def _keep(self, key: str, tokens: Tensor) -> Tensor:
        tokens = tokens.cpu().contiguous()
        with atomic_file(self._path(key)) as temporary:
            save_file({"features": tokens}, temporary, {"sha256": _digest(tokens)})
        return tokens


def images_at_once(backbone: Backbone) -> int:
    """Return how many images go through the encoder at once."""
    side = backbone.checkpoint.image_size
    blank = backbone.feature_inputs([np.zeros((side, side), np.uint8)])
    return max(1, VALUES // blank["pixel_values"].numel())


def encoded_anew(backbone: Backbone, pictures: Sequence[Picture]) -> list[Tensor]:
    """Return the features of images as the encoder is now, [image_tokens, hidden] each, without the store.

    A picture that is given more than once is encoded once, and its features are one tensor. As in the store, as many
    images go through the encoder at a time always.
    """
    backbone.model.eval()
    places = {id(picture): picture for picture in pictures}
    size, each = images_at_once(backbone), [*places.values()]
    features: list[Tensor] = []
    for start in range(0, len(each), size):
        squares = [picture() for picture in each[start : start + size]]
        encoded = backbone.encode_images([*squares, *squares[-1:] * (size - len(squares))])
        features += encoded[: len(squares)]
    of = dict(zip(places, features, strict=True))
    return [of[id(picture)] for picture in pictures]


def _digest(tokens: Tensor) -> str:
    """Return SHA-256 of a contiguous tensor's bytes, in hexadecimal."""
    return hashlib.sha256(tokens.view(torch.uint8).numpy().data).hexdigest()

"""Image features: each image goes through a backbone's frozen vision encoder once, and the result is kept."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from backbones.base import Backbone


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
        """Features by image key, [image_tokens, hidden] each, memory-mapped where they were there already.

        Images are encoded one by one, so that features don't depend on which images came together.

        Args:
            images: image key → a function that gives the square image, called only where features are missing.
            progress: called with images done and images in all.
        """
        found: dict[str, Tensor] = {}
        for done, (key, image) in enumerate(images.items(), start=1):
            found[key] = self._read(key) if self._is_there(key) else self._make(key, image())
            progress(done, len(images))
        return found

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _is_there(self, key: str) -> bool:
        try:
            with safe_open(self._path(key), framework="pt") as file:
                return list(file.keys()) == ["features"]
        except (OSError, SafetensorError):
            return False  # missing, cut short or damaged: made again

    def _read(self, key: str) -> Tensor:
        with safe_open(self._path(key), framework="pt") as file:
            return file.get_tensor("features")

    def _make(self, key: str, image: np.ndarray) -> Tensor:
        [tokens] = self.backbone.encode_images([image])
        tokens = tokens.cpu().contiguous()
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self._path(key).with_suffix(f".{os.getpid()}")
        save_file({"features": tokens}, temporary)
        temporary.replace(self._path(key))
        return tokens

"""What a check runs on: a backbone of random weights, made-up pictures, and reports of a given length."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backbones.base import Backbone
from backbones.made_after import miniature_of
from backbones.miniature import SIDE
from backbones.miniature_checkpoint import open_to_readers, untrained
from backbones.random_checkpoint import write_random
from backbones.structure import Structure, read
from benchmark.forms.suite import ImagePart, Protocol, Trial
from benchmark.gpu_check.sizes import Sizes
from benchmark.phantoms.cases import plan
from benchmark.phantoms.reports import report
from benchmark.planning.devices import Target
from benchmark.planning.rates import USE, assumed
from benchmark.results.store import Store, TrialFolder
from benchmark.tuning import memory
from benchmark.tuning.interface import TrainingSet

PROMPT: str = Protocol.model_fields["prompt"].default
STUDIES, SEED = 12, 3
LEARNING_RATE = 1e-4


def texts() -> list[str]:
    """Return made-up reports, from which tokenizers learn their words, and the prompt."""
    return [PROMPT, *(report(case.truth, "dmid", seed=SEED) for case in plan(STUDIES, seed=SEED, size=SIDE))]


def write_checkpoint(plugin: type[Backbone], folder: Path, *, small: bool) -> None:
    """Write random weights to a new folder in the hub's layout: the published structure, or the miniature's."""
    if not small:
        write_random(plugin, folder, texts=texts())
        return
    model, processor = untrained(miniature_of(plugin), texts() * 2, SEED, plugin.decoder)
    model.to(torch.bfloat16).save_pretrained(folder)  # type: ignore[arg-type]
    processor.save_pretrained(folder)
    open_to_readers(folder)


@dataclass
class Subject:
    """A backbone as it is checked.

    Attributes:
        backbone: loaded, without adapters.
        dtype, quantization: how.
        sizes: how much is done.
        small: whether it is a miniature's structure.
        target: the device, for its rates.
        work: a folder for adapters and pictures; what a check leaves there is deleted behind it.
    """

    backbone: Backbone
    dtype: str
    quantization: str | None
    sizes: Sizes
    small: bool
    target: Target
    work: Path
    _folders: int = field(default=0, repr=False)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.backbone.device

    def synchronize(self) -> None:
        """Wait for what a GPU is still at."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def release(self) -> None:
        """Give memory that nothing uses any more back to the device."""
        memory.release(self.device)

    @cached_property
    def pictures(self) -> list[np.ndarray]:
        """Grey squares of the checkpoint's size, uint8 [side, side]: noise, so that no two are alike."""
        side = SIDE if self.small else self.backbone.checkpoint.image_size
        draw = np.random.default_rng(SEED)
        return [draw.integers(0, 256, (side, side), dtype=np.uint8) for _ in range(self.sizes.images)]

    @cached_property
    def features(self) -> list[Tensor]:
        """Of each picture, [image_tokens, hidden], in host memory, where a sweep has them."""
        return [self.backbone.encode_images([picture])[0].cpu() for picture in self.pictures]

    @cached_property
    def structure(self) -> Structure:
        """Of the model, for counts of operations; quantised weights don't count as what they stand for."""
        side, tiles = self.pictures[0].shape[0], 1 if self.small else self.backbone.checkpoint.tiles
        model = self.backbone.model
        return read(type(self.backbone), model, model.config, side, self.backbone.image_tokens, tiles)

    def data(self, tokens: int) -> TrainingSet:
        """Return as many reports as there are pictures, of so many tokens each with the one that ends it."""
        words = " ".join(texts()[1:]).split(" ")
        reports = [self._of_length(words[start:] + words, tokens) for start in range(0, 7 * self.sizes.images, 7)]
        return TrainingSet(reports, self.features)

    def _of_length(self, words: Sequence[str], tokens: int) -> str:
        """Return the first of the words: as many as make so many tokens, or a few less."""
        low, high = 1, min(len(words), tokens)
        while low < high:
            middle = (low + high + 1) // 2
            few = len(self.backbone.report_tokens(" ".join(words[:middle]))) <= tokens
            low, high = (middle, high) if few else (low, middle - 1)
        return " ".join(words[:low])

    def trials(self, points: Sequence[tuple[int, int]], **protocol: Any) -> list[Trial]:
        """Return a trial for each (rank, seed), under a protocol that is `paper`'s but for what is given."""
        settings = {
            "prompt": PROMPT,
            "steps": self.sizes.parity_steps,
            "batch_size": self.sizes.rows,
            "learning_rate": LEARNING_RATE,
            "warmup_steps": 0,
            "max_new_tokens": self.sizes.new_tokens,
        }
        return [
            Trial(
                backbone=self.backbone.name,
                checkpoint=self.backbone.fingerprint,
                quantization=self.quantization,
                dtype=self.dtype,
                data="",
                image=ImagePart(),
                split="",
                protocol=Protocol.model_validate(settings | protocol),
                rank=rank,
                alpha=16,
                seed=seed,
            )
            for rank, seed in points
        ]

    def folders(self, trials: Sequence[Trial]) -> dict[str, TrialFolder]:
        """Return new folders for the trials' results, by id."""
        self._folders += 1
        store = Store(self.work / f"results-{self._folders}")
        return {trial.id: store.of(trial) for trial in trials}

    def forget_folders(self) -> None:
        """Delete what trials left on disk."""
        for folder in self.work.glob("results-*"):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def peak(self) -> float | None:
        """Operations a second by the card's data sheet in this number format; None for a processor."""
        return None if self.target.is_cpu else assumed(self.target, self.dtype).operations / USE

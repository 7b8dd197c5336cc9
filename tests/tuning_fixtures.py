"""Barely trained miniatures of each family, and engines that train trials on a handful of pictures."""

import csv
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from short_trials import PROMPT, REPORTS, Run

from backbones.base import Backbone
from backbones.miniature_checkpoint import write_miniature
from backbones.pretraining import Example, Recipe
from backbones.registry import get
from benchmark.forms.suite import Trial
from benchmark.results.store import Store
from benchmark.tuning.interface import Engine, TrainingSet, ValidationSet


@pytest.fixture(autouse=True)
def _threads(threads: int) -> None:
    """As many as every test has, whatever the code of the test before has set."""
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (len(REPORTS), 112, 112), dtype=np.uint8)


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory, pictures: np.ndarray) -> Callable[..., Backbone]:
    """A family's name → its miniature, loaded anew; the checkpoint is written once a session."""
    folder = tmp_path_factory.mktemp("miniatures")

    def loaded(name: str, **options: Any) -> Backbone:
        plugin = get(name)
        if not (folder / name).exists():
            examples = [
                Example(p, (r,), {"kind": i % 2}) for i, (p, r) in enumerate(zip(pictures, REPORTS, strict=True))
            ]
            recipe = Recipe(vision_steps=2, language_steps=2, vision_batch=4, language_batch=4)
            write_miniature(plugin, folder / name, examples, prompt=PROMPT, recipe=recipe)
        return plugin.load(folder / name, **options)

    return loaded


@pytest.fixture
def train(tmp_path: Path, pictures: np.ndarray) -> Callable[..., Run]:
    """Train trials with an engine in a results folder of its own."""
    runs = iter(range(100))

    def trained(
        engine: Engine, backbone: Backbone, trials: Sequence[Trial], *, store: Path | None = None, **options: Any
    ) -> Run:
        results = Store(store or tmp_path / str(next(runs)))
        folders = {t.id: results.of(t) for t in trials}
        features = backbone.encode_images(list(pictures))
        score = options.get("score", lambda trial, texts: {})
        images = [partial(pictures.__getitem__, place) for place in range(len(pictures))]
        validation = ValidationSet(REPORTS, features, options.get("validation_rows", {}), images, score=score)
        data = TrainingSet(REPORTS, features, options.get("rows", {}), images, validation)
        step_done = options.get("step_done", lambda *_: None)
        outcomes = engine.train(backbone, trials, folders, data, step_done, until=options.get("until"))
        rows = {
            name: list(csv.DictReader(folder.losses.open()))
            for name, folder in folders.items()
            if outcomes[name].failure is None and not outcomes[name].paused
        }
        return Run(
            outcomes,
            folders,
            {name: [float(row["loss"]) for row in table] for name, table in rows.items()},
            {name: [float(row["gradient_norm"]) for row in table] for name, table in rows.items()},
            {name: folder.read_evaluations() for name, folder in folders.items()},
        )

    return trained

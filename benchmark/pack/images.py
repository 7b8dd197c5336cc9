"""The images of a pack: what each trial learns with and writes reports for, by key, and their features."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.image import ImageCache
from benchmark.data.records import Records
from benchmark.data.split import Split
from benchmark.pack.model import Pack
from benchmark.progress.events import progress
from benchmark.scoring.controls import training_images
from benchmark.scoring.predictions import Shown
from benchmark.suite import Trial

if TYPE_CHECKING:
    from torch import Tensor

    from backbones.base import Backbone


def image_keys(records: Records) -> dict[str, str]:
    """Return the key of each study's image by the study's id; studies without an image have none."""
    images = _cache(records)
    return {study.id: images.key(study.image) for study in records.studies if study.image is not None}


def blank_key(records: Records) -> str:
    """Return the key of the blank image of the records' size."""
    return f"blank-{records.image.size}"


def shown_images(pack: Pack, split: Split, keys: Mapping[str, str]) -> list[Shown]:
    """Return the image behind each report that a trial of the pack on this split writes, set by set.

    Args:
        pack: whose trials write.
        split: what they are tested on.
        keys: of the studies' images, by study.
    """
    every = [
        *[Shown("validation", study, keys[study]) for study in split.validation],
        *[Shown("test", study, keys[study]) for study in split.test],
        *[Shown("blank", study, blank_key(pack.records)) for study in split.test],
    ]
    return [one for one in every if one.set in pack.sets]


def training_pairs(
    trials: Sequence[Trial], records: Records, keys: Mapping[str, str]
) -> tuple[list[tuple[str, str]], dict[str, tuple[int, ...]]]:
    """Return all pairs of a study and an image's key that trials learn, and which of them each learns.

    Trials of several folds, or with other images, share most studies; each pair stands once.

    Returns:
        The pairs, and by trial's id the places of its own, in the order of its split.
    """
    places: dict[tuple[str, str], int] = {}
    rows: dict[str, tuple[int, ...]] = {}
    for trial in trials:
        split = records.split_of(trial)
        if trial.protocol.sees_no_image:
            images = dict.fromkeys(split.train, blank_key(records))
        else:
            image_of = training_images(trial, split.train, split.blocks)
            images = {study: keys[image_of[study]] for study in split.train}
        rows[trial.id] = tuple(places.setdefault((study, images[study]), len(places)) for study in split.train)
    return list(places), rows


def image_features(pack: Pack, backbone: "Backbone", keys: Mapping[str, str]) -> "dict[str, Tensor]":
    """Return features [image_tokens, hidden] of every image that the trials need, the blank one among them, by key."""
    from benchmark.tuning.features import FeatureStore

    records = pack.records
    images = _cache(records)
    loaders: dict[str, Callable[[], np.ndarray]] = {
        keys[study.id]: partial(images.load, study.image)
        for part in ("train", "validation", "test")
        for study in records.part(part)
        if study.image is not None
    }
    side = records.image.size
    if "blank" in pack.sets:
        loaders[blank_key(records)] = lambda: np.zeros((side, side), np.uint8)
    store = FeatureStore(records.cache / "features", backbone)
    return store.get(loaders, progress(f"{pack.entry.name}: image features"))


def _cache(records: Records) -> ImageCache:
    return ImageCache(records.cache / "images", records.image)

"""The images of a pack: what each trial learns with and writes reports for, by key, and their features."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.image import ImageCache
from benchmark.data.records import Records
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


def shown_images(pack: Pack, keys: Mapping[str, str]) -> list[Shown]:
    """Return the image behind each report that a trial of the pack writes, set by set.

    Args:
        pack: whose trials write.
        keys: of the studies' images, by study.
    """
    split = pack.records.split
    every = [
        *[Shown("validation", study, keys[study]) for study in split.validation],
        *[Shown("test", study, keys[study]) for study in split.test],
        *[Shown("blank", study, blank_key(pack.records)) for study in split.test],
    ]
    return [one for one in every if one.set in pack.sets]


def by_training_images(
    trials: Sequence[Trial], records: Records, keys: Mapping[str, str]
) -> dict[tuple[str, ...], list[Trial]]:
    """Return the trials that learn the same pairs of report and image, by the key of each training report's image."""
    train, blocks = records.split.train, records.split.blocks
    groups: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        if trial.protocol.sees_no_image:
            images = (blank_key(records),) * len(train)
        else:
            image_of = training_images(trial, train, blocks)
            images = tuple(keys[image_of[study]] for study in train)
        groups.setdefault(images, []).append(trial)
    return groups


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

"""The images of a pack: what each trial learns with and writes reports for, by key, and their features."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.image import ImageCache
from benchmark.data.lesion_painting import paint_over
from benchmark.data.lesion_places import LESION, PATCH, Marked, PlacesCache
from benchmark.data.records import Records
from benchmark.data.split import Split
from benchmark.forms.record import LESION_CONTROLS, Set
from benchmark.forms.suite import Trial
from benchmark.pack.model import Pack
from benchmark.progress.events import progress
from benchmark.scoring.exchanged_images import training_images
from benchmark.scoring.predictions import Shown

if TYPE_CHECKING:
    from torch import Tensor

    from backbones.base import Backbone
    from benchmark.tuning.interface import Picture


PAINTED: Mapping[Set, int] = {"painted": LESION, "patch": PATCH}
"""What of a study's map is painted over."""
NO_LESIONS: Mapping[str, str] = MappingProxyType({})


def image_keys(records: Records) -> dict[str, str]:
    """Return the key of each study's image by the study's id; studies without an image have none."""
    images = _cache(records)
    return {study.id: images.key(study.image) for study in records.studies if study.image is not None}


def lesion_keys(records: Records) -> dict[str, str]:
    """Return the key of each test study's map by the study's id; only of those with lesions, and room for as much."""
    places = _places(records)
    return {study.id: places.key(study) for study in records.marked() if (places.load(study) == LESION).any()}


def blank_key(records: Records) -> str:
    """Return the key of the blank image of the records' size."""
    return f"blank-{records.image.size}"


def painted_key(name: Set, places: str) -> str:
    """Return the key of an image with a part painted over, by its control and the key of its map."""
    return f"{name}-{places}"


def shown_images(
    pack: Pack, split: Split, keys: Mapping[str, str], lesions: Mapping[str, str] = NO_LESIONS
) -> list[Shown]:
    """Return the image behind each report that a trial of the pack on this split writes, set by set.

    Args:
        pack: whose trials write.
        split: what they are tested on.
        keys: of the studies' images, by study.
        lesions: of the maps of studies that have a lesion with a place, by study.
    """
    with_lesion = [study for study in split.test if study in lesions]
    every = [
        *[Shown("validation", study, keys[study]) for study in split.validation],
        *[Shown("test", study, keys[study]) for study in split.test],
        *[Shown("blank", study, blank_key(pack.records)) for study in split.test],
        *[Shown(name, study, painted_key(name, lesions[study])) for name in LESION_CONTROLS for study in with_lesion],
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


def pictures(pack: Pack, keys: Mapping[str, str], lesions: Mapping[str, str] = NO_LESIONS) -> "dict[str, Picture]":
    """Return every image that the trials need, as a function that gives it, by key.

    Args:
        pack: whose trials.
        keys: of the studies' images, by study.
        lesions: of the maps of studies that have a lesion with a place, by study.
    """
    records = pack.records
    images = _cache(records)
    loaders: dict[str, Picture] = {
        keys[study.id]: partial(images.load, study.image)
        for part in ("train", "validation", "test")
        for study in records.part(part)
        if study.image is not None
    }
    side = records.image.size
    if "blank" in pack.sets:
        loaders[blank_key(records)] = lambda: np.zeros((side, side), np.uint8)
    for study in (one for one in (records.marked() if lesions else ()) if one.id in lesions):
        for name in LESION_CONTROLS:
            loaders[painted_key(name, lesions[study.id])] = partial(_painted, records, study, PAINTED[name])
    return loaders


def image_features(pack: Pack, backbone: "Backbone", shown: "Mapping[str, Picture]") -> "dict[str, Tensor]":
    """Return features [image_tokens, hidden] of images, from the store or by the backbone's encoder, by key."""
    from benchmark.tuning.features import FeatureStore

    store = FeatureStore(pack.records.cache / "features", backbone)
    return store.get(shown, progress(f"{pack.entry.name}: image features"))


def _painted(records: Records, study: Marked, part: int) -> np.ndarray:
    """Return a study's image with a part painted over."""
    return paint_over(_cache(records).load(study.image), _places(records).load(study), part)


def _places(records: Records) -> PlacesCache:
    return PlacesCache(records.cache / "places", records.image)


def _cache(records: Records) -> ImageCache:
    return ImageCache(records.cache / "images", records.image)

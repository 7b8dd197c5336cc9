"""The feature store: what was encoded is read back as it was, and what is damaged is encoded again."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from short_trials import FAMILIES
from torch import Tensor

from backbones.base import Backbone
from benchmark.tuning.features import FeatureStore, images_at_once

pytestmark = pytest.mark.numeric

KEYS = tuple("abcde")


class CountedStore:
    """A store and the pictures to ask it for; counts how often a picture is read and how often one is encoded."""

    def __init__(self, folder: Path, backbone: Backbone, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.backbone, self.pictures = folder, backbone, pictures
        self.read: Counter[str] = Counter()
        self.encoded = 0
        encode = backbone.encode_images

        def counted(images: list[np.ndarray]) -> list[Tensor]:
            self.encoded += len({image.tobytes() for image in images})  # a batch is filled up by its last image
            return encode(images)

        monkeypatch.setattr(backbone, "encode_images", counted)

    def picture(self, key: str) -> np.ndarray:
        self.read[key] += 1
        return self.pictures[KEYS.index(key)]

    def get(self, *keys: str) -> dict[str, Tensor]:
        """Features by a store of its own, as another process would have it."""
        return FeatureStore(self.folder, self.backbone).get({key: partial(self.picture, key) for key in keys or KEYS})

    def entry(self, key: str) -> Path:
        return FeatureStore(self.folder, self.backbone).folder / f"{key}.safetensors"


@pytest.fixture(autouse=True)
def _as_a_sweep(_threads: None) -> None:
    """One thread, as a sweep has on a CPU: with more, MKL parts rows among threads by how many rows there are."""
    torch.set_num_threads(1)


@pytest.fixture
def counted(
    load: Callable[..., Backbone], pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CountedStore:
    return CountedStore(tmp_path / "features", load("medgemma-4b-it"), pictures, monkeypatch)


def test_what_is_read_back_is_what_the_encoder_gives(counted: CountedStore) -> None:
    alone = [counted.backbone.encode_images([picture])[0] for picture in counted.pictures]
    encoded, read = counted.get(), counted.get()
    for key, expected in zip(KEYS, alone, strict=True):
        assert encoded[key].dtype == read[key].dtype == counted.backbone.model.dtype
        torch.testing.assert_close(encoded[key], expected, rtol=0, atol=1e-5)
        assert torch.equal(read[key], encoded[key])


@pytest.mark.parametrize("family", [*FAMILIES, "qwen3-vl-4b", "smolvlm-2.2b"])
def test_features_do_not_depend_on_what_they_were_encoded_with(
    family: str, load: Callable[..., Backbone], pictures: np.ndarray, tmp_path: Path
) -> None:
    backbone = load(family)

    def features(folder: str, chosen: list[int]) -> dict[str, Tensor]:
        store = FeatureStore(tmp_path / folder, backbone)
        assert images_at_once(backbone) > 1
        return store.get({str(i): partial(pictures.__getitem__, i) for i in chosen})

    together = features("together", [0, 1, 2, 3, 4])
    for number, chosen in enumerate(([4], [2, 0], [3, 1, 4])):
        for key, tokens in features(str(number), chosen).items():
            assert torch.equal(tokens, together[key])


def test_large_images_are_encoded_one_by_one(load: Callable[..., Backbone]) -> None:
    """MedGemma's 896 pixels take the memory that sixteen small images take four times over."""
    backbone = load("medgemma-4b-it")
    backbone.processor.image_processor.size = {"height": 896, "width": 896}
    assert images_at_once(backbone) == 1


@pytest.mark.parametrize("family", ["qwen2.5-vl-3b", "qwen3-vl-4b"])
def test_other_families_features_come_back_as_well(
    family: str, load: Callable[..., Backbone], pictures: np.ndarray, tmp_path: Path
) -> None:
    backbone = load(family, dtype=torch.bfloat16)
    images = {key: partial(pictures.__getitem__, place) for place, key in enumerate(KEYS)}
    encoded = FeatureStore(tmp_path, backbone).get(images)
    read = FeatureStore(tmp_path, backbone).get(dict.fromkeys(KEYS, lambda: pytest.fail("encoded twice")))
    for key, place in zip(KEYS, range(len(KEYS)), strict=True):
        alone = FeatureStore(tmp_path / key, backbone).get({key: images[key]})[key]
        assert read[key].dtype == torch.bfloat16
        assert torch.equal(read[key], alone)
        assert torch.equal(encoded[key], alone)
        # As many rows as the store encodes at a time take other kernels than one row on some processors.
        [single] = backbone.encode_images([pictures[place]])
        torch.testing.assert_close(alone, single, rtol=0.05, atol=0.05)


def test_an_image_is_encoded_once(counted: CountedStore) -> None:
    counted.get("a", "b")
    counted.get("b", "a", "c")
    counted.get("c")
    assert counted.read == {"a": 1, "b": 1, "c": 1}
    assert counted.encoded == 3


def test_progress_counts_every_image_there_or_not(counted: CountedStore) -> None:
    counted.get("b")
    seen: list[tuple[int, int]] = []
    images = {key: partial(counted.picture, key) for key in "abc"}
    FeatureStore(counted.folder, counted.backbone).get(images, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (3, 3)]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def cut_in_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(path.stat().st_size))


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"0123")


def rename_tensor(path: Path) -> None:
    save_file({"pixels": load_file(path)["features"]}, path)


def add_tensor(path: Path) -> None:
    features = load_file(path)["features"]
    save_file({"features": features, "more": features.clone()}, path)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)


def transpose(path: Path) -> None:
    store_again(path, load_file(path)["features"].T.contiguous())


def fewer_tokens(path: Path) -> None:
    store_again(path, load_file(path)["features"][1:].contiguous())


def halve_precision(path: Path) -> None:
    store_again(path, load_file(path)["features"].bfloat16())


def store_again(path: Path, features: Tensor) -> None:
    """As a whole entry of another form, its digest right."""
    digest = hashlib.sha256(features.view(torch.uint8).numpy().data).hexdigest()
    save_file({"features": features}, path, {"sha256": digest})


def without_a_digest(path: Path) -> None:
    save_file(load_file(path), path)


def text(path: Path) -> None:
    path.write_text(json.dumps({"features": [1.0, 2.0]}))


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        cut_in_the_header,
        empty,
        garbage,
        append,
        rename_tensor,
        add_tensor,
        text,
        flip_a_bit,
        transpose,
        fewer_tokens,
        halve_precision,
        without_a_digest,
    ],
)
def test_a_damaged_entry_is_made_again(counted: CountedStore, damage: Callable[[Path], None]) -> None:
    sound = counted.get()
    stored = counted.entry("b").read_bytes()
    damage(counted.entry("b"))
    assert counted.entry("b").read_bytes() != stored
    features = counted.get()
    assert counted.read == {"a": 1, "b": 2, "c": 1, "d": 1, "e": 1}
    for key in KEYS:
        assert torch.equal(features[key], sound[key])
    assert counted.entry("b").read_bytes() == stored


def test_what_an_interrupted_write_left_is_not_read(counted: CountedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    [sound] = counted.get("a").values()

    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            counted.get("b")
    assert not counted.entry("b").exists()
    for file in counted.entry("b").parent.iterdir():
        if file != counted.entry("a"):
            file.write_bytes(file.read_bytes()[:100])  # a power cut leaves less than an interrupt does
    assert counted.get("a", "b").keys() == {"a", "b"}
    assert torch.equal(
        load_file(counted.entry("b"))["features"], counted.backbone.encode_images([counted.pictures[1]])[0]
    )
    assert torch.equal(load_file(counted.entry("a"))["features"], sound)


def test_other_weights_settings_or_numbers_have_another_folder(
    counted: CountedStore, load: Callable[..., Backbone], tmp_path: Path
) -> None:
    def folder(backbone: Backbone) -> Path:
        return FeatureStore(counted.folder, backbone).folder

    first = folder(counted.backbone)
    assert folder(load("medgemma-4b-it")) == first, "the same checkpoint, loaded anew, is the same"
    assert folder(load("medgemma-4b-it", dtype=torch.float64)) != first

    processed = load("medgemma-4b-it")
    processed.processor.image_processor.image_mean = [0.4, 0.5, 0.5]
    assert folder(processed) != first

    copy = tmp_path / "copy"
    shutil.copytree(counted.backbone.source, copy)
    assert folder(type(counted.backbone).load(copy)) == first, "where a checkpoint lies says nothing of its features"
    weights = load_file(copy / "model.safetensors")
    name = next(name for name in weights if "vision" in name)
    weights[name] += 1e-3
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    changed = type(counted.backbone).load(copy)
    assert folder(changed) != first

    sound = counted.get("a")["a"]
    stale = FeatureStore(counted.folder, changed).get({"a": partial(counted.picture, "a")})["a"]
    assert not torch.equal(stale, sound)
    assert torch.equal(counted.get("a")["a"], sound)

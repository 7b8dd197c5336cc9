"""The hub's layout and its client's settings: shards, cache, offline, mirror, gated and pickle-only repositories."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import Hub, run, serving

from backbones.checkpoint import INDEX, Checkpoint, fingerprint, is_cached, locate
from backbones.errors import UserError
from backbones.registry import get

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "acme/small-model"
PINNED = Checkpoint(NAME, COMMIT, "Acme Licence", gated=True, parameters=1, image_size=112, image_tokens=16)

LOCATE = f"""
from backbones.checkpoint import Checkpoint, locate, is_cached
from backbones.errors import UserError
pinned = Checkpoint({NAME!r}, {COMMIT!r}, "Acme Licence", gated=True, parameters=1, image_size=112, image_tokens=16)
try:
    print("before", is_cached(pinned)); print("at", locate(None, pinned)); print("after", is_cached(pinned))
except UserError as error:
    print("refused", error)
"""
LOAD = f"""
import dataclasses, torch
torch.set_num_threads(1)
from backbones.registry import get
plugin = get("medgemma-4b-it")
class Small(plugin):
    checkpoint = dataclasses.replace(plugin.checkpoint, hub_id={NAME!r}, revision={COMMIT!r})
backbone = Small.load()
print("loaded", backbone.fingerprint, backbone.source)
"""


@pytest.fixture(scope="module")
def sharded(miniature: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature in several shards with an index, as large checkpoints are published."""
    from transformers import AutoModelForImageTextToText

    source = miniature("medgemma-4b-it")
    folder = tmp_path_factory.mktemp("hub") / "sharded"
    AutoModelForImageTextToText.from_pretrained(source).save_pretrained(folder, max_shard_size="500KB")
    for path in source.iterdir():
        if path.suffix != ".safetensors" and not (folder / path.name).exists():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "pytorch_model.bin").write_bytes(b"never fetched")
    assert len(list(folder.glob("*.safetensors"))) > 2
    return folder


def test_a_mirror_serves_and_the_cache_serves_offline(sharded: Path, tmp_path: Path) -> None:
    with serving(Hub({NAME: (sharded, COMMIT)})) as hub:
        output = run(LOCATE, tmp_path, HF_ENDPOINT=hub.url)
        assert "before False" in output
        assert "after True" in output
        folder = Path(output.split("at ")[1].split("\n")[0])
        requests = len(hub.asked)
        assert run(LOCATE, tmp_path, HF_ENDPOINT=hub.url).startswith("before True")
        assert len(hub.asked) == requests, "a snapshot that is whole asks no network"
    assert not any(path.endswith(".bin") for path in hub.asked)
    assert folder.name == COMMIT
    # The client keeps files as links to blobs; the fingerprint is that of the published contents all the same.
    assert fingerprint(folder) == fingerprint(sharded)
    loaded = run(LOAD, tmp_path, HF_HUB_OFFLINE="1")
    assert loaded.split() == ["loaded", fingerprint(sharded), str(folder)]


def test_a_gated_repository_names_its_licence_and_page(sharded: Path, tmp_path: Path) -> None:
    with serving(Hub({NAME: (sharded, COMMIT)}, gated={NAME})) as hub:
        output = run(LOCATE, tmp_path, HF_ENDPOINT=hub.url)
    assert "refused acme/small-model at 0123456789ab: gated under the licence 'Acme Licence'" in output
    assert "Accept it at https://huggingface.co/acme/small-model" in output
    assert "hf auth login" in output


def test_a_mirror_without_the_revision_or_the_repository(sharded: Path, tmp_path: Path) -> None:
    with serving(Hub({NAME: (sharded, "f" * 40), "acme/other": (sharded, COMMIT)})) as hub:
        assert "no such revision" in run(LOCATE, tmp_path, HF_ENDPOINT=hub.url)
    with serving(Hub({"acme/other": (sharded, COMMIT)})) as hub:
        assert "no such repository" in run(LOCATE, tmp_path, HF_ENDPOINT=hub.url)


def test_offline_says_so_and_how_to_fetch_it_elsewhere(tmp_path: Path) -> None:
    output = run(LOCATE, tmp_path, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in output
    assert f"hf download acme/small-model --revision {COMMIT}" in output


def test_a_repository_of_pickles_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "pickles"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with serving(Hub({NAME: (folder, COMMIT)})) as hub:
        output = run(LOCATE, tmp_path / "home", HF_ENDPOINT=hub.url)
    assert "no weights in safetensors format" in output
    assert not any("pytorch_model.bin" in path for path in hub.asked)


@pytest.fixture
def cache(sharded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with the sharded snapshot in it."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--acme--small-model" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for path in sharded.iterdir():
        (snapshot / path.name).write_bytes(path.read_bytes())
    return snapshot


def test_a_snapshot_lacking_a_shard_is_not_cached(cache: Path) -> None:
    assert is_cached(PINNED)
    shards = sorted(set(json.loads((cache / INDEX).read_text())["weight_map"].values()))
    (cache / shards[1]).unlink()
    assert not is_cached(PINNED)


def test_a_local_snapshot_folder_is_read_as_it_is(sharded: Path) -> None:
    backbone = get("medgemma-4b-it").load(sharded)
    assert backbone.source == sharded
    assert backbone.fingerprint == fingerprint(sharded)


def test_the_fingerprint_is_of_the_contents(sharded: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in sharded.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "README.md").write_text("a read-me decides nothing")
    assert fingerprint(copy) == fingerprint(sharded)
    shard = next(copy.glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"\1")
    assert fingerprint(copy) != fingerprint(sharded)


def test_a_folder_without_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json in it"):
        locate(tmp_path, PINNED)

"""Checkpoints of random weights: a published structure, whole or cut to some layers, in the hub's layout.

Values of weights change neither memory nor speed, nor which lines of code a checkpoint goes through. So what a
published checkpoint will meet on a machine can be met there before any is fetched. Only the numbers are random: names,
shapes, shards and settings are the published ones. The tokenizer and the processor are those of the pinned revision
where they lie in the hub's cache; elsewhere stand-ins: the miniature's classes, with the published image size and as
many tokens as the published vocabulary.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import Tensor

from backbones.base import Backbone
from backbones.checkpoint import FINGERPRINTED, INDEX, is_cached
from backbones.errors import UserError
from backbones.private.names import published_tensors
from backbones.published_files import INCLUDED
from backbones.shortened import shortened
from backbones.stand_in import take_token_ids, write_processor
from backbones.structure import build

if TYPE_CHECKING:
    pass

SHARD_BYTES = 1_000_000_000
"""Of a shard, at most, unless one tensor is larger: what is in memory at a time."""
DRAWN = 16_777_213
"""Random numbers that are drawn, once; tensors are filled with them over and over. A prime, so that rows differ."""
TOWERS = {"gemma3": {"vision_tower.": "vision_tower.vision_model."}}
TOWERS["paligemma"] = TOWERS["gemma3"]
"""Beginnings of names, by `model_type`, that transformers reads as published but doesn't write so."""


@dataclass(frozen=True)
class RandomCheckpoint:
    """A checkpoint of random weights.

    Attributes:
        folder: where it lies.
        parameters: of the model.
        weights_bytes: of its shards.
        layers: of the decoder.
        own_tokenizer: whether tokenizer and processor are the published ones; else they are stand-ins.
    """

    folder: Path
    parameters: int
    weights_bytes: int
    layers: int
    own_tokenizer: bool


def write_random(
    plugin: type[Backbone],
    folder: Path,
    *,
    layers: int | None = None,
    texts: Sequence[str] = (),
    dtype: torch.dtype = torch.bfloat16,
    seed: int = 0,
) -> RandomCheckpoint:
    """Write a checkpoint of random weights, a shard at a time; the folder appears whole or not at all.

    Args:
        plugin: whose.
        folder: a new one.
        layers: of the decoder and of the vision encoder, which are cut to so many; None for all.
        texts: that a stand-in's tokenizer learns its words from.
        dtype: of the weights.
        seed: of the weights.

    Raises:
        UserError: the plugin states no configuration, the folder is there already, or the disk has too little room.
    """
    published = plugin.full_configuration()
    if published is None:
        raise UserError(
            f"{plugin.name}: its plugin states no configuration of the published checkpoint, and config.json isn't at "
            f"hand, so none can be made up. Run `hf download {plugin.checkpoint.hub_id} --revision "
            f"{plugin.checkpoint.revision} --include {INCLUDED}`, or state `files` in the plugin, see "
            "backbones/base.py."
        )
    if folder.exists():
        raise UserError(f"{folder}: there is something here already. Name a new folder.")
    config = shortened(published, layers)
    config.dtype = dtype
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        if not (own := _copy_published_texts(plugin, temporary)):
            tokenizer = write_processor(plugin, config, temporary, texts)
            take_token_ids(plugin, config, tokenizer)
        config.save_pretrained(temporary)
        model = build(config)
        tensors = _renamed(published_tensors(model), TOWERS.get(config.model_type, {}))
        _refuse_without_room(folder, sum(tensor.numel() for tensor in tensors.values()) * dtype.itemsize)
        size = _write_shards(tensors, temporary, dtype, seed)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return RandomCheckpoint(
        folder=folder,
        parameters=sum(tensor.numel() for tensor in tensors.values()),
        weights_bytes=size,
        layers=config.get_text_config().num_hidden_layers,
        own_tokenizer=own,
    )


def _refuse_without_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise UserError(
            f"{folder.parent}: {needed / 1e9:.1f} GB of random weights don't fit into the {free / 1e9:.1f} GB that are "
            "free there. Name a folder on another disk, or fewer layers."
        )


def _copy_published_texts(plugin: type[Backbone], folder: Path) -> bool:
    """Copy tokenizer and processor from where the published ones lie on this machine; return whether they did."""
    from huggingface_hub import snapshot_download

    texts = [pattern for pattern in FINGERPRINTED if "safetensors" not in pattern]
    snapshot = plugin.texts_folder()
    if snapshot is None:
        if plugin.converted or not (is_cached(plugin.checkpoint) or _has_tokenizer(plugin)):
            return False
        pinned = plugin.checkpoint
        snapshot = Path(
            snapshot_download(pinned.hub_id, revision=pinned.revision, allow_patterns=texts, local_files_only=True)
        )
    for path in {path for pattern in texts for path in snapshot.glob(pattern)}:
        if path.name not in ("config.json", INDEX):
            shutil.copyfile(path, folder / path.name)
    return True


def _has_tokenizer(plugin: type[Backbone]) -> bool:
    from huggingface_hub import try_to_load_from_cache

    pinned = plugin.checkpoint
    needed = ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json")
    found = [try_to_load_from_cache(pinned.hub_id, name, revision=pinned.revision) for name in needed]
    return all(isinstance(path, str) for path in found)


def _renamed(tensors: Mapping[str, Tensor], beginnings: Mapping[str, str]) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in tensors.items():
        old = next((beginning for beginning in beginnings if name.startswith(beginning)), None)
        renamed[name if old is None else beginnings[old] + name.removeprefix(old)] = tensor
    return renamed


def _write_shards(tensors: Mapping[str, Tensor], folder: Path, dtype: torch.dtype, seed: int) -> int:
    """Write random numbers in the shapes of meta tensors, and the index; return the bytes of all shards."""
    parts = list(_parts(tensors, dtype.itemsize))
    draw = torch.randn(DRAWN, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    places: dict[str, str] = {}
    start = 0
    for number, names in enumerate(parts, start=1):
        file = f"model-{number:05}-of-{len(parts):05}.safetensors"
        shard = {}
        for name in names:
            shard[name] = _numbers(name, tensors[name], draw, start).to(dtype)
            start = (start + tensors[name].numel()) % DRAWN
            places[name] = file
        save_file(shard, folder / file, metadata={"format": "pt"})
    total = sum(tensor.numel() for tensor in tensors.values()) * dtype.itemsize
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def _parts(tensors: Mapping[str, Tensor], size: int) -> Iterator[list[str]]:
    """Yield the names of each shard's tensors."""
    part: list[str] = []
    used = 0
    for name, tensor in tensors.items():
        if part and used + tensor.numel() * size > SHARD_BYTES:
            yield part
            part, used = [], 0
        part.append(name)
        used += tensor.numel() * size
    yield part


def _numbers(name: str, tensor: Tensor, draw: Tensor, start: int) -> Tensor:
    """Return numbers under which activations neither grow nor vanish: 1 for norms, 0 for biases, 1/√inputs else."""
    if tensor.ndim < 2:
        return torch.full(tensor.shape, 0.0 if name.endswith("bias") else 1.0)
    count, inputs = tensor.numel(), tensor[0].numel()
    if "position" in name:
        inputs = tensor.shape[-1]
    filled = torch.empty(count)
    done = 0
    while done < count:
        piece = draw[start : start + count - done]
        filled[done : done + len(piece)] = piece
        done, start = done + len(piece), 0
    return filled.mul_(inputs**-0.5).view(tensor.shape)

"""Batches on the host, the next one made beside the device's work on this one."""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from transformers import BatchEncoding

from backbones.base import Backbone
from benchmark.forms.suite import Protocol
from benchmark.tuning.interface import TrainingSet

Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """What goes through a model at once, in memory from which a GPU copies while it computes.

    Attributes:
        text: from `Backbone.training_text`.
        features: of all rows one after another, [rows · image_tokens, hidden]; None where pixels are shown.
        pixels: from `Backbone.feature_inputs`, for a vision encoder that is tuned; else None.
    """

    text: BatchEncoding
    features: Tensor | None
    pixels: Mapping[str, Tensor] | None = None

    def shown(self, backbone: Backbone) -> Tensor:
        """Return the features of the batch's images; of pixels with gradients."""
        if self.features is not None:
            return self.features
        assert self.pixels is not None, "a batch has one of the two"
        return torch.cat([*backbone.encode_pixels(self.pixels)])


def make(
    backbone: Backbone, protocol: Protocol, data: TrainingSet, rows: Sequence[int], *, as_pixels: bool = False
) -> Batch:
    """Return the batch of the reports at `rows`, with features of their images, or the images as pixels."""
    text = backbone.training_text(protocol.prompt, [data.reports[i] for i in rows])
    for name, value in text.items():
        text[name] = pinned(value, backbone.device)
    if as_pixels:
        pixels = backbone.feature_inputs([data.pictures[i]() for i in rows])
        return Batch(text, None, {name: pinned(value, backbone.device) for name, value in pixels.items()})
    return Batch(text, pinned(torch.cat([data.features[i] for i in rows]), backbone.device))


def pinned(tensor: Tensor, device: torch.device) -> Tensor:
    """Return the tensor in memory that isn't paged, where a GPU will ask for it.

    Of a tensor whose rows are one piece of memory, as Qwen's places of words are, it is a copy: such can't be pinned.
    """
    return tensor.contiguous().pin_memory() if device.type == "cuda" else tensor


def prefetches(device: torch.device) -> bool:
    """Return whether a step's batch is made in a thread of its own; on a CPU it would take the model's core."""
    return device.type == "cuda"


def prefetched(
    make: Callable[[int], Item], numbers: Sequence[int], device: torch.device
) -> Generator[Item, None, None]:
    """Yield `make` of each number in turn.

    Where it can be done beside the device's work, that of the next one is under way when one is given out. Close it
    (`contextlib.closing`) where it isn't read to its end.
    """
    if not prefetches(device):
        yield from map(make, numbers)
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
        waiting: Future[Item] | None = None
        for number in numbers:
            following = pool.submit(make, number)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()

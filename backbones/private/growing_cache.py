"""Keys and values in room that is made once: transformers' caches copy all of them for every token that is added.

With many reports at a time that is most of what a step of writing moves through memory: the cache is read and written
again beside being read by attention. What attention is given are views of the same numbers in the same order.
"""

from typing import Any, Protocol

import torch
from torch import Tensor
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer


class Cache(Protocol):
    """What is used of transformers' `Cache`."""

    layers: list[Any]


class _Room:
    """Keys and values of a layer, [rows, heads, tokens, width], in tensors with room for more tokens.

    Args:
        layer: whose they are.
        tokens: that there is room for; as many as there are, if that is fewer.
    """

    def __init__(self, layer: DynamicLayer, tokens: int) -> None:
        keys, values = layer.keys, layer.values
        assert keys is not None
        assert values is not None
        self._tokens = keys.shape[-2]
        self._keys, self._values = _with_room(keys, tokens), _with_room(values, tokens)

    def seen(self) -> tuple[Tensor, Tensor]:
        """Return views of the keys and values that there are."""
        return self._keys[:, :, : self._tokens], self._values[:, :, : self._tokens]

    def add(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add those of further tokens; return views of all."""
        before, self._tokens = self._tokens, self._tokens + keys.shape[-2]
        if self._tokens > self._keys.shape[-2]:
            self._keys, self._values = (_with_room(one, 2 * self._tokens) for one in (self._keys, self._values))
        self._keys[:, :, before : self._tokens] = keys
        self._values[:, :, before : self._tokens] = values
        return self.seen()

    def select(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Keep these rows; return views of theirs."""
        self._keys, self._values = self._keys[rows], self._values[rows]
        return self.seen()


class GrowingLayer(DynamicLayer):
    """A layer of transformers' `DynamicCache` that adds a token without copying those before it.

    Args:
        layer: whose keys and values it goes on with.
        tokens: that there is room for.
    """

    def __init__(self, layer: DynamicLayer, tokens: int) -> None:
        super().__init__()
        self._room = _Room(layer, tokens)
        self.lazy_initialization(*self._room.seen())
        self.keys, self.values = self._room.seen()

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Add keys and values of further tokens; return those of all."""
        self.keys, self.values = seen = self._room.add(key_states, value_states)
        return seen

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows."""
        self.keys, self.values = self._room.select(indices)


class GrowingWindow(DynamicSlidingWindowLayer):
    """The same for a layer whose window no token leaves.

    Args:
        layer: whose keys and values it goes on with.
        tokens: that there is room for; fewer than the window.
    """

    def __init__(self, layer: DynamicSlidingWindowLayer, tokens: int) -> None:
        super().__init__(layer.sliding_window)
        self._room = _Room(layer, tokens)
        self.lazy_initialization(*self._room.seen())
        self.keys, self.values = self._room.seen()
        self.cumulative_length = layer.cumulative_length

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Add keys and values of further tokens; return those of all."""
        self.cumulative_length += key_states.shape[-2]
        assert self.cumulative_length < self.sliding_window, "room was made for fewer tokens"
        self.keys, self.values = seen = self._room.add(key_states, value_states)
        return seen

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows."""
        self.keys, self.values = self._room.select(indices)


def make_room(cache: Cache, tokens: int) -> bool:
    """Let a cache's layers grow without copying, where they are of the kinds that are known here; others stay.

    Args:
        cache: with the prompt's keys and values.
        tokens: of the prompt and of all that is written after it.

    Returns:
        Whether all layers do, so that each token's keys and values stay to the end.
    """
    for place, layer in enumerate(cache.layers):
        # Subclasses keep more than keys and values, or keep them otherwise.
        if type(layer) is DynamicLayer and layer.is_initialized:
            cache.layers[place] = GrowingLayer(layer, tokens)
        elif type(layer) is DynamicSlidingWindowLayer and layer.is_initialized and _stays_within(layer, tokens):
            cache.layers[place] = GrowingWindow(layer, tokens)
    return all(type(layer) in (GrowingLayer, GrowingWindow) for layer in cache.layers)


def _stays_within(layer: DynamicSlidingWindowLayer, tokens: int) -> bool:
    return tokens < layer.sliding_window and not layer.record_past


def _with_room(seen: Tensor, tokens: int) -> Tensor:
    """Return a tensor with room for so many tokens, those that there are at its start."""
    rows, heads, before, width = seen.shape
    roomy = torch.empty(rows, heads, max(tokens, before), width, dtype=seen.dtype, device=seen.device)
    roomy[:, :, :before] = seen
    return roomy

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
    """Keys and values of a layer [rows, heads, tokens, width] as views into tensors with room for more tokens."""

    keys: Tensor
    values: Tensor
    _roomy_keys: Tensor
    _roomy_values: Tensor

    def _make(self, layer: DynamicLayer, tokens: int) -> None:
        self._roomy_keys, self._roomy_values = _with_room(layer.keys, tokens), _with_room(layer.values, tokens)
        self._see(layer.keys.shape[-2])

    def _see(self, tokens: int) -> None:
        self.keys, self.values = self._roomy_keys[:, :, :tokens], self._roomy_values[:, :, :tokens]

    def _add(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        before = self.keys.shape[-2]
        after = before + keys.shape[-2]
        if after > self._roomy_keys.shape[-2]:
            self._roomy_keys, self._roomy_values = (_with_room(seen, 2 * after) for seen in (self.keys, self.values))
        self._roomy_keys[:, :, before:after] = keys
        self._roomy_values[:, :, before:after] = values
        self._see(after)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows."""
        tokens = self.keys.shape[-2]
        self._roomy_keys, self._roomy_values = self._roomy_keys[indices], self._roomy_values[indices]
        self._see(tokens)


class GrowingLayer(_Room, DynamicLayer):
    """A layer of transformers' `DynamicCache` that adds a token without copying those before it.

    Args:
        layer: whose keys and values it goes on with.
        tokens: that there is room for.
    """

    def __init__(self, layer: DynamicLayer, tokens: int) -> None:
        super().__init__()
        self.lazy_initialization(layer.keys, layer.values)
        self._make(layer, tokens)

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Add keys and values of further tokens; return those of all."""
        return self._add(key_states, value_states)


class GrowingWindow(_Room, DynamicSlidingWindowLayer):
    """The same for a layer whose window no token leaves.

    Args:
        layer: whose keys and values it goes on with.
        tokens: that there is room for; fewer than the window.
    """

    def __init__(self, layer: DynamicSlidingWindowLayer, tokens: int) -> None:
        super().__init__(layer.sliding_window)
        self.lazy_initialization(layer.keys, layer.values)
        self._make(layer, tokens)
        self.cumulative_length = layer.cumulative_length

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Add keys and values of further tokens; return those of all."""
        self.cumulative_length += key_states.shape[-2]
        assert self.cumulative_length < self.sliding_window, "room was made for fewer tokens"
        return self._add(key_states, value_states)


def make_room(cache: Cache, tokens: int) -> None:
    """Let a cache's layers grow without copying, where they are of the kinds that are known here; others stay.

    Args:
        cache: with the prompt's keys and values.
        tokens: of the prompt and of all that is written after it.
    """
    for place, layer in enumerate(cache.layers):
        # Subclasses keep more than keys and values, or keep them otherwise.
        if type(layer) is DynamicLayer and layer.is_initialized:
            cache.layers[place] = GrowingLayer(layer, tokens)
        elif type(layer) is DynamicSlidingWindowLayer and layer.is_initialized and _stays_within(layer, tokens):
            cache.layers[place] = GrowingWindow(layer, tokens)


def _stays_within(layer: DynamicSlidingWindowLayer, tokens: int) -> bool:
    return tokens < layer.sliding_window and not layer.record_past


def _with_room(seen: Tensor, tokens: int) -> Tensor:
    """Return a tensor with room for so many tokens, what is seen at its start."""
    rows, heads, before, width = seen.shape
    roomy = torch.empty(rows, heads, max(tokens, before), width, dtype=seen.dtype, device=seen.device)
    roomy[:, :, :before] = seen
    return roomy

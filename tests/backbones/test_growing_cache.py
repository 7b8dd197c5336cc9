"""Keys and values that grow in place, against transformers' own layers, which copy them for each token."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from backbones.private.growing_cache import GrowingLayer, GrowingWindow, make_room


def states(rows: int, tokens: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    keys, values = torch.rand(2, rows, 2, tokens, 4, generator=generator)
    return keys, values


def filled(layer: Any, rows: int, tokens: int) -> Any:
    layer.update(*states(rows, tokens, 0))
    return layer


KINDS: dict[str, Callable[[], Any]] = {"all": DynamicLayer, "window": lambda: DynamicSlidingWindowLayer(64)}


@given(
    kind=st.sampled_from(sorted(KINDS)),
    room=st.integers(0, 40),
    steps=st.lists(
        st.one_of(st.integers(1, 3), st.lists(st.integers(0, 1), min_size=1, max_size=3)), min_size=1, max_size=10
    ),
)
def test_it_holds_what_transformers_holds(kind: str, room: int, steps: list[Any]) -> None:
    theirs = filled(KINDS[kind](), 2, 5)
    cache: Any = DynamicCache()
    cache.layers = [filled(KINDS[kind](), 2, 5)]
    make_room(cache, room)
    ours = cache.layers[0]
    assert type(ours) in (GrowingLayer, GrowingWindow)
    for number, step in enumerate(steps):
        if isinstance(step, list):
            rows = torch.tensor([place % len(theirs.keys) for place in step])
            theirs.batch_select_indices(rows)
            ours.batch_select_indices(rows)
        else:
            added = states(len(theirs.keys), step, number + 1)
            for one, other in zip(theirs.update(*added), ours.update(*added), strict=True):
                assert torch.equal(one, other)
        assert torch.equal(theirs.keys, ours.keys)
        assert torch.equal(theirs.values, ours.values)
        assert theirs.get_seq_length() == ours.get_seq_length()
        assert theirs.get_mask_sizes(1) == ours.get_mask_sizes(1)


def test_a_token_is_added_without_copying_those_before() -> None:
    cache: Any = DynamicCache()
    cache.layers = [filled(DynamicLayer(), 2, 5)]
    make_room(cache, 8)
    place = cache.layers[0].keys.data_ptr()
    for seed in (1, 2, 3):
        cache.layers[0].update(*states(2, 1, seed))
        assert cache.layers[0].keys.data_ptr() == place


@pytest.mark.parametrize("window", [3, 8])
def test_a_window_that_tokens_would_leave_stays_as_it_is(window: int) -> None:
    cache: Any = DynamicCache()
    cache.layers = [filled(DynamicSlidingWindowLayer(window), 2, 5)]
    make_room(cache, 8)
    assert type(cache.layers[0]) is DynamicSlidingWindowLayer


def test_layers_of_other_kinds_and_empty_ones_stay_as_they_are() -> None:
    class Other(DynamicLayer):
        """Keeps more than keys and values."""

    cache: Any = DynamicCache()
    cache.layers = [filled(Other(), 2, 5), DynamicLayer()]
    before = list(cache.layers)
    make_room(cache, 8)
    assert cache.layers == before

"""What image features are counted to take in memory, against what PyTorch's allocator gives out for them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from short_trials import FAMILIES

from backbones.base import Backbone
from backbones.miniature import SIDE
from backbones.private.memory import LiveBytes
from benchmark.tuning.encoding import encoding_bytes


def allocated(backbone: Backbone, images: int) -> int:
    """Bytes at the peak of what encoding allocates, by the profiler's record; pixels are NumPy's, beside it."""
    pictures = [np.zeros((SIDE, SIDE), np.uint8)] * images
    pixels = sum(value.untyped_storage().nbytes() for value in backbone.feature_inputs(pictures).values())
    backbone.encode_images(pictures)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        backbone.encode_images(pictures)
    live = highest = 0
    events = (e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]")
    for event in sorted(events, key=lambda e: e.start_ns()):
        live += event.nbytes()
        highest = max(highest, live)
    return highest + pixels


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_counted_is_what_is_allocated(family: str, load: Callable[..., Backbone]) -> None:
    backbone = load(family)
    counted = encoding_bytes(backbone, 4)
    assert counted == pytest.approx(allocated(backbone, 4), rel=0.02)
    assert encoding_bytes(backbone, 8) == pytest.approx(2 * counted, rel=0.05)


def test_live_bytes_are_those_that_live_at_the_same_time() -> None:
    weight = torch.ones(1000)
    with LiveBytes([weight]) as live:
        first = weight + 1
        second = first * 2
        view = second[:10]
        del first, second
        third = view.repeat(50)
        inside = weight[:5]
    assert live.peak == 8000
    assert live.live == 4000 + 2000
    assert len(third) + len(inside) == 505

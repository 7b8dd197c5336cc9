"""What counts as memory of a stage: also weights that stay pages of their file, which aren't the process's own."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from backbones.base import Backbone
from backbones.registry import get
from benchmark.rehearsal.measure import Gauge, mapped_bytes


def loaded(folder: Path, dtype: torch.dtype) -> Backbone:
    return get("medgemma-4b-it").load(folder, device="cpu", dtype=dtype)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process's memory has its files in it")
def test_weights_that_keep_their_format_are_counted_once(miniature: Callable[[str], Path]) -> None:
    model: Any = loaded(miniature("medgemma-4b-it"), torch.bfloat16).model
    # Embeddings and head are one tensor, of which `parameters` has one.
    assert mapped_bytes(model) == sum(parameter.nbytes for parameter in model.parameters())
    assert mapped_bytes(loaded(miniature("medgemma-4b-it"), torch.float32).model) == 0  # stored in bfloat16
    assert mapped_bytes(nn.Linear(8, 8)) == 0


def test_what_is_mapped_stands_in_every_later_stage() -> None:
    gauge = Gauge(torch.device("cpu"))
    with gauge.stage() as before:
        pass
    with gauge.stage() as load:
        gauge.mapped = 10**9
    with gauge.stage() as after:
        pass
    assert before.memory < 10**9 <= min(load.memory, after.memory)

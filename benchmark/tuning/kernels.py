"""Kernels of a library beside torch's own: Liger's, where they are installed and there is a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec

import torch

_left_out = False


def used(device: torch.device) -> bool:
    """Return whether Liger's kernels are used on a device; they are written for GPUs."""
    return not _left_out and _run_on(device)


def name() -> str:
    """Return which they are, for the record."""
    return f"liger_kernel {version('liger_kernel')}"


@contextmanager
def left_out() -> Iterator[None]:
    """Go without them, within, whatever is installed."""
    global _left_out
    before, _left_out = _left_out, True
    try:
        yield
    finally:
        _left_out = before


@cache
def _run_on(device: torch.device) -> bool:
    return device.type == "cuda" and find_spec("liger_kernel") is not None

"""Adapters in a backbone's model for a while: whatever happens meanwhile, none is left in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from backbones.lora import take_out

from backbones.base import Backbone


@contextmanager
def taken_out(backbone: Backbone) -> Iterator[None]:
    """Let peft, within, put adapters into the backbone's model; after, also by an error, they are out again.

    peft's own `unload` is a method of what it returns, so it can't be called where putting in or loading failed half
    way (memory that ran out, a damaged file); the next trial would then be trained on top of what was left.
    """
    try:
        yield
    finally:
        take_out(backbone.model)

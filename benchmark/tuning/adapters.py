"""Adapters in a backbone's model for a while: whatever happens meanwhile, none is left in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from peft import PeftModel

from backbones.base import Backbone
from backbones.private.lora import take_out
from benchmark.store import TrialFolder


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


@contextmanager
def tuned(backbone: Backbone, folder: TrialFolder) -> Iterator[PeftModel]:
    """Yield the backbone's model with a trial's stored adapter in it, until the block ends."""
    with taken_out(backbone):
        yield PeftModel.from_pretrained(backbone.model, str(folder.adapter))

"""Adapters in a backbone's model for a while: whatever happens meanwhile, none is left in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from peft import PeftModel

from backbones.base import Backbone
from backbones.private.lora import linear_weights, put_back, take_out
from benchmark.grid import TAKEN_FROM_THE_BASE
from benchmark.store import TrialFolder
from benchmark.suite import Trial


def changes_base(trial: Trial) -> bool:
    """Return whether peft changes the base's weights when it begins a trial's adapter."""
    return trial.initialisation in TAKEN_FROM_THE_BASE


@contextmanager
def taken_out(backbone: Backbone, *, base_changes: bool = False) -> Iterator[None]:
    """Let peft, within, put adapters into the backbone's model; after, also by an error, they are out again.

    peft's own `unload` is a method of what it returns, so it can't be called where putting in or loading failed half
    way (memory that ran out, a damaged file); the next trial would then be trained on top of what was left.

    Args:
        backbone: whose model.
        base_changes: whether the weights of its linear layers are changed within; they are kept, and put back after.
    """
    kept = linear_weights(backbone.model) if base_changes else {}
    try:
        yield
    finally:
        take_out(backbone.model)
        put_back(backbone.model, kept)


@contextmanager
def tuned(backbone: Backbone, folder: TrialFolder) -> Iterator[PeftModel]:
    """Yield the backbone's model with a trial's stored adapter in it, until the block ends."""
    with taken_out(backbone):
        yield PeftModel.from_pretrained(backbone.model, str(folder.adapter))

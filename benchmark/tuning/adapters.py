"""Adapters in a backbone's model for a while: whatever happens meanwhile, none is left in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from backbones.base import Backbone


@contextmanager
def taken_out(backbone: Backbone) -> Iterator[None]:
    """Within, peft may put adapters into the backbone's model; after, also by an error, they are out again.

    peft's own `unload` is a method of what it returns, so it can't be called where putting in or loading failed half
    way (memory that ran out, a damaged file); the next trial would then be trained on top of what was left.
    """
    try:
        yield
    finally:
        take_out(backbone.model)


def take_out(model: nn.Module) -> None:
    """Put the layers that peft wrapped back where they were, in place."""
    wrapped = {name: module for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)}
    for name, module in wrapped.items():
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, module.get_base_layer())
    if hasattr(model, "peft_config"):
        del model.peft_config


def lora_layers(model: nn.Module) -> dict[str, Any]:
    """peft's LoRA layers by their name in `model`, in the order that peft injected them."""
    return {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}

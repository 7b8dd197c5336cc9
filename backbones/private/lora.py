"""peft's LoRA layers, and adapters put in and taken out and saved."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer


def lora_layers(model: nn.Module) -> "dict[str, LoraLayer]":
    """Return peft's LoRA layers by their name in `model`, in the order that peft injected them."""
    from peft.tuners.lora import LoraLayer

    return {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}


def lora_sizes(layer: "LoraLayer") -> tuple[int, int]:
    """Return the inputs and outputs of an adapted layer."""
    return int(layer.in_features or 0), int(layer.out_features or 0)


def lora_weight(layer: "LoraLayer", part: str, adapter: str) -> nn.Parameter:
    """Return a weight of an adapter in a layer; `part` is `lora_A` or `lora_B`."""
    return getattr(layer, part)[adapter].weight


def dropout_format(layer: "LoraLayer", x: Tensor, adapters: torch.dtype) -> torch.dtype:
    """Return the number format in which peft's own forward drops values of a layer's input.

    A plain layer gives its adapters their input in their format; one whose base is quantised does so too, unless CUDA's
    autocast is on (`peft.tuners.lora.bnb`).
    """
    quantised = type(layer.base_layer) is not nn.Linear
    return x.dtype if quantised and torch.is_autocast_enabled("cuda") else adapters


def adapts(layer: "LoraLayer", adapter: str) -> bool:
    """Return whether an adapter is one of those in a layer."""
    return adapter in layer.lora_A


def without_adapter_name(parameter: str) -> str:
    """Return the name of a trained parameter without that of peft's only adapter, as in its files."""
    return parameter.replace(".default", "")


def replace_dropout(layer: "LoraLayer", dropout: nn.Module) -> None:
    """Put another dropout before A of peft's only adapter in a layer."""
    layer.lora_dropout["default"] = dropout


def take_out(model: nn.Module) -> None:
    """Put the layers that peft wrapped back where they were, in place."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    wrapped = {name: module for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)}
    for name, module in wrapped.items():
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, module.get_base_layer())
    if hasattr(model, "peft_config"):
        del model.peft_config


def linear_weights(model: nn.Module) -> "dict[str, tuple[nn.Parameter, Tensor]]":
    """Return the weights of a model's linear layers by the layer's name: each parameter, and a copy of its numbers."""
    linear = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    parameters = {name: cast(nn.Parameter, module.weight) for name, module in linear.items()}
    return {name: (parameter, parameter.detach().clone()) for name, parameter in parameters.items()}


def put_back(model: nn.Module, weights: "Mapping[str, tuple[nn.Parameter, Tensor]]") -> None:
    """Give linear layers their parameters back, with the numbers that they had."""
    for name, (parameter, numbers) in weights.items():
        parameter.data = numbers
        model.get_submodule(name).weight = parameter


def save_adapter(model: "PeftModel", adapter: str, folder: Path) -> None:
    """Write one of several adapters as `PeftModel.save_pretrained` writes a model's only one."""
    model.save_pretrained(str(folder), selected_adapters=[adapter])
    # peft puts an adapter with a name of its own into a folder of that name.
    named = folder / adapter
    for path in named.iterdir():
        path.rename(folder / path.name)
    named.rmdir()

"""Configurations of published checkpoints, each value with its source: `backbones/configurations`."""

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def configuration(name: str) -> "PreTrainedConfig":
    """Return a configuration of `backbones/configurations`, as an object of transformers' class for it.

    In its file each value stands with the key of its source.
    """
    from transformers import AutoConfig

    text = files("backbones").joinpath("configurations", f"{name}.json").read_text(encoding="utf-8")
    values = _without_sources(json.loads(text)["values"])
    return AutoConfig.for_model(values.pop("model_type"), **values)


def _without_sources(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_sources(value) if isinstance(value, dict) else value[0] for key, value in values.items()
    }  # fmt: skip

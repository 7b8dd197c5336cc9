"""Vision encoders of timm in a miniature: their architecture says the widths, so its own arguments make them small."""

from collections.abc import Callable, Mapping
from typing import Any

SMALLER: Mapping[str, Callable[[int], dict[str, Any]]] = {
    # 16 million parameters of 300; its attention has as many heads as published, and its output is 2048 wide.
    "mobilenetv5": lambda tokens: {"channel_multiplier": 0.125, "msfa_output_resolution": round(tokens**0.5)},
}
"""Beginnings of architectures' names → arguments of timm's `create_model`, by how many tokens an image takes."""


def is_of_timm(settings: Mapping[str, Any]) -> bool:
    """Return whether a part of a configuration names an architecture of timm in place of its sizes."""
    return isinstance(settings.get("architecture"), str)


def small_encoder(settings: Mapping[str, Any], image_tokens: int) -> dict[str, Any]:
    """Return an encoder's settings for a miniature: as published, but for what its architecture can be told.

    Args:
        settings: as published.
        image_tokens: that an image takes in the miniature.
    """
    told = next((make for name, make in SMALLER.items() if settings["architecture"].startswith(name)), None)
    if told is None:
        return dict(settings)
    return {**settings, "model_args": {**(settings.get("model_args") or {}), **told(image_tokens)}}

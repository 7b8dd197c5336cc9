"""What a plugin states, as data: the rows of `amrg backbones list` and `show`."""

from dataclasses import dataclass

from backbones.base import Backbone
from backbones.checkpoint import is_cached


@dataclass(frozen=True)
class Described:
    """A plugin's own words; see `Backbone` and `Checkpoint`.

    Attributes:
        checkpoint: its hub id.
        page: of the checkpoint on the hub.
        cached: whether it is on this machine.
    """

    checkpoint: str
    revision: str
    licence: str
    gated: bool
    page: str
    parameters: int
    image_size: int
    image_tokens: int
    model_type: str
    end_token: str
    lora_targets: str
    cached: bool


def described(plugin: type[Backbone]) -> Described:
    """Return what a plugin states."""
    pinned = plugin.checkpoint
    return Described(
        checkpoint=pinned.hub_id,
        revision=pinned.revision,
        licence=pinned.licence,
        gated=pinned.gated,
        page=pinned.page,
        parameters=pinned.parameters,
        image_size=pinned.image_size,
        image_tokens=pinned.image_tokens,
        model_type=plugin.model_type,
        end_token=plugin.end_token,
        lora_targets=plugin.lora_targets,
        cached=is_cached(pinned),
    )

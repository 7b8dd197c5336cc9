"""What a plugin states, as data: the rows of `amrg backbones list` and `show`."""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from backbones.base import Backbone
from backbones.checkpoint import is_cached

if TYPE_CHECKING:
    from backbones.coverage import Coverage

SCHEMA: Literal[1] = 1
"""Version of `Described`."""


class Described(BaseModel):
    """A plugin's own words; see `Backbone` and `Checkpoint`.

    Attributes:
        schema_version: of this record.
        checkpoint: its hub id.
        page: of the checkpoint on the hub.
        lora_targets: the plugin's own expression for adapters; None where the roles of the model's layers say which.
        least_coverage: share of the decoder's linear weights that has to get an adapter.
        cached: whether it is on this machine.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = SCHEMA
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
    lora_targets: str | None
    least_coverage: float
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
        least_coverage=plugin.coverage,
        cached=is_cached(pinned),
    )


def published_coverage(plugin: type[Backbone]) -> "Coverage | None":
    """Return how much of the published decoder adapters reach; None where the plugin states no configuration."""
    # Only now: what a plugin states is listed without building any model.
    from backbones.coverage import coverage
    from backbones.structure import build

    config = plugin.full_configuration()
    return None if config is None else coverage(plugin, build(config))

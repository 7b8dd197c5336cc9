"""How much of a decoder its adapters reach: by role, with what is left out and why, as data to store and print."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict
from torch import nn

from backbones.roles import GROUPS, ROLES, LinearLayer, Role, decoder_layers
from backbones.structure import RANKS

if TYPE_CHECKING:
    from backbones.base import Backbone

SCHEMA: Literal[1] = 1
"""Version of `Coverage`."""


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OfRole(_Stored):
    """What of a role's layers gets an adapter.

    Attributes:
        role: which.
        layers: how many there are.
        weights: numbers in them.
        adapted: numbers in those that get an adapter.
    """

    role: Role
    layers: int
    weights: int
    adapted: int

    @property
    def share(self) -> float:
        """Return the share of the weights that gets an adapter."""
        return self.adapted / self.weights


class LeftOut(_Stored):
    """Layers without an adapter, for one reason.

    Attributes:
        reason: why.
        layers, weights: how many, and numbers in them.
        example: the name of the first.
    """

    reason: str
    layers: int
    weights: int
    example: str


class Coverage(_Stored):
    """How much of a decoder's linear weights get adapters. Embeddings, norms and head are no part of them.

    Attributes:
        schema_version: of this record.
        targets: what was asked for; see `backbones.targets.CHOICES`.
        expression: what peft is given: a regular expression over whole names of modules.
        weights, adapted: numbers in the decoder's linear layers, and in those that get an adapter.
        roles: the same by role, for those that the decoder has.
        left_out: layers without an adapter, by reason.
        trainable: parameters of an adapter by its rank: rank × (inputs + outputs) a layer (arXiv 2106.09685).
        alone: why trials can't be packed, and so run one after another; None where they are.
    """

    schema_version: Literal[1] = SCHEMA
    targets: str
    expression: str
    weights: int
    adapted: int
    roles: tuple[OfRole, ...]
    left_out: tuple[LeftOut, ...]
    trainable: dict[int, int]
    alone: str | None

    @property
    def share(self) -> float:
        """Return the share of the decoder's linear weights that gets an adapter."""
        return self.adapted / self.weights


def coverage(plugin: "type[Backbone]", model: nn.Module, which: str = "all") -> Coverage:
    """Return how much of a model's decoder a plugin's adapters reach.

    What is counted is what the expression matches, so a plugin's own (`lora_targets`) is counted as it is.

    Args:
        plugin: of the model's family.
        model: with or without numbers, and with no adapters in it.
        which: see `Backbone.expression`; the vision encoder's layers are no part of the decoder's.

    Raises:
        UserError: the decoder has no such layers.
    """
    pattern = plugin.expression(model, which)
    layers = decoder_layers(model, plugin.decoder)
    adapted = [layer for layer in layers if re.fullmatch(pattern, layer.name)]
    names = {layer.name for layer in adapted}
    roles = []
    for role in ROLES:
        if same := [layer for layer in layers if layer.role == role]:
            reached = _weights([layer for layer in same if layer.name in names])
            roles.append(OfRole(role=role, layers=len(same), weights=_weights(same), adapted=reached))
    alone = next((layer.alone for layer in adapted if layer.alone), None)
    return Coverage(
        targets=which,
        expression=pattern,
        weights=_weights(layers),
        adapted=_weights(adapted),
        roles=tuple(roles),
        left_out=tuple(_left_out([layer for layer in layers if layer.name not in names], which)),
        trainable={rank: sum(rank * (layer.inputs + layer.outputs) for layer in adapted) for rank in RANKS},
        alone=alone if plugin.packable else "its plugin says that rows of several adapters can't share a batch",
    )


def _weights(layers: Sequence[LinearLayer]) -> int:
    return sum(layer.weights for layer in layers)


def _left_out(layers: Sequence[LinearLayer], which: str) -> list[LeftOut]:
    """Return layers without an adapter by reason, in the model's order."""
    by_reason: dict[str, list[LinearLayer]] = {}
    for layer in layers:
        by_reason.setdefault(layer.left_out or _not_asked_for(layer, which), []).append(layer)
    return [
        LeftOut(reason=reason, layers=len(same), weights=_weights(same), example=same[0].name)
        for reason, same in by_reason.items()
    ]


def _not_asked_for(layer: LinearLayer, which: str) -> str:
    """Return why a layer that could have an adapter has none."""
    if layer.role == "experts":
        return "experts get adapters where a suite says `targets: all+experts`"
    asked = layer.role in GROUPS.get(which, GROUPS["all"])
    return "the plugin's `lora_targets` doesn't match it" if asked else f"`targets: {which}` doesn't name its role"

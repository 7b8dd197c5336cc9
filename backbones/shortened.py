"""A configuration with fewer layers and every other number as published: what a rehearsal in little time runs."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

ENCODER_LAYERS = ("num_hidden_layers", "depth")
"""What families call the number of layers of their vision encoder."""
PLACES = ("fullatt_block_indexes", "deepstack_visual_indexes")
"""Settings that name layers of the encoder."""


def shortened(config: "PreTrainedConfig", layers: int | None) -> "PreTrainedConfig":
    """Return a copy with so many layers in the decoder and in the vision encoder, full width; all where None.

    Of layers of several kinds each kind stays, and what names layers of the encoder names its last ones, as many as
    their share of all layers was.

    Args:
        config: of a published checkpoint.
        layers: at least 2, since families take features of a layer before the last.
    """
    short = copy.deepcopy(config)
    if layers is None:
        return short
    text, vision = short.get_text_config(), short.vision_config
    kept = min(layers, text.num_hidden_layers)
    if kinds := getattr(text, "layer_types", None):
        text.layer_types = _of_each_kind(kinds, kept)
    text.num_hidden_layers = kept
    name = next(name for name in ENCODER_LAYERS if getattr(vision, name, None))
    depth = getattr(vision, name)
    if layers < depth:
        setattr(vision, name, layers)
        for place in PLACES:
            if named := getattr(vision, place, None):
                setattr(vision, place, list(range(layers - max(1, len(named) * layers // depth), layers)))
    return short


def _of_each_kind(kinds: Sequence[str], layers: int) -> list[str]:
    """Return the kinds of the first layers, the last of them those that would not be met otherwise."""
    first = list(kinds[:layers])
    unmet = [kind for kind in dict.fromkeys(kinds) if kind not in first]
    return [*first[: layers - len(unmet)], *unmet][:layers]

"""What image features take in memory while they are computed, by counting: shapes alone, without a product."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from torch import Tensor

from backbones.base import Backbone
from backbones.private.memory import LiveBytes
from backbones.private.shapes import ShapesOnly


def encoding_bytes(backbone: Backbone, images: int) -> int:
    """Return the bytes of all tensors that live at the same time, at most, while images are encoded at once.

    The encoder is run on a blank picture; its products give zeros. Pixels are among the tensors, weights aren't, nor
    what a library's kernel takes for itself.

    Args:
        backbone: loaded.
        images: that go through at once.
    """
    side = backbone.checkpoint.image_size
    blank: Sequence[np.ndarray] = [np.zeros((side, side), np.uint8)] * images
    present: list[Tensor] = [*chain(backbone.model.parameters(), backbone.model.buffers())]
    with ShapesOnly(), LiveBytes(present) as live:
        backbone.encode_images(blank)
    return live.peak

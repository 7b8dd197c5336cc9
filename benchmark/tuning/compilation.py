"""torch.compile for a decoder's layers: alike as they are, what is compiled for one serves the others."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from backbones.base import Backbone
from backbones.private.modules import run_uncompiled

BACKEND = "inductor"
"""What torch.compile makes code with."""


def decoder_layers(backbone: Backbone) -> list[nn.Module]:
    """Return the layers of a backbone's decoder, in order."""
    [decoder] = [m for name, m in backbone.model.named_modules() if name.rpartition(".")[2] == backbone.decoder]
    return list(decoder.layers)


@contextmanager
def compiled_layers(backbone: Backbone) -> Iterator[None]:
    """Run the decoder's layers compiled, within, for batches of any size; between them and after, as they are."""
    layers = decoder_layers(backbone)
    for layer in layers:
        layer.compile(dynamic=True, backend=BACKEND)
    try:
        yield
    finally:
        for layer in layers:
            run_uncompiled(layer)

"""A model's layers while a pack trains it: what they compute is the same, in fewer passes, and less of it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from benchmark.tuning.gates import fused_gates
from benchmark.tuning.norms import fused_norms


@contextmanager
def fused(model: nn.Module) -> Iterator[None]:
    """Run the model's norms and gated products, within, by one function each."""
    with fused_norms(model), fused_gates(model):
        yield

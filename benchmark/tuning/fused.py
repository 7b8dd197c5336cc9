"""A model's layers while a pack trains it: what they compute is the same, in fewer passes, and less of it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from torch import nn

from benchmark.tuning.gates import fused_gates
from benchmark.tuning.norms import fused_norms


@contextmanager
def fused(model: nn.Module, *, compiled: bool = False) -> Iterator[bool]:
    """Run the model's norms and gated products, within, by one function each; gives whether kernels compute norms.

    Args:
        model: whose.
        compiled: whether torch.compile runs its layers: it fuses norms and gated products by itself, and would compile
            each layer's own function anew.
    """
    gates = nullcontext() if compiled else fused_gates(model)
    with fused_norms(model, by_kernels=not compiled) as by_kernels, gates:
        yield by_kernels

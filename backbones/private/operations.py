"""What a step asks of a machine, counted as PyTorch dispatches it: operations, arithmetic, and memory touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

Shape = torch.Size
WITHOUT_NUMBERS = ("aten::empty", "aten::detach", "aten::_unsafe_view", "aten::alias")
"""Operations that make no numbers."""


def added_product(added: Shape, first: Shape, second: Shape, **_: Any) -> int:
    """Return floating-point operations of a product [..., m, k] [..., k, n] that is added, by the tensors' shapes."""
    return 2 * prod(first) * second[-1]


def attention(query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    """Return floating-point operations of attention by shapes [..., tokens, width]: all scores, and all sums."""
    return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def attention_backward(gradient: Shape, query: Shape, key: Shape, value: Shape, *_: Any, **__: Any) -> int:
    """Return those of its gradients: scores once more, and two products for each of the forward pass's."""
    return 2 * attention(query, key, value) + 2 * prod(query) * key[-2]


UNCOUNTED = {
    torch.ops.aten.addmm_: added_product,
    torch.ops.aten.baddbmm_: added_product,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: attention_backward,
}
"""What PyTorch's counter leaves out: products that are added in place, and a processor's fused attention."""


@dataclass
class Asked:
    """What was asked for.

    Attributes:
        operations: dispatched ones that make or change numbers; on a GPU each is a kernel at least.
        products: floating-point operations of products of matrices and attention, two a multiplication with its
            addition.
        bytes: of all that operations read and wrote, as if nothing stayed in a cache between two of them.
    """

    operations: int = 0
    products: int = 0
    bytes: int = 0


@contextmanager
def counted() -> Iterator[Asked]:
    """Count what is asked for within; what is yielded is complete when the block ends."""
    asked = Asked()
    with FlopCounterMode(display=False, custom_mapping=UNCOUNTED) as products, Counting(asked):
        yield asked
    asked.products = products.get_total_flops()


class Counting(TorchDispatchMode):
    """Counts operations and the bytes that they touch, into `asked`."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view and not func._schema.name.startswith(WITHOUT_NUMBERS):
            touched = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, Tensor)]
            self.asked.operations += 1
            self.asked.bytes += sum(x.numel() * x.element_size() for x in touched)
        return out

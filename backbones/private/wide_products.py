"""Products of bfloat16 matrices in 32 bits, on processors that have no instructions for them.

Where a processor has none, PyTorch multiplies bfloat16 matrices by loops of its own: a layer's output comes five times
slower than in float32, the gradient of its input fifty times. So the numbers are widened, block by block, multiplied in
float32 and rounded once: what instructions for bfloat16 give too, which also sum in 32 bits, but for the sums' order.
A block bounds what is held beside the model: a decoder's head alone would take gigabytes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

BLOCK = 2**24
"""Numbers of a matrix that are widened at a time: 64 MB."""
FEW_TRANSPOSED, FEW = 15, 2
"""How often a number that is widened has to be used at least, on the mean, for PyTorch's own loops to be slower: where
the second matrix is a weight as layers hold it, outputs by inputs, and where it lies the other way."""
ATEN = torch.ops.aten


def are_bfloat16_products_slow() -> bool:
    """Return whether this processor has no instructions that PyTorch's library multiplies bfloat16 with."""
    return not torch.ops.mkldnn._is_mkldnn_bf16_supported()


@contextmanager
def wide_products() -> Iterator[None]:
    """Let products of bfloat16 matrices in the processor's memory, within, be made in float32 and rounded once."""
    with _WideProducts():
        yield


class _WideProducts(TorchDispatchMode):
    """Takes products out of what is dispatched; below autograd, so that nothing else is kept for the backward pass."""

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Return what an operation gives."""
        named = kwargs or {}
        if (made := PRODUCTS.get(func)) and _is_used_often(args):
            return made(*args, **named)
        if func in COMPOSED and _are_bfloat16(args):
            with self:
                return func.decompose(*args, **named)
        if func in WHOLE and _are_bfloat16(args[:3]):
            return _widened(func, args, named)
        return func(*args, **named)


def _are_bfloat16(args: tuple[Any, ...]) -> bool:
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    return all(tensor.dtype == torch.bfloat16 and tensor.device.type == "cpu" for tensor in tensors)


def _is_used_often(args: tuple[Any, ...]) -> bool:
    if not _are_bfloat16(args):
        return False
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    rows, columns = tensors[-2].shape[-2], tensors[-1].shape[-1]
    few = FEW_TRANSPOSED if tensors[-1].stride(-2) == 1 else FEW
    return rows * columns >= few * (rows + columns)


def _widened(func: Any, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """Return what an operation gives on wide tensors, rounded; its tensors are small beside a model."""

    def changed(values: Any, before: torch.dtype, after: torch.dtype) -> Any:
        if isinstance(values, Tensor):
            return values.to(after) if values.dtype == before else values
        return tuple(changed(value, before, after) for value in values) if isinstance(values, tuple) else values

    wide = {name: changed(value, torch.bfloat16, torch.float32) for name, value in named.items()}
    return changed(func(*changed(args, torch.bfloat16, torch.float32), **wide), torch.float32, torch.bfloat16)


def _mm(first: Tensor, second: Tensor) -> Tensor:
    out = first.new_empty(first.shape[0], second.shape[1])
    _write_product(first, second, lambda part, columns: out[:, columns].copy_(part))
    return out


def _addmm(added: Tensor, first: Tensor, second: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    out = first.new_empty(first.shape[0], second.shape[1])
    return _add_product(out, added.expand_as(out), first, second, beta, alpha)


def _addmm_(added: Tensor, first: Tensor, second: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return _add_product(added, added, first, second, beta, alpha)


def _bmm(first: Tensor, second: Tensor) -> Tensor:
    out = first.new_empty(first.shape[0], first.shape[1], second.shape[2])
    for batch, product in _products(first, second):
        out[batch] = product
    return out


def _baddbmm(added: Tensor, first: Tensor, second: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    out = first.new_empty(first.shape[0], first.shape[1], second.shape[2])
    return _add_products(out, added.expand_as(out), first, second, beta, alpha)


def _baddbmm_(added: Tensor, first: Tensor, second: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return _add_products(added, added, first, second, beta, alpha)


def _add_product(out: Tensor, added: Tensor, first: Tensor, second: Tensor, beta: float, alpha: float) -> Tensor:
    def write(part: Tensor, columns: slice) -> None:
        out[:, columns] = _sum(added[:, columns], part, beta, alpha)

    _write_product(first, second, write)
    return out


def _add_products(out: Tensor, added: Tensor, first: Tensor, second: Tensor, beta: float, alpha: float) -> Tensor:
    for batch, product in _products(first, second):
        out[batch] = _sum(added[batch], product, beta, alpha)
    return out


def _sum(added: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """Return beta · added + alpha · product; where beta is 0, `added` counts for nothing, not even its NaN."""
    if beta == 0:
        return product.mul_(alpha)
    return added.float().mul_(beta).add_(product, alpha=alpha)


def _write_product(first: Tensor, second: Tensor, write: Callable[[Tensor, slice], Any]) -> None:
    """Multiply [rows, inner] by [inner, columns] and give the result in float32, some columns at a time.

    The second matrix, which is a weight in most products, is taken by its columns where it has more of them than rows,
    each block of which is then a part of the result; otherwise by its rows, whose products are summed in float32.
    """
    rows, inner = first.shape
    columns = second.shape[1]
    if columns >= inner:
        wide = first.float()
        for block in _blocks(columns, max(rows, inner)):
            write(wide @ second[:, block].float(), block)
        return
    total: Tensor | None = None
    for block in _blocks(inner, max(rows, columns)):
        left, right = first[:, block].float(), second[block].float()
        total = left @ right if total is None else total.addmm_(left, right)
    write(first.new_zeros(rows, columns, dtype=torch.float32) if total is None else total, slice(None))


def _products(first: Tensor, second: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield products of stacked matrices in float32, some of the stack at a time, and which those are."""
    for batch in _blocks(len(first), max(prod(first.shape[1:]), prod(second.shape[1:]))):
        yield batch, torch.bmm(first[batch].float(), second[batch].float())


def _blocks(length: int, across: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, across))
    return (slice(start, start + step) for start in range(0, length, step))


PRODUCTS: dict[Any, Callable[..., Tensor]] = {
    ATEN.mm.default: _mm,
    ATEN.addmm.default: _addmm,
    ATEN.addmm_.default: _addmm_,
    ATEN.bmm.default: _bmm,
    ATEN.baddbmm.default: _baddbmm,
    ATEN.baddbmm_.default: _baddbmm_,
}
"""What is made here, by the operation that asks for it; the last two of its tensors are multiplied."""
COMPOSED = {ATEN.linear.default, ATEN.matmul.default}
"""Operations that are made of those, and reach a mode as they are where no gradient is asked for."""
WHOLE = {
    ATEN.conv2d.default,
    ATEN.conv3d.default,
    ATEN.convolution.default,
    ATEN._scaled_dot_product_flash_attention_for_cpu_backward.default,
}
"""Operations with slow products within, which are made on wide tensors as a whole."""

"""A watch for values that the host reads of tensors: what a GPU would be waited for, seen on a processor."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

READS = (
    "aten::_local_scalar_dense",
    "aten::nonzero",
    "aten::masked_select",
    "aten::equal",
    "aten::is_nonzero",
    "aten::_unique2",
)
"""Operations that give the host a value, or a shape that depends on one."""


class NoReads(TorchDispatchMode):
    """Refuses, within it, operations for which a GPU would be waited for."""

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Return what an operation gives.

        Raises:
            RuntimeError: it gives the host a value.
        """
        if func._schema.name in READS:
            raise RuntimeError(f"{func._schema.name} gives the host a value within a step")
        return func(*args, **(kwargs or {}))

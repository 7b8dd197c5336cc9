"""torch's errors of memory that ran out, tensors that take none, and how much those take that live at a time."""

import weakref
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def host_memory_ran_out(error: BaseException) -> bool:
    """Return whether torch says so of the host's memory, for which it has no error class of its own."""
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def fake_tensors() -> AbstractContextManager[Any]:
    """Return a mode within which new tensors have a device, a shape and a format, and no data; others are read so."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode(allow_non_fake_inputs=True)


def storage_key(tensor: Tensor) -> int:
    """Return what tensors have in common whose memory is the same, as long as one of them lives; fake ones too."""
    return tensor.untyped_storage()._cdata


class LiveBytes(TorchDispatchMode):
    """Counts, within it, the bytes of tensors that operations make and that live at the same time.

    What an operation takes for itself while it runs isn't seen, nor is memory that is held by something else than a
    tensor of Python's.

    Args:
        present: tensors that are there anyway; their memory isn't counted, nor is that of views of them.

    Attributes:
        live, peak: bytes now, and at most.
    """

    def __init__(self, present: Iterable[Tensor]) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._held = list(present)  # or a storage's key would be given out again
        self._present = {storage_key(tensor) for tensor in self._held}
        self._owners: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Return what an operation gives."""
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self._count(value)
        return result

    def _count(self, tensor: Tensor) -> None:
        key = storage_key(tensor)
        if key in self._present:
            return
        size = tensor.untyped_storage().nbytes()
        if key not in self._owners:
            self._owners[key] = 0
            self.live += size
            self.peak = max(self.peak, self.live)
        self._owners[key] += 1
        weakref.finalize(tensor, self._forget, key, size).atexit = False

    def _forget(self, key: int, size: int) -> None:
        self._owners[key] -= 1
        if not self._owners[key]:
            del self._owners[key]
            self.live -= size

"""torch's errors of memory that ran out, and tensors that take none."""

from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor


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

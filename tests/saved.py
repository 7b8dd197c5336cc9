"""What autograd really keeps between a forward and a backward pass."""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks


def saved_bytes(forward: Callable[[], object], frozen: Sequence[Tensor]) -> int:
    """Bytes that a forward pass keeps for the backward pass, beside the frozen tensors."""
    frozen_storages = {tensor.untyped_storage().data_ptr() for tensor in frozen}
    saved: dict[int, int] = {}
    tensors: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in frozen_storages:
            saved[storage.data_ptr()] = storage.nbytes()
            tensors.append(tensor)  # or its address would be given out again
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    return sum(saved.values())

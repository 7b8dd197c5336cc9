"""What this machine has: GPU memory, the hub's cache, an account's token, disk."""

import shutil
from dataclasses import dataclass
from pathlib import Path

GB = 1e9
"""Bytes of a gigabyte, as memory and disks are sold."""


@dataclass(frozen=True)
class Gpu:
    """GPUs of this machine: the largest one's name and its memory in GB, and how many there are."""

    name: str
    memory: float
    count: int = 1


def gpu() -> Gpu | None:
    """Return the GPU with the most memory and how many there are, or None."""
    import torch

    if not torch.cuda.is_available():
        return None
    devices = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    largest = max(devices, key=lambda device: device.total_memory)
    return Gpu(largest.name, largest.total_memory / GB, len(devices))


def gpu_memory() -> float:
    """Return the memory of the largest GPU in GB; 0 where there is none."""
    largest = gpu()
    return largest.memory if largest else 0.0


def hub_cache() -> Path:
    """Return the folder where the hub's client keeps checkpoints (`HF_HUB_CACHE`, or `hub` below `HF_HOME`)."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def is_offline() -> bool:
    """Return whether the hub's client may not use the network (`HF_HUB_OFFLINE`)."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def has_token() -> bool:
    """Return whether an account of the hub is logged in here."""
    from huggingface_hub import get_token

    return bool(get_token())


def free_disk(folder: Path) -> float:
    """Return the free space in GB on the disk that `folder` lies on, or would."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / GB

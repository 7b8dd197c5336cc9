"""Peak memory of a stretch of work: the device's on a GPU, the process's on a CPU."""

import resource
import sys

import torch


def start(device: torch.device) -> None:
    """Count a GPU's peak from here; a process's peak can't be counted anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak(device: torch.device) -> int:
    """Bytes at the peak."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024

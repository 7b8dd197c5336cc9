"""Peak memory of a stretch of work (the device's on a GPU, the process's on a CPU), and memory that runs out."""

import gc
import resource
import sys
from pathlib import Path

import torch

from backbones.private.memory import host_memory_ran_out


def start(device: torch.device) -> None:
    """Count a GPU's peak from here; a process's peak can't be counted anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak(device: torch.device) -> int:
    """Return the bytes at the peak."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return of_process()


def ran_out(error: BaseException) -> bool:
    """Return whether memory ran out, of a GPU or of the host."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or host_memory_ran_out(error)


def release(device: torch.device) -> None:
    """Give memory that nothing uses any more back to the device.

    Call it behind the `except` block: as long as an error is being handled, its frames hold what they worked on.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def of_process() -> int:
    """Return this process's peak in bytes.

    Linux hands a parent's peak on to a child in `ru_maxrss` (getrusage(2)); VmHWM (proc_pid_status(5)) is the
    process's own.
    """
    if sys.platform == "linux":
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024

"""What a stage takes: seconds by the clock and of the processor, and memory at its own peak."""

import ctypes
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import psutil
import torch
from torch import nn

from benchmark.tuning import memory

EVERY = 0.02
"""Seconds between two looks at a process's memory."""
OWN_PAGES = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
"""For glibc: from a megabyte on memory comes from the system and goes back when it is freed, as a GPU's is counted.

By default it keeps what was freed for later, and a stage would be charged with what earlier ones left."""


@dataclass
class Taken:
    """What a stage took; filled when it ends."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    memory: int = 0


def count_pages() -> None:
    """Have processes that are started from here on give freed memory back, so that peaks are those of the work."""
    for name, value in OWN_PAGES.items():
        os.environ.setdefault(name, value)


class Gauge:
    """Measures stages in the process that made it.

    Args:
        device: whose memory counts.

    Attributes:
        mapped: bytes of weights that are used where they lie in their file (see `mapped_bytes`), which count beside the
            process's own memory; whoever loads them says so, within the stage that does.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        _release(device)
        self._before = 0 if device.type == "cuda" else _own_memory()
        self.mapped = 0

    @contextmanager
    def stage(self) -> Iterator[Taken]:
        """Measure what is done within."""
        taken = Taken()
        _release(self._device)
        memory.start(self._device)
        clock, processor = perf_counter(), process_time()
        with _watched() as peak:
            yield taken
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)
        taken.seconds, taken.processor_seconds = perf_counter() - clock, process_time() - processor
        used = memory.peak(self._device) if self._device.type == "cuda" else max(peak)
        taken.memory = max(0, used - self._before) + self.mapped


@contextmanager
def _watched() -> Iterator[list[int]]:
    """Yield the greatest memory of this process so far, looked at from a thread of its own until the block ends."""
    peak, ended = [_own_memory()], threading.Event()

    def watch() -> None:
        while not ended.wait(EVERY):
            peak[0] = max(peak[0], _own_memory())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _own_memory() -> int:
    """Return bytes that this process holds for itself: without files that it reads, which Linux drops at need."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        if found := re.search(r"^RssAnon:\s*(\d+) kB", status, re.M):
            return int(found[1]) * 1024
    return int(psutil.Process().memory_info().rss)


def mapped_bytes(model: nn.Module) -> int:
    """Return bytes of a model's tensors that are pages of a file: weights that were loaded in the format they lie in.

    They are memory that a device has to have, but a processor's system counts them as its own, not as the process's.
    """
    if sys.platform != "linux":
        return 0
    ranges = [
        (int(found[1], 16), int(found[2], 16))
        for found in re.finditer(
            r"^(\w+)-(\w+) \S+ \S+ \S+ \d+ +/.*\.safetensors$", Path("/proc/self/maps").read_text("utf-8"), re.M
        )
    ]
    sizes = {tensor.data_ptr(): tensor.nbytes for tensor in (*model.parameters(), *model.buffers())}
    return sum(size for place, size in sizes.items() if any(first <= place < last for first, last in ranges))


def _release(device: torch.device) -> None:
    """Give memory that nothing uses any more back to the device and the system."""
    memory.release(device)
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def bytes_below(*places: Path) -> int:
    """Return the bytes of files, and of all files in folders."""
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    return sum(path.stat().st_size for path in files if path.is_file())

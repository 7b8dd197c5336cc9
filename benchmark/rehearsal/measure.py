"""What a stage takes: seconds by the clock and of the processor, and memory at its own peak."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import psutil
import torch

from benchmark.tuning import memory


@dataclass
class Taken:
    """What a stage took; filled when it ends."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    memory: int = 0


class Gauge:
    """Measures stages in the process that made it.

    Args:
        device: whose memory counts.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        gc.collect()
        self._before = 0 if device.type == "cuda" else psutil.Process().memory_info().rss

    @contextmanager
    def stage(self) -> Iterator[Taken]:
        """Measure what is done within."""
        taken = Taken()
        gc.collect()
        memory.start(self._device)
        _start_again()
        clock, processor = perf_counter(), process_time()
        yield taken
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        taken.seconds, taken.processor_seconds = perf_counter() - clock, process_time() - processor
        taken.memory = max(0, memory.peak(self._device) - self._before)


def _start_again() -> None:
    """Have Linux count this process's peak from here (`clear_refs` of proc_pid_clear_refs(5)); elsewhere it goes on."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5\n", encoding="ascii")


def bytes_below(*places: Path) -> int:
    """Return the bytes of files, and of all files in folders."""
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    return sum(path.stat().st_size for path in files if path.is_file())

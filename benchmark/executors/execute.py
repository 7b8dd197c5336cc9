"""Where work runs: in this process, or in one process per core; with a result for each piece, however it ended."""

import atexit
import ctypes
import gc
import multiprocessing
import os
import platform
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psutil

from benchmark.errors import RunFailed
from benchmark.executors.ending import SIGNALS, end_with_parent
from benchmark.progress.events import Listener, listen, listen_to_queue

Work = Callable[[], Any]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Needs:
    """What a piece of work takes of the machine that it runs on, beside a core.

    Attributes:
        gpus: how many.
        memory: bytes of the host's; 0 where it isn't known.
        room: bytes of those that trials train and write in, beside libraries and weights; 0 where it isn't known.
    """

    gpus: int = 0
    memory: int = 0
    room: int = 0


class Workers(Protocol):
    """What runs pieces of work: processes of this machine (`Executor`), or other machines (`benchmark.executors`).

    Attributes:
        processes: how many pieces run at the same time.
        here: how many processes work may take that stays on this machine.
    """

    processes: int
    here: int

    def run(self, work: Sequence[Work], needs: Sequence[Needs] = ()) -> Iterator[tuple[int, Any]]:
        """Run every piece; yield its index and result as each ends.

        Args:
            work: functions without arguments, picklable.
            needs: of each piece; none are known if it is empty.
        """
        ...


def default_processes() -> int:
    """Return how many processes to run: one per core that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def one_thread() -> None:
    """Hold this process to one thread: two that share a core cost several times the processor time."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TOKENIZERS_PARALLELISM"):
        os.environ[name] = "false" if name.startswith("TOKENIZERS") else "1"


def one_arithmetic() -> None:
    """Choose the same kernels on every x86 processor with AVX2, for this process and those it starts.

    torch, MKL and oneDNN take the widest instructions that a processor has, and each width sums in another order: on
    two machines the same training ends in other last digits, then in another word of a report, then in another point
    of the grid. Held to AVX2, and MKL to its promise of reproducible results for it (Conditional Numerical
    Reproducibility), a suite gave the same bytes of losses, adapters and reports with MKL's dispatch restricted and
    not; it took 11 % more processor time than by AVX-512. MKL makes that promise for Intel's processors; the one that
    it makes for others as well (COMPATIBLE) took 37 %. What is set already stays; it has to be set before torch is
    imported.
    """
    if not _has_avx2():
        return
    for name, value in ONE_ARITHMETIC.items():
        os.environ.setdefault(name, value)


ONE_ARITHMETIC = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
"""Settings of torch, MKL and oneDNN."""


def _has_avx2() -> bool:
    """Return whether this is a processor that is known to have AVX2: x86, and Linux says so."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return False
    return re.search(r"^flags\s*:.*\bavx2\b", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M) is not None


def end_quickly() -> None:
    """Leave this process's objects to the operating system when it ends.

    The interpreter would look for garbage among all that torch and transformers have made, which takes it two seconds.
    """
    atexit.register(gc.freeze)


def pool(processes: int, queue: Any = None, *, for_packs: bool = False) -> ProcessPoolExecutor:
    """Return a pool of new processes, each on one thread and with an equal share of the memory that is free now.

    Args:
        processes: how many.
        queue: that their events go into, where there is one.
        for_packs: whether they will need torch and its libraries; they share one import of them where that is safe.
    """
    forked = for_packs and can_fork()
    context = multiprocessing.get_context("forkserver" if forked else "spawn")
    if forked:
        context.set_forkserver_preload(["benchmark.executors.preloaded"])
    share = available_memory() // processes
    parent = None if forked else os.getpid()
    arguments = (queue, share, parent, threading.current_thread() is threading.main_thread())
    return ProcessPoolExecutor(processes, mp_context=context, initializer=start_worker, initargs=arguments)


def can_fork() -> bool:
    """Return whether processes may be forked from one that has imported torch.

    Not where there is a GPU: some libraries ask for it when they are imported, and what has asked can't be forked. On
    macOS the system's own libraries can't.
    """
    return sys.platform == "linux" and not any(Path(device).exists() for device in GPU_DEVICES)


GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""What Linux shows of NVIDIA's and AMD's drivers, and of Windows' within its subsystem."""


def start_worker(queue: Any, share: int, parent: int | None, by_main_thread: bool) -> None:
    """Begin in a process of a pool: on one thread, ending with its parent, which answers signals for it.

    Args:
        queue: that its events go into, where there is one.
        share: bytes of memory that it may take.
        parent: number of the process that started it; None where another started it for that one.
        by_main_thread: whether that process's main thread started it.
    """
    global _share
    _share = share
    end_with_parent(parent, by_system=by_main_thread)
    one_thread()
    end_quickly()
    # The parent answers Ctrl-C, and a terminal that is closed, for all of them; itself it ends them by SIGTERM.
    for name in SIGNALS:
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL if name == "SIGTERM" else signal.SIG_IGN)
    if queue is not None:
        listen_to_queue(queue)


_share: int | None = None
"""Bytes of memory that this process may take of those that it shares them with; None where it is alone."""
_room: int | None = None
"""Bytes of memory that it plans with, whatever it holds; None where nobody said."""


def available_memory() -> int:
    """Return bytes of memory that this process may still use, of the machine, its container and its own share."""
    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
        free = free if limit == "max" else min(free, int(limit) - int(used))
    if _share is not None:
        # What the others hold, or will, is theirs: else each of them would plan with the same free memory.
        free = min(free, _share - psutil.Process().memory_info().rss)
    if _room is not None:
        free = min(free, _room)
    return max(0, free)


def take_room(memory: int | None) -> None:
    """Have this process plan with so many bytes of memory, beside what it holds by now; None for all that is free.

    What it holds isn't counted: a worker that had a pack before has memory that it can use again, and would part its
    trials otherwise than a new one, to other last digits.
    """
    global _room
    _room = memory


def in_order(work: Callable[[Item], Result], items: Sequence[Item], *, processes: int, chunk: int) -> Iterator[Result]:
    """Yield `work(item)` for each item, in their order, from several processes or from this one where that is 1.

    Args:
        work: picklable.
        items: what it is called with, picklable.
        processes: how many work at the same time.
        chunk: how many items a process takes at once.
    """
    if processes == 1:
        yield from map(work, items)
        return
    try:
        with pool(processes) as workers, ended_at_once():
            yield from workers.map(work, items, chunksize=chunk)
    except BrokenProcessPool as error:
        raise RunFailed(DIED) from error


DIED = (
    "a worker process died, most likely for want of memory. What was finished is kept; "
    "run the same command again, with fewer processes (--jobs)."
)


@contextmanager
def ended_at_once() -> Iterator[None]:
    """End the processes that were started within at once where the block ends by a signal or an error."""
    before = set(multiprocessing.active_children())
    try:
        yield
    except BrokenProcessPool:
        raise
    except BaseException:
        end_processes([child for child in multiprocessing.active_children() if child not in before])
        raise


def end_processes(processes: Sequence[BaseProcess]) -> None:
    """End processes, whatever they are at; return when they are gone."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(timeout=5)
        if process.is_alive():
            process.kill()
            process.join()


class Executor:
    """Runs pieces of work in `processes` processes, or in this one where that is 1.

    Workers stay alive between calls, so what they import is imported once. Their events reach `listener` here.
    """

    def __init__(self, processes: int, listener: Listener) -> None:
        self.processes = self.here = processes
        self._listener = listener
        self._pool: ProcessPoolExecutor | None = None
        self._queue: Any = None
        self._reader: threading.Thread | None = None

    def run(self, work: Sequence[Work], needs: Sequence[Needs] = ()) -> Iterator[tuple[int, Any]]:
        """Run every piece; yield its index and result as each ends. What they need is this machine's in any case.

        Raises:
            RunFailed: a worker process died. What other pieces stored is kept.
        """
        if self.processes == 1 or len(work) == 0:
            listen(self._listener)
            for index, piece in enumerate(work):
                yield index, piece()
            return
        workers = self._start()
        futures: dict[Future[Any], int] = {workers.submit(piece): index for index, piece in enumerate(work)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise RunFailed(DIED) from error

    def warm_up(self) -> None:
        """Start the processes and let them import what packs need, while this one reads data; return at once."""
        if self.processes > 1:
            workers = self._start()
            for _ in range(self.processes):
                workers.submit(quiet)

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._queue = multiprocessing.get_context("spawn").Queue()
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
            self._pool = pool(self.processes, self._queue, for_packs=True)
        return self._pool

    def _read(self) -> None:
        while (event := self._queue.get()) is not None:
            self._listener(event)

    def close(self, *, now: bool = False) -> None:
        """End the workers; `now` without waiting for what they are at."""
        if self._pool is None:
            return
        if now:
            end_processes(multiprocessing.active_children())
        self._pool.shutdown(wait=not now, cancel_futures=True)
        self._queue.put(None)
        if self._reader is not None:
            self._reader.join(timeout=5)
        self._pool = None


@contextmanager
def executor(processes: int, listener: Listener) -> Iterator[Executor]:
    """Yield an executor that is ended on the way out, at once if that is by an error or Ctrl-C."""
    running = Executor(processes, listener)
    try:
        yield running
    except BaseException:
        running.close(now=True)
        raise
    running.close()


def prepare_worker() -> None:
    """Have torch compute on one thread in this process, and the libraries keep quiet; before any work with torch."""
    import torch

    torch.set_num_threads(1)
    quiet()


def keep_freed_memory() -> None:
    """Have this process keep memory that it has freed, for what it asks for next, where the C library is GNU's.

    A step asks for hundreds of tensors of some megabytes and frees them. The library gives such memory back to the
    system at once, and each page of it that is asked for again costs a fault and is zeroed, 7 % of a step on
    miniatures. What is larger than 32 MB is still given back. For small models: of a large one's tensors, what is kept
    between those in use came to a tenth of a pack's memory, which nobody has planned for.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            for parameter, value in _ALLOCATION.items():
                library.mallopt(parameter, value)


_ALLOCATION = {-1: 2**31 - 1, -2: 2**26, -3: 2**25}
"""Of malloc.h: M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD, bytes; the greatest that the first and last take."""


def quiet() -> None:
    """Keep bars and advice of the libraries from among the sweep's own lines."""
    import logging as standard_logging

    from transformers.utils import logging

    from backbones.private.imports import import_peft

    import_peft()
    # A part of a model that is tried without data and doesn't fit is no fault: whoever tries it goes another way.
    standard_logging.getLogger("torch._subclasses.fake_tensor").setLevel(standard_logging.CRITICAL)
    # peft asks transformers by an old name.
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)

    logging.disable_progress_bar()
    logging.set_verbosity_error()

"""Work on many image files in several processes, within a budget of memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

from benchmark.data.decode import stored_bytes
from benchmark.executors.execute import default_processes, ended_at_once, pool

MEMORY_BUDGET = 1_500_000_000
"""Bytes that all processes may take together, unless the caller says how many to start."""

_PROCESS_BYTES = 130_000_000  # an interpreter with numpy, Pillow, SciPy, tifffile and pydicom, measured
_COPIES = 3  # of a decoded image that a process holds at most, measured

Result = TypeVar("Result")


def each_image(
    work: Callable[[Path], Result], paths: Sequence[Path], *, jobs: int | None = None
) -> Iterator[tuple[Path, Result]]:
    """Yield (path, work(path)) for each path, in the order in which they are finished.

    A process that is killed, most likely for memory, costs time: what is left is done in this process.

    Args:
        work: picklable, and raising nothing that the caller doesn't want to see.
        paths: distinct image files.
        jobs: processes to start. By default as many as there are processors, and no more than keep `MEMORY_BUDGET`
            for the largest of the images, by their headers; 1 works in this process.
    """
    jobs = min(jobs or jobs_within_budget(paths), len(paths))
    waiting = dict.fromkeys(paths)
    if jobs > 1:
        try:
            with pool(jobs) as workers, ended_at_once():
                futures = {workers.submit(work, path): path for path in paths}
                try:
                    for future in as_completed(futures):
                        result = future.result()
                        del waiting[futures[future]]
                        yield futures[future], result
                finally:
                    workers.shutdown(wait=False, cancel_futures=True)
        except BrokenProcessPool:
            pass
    for path in list(waiting):
        yield path, work(path)


def jobs_within_budget(paths: Sequence[Path]) -> int:
    """Return how many processes stay within `MEMORY_BUDGET`, this one included, each with the largest image."""
    largest = max((stored_bytes(p) for p in paths), default=0)
    processors = default_processes()
    return max(1, min(processors, MEMORY_BUDGET // (_PROCESS_BYTES + _COPIES * largest) - 1))

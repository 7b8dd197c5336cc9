"""Pieces of a computation by several processes that are forked from this one, with what it knows by then.

A leaderboard is made of hundreds of rows, each by itself, from results that take hundreds of megabytes and a good part
of the time to read. A forked process has all of that at once, where one that is started anew would be sent it or read
it again. Each piece is computed by the same code on the same numbers whoever computes it, and results come in the order
of the pieces, so one process or several give the same bytes.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from benchmark.errors import RunFailed
from benchmark.executors.ending import SIGNALS
from benchmark.executors.execute import DIED, available_memory, can_fork, ended_at_once, start_worker

Result = TypeVar("Result")

_pieces: Sequence[Callable[[], Any]] = ()
"""What forked processes find here are the pieces that they were forked for; functions can't be sent, numbers can."""


def forked(pieces: Sequence[Callable[[], Result]], processes: int) -> Iterator[Result]:
    """Yield the result of each piece, in their order.

    Args:
        pieces: functions without arguments, whose results can be pickled; what else they change is lost.
        processes: how many compute at the same time; this one alone computes where that is 1, and where it can't be
            forked (`may_fork`).

    Raises:
        RunFailed: a process died.
    """
    global _pieces
    processes = min(processes, len(pieces))
    if processes < 2 or not may_fork():
        yield from (piece() for piece in pieces)
        return
    before, _pieces = _pieces, pieces
    share = available_memory() // processes
    # Looking for garbage writes to every object, and what is written to is copied, page by page.
    gc.freeze()
    try:
        pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("fork"), initializer=_begin, initargs=(share, os.getpid())
        )
        with pool, ended_at_once():
            with _signals_wait():  # the first that is submitted starts all processes
                futures = [pool.submit(_compute, number) for number in range(len(pieces))]
            for future in futures:
                yield future.result()
    except BrokenProcessPool as error:
        raise RunFailed(DIED) from error
    finally:
        _pieces = before
        gc.unfreeze()


def may_fork() -> bool:
    """Return whether this process may be forked: on Linux, with no other thread, and none of a GPU's libraries.

    Of threads only the one that forks goes on in the new process, and what another one holds stays locked there.
    """
    return threading.active_count() == 1 and (can_fork() or (sys.platform == "linux" and "torch" not in sys.modules))


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Have signals that end a run wait until the block ends, here and in processes that are forked meanwhile.

    Else one that comes between a process's start and its first line would find what this process does at a signal.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _numbers())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _begin(share: int, parent: int) -> None:
    """Begin in a forked process: it ends with its parent, which answers signals for it (`_signals_wait`)."""
    start_worker(None, share, parent, True)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _numbers())


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in SIGNALS]


def _compute(number: int) -> Any:
    return _pieces[number]()

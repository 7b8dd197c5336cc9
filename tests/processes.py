"""Processes that tests and the soak start and end: who is below whom, and who is left."""

import time
from collections.abc import Iterable

import psutil


def family(process: int) -> list[psutil.Process]:
    """All processes below one, at this moment."""
    try:
        return psutil.Process(process).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def left_after(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so long at most."""
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left and time.monotonic() < deadline:
        left = [one for one in left if _runs(one)]
        time.sleep(0.05)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

"""How processes end: at a signal as at Ctrl-C, and never later than the process that started them."""

import os
import signal
import stat
import sys
import threading
from types import FrameType

from metrics.text.tied import end_by_system

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that end a run in good order: Ctrl-C, a scheduler's or `kill`'s, and that of a terminal that is closed."""


class Ended(BaseException):
    """A signal asked this process to end. No `KeyboardInterrupt`, which libraries have answers of their own to.

    Attributes:
        exit_code: 128 and the signal's number, as shells have it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def end_at_signals() -> None:
    """Have `SIGNALS` raise `Ended` in this process's main thread; one that is ignored, as under nohup, stays so."""
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)


def end_with_parent(parent: int | None, *, by_system: bool) -> None:
    """End this process, started by multiprocessing, when its parent ends, however that ends; whatever it is at.

    A thread waits for the other end of a pipe that the parent holds, which the system closes. Linux is asked for a
    signal too, since that thread has to wait for its turn where something holds the interpreter.

    Args:
        parent: number of the process; None where another started this one for it, and ends with it.
        by_system: whether Linux may be asked: its signal comes when the thread ends that started this process, so it
            has to have been the main one.
    """
    if by_system:
        end_by_system()
        if parent is not None and sys.platform == "linux" and os.getppid() != parent:
            os._exit(1)  # it ended before it could be asked
    threading.Thread(target=_wait_for_end, daemon=True, name="end-with-parent").start()


def end_with_stdin() -> None:
    """End this process when its standard input ends, where that is a pipe: a parent's, that writes nothing into it."""
    number = sys.stdin.fileno()
    if not stat.S_ISFIFO(os.fstat(number).st_mode):
        return

    def wait() -> None:
        # By the system, not through `sys.stdin`: a process forked meanwhile would inherit that object locked, and wait
        # for it for ever when it closes it.
        while os.read(number, 4096):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="end-with-stdin").start()


def _wait_for_end() -> None:
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    if process := parent_process():
        wait([process.sentinel])
        os._exit(1)

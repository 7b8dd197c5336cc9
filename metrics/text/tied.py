"""Programs that end with the process that started them, whatever they are at; run itself, what stands between the two.

Linux is asked to end the program (`PR_SET_PDEATHSIG`), and the wish has to come from the program's own process before
it begins: from a small one, that becomes the program. Between fork and exec, where `preexec_fn` would ask, a process
with threads mustn't run Python. It imports nothing but Python's own library, so it starts in hundredths of a second.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
COULD_NOT_START = 127
"""The exit code of shells for a program that can't be run."""


def tied(command: Sequence[str]) -> list[str]:
    """Return the command line that runs a program so that it ends when the thread ends that starts it.

    The thread has to live as long as the program is wanted; all of them end with their process, however that ends.
    Where the system isn't Linux it is the command itself: a program ends there when it finds its standard input closed.
    """
    if sys.platform != "linux" or not sys.executable:
        return list(command)
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def end_by_system() -> None:
    """Have Linux end this process when the thread ends that started it."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _become(command: Sequence[str]) -> None:
    try:
        os.execv(command[0], list(command))
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(COULD_NOT_START)


if __name__ == "__main__":
    end_by_system()
    if os.getppid() != int(sys.argv[1]):
        os._exit(1)  # who starts it ended before Linux could be asked
    _become(sys.argv[2:])

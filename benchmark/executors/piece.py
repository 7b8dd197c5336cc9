"""A piece of work as it runs on another machine: what it finds there is looked at first, then it works as at home."""

import os
import pickle
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import RunFailed, frames
from benchmark.executors.execute import Needs, one_arithmetic, one_thread, take_room
from benchmark.executors.heard import SUFFIX, EventFile
from benchmark.executors.home import Home
from benchmark.progress.events import listen


@dataclass(frozen=True)
class Ended:
    """How a piece ended.

    Attributes:
        result: what it returned.
        error: what it raised instead; None where it returned.
    """

    result: Any = None
    error: Exception | None = None


class Misfit(Exception):
    """A machine that can't work for a sweep; the message says why, and what to do."""


@dataclass(frozen=True)
class Piece:
    """A piece of work on its way to another machine.

    Attributes:
        work: a function without arguments, pickled: what it needs is imported only when it is unpacked, after threads
            and kernels are settled.
        needs: of the machine.
        home: of the sweep.
        same_kernels: whether to compute by the same kernels on every processor
            (`benchmark.executors.execute.one_arithmetic`).
        folder: for its events.
    """

    work: bytes
    needs: Needs
    home: Home
    same_kernels: bool
    folder: Path

    def __call__(self) -> Ended:
        """Run it; an error of the work comes back beside its result, one of the machine as `Misfit`."""
        if why := self.home.misfit():
            return Ended(error=Misfit(why))
        os.environ.update(self.home.environment)
        one_thread()
        if self.same_kernels:
            one_arithmetic()
        take_room(self.needs.room or None)
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        listen(EventFile(self.folder / name))
        try:
            work: Callable[[], Any] = pickle.loads(self.work)
            return Ended(result=work())
        except Exception as error:
            return Ended(error=_carried(error))

    def checkpoint(self, *_: Any) -> Any:
        """Return how submitit runs it again where Slurm takes its machine away: as it is; the store knows the rest."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _carried(error: Exception) -> Exception:
    """Return an error as it can travel, with where it came about where that isn't said in words."""
    if not hasattr(error, "exit_code"):
        error.add_note(frames(error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an exception of a library that takes other arguments than it keeps
        return RunFailed(f"a worker on {socket.gethostname()} failed: {type(error).__name__}\n{frames(error)}")
    return error


def run_piece(piece: Piece) -> Ended:
    """Run a piece."""
    return piece()

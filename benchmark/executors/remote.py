"""What executors of other machines share: pieces handed out, events heard, errors raised as if they were at home."""

import pickle
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from backbones.locks import Lock, holder
from benchmark.disk.cache import cache_folder
from benchmark.disk.files import make_folder, private_folder
from benchmark.errors import RunFailed, UserError
from benchmark.executors.execute import Needs, Work, default_processes
from benchmark.executors.heard import EventFolder
from benchmark.executors.home import Home
from benchmark.executors.piece import Ended, Misfit, Piece
from benchmark.progress.events import Listener

POLL_SECONDS = 0.3
"""Time between two looks at what ended and what was told."""
END_SECONDS = 15.0
"""How long what is to end now may take, so that it holds no lock any more."""
RETRIES = 3
"""How often a piece is run again whose machine was lost. What it had stored is kept; it goes on from there."""


@dataclass(frozen=True)
class Opened:
    """What a sweep has while it hands out work.

    Attributes:
        home: as workers have to find it.
        folder: for jobs and their events: what is in it holds reports, so it is its owner's alone.
        listener: told what workers tell.
        same_kernels: as `Piece` has it.
    """

    home: Home
    folder: Path
    listener: Listener
    same_kernels: bool


class Remote(ABC):
    """Machines that run pieces of work, beside this one.

    Attributes:
        name: of the executor.
        processes: how many pieces run at the same time, as far as is known now.
        here: how many processes work may take that stays on this machine.
    """

    name: str
    processes: int = 1
    here: int
    _opened: Opened | None = None

    def __init__(self) -> None:
        self.here = default_processes()

    @abstractmethod
    def has_gpus(self) -> bool:
        """Return whether a piece may have a GPU."""

    @abstractmethod
    def gpu_memory(self, ask: Callable[[], float]) -> float:
        """Return GB of memory of a GPU, as `ask` gives it on a machine that has one; infinite where nobody knows."""

    @abstractmethod
    def set_processes(self, wanted: int | None, *, gpus: bool) -> None:
        """Settle how many pieces run at the same time: as wanted, else one a GPU, or one a core."""

    @abstractmethod
    def _handed_out(self, pieces: Sequence[Piece], opened: Opened) -> Iterator[tuple[int, Ended]]:
        """Run every piece, again where a machine is lost; yield its index and end, and (-1, …) after each look.

        Raises:
            RunFailed: a piece was lost more than `RETRIES` times.
        """

    @abstractmethod
    def end(self, *, now: bool) -> None:
        """Let go of the machines; `now` without waiting for what they are at."""

    def run(self, work: Sequence[Work], needs: Sequence[Needs] = ()) -> Iterator[tuple[int, Any]]:
        """Run every piece; yield its index and result as each ends.

        Raises:
            UserError: a machine can't work for this sweep, or what a piece raised that the user has to mend.
            RunFailed: a piece was lost too often. What others stored is kept.
        """
        opened = self._opened
        assert opened is not None, "work is handed out while it is open"
        heard = EventFolder(opened.folder)
        pieces = [
            Piece(pickle.dumps(one), of_machine, opened.home, opened.same_kernels, opened.folder)
            for one, of_machine in zip(work, needs or [Needs()] * len(work), strict=True)
        ]
        for index, ended in self._handed_out(pieces, opened):
            for event in heard.events():
                opened.listener(event)
            if isinstance(ended.error, Misfit):
                raise UserError(str(ended.error))
            if ended.error is not None:
                raise ended.error
            if index >= 0:
                yield index, ended.result
        for event in heard.events():
            opened.listener(event)

    @contextmanager
    def open(
        self,
        folder: Path,
        listener: Listener,
        *,
        folders: Sequence[tuple[str, Path]] = (),
        same_kernels: bool = True,
    ) -> Iterator[Self]:
        """Yield this executor, ready to hand out work; ended on the way out, at once if that is by an error or Ctrl-C.

        Args:
            folder: of the suite, the owner's alone, below the results; all machines share them, and the cache.
            listener: told what workers tell.
            folders: that all machines have to have as well, each with what it is.
            same_kernels: as `Piece` has it.
        """
        name = secrets.token_hex(8)
        jobs = private_folder(folder / "jobs")
        _remove_dead(jobs)
        with ExitStack() as until_the_end:
            tokens = [("results", Lock(jobs / f"{name}.lock")), ("cache", Lock(_in_cache(name)))]
            for _, token in tokens:
                if not token.take():
                    raise RunFailed(f"{token.path}: can't be locked. Choose a file system that has locks.")
                until_the_end.callback(token.release)
            mine = private_folder(jobs / name)
            until_the_end.callback(shutil.rmtree, mine, ignore_errors=True)
            home = Home.of_this_process(tokens, folders)
            self._opened = Opened(home, mine, listener, same_kernels)
            try:
                yield self
            except BaseException:
                self.end(now=True)
                raise
            self.end(now=False)


def _in_cache(name: str) -> Path:
    return make_folder(cache_folder().absolute()) / f".sweep-{name}.lock"


def _remove_dead(jobs: Path) -> None:
    """Remove what sweeps left that were killed."""
    for path in jobs.iterdir():
        if path.is_dir() and holder(path.with_name(f"{path.name}.lock")) is None:
            shutil.rmtree(path, ignore_errors=True)


def not_installed(package: str) -> UserError:
    """Return what to say where an executor's library isn't installed."""
    return UserError(f"{package} isn't installed, which this executor needs: pip install 'amrg[cluster]'.")

"""What a worker on another machine has to find before it works: the sweep's folders and locks, and the same amrg."""

import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from pydantic import ValidationError

from backbones.locks import Holder, Lock, holder
from backbones.registry import GROUP
from benchmark.provenance import commit, versions

CARRIED = ("AMRG_", "HF_HUB_OFFLINE", "HF_HOME", "HF_HUB_CACHE")
"""How settings begin that a worker takes over from the sweep's process."""
PATIENCE = 10.0
"""Seconds that a file of another machine may take to be seen: NFS remembers what a folder holds for that long."""


@dataclass(frozen=True)
class Home:
    """The process that a sweep runs in, as its workers have to find it.

    Attributes:
        host, process: that hold the tokens.
        tokens: locks that it holds, in each folder that has to be shared, with what the folder is in words.
        folders: that have to be there too, with what each is in words.
        made_with: versions of all that results depend on, and amrg's commit.
        environment: settings that workers take over.
    """

    host: str
    process: int
    tokens: tuple[tuple[str, Path], ...]
    folders: tuple[tuple[str, Path], ...]
    made_with: Mapping[str, str]
    environment: Mapping[str, str]

    @classmethod
    def of_this_process(cls, tokens: Sequence[tuple[str, Lock]], folders: Sequence[tuple[str, Path]]) -> "Home":
        """Return this process as a home, with locks that it holds, each with what its folder is."""
        return cls(
            host=socket.gethostname(),
            process=os.getpid(),
            tokens=tuple((what, lock.path) for what, lock in tokens),
            folders=tuple(folders),
            made_with=made_with(),
            environment={name: value for name, value in os.environ.items() if name.startswith(CARRIED)},
        )

    def misfit(self) -> str | None:
        """Return why this process can't work for that sweep, and what to do; None where it can."""
        here = socket.gethostname()
        mine = made_with()
        differing = {
            name: (theirs, mine.get(name, "none"))
            for name, theirs in self.made_with.items()
            if mine.get(name) != theirs
        }
        if differing:
            listed = "; ".join(f"{name} {ours}, the sweep has {theirs}" for name, (theirs, ours) in differing.items())
            return f"{here} has other versions than the sweep on {self.host}: {listed}. Install the same on both."
        for what, path in self.tokens:
            if why := self._unshared(what, path):
                return f"{here}: {why}"
        for what, path in self.folders:
            if not path.is_dir():
                return (
                    f"{here}: {what}: {path}: no such folder there. Put it where all machines find it under that name."
                )
        return None

    def _unshared(self, what: str, path: Path) -> str | None:
        """Return what is wrong with a folder that has to be shared, locks among it."""
        deadline = time.monotonic() + PATIENCE
        while not _is_of(path, self.host, self.process):
            if time.monotonic() > deadline:
                return (
                    f"{what}: {path.parent}: isn't the folder of that name that the sweep on {self.host} writes to. "
                    "Put it on a file system that all machines share."
                )
            time.sleep(0.5)
        if holder(path) is None:
            return (
                f"{what}: {path.parent}: the file system doesn't hand locks from machine to machine, so two could work "
                "on one trial. Mount it with locks (NFS with its lock manager, Lustre with flock), or choose another."
            )
        return None


def _is_of(path: Path, host: str, process: int) -> bool:
    """Return whether a lock's file says that this process holds it."""
    try:
        said = Holder.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return False
    return (said.host, said.process) == (host, process)


@cache
def made_with() -> dict[str, str]:
    """Return versions of all that results depend on, and amrg's commit where it runs in a checkout, in this process."""
    plugins = {point.dist.name: point.dist.version for point in entry_points(group=GROUP) if point.dist is not None}
    return {**versions(), **plugins, "amrg's commit": commit() or "none"}

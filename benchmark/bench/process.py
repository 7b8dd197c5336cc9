"""A contender of `amrg bench` in processes of its own, with empty caches, and what it took."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmark.bench.model import STAGES, Contender, ProcessCost
from benchmark.bench.task import Task
from benchmark.errors import RunFailed
from benchmark.results.store import read_model

Key = TypeVar("Key", int, str)
ENGINES: dict[Contender, str] = {"C": "sequential", "D": "packed"}


@dataclass(frozen=True)
class Cost:
    """What a contender took for all trials.

    Attributes:
        wall, processor: seconds; processor time with that of the processes it started.
        memory: bytes at the peak of its largest process.
        stages: wall seconds by stage; `rest` is what no stage has, such as the end of processes.
        together: trials that trained at the same time, at most.
        training: processor seconds of training, where they were taken.
    """

    wall: float
    processor: float
    memory: int
    stages: dict[str, float]
    together: int = 1
    training: float = 0.0


def contend_in_turn(
    tasks: Mapping[Key, tuple[Contender, Task]], rounds: int, work: Path, told: Callable[[int, Key, Cost], None]
) -> dict[Key, list[Cost]]:
    """Return what each task takes, round by round; the tasks take turns, so that a busy minute hits all of them.

    Args:
        tasks: by what they are called, each with who runs it.
        rounds: how often each runs.
        work: a folder for what they write.
        told: of each that ended: its round from 1, what it is called, and what it took.

    Raises:
        RunFailed: as `contend` does.
    """
    costs: dict[Key, list[Cost]] = {key: [] for key in tasks}
    for turn in range(rounds):
        for key, (contender, task) in tasks.items():
            path = task.write(work / f"task-{key}-{turn}.json")
            costs[key].append(contend(contender, path, task, work / f"{key}-{turn}"))
            told(turn + 1, key, costs[key][-1])
    return costs


def contend(
    name: Contender, path: Path, task: Task, out: Path, *, losses_only: bool = False, peer: Path | None = None
) -> Cost:
    """Run a contender on a task, one process at a time.

    Args:
        name: A, B, P, N, C or D.
        path, task: the task.
        out: a folder that isn't there yet, for what it writes and for its caches.
        losses_only: for comparisons of losses: A and B run all trials in one process and decode each image once.
        peer: the command of P.

    Raises:
        RunFailed: a process failed.
    """
    out.mkdir()
    began = time.perf_counter()
    used = sum(spawn(command, out) for command in commands(name, path, task, out, losses_only, peer))
    wall = time.perf_counter() - began
    processes = [read_model(file, ProcessCost) for file in out.glob("stages.*")]
    stages: dict[str, float] = {stage: sum(process.seconds[stage] for process in processes) for stage in STAGES}
    stages["rest"] = wall - sum(stages.values())
    memory = max(process.memory for process in processes)
    together, training = max(process.together for process in processes), sum(one.training for one in processes)
    return Cost(wall, used, memory, stages, together, training)


def commands(
    name: Contender, path: Path, task: Task, out: Path, losses_only: bool = False, peer: Path | None = None
) -> list[list[str]]:
    """Return the modules that a contender is made of, with their arguments, in the order in which they run."""
    if name in ENGINES:
        return [["benchmark.bench.engines", str(path), "--engine", ENGINES[name]]]
    if name == "N":
        return [["benchmark.bench.by_hand", str(path)]]
    scored = ["benchmark.bench.score", str(path)]
    if name == "P":
        return [["benchmark.bench.peer", str(path), "--command", str(peer)], scored]
    points = range(len(task.points))
    keep = ["--decoded", str(out / "decoded")] if name == "B" or losses_only else []
    trainers = [
        ["benchmark.bench.trainer", str(path), *map(str, part), "--contender", name, *keep]
        for part in ([[*points]] if losses_only else [[point] for point in points])
    ]
    return trainers if losses_only or not task.test else [*trainers, scored]


def spawn(command: Sequence[str], out: Path) -> float:
    """Run a module in a process of its own, on one thread, with caches in `out`; its processor seconds."""
    settings = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "AMRG_CACHE_DIR": str(out / "cache")}
    log = out / "log.txt"
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--out", str(out), "--started", str(time.time())],
            stdin=subprocess.PIPE,  # closed when this process ends, and with it that one: `end_with_stdin`
            stdout=file,
            stderr=file,
            env=os.environ | settings,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RunFailed(f"{command[0]} ended with exit code {process.returncode}:\n{tail}")
    return usage.ru_utime + usage.ru_stime

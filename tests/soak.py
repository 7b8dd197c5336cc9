"""Sweeps that are killed, shared, short of room and damaged, again and again; `make soak` runs it and prints a table.

Every sweep is `amrg` in a process of its own, on the smallest suite. What it has to end with, whatever happened, is the
bytes that an undisturbed one left; what it mustn't leave is a process, a temporary file or a lock.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from damage import DAMAGES, attempt, damage, restore
from soak_kills import kills
from soaked import PATIENCE, Row, Soak

HEALED = 4
"""Every so many harmed results a sweep heals; all are shown to the verbs that only read."""


def pairs(soak: Soak, number: int) -> Row:
    """Start two sweeps on one folder at once; every other pair with Java and workers of their own."""
    row = Row("two sweeps at once, nothing done twice")
    for index in range(number):
        results, java = f"shared-{index}", index % 2 == 0
        both = [soak.start(results, java=java) for _ in range(2)]
        ends = [running.communicate(timeout=PATIENCE) for running in both]
        row.tried += 1
        for running, (out, err) in zip(both, ends, strict=True):
            done = subprocess.CompletedProcess(running.args, running.returncode, out, err)
            row.wrong += list(soak.wrong_with(results, done, java=java))
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
        "little memory": ["bash", "-c", 'ulimit -v 3000000; exec "$@"', "-", *soak.command("narrow", jobs=1)],
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
    """Harm stored files, ask every verb, and have a sweep heal them: one without Java, whose tables take most time."""
    row = Row("stored results damaged: a sentence, then healed")
    sound = soak.work / "sound-without"
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
        if index % HEALED == 0 and not (kind == "a folder in its place" and place.parts[0] == "suites"):
            done = soak.sweep("harmed", java=False)
            row.wrong += [f"{place} {kind}: {one}" for one in soak.wrong_with("harmed", done, java=False)]
    restore(harmed, sound)
    return row


def main() -> int:
    """Run what is asked for and print the table; exit code 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--damages", type=int, default=40)
    parser.add_argument("--no-shortages", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amrg-soak-") as work:
        soak = Soak(Path(work), chosen.seed)
        print(f"an undisturbed sweep: {soak.seconds:.1f} s, {len(soak.expected[True])} files to compare", flush=True)
        parts: list[Callable[[], Row]] = [partial(kills, soak, chosen.kills), partial(pairs, soak, chosen.pairs)]
        if not chosen.no_shortages:
            parts.append(partial(shortages, soak))
        parts.append(partial(damages, soak, chosen.damages))
        rows = []
        for part in parts:
            rows.append(row := part())
            # What was found is told now: the rest takes as long again.
            print(f"{row.what}: {row.tried} tried, {len(row.wrong)} wrong", *row.wrong, sep="\n    - ", flush=True)
    print("\n| what | tried | wrong | |\n|---|---:|---:|---|")
    for row in rows:
        print(f"| {row.what} | {row.tried} | {len(row.wrong)} | {row.note} |")
    return 1 if any(row.wrong for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())

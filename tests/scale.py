"""What many backbones and trials cost the sweep itself, before any is trained: `make scale` measures and simulates.

Trials are made and dealt by the project's own code (`benchmark.planning.dealing`), a backbone after another, as a sweep
does; seconds are this process's, bytes what it grew by. What a rate says of 10 million trials is printed beside it. The
schedule is simulated: packs as they were dealt, on machines that take one after another and are lost at times.

Usage: python tests/scale.py [--backbones 20] [--trials 10000] [--machines 1000]
"""

import argparse
import gc
import heapq
import json
import math
import pickle
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from stored_suite import StoredSuite

from benchmark.board.results import SuiteResults, read_results
from benchmark.forms.grid import Grid
from benchmark.forms.suite import Entry, Suite, Trial
from benchmark.planning.dealing import dealt, trials_of
from benchmark.results.store import Store
from benchmark.suites.load import load_suite
from benchmark.sweep import unfinished, wait_for_any

HOURS = 7.8 / 270
"""Of one trial of the suite `paper` on an H100, by `amrg plan paper --gpu H100`."""
TARGET = 1000 * 10_000
"""Trials of 1,000 backbones with 10,000 each."""


@dataclass
class Cost:
    """What a step took: seconds of the processor, bytes that the process grew by."""

    seconds: float
    grown: int


def cost_of(work: Callable[[], object]) -> Cost:
    """Return what work took; what it returns is let go of only after it was weighed."""
    gc.collect()
    before, began = psutil.Process().memory_info().rss, time.process_time()
    kept = work()
    taken = Cost(time.process_time() - began, psutil.Process().memory_info().rss - before)
    del kept
    return taken


def suite_of(trials: int) -> Suite:
    """Return a suite with so many points for each backbone: ranks × alphas × seeds."""
    seeds = math.ceil(trials / 25)
    grid = Grid(rank=(2, 4, 8, 16, 32), alpha=(2, 4, 8, 16, 32), seed=tuple(range(seeds)))
    suite = load_suite("smoke")
    return suite.model_copy(update={"grid": grid, "untuned": (), "blank_adapters": False})


def trials_of_backbone(suite: Suite, number: int) -> list[Trial]:
    """Return the trials of one of many backbones."""
    entry = Entry(name=f"backbone-{number}", checkpoint="hub")
    return trials_of(suite, entry, checkpoint=f"weights-{number}", data="data", splits={None: "split"})


def simulated(
    packs: list[int], machines: int, *, hours: float, start: float, life: float, seed: int
) -> tuple[float, float, int]:
    """Return hours until all is done, the share of machine hours that trained, and how many machines were lost.

    Args:
        packs: trials of each, in the order in which they are handed out.
        machines: that work at the same time; a lost one is replaced at once.
        hours: of a trial alone on a machine, as packed with its like.
        start: hours that a pack takes until it trains: the weights are loaded, images encoded.
        life: mean hours until a machine is lost; what it had finished of its pack is kept, trial by trial.
        seed: of what is lost when.
    """
    chance = random.Random(seed)
    free = [(0.0, chance.expovariate(1 / life), number) for number in range(machines)]
    heapq.heapify(free)
    waiting, useful, lost, end = list(reversed(packs)), 0.0, 0, 0.0
    while waiting:
        now, dies, number = heapq.heappop(free)
        trials = waiting.pop()
        done_at = now + start + trials * hours
        if done_at <= dies:
            useful += trials * hours
            end = max(end, done_at)
            heapq.heappush(free, (done_at, dies, number))
            continue
        finished = max(0, int((dies - now - start) / hours))
        useful += finished * hours
        waiting.append(trials - finished)
        lost += 1
        heapq.heappush(free, (dies, dies + chance.expovariate(1 / life), number))
    return end, useful / (end * machines), lost


def main() -> None:
    """Measure, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbones", type=int, default=20)
    parser.add_argument("--trials", type=int, default=10_000, help="of each backbone")
    parser.add_argument("--machines", type=int, default=1000)
    chosen = parser.parse_args()
    suite, number = suite_of(chosen.trials), chosen.backbones * chosen.trials
    made: list[Trial] = []
    rows: list[tuple[str, Cost, int]] = []

    def measure(what: str, count: int, work: Callable[[], object]) -> None:
        taken = cost_of(work)
        rows.append((what, taken, count))
        print(f"{what}: {count} in {taken.seconds:.2f} s, {taken.grown / 1e6:.0f} MB", flush=True)

    def make() -> None:
        for backbone in range(chosen.backbones):
            made.extend(trials_of_backbone(suite, backbone))

    measure("trials made", number, make)
    measure("their ids", number, lambda: [trial.id for trial in made])
    packs: list[list[Trial]] = []

    def deal() -> None:
        for start in range(0, number, chosen.trials):
            packs.extend(dealt(made[start : start + chosen.trials], 1000, chosen.machines, on_cpu=False))

    measure("dealt to packs", number, deal)
    few, pickled = made[:10_000], list[int]()
    with tempfile.TemporaryDirectory(prefix="amrg-scale-") as place:
        store = Store(Path(place))
        measure("looked for on the disk, none there", len(few), lambda: unfinished(suite, few, store))
        measure("locks looked at, none held", len(few), lambda: wait_for_any(store, [trial.id for trial in few]))
        text = json.dumps({trial.id: trial.model_dump(mode="json") for trial in few}, indent=1)
        (store.folder / "record.json").write_text(text)
        size = len(text) / len(few)
        measure("read from the suite's record", len(few), lambda: read_trials(text))
        measure("pickled for other machines", len(few), lambda: pickled.append(len(pickle.dumps(tuple(few)))))
        stored = StoredSuite(Path(place) / "stored", studies=36)
        stored.write({"medgemma-4b-it": 1.0, "llava-med-7b": 0.2})
        again = range(20)

        def look() -> list[SuiteResults]:
            return [read_results(stored.results, stored.suite.name) for _ in again]

        number = len(again) * len(stored.trials)
        read_results(stored.results, stored.suite.name)  # what is imported at first use is no trial's
        done = "looked for on the disk, all done"
        measure(done, number, lambda: [unfinished(stored.suite, stored.trials, stored.store) for _ in again])
        measure("read for the leaderboard", number, look)
    print_costs(rows, size, pickled[0] / len(few))
    print_schedules([len(pack) for pack in packs], chosen.backbones, chosen.machines)


def read_trials(text: str) -> list[Trial]:
    """Return the trials of a suite's record."""
    return [Trial.model_validate(trial) for trial in json.loads(text).values()]


def print_costs(rows: Sequence[tuple[str, Cost, int]], size: float, pickled: float) -> None:
    """Print what was measured, and what the target would take at that rate; bytes per trial of record and pickles."""
    print(f"\n| step | seconds per 1,000 trials | of {TARGET:,} | bytes per trial | of {TARGET:,} |")
    print("|---|---:|---:|---:|---:|")
    for what, taken, count in rows:
        each, grown = taken.seconds / count, max(0, taken.grown) / count
        there = f"{TARGET * each / 60:,.0f} min | {grown:,.0f} | {TARGET * grown / 1e9:,.1f} GB"
        print(f"| {what} | {1000 * each:.3f} | {there} |")
    for what, each in (("the suite's record on the disk", size), ("its packs on their way", pickled)):
        print(f"| {what} | | | {each:,.0f} | {TARGET * each / 1e9:,.1f} GB |")


def print_schedules(sizes: Sequence[int], backbones: int, machines: int) -> None:
    """Print simulated schedules of 1,000 backbones whose packs have the sizes of those that were dealt."""
    every = [*sizes] * (1000 // backbones)
    print(f"\n{len(sizes)} packs of {min(sizes)} to {max(sizes)} trials for {backbones} backbones")
    print("\n| packs | machine is lost every | hours until done | hours that train | machines lost |")
    print("|---|---:|---:|---:|---:|")
    for most in (max(sizes), 1000, 100, 16):
        parted = [part for pack in every for part in split_pack(pack, most)]
        for life in (24.0 * 30, 24.0):
            hours, share, lost = simulated(parted, machines, hours=HOURS, start=0.1, life=life, seed=0)
            ended = f"{hours:,.0f} | {100 * share:.1f} % | {lost:,}"
            print(f"| {len(parted):,} of up to {most:,} | {life:.0f} h | {ended} |")


def split_pack(trials: int, most: int) -> list[int]:
    """Return a pack's trials in parts of at most so many."""
    return [min(most, trials - start) for start in range(0, trials, most)]


if __name__ == "__main__":
    main()

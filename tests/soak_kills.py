"""Sweeps that are killed again and again, at moments drawn from all that they tell."""

import shutil
import signal
import time
from collections import Counter
from pathlib import Path

from processes import family, left_after
from soaked import END_SECONDS, PATIENCE, Row, Soak
from told import Told

KILLS_OF_ONE = 5
"""How often a sweep is killed before it is let through: what a kill left is what the next one meets."""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def kills(soak: Soak, number: int) -> Row:
    """Kill sweeps at moments drawn at random, by signals in turn, each some times over until it is let through."""
    row = Row("kills, final results identical")
    moments: Counter[str] = Counter()
    sweeps = 0
    while row.tried < number:
        results, left, java = f"killed-{sweeps}", soak.told, sweeps % 3 == 0
        # A quarter with nothing in the cache yet.
        cache = soak.work / f"{results}-cache" if sweeps % 4 == 3 else None
        sweeps += 1
        signals: list[str] = []
        while len(signals) < KILLS_OF_ONE and row.tried < number:
            number_of_signal = SIGNALS[row.tried % len(SIGNALS)]
            killed = _kill(soak, results, cache, number_of_signal, left, row, java=java)
            if killed is None:
                break  # done before the moment came
            moment, heard = killed
            moments[moment] += 1
            signals.append(f"{number_of_signal.name} {moment}")
            left = max(left - heard, soak.told // 2)  # what is told first is told again
            row.tried += 1
        done = soak.sweep(results, cache, java=java)
        wrong = list(soak.wrong_with(results, done, java=java))
        row.wrong += [f"{', '.join(signals)}: {one}" for one in wrong]
        print(f"    {row.tried} kills: {', '.join(signals)}: {wrong or 'as it should be'}", flush=True)
        for folder in (results, f"{results}-boards", f"{results}-cache"):
            shutil.rmtree(soak.work / folder, ignore_errors=True)
    row.note = f"of {sweeps} sweeps: " + ", ".join(f"{moment} {times}" for moment, times in moments.most_common())
    return row


def _kill(
    soak: Soak, results: str, cache: Path | None, number_of_signal: signal.Signals, left: int, row: Row, *, java: bool
) -> tuple[str, int] | None:
    """Kill a sweep after one of the things that it tells, and see that nothing lives on.

    Args:
        soak, results, cache: of the sweep.
        number_of_signal: by which signal.
        left: about how much it will tell.
        row: what was wrong is added to it.
        java: whether it finds one.

    Returns:
        At what it was, and how much it had told; None where it was done before.
    """
    after = soak.chance.randrange(left)
    running = soak.start(results, cache, "--json-lines", java=java)
    told = Told(running)
    if not after:
        time.sleep(soak.chance.uniform(0.3, soak.seconds / 4))
    elif told.wait_for(after, PATIENCE):
        time.sleep(soak.chance.uniform(0, 0.5))
    moment, below = told.moment, family(running.pid)
    if running.poll() is not None:
        told.until_the_end()
        running.communicate(timeout=PATIENCE)
        return None
    running.send_signal(number_of_signal)
    heard = told.until_the_end(END_SECONDS)
    running.wait(timeout=PATIENCE)
    row.wrong += [f"{number_of_signal.name} {moment}: {one} lived on" for one in left_after(below, END_SECONDS)]
    return moment, heard

"""Run a suite and print its rows, best first: `python examples/run_suite.py [SUITE] [RESULTS]`.

The suite `smoke` takes seconds, on drawn phantoms and a miniature checkpoint; its scores mean nothing.
"""

import sys
from pathlib import Path

from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.results import read_results
from benchmark.progress.events import Event
from benchmark.results.summary import check
from benchmark.suites.load import load_suite


def show(event: Event) -> None:
    """Print stages and finished trials; steps are events too, and there are many."""
    if event.kind != "progress":
        print(f"{event.kind}: {event.name} {event.detail}")


def main(name: str = "smoke", results: str = "results") -> None:
    """Run the suite `name`, a shipped one or a file, and print one line per row of its leaderboard."""
    suite = load_suite(name)
    summary = sweep.run(suite, data=None, results=Path(results), listener=show, processes=1)
    check(summary)  # raises where a trial failed; the others are kept
    board = collect(read_results(Path(results), suite.name))
    for row in board.rows:
        score = row.scores[suite.primary_metric]
        print(f"{row.name}, rank {row.rank}, alpha {row.alpha}: {suite.primary_metric} {score.value:.3f}")


if __name__ == "__main__":  # a sweep may start processes, which import this file
    main(*sys.argv[1:])

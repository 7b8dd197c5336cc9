"""A leaderboard of very many trials: stored results made up without training, and what making it of them takes.

    python tests/board/many_trials.py FOLDER --trials 2000

writes results of a suite of that many trials into FOLDER, unless they are there, and its leaderboard, and prints the
seconds of each part, by the clock and of all processes, and the size of each document. A trial's predictions are
reports of the training part, more or less often of the right category; `--distinct` of each backbone's differ, the
others repeat one of those. Their scores are computed as a sweep computes them, without intervals, which a row of
several seeds has of its own.
"""

# ruff: noqa: E402
import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.executors.execute import default_processes, one_thread

one_thread()  # before numpy is imported, as a sweep does: processes whose threads share cores take four times as long

from stored_suite import NO_JAVA, StoredSuite

from benchmark.board.collect import collect
from benchmark.board.results import read_results
from benchmark.forms.record import ScoresRecord
from benchmark.forms.suite import Trial
from benchmark.pages.leaderboard import files_of, write_leaderboard
from benchmark.scoring.pairs import pairs_of

BACKBONES = {"medgemma-4b-it": 0.9, "llava-med-7b": 0.6, "qwen2.5-vl-3b": 0.4, "paligemma2-3b": 0.2}
"""Backbones, and how often each names the right category."""
SEEDS = (0, 1, 2)
ALPHAS = (8, 16, 32)
Result = TypeVar("Result")


def suite_of(trials: int, primary: str) -> str:
    """The YAML of a suite of at least so many trials: ranks enough, three alphas, three seeds, four backbones."""
    ranks = [*range(1, 1 + -(-trials // (len(BACKBONES) * len(SEEDS) * len(ALPHAS))))]
    backbones = "\n".join(f"  - {{name: {name}, checkpoint: miniature}}" for name in BACKBONES)
    return f"""
name: many
title: Very many trials
data: {{source: phantom, studies: %d, seed: 5, size: 96}}
image: {{size: 112}}
split: {{name: blocked}}
backbones:
{backbones}
grid: {{rank: {ranks}, alpha: {[*ALPHAS]}, seed: {[*SEEDS]}}}
protocol: {{steps: 60, batch_size: 4, learning_rate: 5.0e-3, max_new_tokens: 80}}
primary_metric: {primary}
baselines: [most_frequent_report, random_report, birads_oracle_random]
"""


class ManyTrials(StoredSuite):
    """Stored results of which many repeat each other; what is scored once isn't scored again."""

    def __init__(self, folder: Path, *, trials: int, distinct: int, primary: str, studies: int) -> None:
        super().__init__(folder, studies=studies, suite=suite_of(trials, primary), scores=NO_JAVA)
        self._distinct = distinct
        self._known: dict[tuple[tuple[str, str], ...], ScoresRecord] = {}

    def _predict(self, trial: Trial, quality: float, image: str) -> str:
        kind = (7 * trial.rank + trial.alpha) % self._distinct
        like = trial.model_copy(update={"backbone": f"{trial.backbone} {kind}"})
        return super()._predict(like, quality * (1 - kind / 2 / self._distinct), image)

    def _scores(self, predictions: dict[str, str], resamples: int) -> ScoresRecord:
        key = tuple(sorted(predictions.items()))
        if key not in self._known:
            scores = super()._scores(predictions, 0)
            if predictions.keys() == set(self.split.test):
                expected = {i: self.by_id[i].report for i in predictions}
                scores = scores.model_copy(update={"pairs": pairs_of(predictions, expected, self.split.blocks)})
            self._known[key] = scores
        return self._known[key]


def timed(what: str, work: Callable[[], Result]) -> Result:
    """Do something, and print what it took this process and those that it started."""
    wall, before = time.perf_counter(), sum(os.times()[:4])
    done = work()
    processor = sum(os.times()[:4]) - before
    print(f"{what}: {processor:.1f} s of processor, {time.perf_counter() - wall:.1f} s", flush=True)
    return done


def main() -> None:
    """Run as the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--distinct", type=int, default=12, help="of each backbone's sets of predictions and seed")
    parser.add_argument("--studies", type=int, default=240)
    parser.add_argument("--primary", default="rouge_l")
    parser.add_argument("--processes", type=int, default=default_processes())
    arguments = parser.parse_args()
    processes, boards = arguments.processes, arguments.folder / "leaderboards"
    results = arguments.folder / "results"
    if not (results / "suites" / "many.json").is_file():
        options: dict[str, Any] = {
            name: getattr(arguments, name) for name in ("trials", "distinct", "primary", "studies")
        }
        many = ManyTrials(results, **options)
        timed("making results up", lambda: many.write(BACKBONES))
    stored = timed("reading", lambda: read_results(results, "many", processes=processes))
    print(f"{len(stored.done)} trials, {len(stored.references.test_ids)} test reports, "
          f"{len(set(stored.references.test_blocks))} blocks")  # fmt: skip
    board = timed("collecting", lambda: collect(stored, processes=processes))
    files = timed("documents", lambda: files_of(board, processes=processes))
    for name, content in sorted(files.items(), key=lambda item: -len(item[1]))[:6]:
        print(f"{len(content) / 1e6:8.2f} MB  {name}")
    timed("all of it again", lambda: write_leaderboard(results, "many", boards, processes=processes))


if __name__ == "__main__":
    main()

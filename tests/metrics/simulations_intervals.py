"""How often the project's interval of a mean holds it, beside textbook intervals: `make simulations`.

The worlds are those of `simulations.py` with one seed. Beside ours stand the percentile interval, BCa (Efron 1987,
"Better bootstrap confidence intervals"; scipy's), the studentised bootstrap (Hall 1988) and Student's t. The first two
are of second order and better, which says little at 8 blocks; a wider interval that holds as often is no better.

    python tests/metrics/simulations_intervals.py [--repetitions 2000]
"""

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats
from simulations import BLOCKS, OF_CELLS, World

from metrics.statistics.statistics import Draws, interval

RESAMPLES = 1_000
NAMES = ("ours", "percentile", "BCa", "studentised", "Student's t")


def percentile(values: np.ndarray, resamples: np.ndarray) -> tuple[float, float]:
    """Return the plain percentile interval of a mean.

    Args:
        values: [blocks].
        resamples: values drawn with replacement, [resamples, blocks].
    """
    low, high = np.quantile(resamples.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def studentised(values: np.ndarray, resamples: np.ndarray) -> tuple[float, float]:
    """Return the interval by the resamples' own t (Hall 1988); see `percentile`."""
    root = np.sqrt(len(values))
    spread = resamples.std(axis=1, ddof=1)
    t = (resamples.mean(axis=1) - values.mean())[spread > 0] / spread[spread > 0] * root
    low, high = np.quantile(t, [0.025, 0.975])
    error = values.std(ddof=1) / root
    return float(values.mean() - high * error), float(values.mean() - low * error)


def bca(values: np.ndarray, resamples: np.ndarray) -> tuple[float, float]:
    """Return the bias-corrected and accelerated interval of a mean, by scipy's acceleration formula.

    `tests/metrics/test_simulations_intervals.py` finds scipy's own interval so.
    """
    means = resamples.mean(axis=1)
    below = ((means < values.mean()).mean() + (means <= values.mean()).mean()) / 2
    bias = stats.norm.ppf(below)
    left_out = values.mean() - (values.sum() - values) / (len(values) - 1)
    acceleration = (left_out**3).sum() / (6 * (left_out**2).sum() ** 1.5)
    z = bias + stats.norm.ppf([0.025, 0.975])
    low, high = np.quantile(means, stats.norm.cdf(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def held(world: World, repetitions: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return how often each interval holds the true mean, 0, and how wide it is on average, by its name."""
    random = np.random.default_rng(seed)
    draws = Draws(world.blocks, RESAMPLES)
    hits, widths = dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, 0.0)
    for _ in range(repetitions):
        system = world.system(random, world.shared(random))
        values = system.pseudo_values[0]
        resamples = values[random.integers(0, len(values), (RESAMPLES, len(values)))]
        error = stats.t(len(values) - 1).ppf(0.975) * values.std(ddof=1) / np.sqrt(len(values))
        own = interval(system, draws)
        ends = (
            (own.low, own.high),
            percentile(values, resamples),
            bca(values, resamples),
            studentised(values, resamples),
            (values.mean() - error, values.mean() + error),
        )
        for name, (low, high) in zip(NAMES, ends, strict=True):
            hits[name] += low <= 0 <= high
            widths[name] += high - low
    return {name: (hits[name] / repetitions, widths[name] / repetitions) for name in NAMES}


def main() -> None:
    """Print coverage and width of every interval in every world."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=2000)
    repetitions = parser.parse_args().repetitions
    console, error = Console(width=120), 1.96 * np.sqrt(0.05 * 0.95 / repetitions)
    console.print(
        f"{repetitions} repetitions: 95 % is known to ± {100 * error:.1f} %. In brackets: width in {OF_CELLS}."
    )
    table = Table("blocks", "blocks are", *NAMES, title="How often an interval holds the mean", title_justify="left")
    for blocks in BLOCKS:
        for outlying in (False, True):
            found = held(World(blocks, outlying=outlying), repetitions)
            shown = [f"{100 * rate:.1f} % ({width / OF_CELLS:.2f})" for rate, width in found.values()]
            table.add_row(str(blocks), "outlying" if outlying else "normal", *shown)
    console.print(table)


if __name__ == "__main__":
    main()

"""Numbers as a leaderboard keeps them: what isn't known is None."""

import math
from collections.abc import Sequence

from benchmark.board.model import Number
from metrics.all_pairs import PairFall
from metrics.registry import METRICS
from metrics.statistics.statistics import Interval


def number(value: Interval | PairFall, most: float = math.inf) -> Number:
    """Return an interval as a leaderboard keeps it: what isn't known is None, what can't be is cut off.

    Args:
        value: the value with its interval's ends, NaN where one isn't known.
        most: the greatest size that the value can have.
    """
    ends = (None if math.isnan(v) else max(-most, min(most, float(v))) for v in (value.value, value.low, value.high))
    middle, low, high = ends
    return Number(value=middle, low=low, high=high)


def reach(name: str) -> float:
    """Return the largest difference that two values of a score can have."""
    low, high = METRICS[name].bounds
    return high - low


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None where a value isn't known, or there is none."""
    known = [v for v in values if v is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None

"""Rank sets: the ranks that a system can't be told apart from, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from metrics.metric import Array
from metrics.statistics.comparisons import holm
from metrics.statistics.intervals import seed_spread
from metrics.statistics.pairwise import p_values
from metrics.statistics.resampling import Sample
from metrics.statistics.sign_flips import SignFlips


@dataclass(frozen=True)
class RankSets:
    """The ranks of m systems by one metric; with probability 1 - alpha every set holds its system's true rank.

    Attributes:
        best, worst: int64 [m]; a system's rank in its group lies between them, 1 is first. Undefined scores have 1 to
            the group's size.
        adjusted: float64 [m, m]; Holm's p of each pair over all pairs, NaN where a pair isn't tested.
        pairs: how many tests the correction is for.
    """

    best: np.ndarray
    worst: np.ndarray
    adjusted: Array
    pairs: int


def rank_sets(
    samples: Sequence[Sample],
    flips: SignFlips,
    *,
    higher_is_better: bool = True,
    alpha: float = 0.05,
    groups: Sequence[str] | None = None,
) -> RankSets:
    """Return simultaneous confidence sets of ranks (Mogstad et al. 2024, "Inference for ranks").

    All pairs are tested and corrected together: a system's rank lies between 1 + the number of systems that are
    significantly better and m - the number that are significantly worse.

    Args:
        samples: of the systems, on the same blocks.
        flips: of these blocks.
        higher_is_better: whether a greater score is a better one.
        alpha: of all tests together.
        groups: of each system; only systems of one group are compared, so that fewer tests are corrected for. None
            where all are.
    """
    m = len(samples)
    group = np.array(["" if groups is None else groups[i] for i in range(m)])
    values = np.array([s.value for s in samples])
    pairs = [
        (i, j) for i, j in combinations(range(m), 2) if group[i] == group[j] and not np.isnan(values[i] - values[j])
    ]
    spread = seed_spread(samples)
    p = holm(p_values([(samples[i], samples[j]) for i, j in pairs], flips, spread))
    adjusted = np.full((m, m), np.nan)
    better = np.zeros((m, m), dtype=bool)
    for (i, j), value in zip(pairs, p, strict=True):
        adjusted[i, j] = adjusted[j, i] = value
        if value <= alpha:
            first = (values[i] > values[j]) == higher_is_better
            better[i, j], better[j, i] = first, not first
    size = (group[:, None] == group[None, :]).sum(axis=1)
    return RankSets(1 + better.sum(axis=0), size - better.sum(axis=1), adjusted, len(pairs))

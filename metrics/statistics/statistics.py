"""What differences between scores mean: intervals, paired tests, rank sets. Numpy and scipy only.

The unit of resampling is the block, not the report: reports of one patient go together. A system with several
seeds has one `ReportStatistics` a seed, on the same reports.

    draws, swaps = Draws(blocks=26), Swaps(blocks=26)
    first = sample([statistics_of_seed_0, statistics_of_seed_1], blocks)
    interval(first, draws)                       # crossed bootstrap over seeds and blocks
    difference(first, second, draws)             # paired by block
    spread = seed_spread(systems)
    holm([p_value(x, floor, swaps, spread) for x in systems])
    rank_sets(systems, swaps)
"""

from metrics.statistics.comparisons import Swaps, holm, p_value, sign_flip_tail
from metrics.statistics.intervals import (
    Interval,
    SeedSpread,
    StandardError,
    difference,
    difference_error,
    interval,
    minimum_detectable_difference,
    seed_spread,
)
from metrics.statistics.ranks import RankSets, rank_sets
from metrics.statistics.resampling import Draws, Sample, sample

__all__ = [
    "Draws",
    "Interval",
    "RankSets",
    "Sample",
    "SeedSpread",
    "StandardError",
    "Swaps",
    "difference",
    "difference_error",
    "holm",
    "interval",
    "minimum_detectable_difference",
    "p_value",
    "rank_sets",
    "sample",
    "seed_spread",
    "sign_flip_tail",
]

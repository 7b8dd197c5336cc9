"""What differences between scores mean: intervals, paired tests, rank sets. Numpy and scipy only.

The unit of resampling is the block, not the report: reports of one patient go together. A system with several
seeds has one `ReportStatistics` a seed, on the same reports.

    draws, flips = Draws(blocks=26), SignFlips(blocks=26)
    first = sample([statistics_of_seed_0, statistics_of_seed_1], blocks)
    interval(first, draws)                       # crossed bootstrap over seeds and blocks
    difference(first, second, draws)             # paired by block
    spread = seed_spread(systems)
    holm([p_above_all(x, floors, flips, higher_is_better=True, spread=spread) for x in systems])
    rank_sets(systems, flips)
"""

from metrics.statistics.comparisons import each_p_above_all, holm, p_above_all, p_value
from metrics.statistics.intervals import (
    Interval,
    SeedSpread,
    StandardError,
    detectable_difference,
    difference,
    difference_error,
    interval,
    seed_spread,
)
from metrics.statistics.least_blocks import blocks_needed
from metrics.statistics.many import differences, intervals
from metrics.statistics.pairwise import difference_errors, p_values
from metrics.statistics.ranks import RankSets, rank_sets
from metrics.statistics.resampling import Draws, Sample, sample
from metrics.statistics.sign_flips import SignFlips

__all__ = [
    "Draws",
    "Interval",
    "RankSets",
    "Sample",
    "SeedSpread",
    "SignFlips",
    "StandardError",
    "blocks_needed",
    "detectable_difference",
    "difference",
    "difference_error",
    "difference_errors",
    "differences",
    "each_p_above_all",
    "holm",
    "interval",
    "intervals",
    "p_above_all",
    "p_value",
    "p_values",
    "rank_sets",
    "sample",
    "seed_spread",
]

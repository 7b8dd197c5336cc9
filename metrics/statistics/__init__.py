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

"""A row's scores by what its references state: BI-RADS category by category, density by density."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from benchmark.board.done import References
from benchmark.board.folds import Result
from benchmark.board.model import Score, Stratum
from benchmark.board.numbers import mean, number
from benchmark.board.verdicts import FEWER
from metrics.all_pairs import FEWEST_BLOCKS
from metrics.labels.labeler import Label, label
from metrics.metric import ReportStatistics
from metrics.registry import METRICS
from metrics.statistics.statistics import Draws, interval, sample

SCORES = ("birads_exact", "findings_f1_micro")
STATED: Mapping[Literal["birads", "density"], Callable[[Label], str | None]] = {
    "birads": lambda read: read.birads_major,
    "density": lambda read: read.density,
}
"""What a reference states that its report is sorted by."""


def strata_of(group: Sequence[Result], references: References) -> tuple[Stratum, ...]:
    """Return the scores of a point's trials on the reports of each category and density that the references state.

    Args:
        group: the point's trials, one a seed.
        references: of the test reports.
    """
    reports = [label(references.reports[i]) for i in references.test_ids]
    strata = []
    for of, stated in STATED.items():
        values = [stated(report) for report in reports]
        for value in sorted({value for value in values if value is not None}):
            places = np.array([one == value for one in values])
            blocks = [block for block, inside in zip(references.test_blocks, places, strict=True) if inside]
            scores = {
                name: _score([one.statistics[name] for one in group], places, blocks)
                for name in SCORES
                if all(name in one.statistics for one in group)
            }
            if scores:
                number_of_blocks = len(set(blocks))
                strata.append(Stratum(of=of, value=value, reports=len(blocks), blocks=number_of_blocks, scores=scores))
    return tuple(strata)


def _score(by_seed: Sequence[ReportStatistics], places: np.ndarray, blocks: Sequence[str]) -> Score:
    """Return a score of the reports at some places, with its interval over their blocks and the seeds."""
    name = by_seed[0].name
    within = [replace(one, statistics=one.statistics[places], counted=one.counted[places]) for one in by_seed]
    values = tuple(None if math.isnan(one.value) else one.value for one in within)
    # A block that counts for one seed alone, as where only that one asserts a finding, doesn't make the interval surer.
    counting = [len({block for block, counts in zip(blocks, one.counted, strict=True) if counts}) for one in within]
    low = high = None
    if min(counting) >= FEWEST_BLOCKS and None not in values:
        ends = number(interval(sample(within, blocks), Draws(len(set(blocks)), FEWER), bounds=METRICS[name].bounds))
        low, high = ends.low, ends.high
    undefined = f"no {within[0].items} to count" if None in values else None
    return Score(value=mean(values), low=low, high=high, undefined=undefined, n=within[0].n, by_seed=values)

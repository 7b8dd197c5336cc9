"""Resamples of blocks and seeds, and a metric's statistics arranged for them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from metrics.metric import Array, ReportStatistics, shortened

CELLS = 100_000
"""Numbers of resampled statistics at a time: 0.8 MB, which a core's own cache holds. With 16 MB, intervals of rows of
three seeds took half as long again."""


@dataclass(frozen=True)
class Sample:
    """One metric of one system: its additive statistics by seed and block.

    Attributes:
        name: the metric's name.
        statistics: float64 [seeds, blocks, k]; a block's row is the sum over its reports. Blocks are the unit of
            resampling: reports of one patient (or of neighbouring images that look like one) stay together.
        combine: [..., k] sums to [...] scores, NaN where undefined.
        trained: whether another seed would have given another system; a predictor without chance has one seed, and
            needs no more.
    """

    name: str
    statistics: Array
    combine: Callable[[Array], Array]
    trained: bool = True
    _resampled: dict[tuple["Draws", bool], Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return self.statistics.shape[0]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return self.statistics.shape[1]

    @cached_property
    def by_seed(self) -> Array:
        """float64 [seeds]: the score of each seed."""
        return self.combine(self.statistics.sum(axis=1))

    @cached_property
    def value(self) -> float:
        """The mean of the seeds' scores; NaN where one of them is undefined."""
        return float(self.by_seed.mean())

    @cached_property
    def shortened(self) -> tuple[Array, Callable[[Array], Array]]:
        """Statistics [seeds, blocks, m] no longer than needed, and what makes scores of their sums."""
        return shortened(self.statistics, self.combine)

    def resampled(self, draws: "Draws", *, draw_seeds: bool = True) -> Array:
        """Return float64 [resamples]: the mean over seeds of the score of drawn blocks; NaN where undefined.

        It is kept with the sample, not to be changed: a row of a board is compared with hundreds of others.

        Args:
            draws: of blocks and seeds.
            draw_seeds: whether seeds are drawn too; else each counts once.
        """
        draw_together([self], draws, draw_seeds=draw_seeds)
        return self._resampled[draws, draw_seeds or self.seeds == 1]

    def has_resampled(self, draws: "Draws", *, draw_seeds: bool = True) -> bool:
        """Return whether `resampled` is there already."""
        return (draws, draw_seeds or self.seeds == 1) in self._resampled

    def keep_resampled(self, draws: "Draws", scores: Array, *, draw_seeds: bool = True) -> None:
        """Keep what `resampled` is to return, float64 [resamples]."""
        scores.setflags(write=False)
        self._resampled[draws, draw_seeds or self.seeds == 1] = scores

    @cached_property
    def pseudo_values(self) -> Array:
        """float64 [seeds, blocks]: the jackknife's pseudo-values, each block's share in each seed's score.

        For a mean over reports in blocks of one size they are the blocks' means (Efron and Tibshirani 1993, ch. 11).
        """
        total = self.statistics.sum(axis=1)
        without = self.combine(total[:, None] - self.statistics)
        return self.blocks * self.combine(total)[:, None] - (self.blocks - 1) * without


def draw_together(samples: Sequence[Sample], draws: "Draws", *, draw_seeds: bool = True) -> None:
    """Resample many scores that weren't yet, those of one way to combine in one product; each sample keeps its own."""
    groups: dict[tuple[Callable[[Array], Array], tuple[int, ...]], list[Sample]] = defaultdict(list)
    for sample in samples:
        if not sample.has_resampled(draws, draw_seeds=draw_seeds):
            statistics, combine = sample.shortened
            groups[combine, statistics.shape].append(sample)
    for (combine, (seeds, blocks, k)), group in groups.items():
        size = max(1, CELLS // (draws.resamples * seeds * k))
        for start in range(0, len(group), size):
            part = group[start : start + size]
            sums = np.stack([sample.shortened[0] for sample in part]).transpose(0, 1, 3, 2).reshape(-1, blocks)
            # Resamples last: what is done to each of them is done to memory in a row.
            drawn_sums = (sums @ draws.blocks.T).reshape(len(part), seeds, k, -1)
            drawn = draws.over_seeds(combine(np.moveaxis(drawn_sums, 2, -1)), draw_seeds=draw_seeds)
            for sample, scores in zip(part, drawn, strict=True):
                sample.keep_resampled(draws, scores, draw_seeds=draw_seeds)


def sample(by_seed: Sequence[ReportStatistics], blocks: Sequence[str], *, trained: bool = True) -> Sample:
    """Arrange one metric's statistics of several seeds (the same reports in the same order) by block.

    Args:
        by_seed: the metric on each seed's predictions; at least one.
        blocks: the block of each report, in the order of the reports.
        trained: whether another seed would give another system.

    Raises:
        ValueError: the seeds disagree in their reports, or `blocks` has another length.
    """
    first = by_seed[0]
    if any(s.statistics.shape != first.statistics.shape for s in by_seed) or len(blocks) != len(first.statistics):
        raise ValueError(f"{first.name}: every seed needs statistics of the same {len(blocks)} reports")
    members = _members(tuple(blocks))
    return Sample(first.name, np.stack([members @ s.statistics for s in by_seed]), first.combine, trained)


@lru_cache(maxsize=64)
def _members(blocks: tuple[str, ...]) -> Array:
    """Return float64 [blocks, reports]: 1 where a report is of a block; asked for by every score of every row."""
    _, index = np.unique(np.asarray(blocks), return_inverse=True)
    members = np.zeros((index.max(initial=-1) + 1, len(blocks)))
    members[index, np.arange(len(blocks))] = 1
    members.setflags(write=False)
    return members


class Draws:
    """Crossed resamples: blocks with replacement, and seeds with replacement, independently of each other.

    Every system and metric that is compared uses the same draws, so that differences are paired. The j-th draw of a
    seed picks by one uniform number, whatever the number of seeds.

    Args:
        blocks: number of blocks.
        resamples: number of resamples.
        seed: of the random numbers.
    """

    def __init__(self, blocks: int, resamples: int = 10_000, seed: int = 0):
        self.resamples = resamples
        self._seed = seed
        self._seed_counts: dict[int, Array] = {}
        generator = np.random.default_rng([seed, 0])
        self.blocks: Array = generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples).astype(float)

    def seeds(self, number: int) -> Array:
        """Return float64 [resamples, number]: how often each of `number` seeds is drawn."""
        if number not in self._seed_counts:
            generator = np.random.default_rng([self._seed, 1])
            counts = np.zeros((self.resamples, number))
            rows = np.arange(self.resamples)
            for _ in range(number):
                counts[rows, (generator.random(self.resamples) * number).astype(int)] += 1
            self._seed_counts[number] = counts
        return self._seed_counts[number]

    def over_seeds(self, scores: Array, *, draw_seeds: bool = True) -> Array:
        """Return the mean over seeds [..., resamples] of scores [..., seeds, resamples] of the drawn blocks.

        Args:
            scores: NaN where one is undefined, which counts only where its seed is drawn.
            draw_seeds: whether seeds are drawn too; else each counts once.
        """
        number = scores.shape[-2]
        if number == 1:
            return scores[..., 0, :].copy()
        if not draw_seeds:
            return scores.mean(axis=-2)
        counts = self.seeds(number).T
        total = (counts * scores).sum(axis=-2)
        if np.isnan(total).any():
            total = np.where(counts > 0, counts * scores, 0.0).sum(axis=-2)
        return total / number

"""Intervals of many scores at once: the numbers of `interval` and `difference`, one after another, in a fraction.

A row of a board has some seventy scores and as many falls. Each interval by itself is a small matrix product, a few
quantiles and a dozen sums over a few blocks, so most of its time is numpy's calls. Scores with one way to combine their
statistics (most are quotients of two sums) are drawn in one product here, and the ends of all intervals are found
together. What isn't ordinary, such as a score that some resamples leave undefined or that is the same in all, is left
to the functions for one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from metrics.metric import Array
from metrics.statistics.intervals import LEVEL, Interval, StandardError, difference, interval, t_quantile, z_quantile
from metrics.statistics.resampling import Draws, Sample, draw_together

Bounds = tuple[float, float]


def intervals(
    samples: Sequence[Sample], draws: Draws, bounds: Sequence[Bounds], *, level: float = LEVEL
) -> list[Interval]:
    """Return each score with its interval; see `metrics.statistics.intervals.interval`.

    Args:
        samples: of one system or of many, on the same blocks.
        draws: of these blocks.
        bounds: the least and the greatest value of each score.
        level: of the intervals.
    """
    draw_together(samples, draws)
    found: dict[int, Interval] = {}
    for places in _alike([sample.statistics.shape[:2] for sample in samples]):
        chosen = [samples[i] for i in places]
        pseudo = np.stack([sample.pseudo_values for sample in chosen])
        resampled = np.stack([sample.resampled(draws) for sample in chosen])
        errors = _standard_errors(pseudo.mean(axis=1), [pseudo])
        ends = _ends(np.array([sample.value for sample in chosen]), resampled, errors, level)
        found |= {i: one for i, one in zip(places, ends, strict=True) if one is not None}
    return [
        _within(found[i], bounds[i]) if i in found else interval(sample, draws, level=level, bounds=bounds[i])
        for i, sample in enumerate(samples)
    ]


def differences(
    pairs: Sequence[tuple[Sample, Sample]], draws: Draws, *, level: float = LEVEL, same_seeds: bool = False
) -> list[Interval]:
    """Return the first of each pair less the second; see `metrics.statistics.intervals.difference`.

    Args:
        pairs: of systems on the same blocks.
        draws: of these blocks.
        level: of the intervals.
        same_seeds: the i-th seeds of both are the same trained model.
    """
    everything = [sample for pair in pairs for sample in pair]
    draw_together(everything, draws)
    found: dict[int, Interval] = {}
    for places in _alike([(a.statistics.shape[:2], b.statistics.shape[:2]) for a, b in pairs]):
        chosen = [pairs[i] for i in places]
        first, second = (np.stack([pair[side].pseudo_values for pair in chosen]) for side in (0, 1))
        resampled = np.stack([a.resampled(draws) - b.resampled(draws) for a, b in chosen])
        shares = first.mean(axis=1) - second.mean(axis=1)
        errors = _standard_errors(shares, [first - second] if same_seeds else [first, second])
        ends = _ends(np.array([a.value - b.value for a, b in chosen]), resampled, errors, level)
        found |= {i: one for i, one in zip(places, ends, strict=True) if one is not None}
    _reach_zero(found, pairs, draws, level)
    return [
        found[i] if i in found else difference(a, b, draws, level=level, same_seeds=same_seeds)
        for i, (a, b) in enumerate(pairs)
    ]


def _reach_zero(found: dict[int, Interval], pairs: Sequence[tuple[Sample, Sample]], draws: Draws, level: float) -> None:
    """Let differences' intervals hold 0 where resamples of blocks alone do; leave out what those make undefined."""
    sharp = [i for i, one in found.items() if one.excludes_zero]
    if not sharp:
        return
    draw_together([sample for i in sharp for sample in pairs[i]], draws, draw_seeds=False)
    first, second = (np.stack([pairs[i][side].resampled(draws, draw_seeds=False) for i in sharp]) for side in (0, 1))
    lows, highs = np.quantile(first - second, [(1 - level) / 2, (1 + level) / 2], axis=1)
    for i, low, high in zip(sharp, lows.tolist(), highs.tolist(), strict=True):
        if np.isnan(low):
            del found[i]
        elif low <= 0 <= high:
            found[i] = replace(found[i], low=min(found[i].low, 0.0), high=max(found[i].high, 0.0))


def _alike(shapes: Sequence[object]) -> list[list[int]]:
    """Return the places of equal shapes, together."""
    places: dict[object, list[int]] = defaultdict(list)
    for place, shape in enumerate(shapes):
        places[shape].append(place)
    return list(places.values())


def _within(ends: Interval, bounds: Bounds) -> Interval:
    return replace(ends, low=max(ends.low, bounds[0]), high=min(ends.high, bounds[1]))


def _standard_errors(shares: Array, spreads: Sequence[Array]) -> tuple[Array, Array]:
    """Return standard errors and their degrees of freedom, [n] each; `metrics.statistics.intervals.standard_error`.

    Args:
        shares: float64 [n, blocks].
        spreads: pseudo-values of each system, float64 [n, seeds, blocks].
    """
    blocks = shares.shape[1]
    if blocks < 2:
        return np.full(len(shares), np.nan), np.full(len(shares), np.nan)
    with np.errstate(all="ignore"):
        variance = shares.var(axis=1, ddof=1) / blocks
        squares = variance**2 / (blocks - 1)
        for pseudo in spreads:
            seeds, cells = pseudo.shape[1], pseudo[0].size
            if seeds < 2:
                continue
            means = pseudo.mean(axis=2, keepdims=True)
            residual = pseudo - means - pseudo.mean(axis=1, keepdims=True) + pseudo.mean(axis=(1, 2), keepdims=True)
            freedom = (seeds - 1) * (blocks - 1)
            between = blocks * means.var(axis=(1, 2), ddof=1) / cells
            within = (residual**2).sum(axis=(1, 2)) / freedom / cells
            counts = between > within
            variance = variance + np.where(counts, between - within, 0.0)
            squares = squares + np.where(counts, between**2 / (seeds - 1) + within**2 / freedom, 0.0)
        # As for one: rounding leaves a trace of variance where every block has the same share.
        none = variance <= (1e-12 * np.maximum(1.0, np.abs(shares).max(axis=1))) ** 2
        values = np.where(none, 0.0, np.sqrt(variance))
        freedoms = np.where(none, blocks - 1.0, variance**2 / squares)
    unknown = ~np.isfinite(variance)
    values[unknown] = freedoms[unknown] = np.nan
    return values, freedoms


def _ends(values: Array, resampled: Array, errors: tuple[Array, Array], level: float) -> list[Interval | None]:
    """Return the intervals that are ordinary, before any bounds; None for others.

    Args:
        values: [n].
        resampled: [n, resamples].
        errors: standard errors and degrees of freedom, [n] each.
        level: of the intervals.
    """
    spreads = resampled.std(axis=1)
    with np.errstate(invalid="ignore"):
        ordinary = np.isfinite(values) & np.isfinite(spreads) & (spreads > 0) & (errors[0] > 0)
    found: list[Interval | None] = [None] * len(values)
    chosen = np.flatnonzero(ordinary).tolist()
    if not chosen:
        return found
    tail = (1 - level) / 2
    quantiles = np.quantile(resampled[chosen], [tail, 0.5, 1 - tail], axis=1)
    for i, low, middle, high in zip(chosen, *quantiles.tolist(), strict=True):
        value, error = float(values[i]), StandardError(float(errors[0][i]), float(errors[1][i]))
        scale = t_quantile(1 - tail, error.degrees_of_freedom) / z_quantile(1 - tail) * error.value / spreads[i]
        low, high = (float(value + (end - middle) * scale) for end in (low, high))
        found[i] = Interval(value, low, high, error)
    return found

"""Points of a suite's grid: their trials over seeds, and the one that stands for each backbone, by validation."""

import math
from itertools import groupby

from benchmark.board.numbers import mean
from benchmark.board.results import Done, SuiteResults
from metrics.registry import METRICS


def by_point(results: SuiteResults) -> list[list[Done]]:
    """Return trials of each point with their seeds in order; backbones in the suite's order."""
    names = [entry.name for entry in results.suite.backbones]
    point = lambda d: (names.index(d.trial.backbone), d.trial.rank, d.trial.alpha)  # noqa: E731
    ordered = sorted(results.done, key=lambda d: (*point(d), d.trial.seed))
    return [list(group) for _, group in groupby(ordered, key=point)]


def blind_groups(results: SuiteResults) -> dict[str, list[Done]]:
    """Return trials on blank images by backbone, seeds in order."""
    groups: dict[str, list[Done]] = {}
    for done in sorted(results.blind, key=lambda d: d.trial.seed):
        groups.setdefault(done.trial.backbone, []).append(done)
    return groups


def validation_means(group: list[Done]) -> dict[str, float | None]:
    """Return the mean over a point's seeds of each score on the validation part that all of its trials have."""
    each = [d.scores.validation or {} for d in group]
    means = {name: mean([values[name] for values in each]) for name in METRICS if all(name in v for v in each)}
    return {name: None if value is None else round(value, 6) for name, value in means.items()}


def chosen(results: SuiteResults) -> list[list[Done]]:
    """Return the trials of the best point of each backbone by validation, seeds in order.

    Of equal points the one with the smaller rank, then the smaller alpha. The test part has no say. A backbone of which
    several points were run and none has the primary score on the validation part, as in a split without one, has no
    best point.
    """
    primary = results.suite.primary_metric
    sign = -1 if METRICS[primary].higher_is_better is False else 1

    def merit(group: list[Done]) -> tuple[float, int, int]:
        value = validation_means(group).get(primary)
        trial = group[0].trial
        return (-math.inf if value is None else sign * value, -trial.rank, -trial.alpha)

    best = []
    for _, points in groupby(by_point(results), key=lambda group: group[0].trial.backbone):
        groups = list(points)
        if len(groups) == 1 or any(validation_means(group).get(primary) is not None for group in groups):
            best.append(max(groups, key=merit))
    return best


def compared(results: SuiteResults) -> list[list[Done]]:
    """Return the trials of each point that stands for its backbone: the chosen one, or all where none can be chosen."""
    best = chosen(results)
    decided = {group[0].trial.backbone for group in best}
    return [g for g in by_point(results) if g in best or g[0].trial.backbone not in decided]

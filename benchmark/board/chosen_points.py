"""Points of a suite's grid: their trials over seeds, and the one that stands for each backbone, by validation."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar

from benchmark.board.done import Done
from benchmark.board.folds import Folded, Result
from benchmark.board.numbers import mean
from benchmark.board.results import SuiteResults
from benchmark.forms.suite import Suite, Trial
from metrics.registry import METRICS

Of = TypeVar("Of", Done, Folded, Result)


def by_point(results: SuiteResults) -> list[list[Result]]:
    """Return trials of each point with their seeds in order; backbones in the suite's order."""
    return _by_point(results.done, results.suite)


def _by_point(done: Sequence[Of], suite: Suite) -> list[list[Of]]:
    names = [entry.name for entry in suite.backbones]

    def point(one: Of) -> tuple[int, tuple[object, ...], str]:
        return names.index(one.trial.backbone), one.trial.setting, one.trial.adapter or ""

    ordered = sorted(done, key=lambda d: (*point(d), d.trial.seed))
    return [list(group) for _, group in groupby(ordered, key=point)]


def blind_groups(results: SuiteResults) -> dict[str, list[Result]]:
    """Return trials on blank images by backbone, seeds in order."""
    groups: dict[str, list[Result]] = {}
    for done in sorted(results.blind, key=lambda d: d.trial.seed):
        groups.setdefault(done.trial.backbone, []).append(done)
    return groups


def validation_means(group: Sequence[Result]) -> dict[str, float | None]:
    """Return the mean over a point's seeds of each score on the validation part that all of its trials have."""
    each = [d.scores.validation or {} for d in group]
    means = {name: mean([values[name] for values in each]) for name in METRICS if all(name in v for v in each)}
    return {name: None if value is None else round(value, 6) for name, value in means.items()}


def chosen(results: SuiteResults) -> list[list[Result]]:
    """Return the trials of the best point of each backbone by validation, seeds in order.

    Of equal points the one with the smaller rank, then the smaller alpha, rate and dropout. The test part has no say.
    A backbone of which several points were run and none has the primary score on the validation part, as in a split
    without one, has no best point.

    With folds each fold chooses on its own validation part, so that no study has a say in the point that it is tested
    at: what stands for the backbone is then the whole procedure, the choice included.
    """
    if results.record.folds:
        return _chosen_by_fold(results)
    return list(_best_of(by_point(results), results.suite).values())


def _best_of(groups: Sequence[list[Of]], suite: Suite) -> dict[str, list[Of]]:
    """Return the best of each backbone's points by the validation part, where one can be chosen, by backbone."""
    primary = suite.primary_metric
    sign = -1 if METRICS[primary].higher_is_better is False else 1

    def merit(group: list[Of]) -> tuple[float, tuple[object, ...]]:
        value = validation_means(group).get(primary)
        return (math.inf if value is None else -sign * value, group[0].trial.setting)

    best = {}
    for backbone, points in groupby(groups, key=lambda group: group[0].trial.backbone):
        candidates = list(points)
        if len(candidates) == 1 or any(validation_means(group).get(primary) is not None for group in candidates):
            best[backbone] = min(candidates, key=merit)
    return best


def _chosen_by_fold(results: SuiteResults) -> list[list[Result]]:
    """Return, of each backbone, for each seed what its folds were tested on, each at the point that it chose."""
    folds = [_best_of(points, results.suite) for points in points_of_folds(results)]
    chosen: list[list[Result]] = []
    for backbone in (entry.name for entry in results.suite.backbones):
        if any(backbone not in best for best in folds):
            continue
        by_seed = [{one.trial.seed: one for one in best[backbone]} for best in folds]
        seeds = sorted(set(by_seed[0]).intersection(*by_seed))
        chosen.append([Folded(tuple(one[seed] for one in by_seed), results.references) for seed in seeds])
    return [group for group in chosen if group]


def points_of_folds(results: SuiteResults) -> list[list[list[Done]]]:
    """Return the trials of each point that a fold chooses among, fold by fold."""
    # A point that isn't done in every fold and seed of it is no candidate; one that left in some folds only is one in
    # the others, of which each chooses for itself.
    complete = {i for one in results.done for i in one.ids}
    searched, seeds = results.suite.search is not None, len(results.suite.grid.seed)
    folds = []
    for fold in range(len(results.record.folds)):
        trials = [one for one in results.trials if one.trial.fold == fold and (searched or one.trial.id in complete)]
        points = _by_point(trials, results.suite)
        folds.append([point for point in points if not searched or len(point) == seeds])
    return folds


def compared(results: SuiteResults) -> list[list[Result]]:
    """Return the trials of each point that stands for its backbone: the chosen one, or all where none can be chosen."""
    best = chosen(results)
    decided = {group[0].trial.backbone for group in best}
    names = [entry.name for entry in results.suite.backbones]
    undecided = [group for group in by_point(results) if group[0].trial.backbone not in decided]
    return sorted([*best, *undecided], key=lambda group: names.index(group[0].trial.backbone))


def trials_by_fold(group: Sequence[Result]) -> tuple[Trial, ...]:
    """Return the trial of each fold, where the folds of a point chose each their own; else nothing."""
    first = group[0]
    if isinstance(first, Done):
        return ()
    trials = tuple(one.trial for one in first.folds)
    return trials if len({trial.setting for trial in trials}) > 1 else ()

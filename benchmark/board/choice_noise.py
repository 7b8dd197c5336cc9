"""How clear each backbone's choice of a point was: its lead on the validation part, beside the spread of seeds."""

import math
from collections.abc import Sequence
from itertools import groupby

from benchmark.board.chosen_points import by_point, points_of_folds, validation_means
from benchmark.board.folds import Result
from benchmark.board.model import Choice
from benchmark.board.results import SuiteResults
from benchmark.board.run import name_of
from metrics.registry import METRICS


def choices(results: SuiteResults) -> tuple[Choice, ...]:
    """Return how clear the choice of each backbone was that had several points with a score to choose among.

    With folds each has its own choice, on its own validation part: the lead is the mean over folds, and seeds of one
    point are compared within a fold.
    """
    folds = len(results.record.folds)
    parts: Sequence[Sequence[Sequence[Result]]] = points_of_folds(results) if folds else [by_point(results)]
    by_backbone: dict[str, list[list[Sequence[Result]]]] = {}
    for points in parts:
        for backbone, of_backbone in groupby(points, key=lambda group: group[0].trial.backbone):
            by_backbone.setdefault(backbone, []).append(list(of_backbone))
    primary = results.suite.primary_metric
    made = [_choice(parts_of_one, primary, folds) for parts_of_one in by_backbone.values()]
    return tuple(choice for choice in made if choice is not None)


def _choice(parts: Sequence[Sequence[Sequence[Result]]], primary: str, folds: int) -> Choice | None:
    """Return how clear a choice was; None where a part left nothing to choose.

    Args:
        parts: of each fold, or of the only validation part, the trials of each point.
        primary: score to choose by.
        folds: how many; 0 without.
    """
    if folds and len(parts) < folds:
        return None
    leads = [_lead(points, primary) for points in parts]
    known = [lead for lead in leads if lead is not None]
    if not known or len(known) < len(leads):
        return None
    groups = [group for points in parts for group in points]
    return Choice(
        name=name_of(groups[0][0]),
        points=min(len(points) for points in parts),
        seeds=min(len(group) for group in groups),
        folds=folds or None,
        lead=sum(known) / len(known),
        spread=pooled_deviation([_values(group, primary) for group in groups]),
    )


def _lead(points: Sequence[Sequence[Result]], primary: str) -> float | None:
    """Return how far the best of some points is ahead of the next; None where fewer than two have the score."""
    means = [validation_means(group).get(primary) for group in points]
    sign = -1 if METRICS[primary].higher_is_better is False else 1
    ordered = sorted((sign * value for value in means if value is not None), reverse=True)
    return ordered[0] - ordered[1] if len(ordered) > 1 else None


def _values(group: Sequence[Result], primary: str) -> list[float]:
    """Return a score on the validation part by seed, where it is known."""
    values = [(one.scores.validation or {}).get(primary) for one in group]
    return [value for value in values if value is not None]


def pooled_deviation(groups: Sequence[Sequence[float]]) -> float | None:
    """Return the standard deviation within groups, pooled over them; None where none has two values."""
    squares, freedom = 0.0, 0
    for values in groups:
        if len(values) > 1:
            middle = sum(values) / len(values)
            squares += sum((value - middle) ** 2 for value in values)
            freedom += len(values) - 1
    return math.sqrt(squares / freedom) if freedom else None

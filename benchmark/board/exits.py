"""Points of a suite's grid that left early, as rows of their own: what each was stopped at, and when."""

from collections.abc import Mapping

from benchmark.board.axes import axes_of
from benchmark.board.model import Checkpoint, ExitedPoint, point_in_words
from benchmark.board.results import SuiteResults
from benchmark.results.halving import brackets


def exited_points(results: SuiteResults, weights: tuple[Checkpoint, ...]) -> tuple[ExitedPoint, ...]:
    """Return the points that left, by backbone and fold in the order of the grid.

    Args:
        results: of the suite.
        weights: of each backbone, which knows its name in tables.
    """
    names: Mapping[str, str] = {one.backbone: one.name for one in weights}
    points = []
    for point in (point for bracket in brackets(list(results.record.trials.values())) for point in bracket):
        left = [trial for trial in point if trial.id in results.exits]
        if not left:
            continue
        first, exit_ = left[0], results.exits[left[0].id]
        points.append(
            ExitedPoint(
                name=names[first.backbone],
                setting=point_in_words(first.rank, first.alpha, axes_of(first, results.suite)),
                seeds=tuple(trial.seed for trial in left),
                trials=tuple(trial.id for trial in left),
                fold=None if first.fold is None else first.fold + 1,
                rung=exit_.rung,
                step=exit_.step,
                criterion=exit_.criterion,
                value=exit_.value,
                limit=exit_.limit,
            )
        )
    return tuple(points)

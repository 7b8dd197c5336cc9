"""Rows of one backbone grouped by an axis, each group by the point that the validation part chooses in it."""

import math
from collections.abc import Sequence

from benchmark.board.model import Row
from metrics.registry import METRICS


def best_by_validation(rows: Sequence[Row], primary: str) -> Row:
    """Return the row with the best primary score on the validation part; of equal ones the first.

    Args:
        rows: at least one, in the board's order: smaller ranks, alphas and rates first.
        primary: name of the score.
    """
    sign = 1 if METRICS[primary].higher_is_better is False else -1

    def place(row: Row) -> float:
        value = row.validation.get(primary)
        return math.inf if value is None else sign * value

    return min(rows, key=place)


def settings_at_their_best(rows: Sequence[Row], axis: str, primary: str) -> list[Row]:
    """Return, of one backbone's rows, the best one by validation for each value of an axis, in the board's order.

    Args:
        rows: of one backbone.
        axis: "rank", or one that varies in the suite.
        primary: name of the score.
    """
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.rank if axis == "rank" else row.axes.get(axis), []).append(row)
    return [best_by_validation(group, primary) for group in groups.values()]

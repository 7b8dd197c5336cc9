"""What evaluations within training decide: which step's adapter is kept, by the validation part alone."""

import math
from collections.abc import Sequence

from benchmark.forms.record import Evaluation, Kept
from benchmark.forms.suite import Protocol
from metrics.registry import METRICS

LOSS = "loss"
WATCHED = ("rouge_l", "birads_exact", "birads_kappa", "findings_f1_micro")
"""Scores that are stored of reports within training, beside the one that chooses: a few that take no time."""


def criteria() -> tuple[str, ...]:
    """Return what a step or a point can be chosen by within training: the loss, or a score that starts no Java."""
    scores = (name for name, one in METRICS.items() if not one.needs_java and one.higher_is_better is not None)
    return (LOSS, *scores)


def scores_within_training(protocol: Protocol) -> tuple[str, ...]:
    """Return the names of the scores that are computed of reports within training."""
    return tuple(dict.fromkeys((*WATCHED, *(() if protocol.keep_by == LOSS else (protocol.keep_by,)))))


def value_of(evaluation: Evaluation, criterion: str) -> float | None:
    """Return what an evaluation has of a criterion; None where it has none, or an undefined one."""
    return evaluation.loss if criterion == LOSS else (evaluation.scores or {}).get(criterion)


def merit(value: float | None, criterion: str) -> float:
    """Return a number that is greater for a better value; the least of all for none."""
    if value is None:
        return -math.inf
    lower_is_better = criterion == LOSS or METRICS[criterion].higher_is_better is False
    return -value if lower_is_better else value


def best(evaluations: Sequence[Evaluation], criterion: str) -> Evaluation | None:
    """Return the best evaluation, of equal ones the earliest; None where none has a value."""
    known = [one for one in evaluations if value_of(one, criterion) is not None]
    return max(known, key=lambda one: merit(value_of(one, criterion), criterion), default=None)


def kept_of(evaluations: Sequence[Evaluation], protocol: Protocol) -> Kept | None:
    """Return which step's adapter a trial keeps, given all its evaluations; None where it had none."""
    if not evaluations:
        return None
    last = evaluations[-1]
    if protocol.keep == "last":
        return Kept(step=last.step, criterion="last", value=last.loss)
    chosen = best(evaluations, protocol.keep_by)
    if chosen is None:
        return Kept(step=last.step, criterion=protocol.keep_by, value=None)
    return Kept(step=chosen.step, criterion=protocol.keep_by, value=value_of(chosen, protocol.keep_by))

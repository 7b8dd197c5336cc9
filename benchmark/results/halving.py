"""Which points of a grid leave at which rung: successive halving (arXiv 1502.07943), decided by what is stored.

Points of one backbone and fold compete. What leaves is a function of the evaluations of all of them and of nothing
else, so it doesn't depend on how trials were packed, on the order in which they ended, or on interruptions, and nobody
has to remember it.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from benchmark.errors import UserError
from benchmark.forms.record import Evaluation, SuiteRecord
from benchmark.forms.suite import Halving, Trial
from benchmark.results.evaluations import merit, value_of
from benchmark.results.store import Store


@dataclass(frozen=True)
class Exit:
    """Where a trial was stopped, with all trials of its point.

    Attributes:
        rung: the evaluation after which, counted from 1.
        step: of that evaluation.
        criterion: what points were compared by.
        value: of the point, mean over its seeds; None where one of them failed or has none.
        limit: the value of the last point that stayed.
    """

    rung: int
    step: int
    criterion: str
    value: float | None
    limit: float | None


@dataclass(frozen=True)
class Decided:
    """What is decided of trials that compete.

    Attributes:
        exits: of those that left, by id.
        waited_for: trials whose evaluation the next decision waits for, by id, to that evaluation's number from 1.
    """

    exits: Mapping[str, Exit] = field(default_factory=dict)
    waited_for: Mapping[str, int] = field(default_factory=dict)


def brackets(trials: Sequence[Trial]) -> list[list[list[Trial]]]:
    """Return trials that compete, point by point: those of one backbone and fold, points in the order of the grid.

    Trials on blank images are floors, no points, and those that aren't trained here have nothing to leave: they are
    left out.
    """
    competing: dict[tuple[str, int | None], dict[str, list[Trial]]] = {}
    for trial in trials:
        if trial.is_trained_here and not trial.protocol.sees_no_image:
            points = competing.setdefault((trial.backbone, trial.fold), {})
            points.setdefault(trial.model_dump_json(exclude={"seed"}), []).append(trial)
    return [list(points.values()) for points in competing.values()]


def decide(
    trials: Sequence[Trial],
    evaluations: Mapping[str, Sequence[Evaluation]],
    halving: Halving,
    failed: Collection[str] = (),
) -> Decided:
    """Return which trials leave at which rung, as far as evaluations are known.

    Args:
        trials: all of the grid, or at least all that compete with any of them.
        evaluations: of each trial so far, by id.
        halving: when and how many leave.
        failed: ids of trials that will have no more evaluations; a point with one is worse than any without.
    """
    exits: dict[str, Exit] = {}
    waited_for: dict[str, int] = {}
    for points in brackets(trials):
        staying = points
        for rung in halving.rungs:
            lacking = [
                trial.id
                for point in staying
                for trial in point
                if len(evaluations.get(trial.id, ())) < rung and trial.id not in failed
            ]
            if len(staying) == 1 or lacking:
                waited_for |= dict.fromkeys(lacking if len(staying) > 1 else (), rung)
                break
            staying, left = _parted(staying, evaluations, rung, halving)
            exits |= left
    return Decided(exits, waited_for)


def _parted(
    points: list[list[Trial]], evaluations: Mapping[str, Sequence[Evaluation]], rung: int, halving: Halving
) -> tuple[list[list[Trial]], dict[str, Exit]]:
    """Return the points that stay at a rung, in their order, and the exits of the other points' trials."""
    criterion = points[0][0].protocol.keep_by
    at_rung = [[evaluations[t.id][rung - 1] if len(evaluations.get(t.id, ())) >= rung else None for t in point]
               for point in points]  # fmt: skip
    values = [_mean([None if one is None else value_of(one, criterion) for one in point]) for point in at_rung]
    # Of equal points the earlier one of the grid stays: `sorted` keeps their order.
    order = sorted(range(len(points)), key=lambda i: -merit(values[i], criterion))
    number = halving.staying(len(points))
    staying = set(order[:number])
    limit = values[order[number - 1]]
    # Where a point's every trial failed there is no step; that of the other points is the one it didn't reach.
    step = max((one.step for point in at_rung for one in point if one is not None), default=0)
    left = {
        trial.id: Exit(rung, step if one is None else one.step, criterion, values[i], limit)
        for i, point in enumerate(points)
        if i not in staying
        for trial, one in zip(point, at_rung[i], strict=True)
    }
    return [point for i, point in enumerate(points) if i in staying], left


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if len(known) == len(values) else None


def evaluations_of(store: Store, trials: Sequence[Trial]) -> dict[str, list[Evaluation]]:
    """Return the stored evaluations of trials by id; those that are damaged decide nothing, as if there were none."""
    found: dict[str, list[Evaluation]] = {}
    for trial in trials:
        try:
            found[trial.id] = store.of(trial).read_evaluations()
        except UserError:
            found[trial.id] = []
    return found


def exits_among(trials: Sequence[Trial], store: Store, halving: Halving | None) -> Mapping[str, Exit]:
    """Return which trials left at a rung, as far as stored evaluations decide; none without halving.

    A trial that failed is tried again, so more is waited for of it.

    Args:
        trials: all that compete with each other.
        store: where their evaluations are.
        halving: when and how many leave.
    """
    return {} if halving is None else decide(trials, evaluations_of(store, trials), halving).exits


def groups_of(trials: Sequence[Trial], halving: Halving | None) -> list[list[Trial]]:
    """Return trials in groups that one session works on as a whole: those that compete, and each other by itself."""
    competing = [] if halving is None else [[t for point in points for t in point] for points in brackets(trials)]
    theirs = {trial.id for group in competing for trial in group}
    return [*competing, *([trial] for trial in trials if trial.id not in theirs)]


def exits_of(store: Store, record: SuiteRecord) -> dict[str, Exit]:
    """Return which trials of a suite left early, by id, as far as is stored; none where it doesn't search.

    A trial that failed is none of them, but its point is out of the running.
    """
    if record.suite.search is None:
        return {}
    trials = list(record.trials.values())
    failed = {t.id for t in trials if store.of(t).failure.exists() and not store.of(t).is_done()}
    exits = decide(trials, evaluations_of(store, trials), record.suite.search.halving, failed).exits
    return {identity: one for identity, one in exits.items() if identity not in failed}


def refuse_rungs(halving: Halving, evaluations: int) -> None:
    """Raise where a rung is no evaluation before the last.

    Args:
        halving: of a suite.
        evaluations: that a trial has.

    Raises:
        UserError: names the rungs.
    """
    if late := [rung for rung in halving.rungs if rung >= evaluations]:
        raise UserError(
            f"search: halving: rungs {late}: a trial has {evaluations} evaluations (protocol: evaluate_every), and "
            "nothing is saved at the last. Give rungs below that, or evaluate more often."
        )

"""Looks at the validation part within training: what both engines share of them."""

from collections.abc import Sequence

from benchmark.forms.record import Evaluation
from benchmark.forms.suite import Trial
from benchmark.results.evaluations import best
from benchmark.results.store import TrialFolder, write_lines
from benchmark.tuning.interface import TrainingSet, ValidationSet
from benchmark.tuning.protocol import rows_at_once


def evaluation_steps(trial: Trial, data: TrainingSet) -> tuple[int, ...]:
    """Return the steps after which a trial is evaluated; none where nothing asks for it."""
    return trial.protocol.evaluation_steps(len(data.of(trial)))


def validation_of(trial: Trial, data: TrainingSet) -> ValidationSet:
    """Return what a trial is evaluated on.

    Raises:
        ValueError: there is nothing, though its protocol asks for it.
    """
    if data.validation is None or not data.validation.of(trial):
        raise ValueError(f"{trial.label} is to be evaluated within training, and has no validation part")
    return data.validation


def in_batches(rows: Sequence[int], lengths: Sequence[int], size: int) -> list[list[int]]:
    """Return validation reports in batches of like length, the shortest first, which saves padding.

    Args:
        rows: places of a trial's validation reports.
        lengths: tokens of every report there.
        size: reports of a batch at most.
    """
    ordered = sorted(rows, key=lambda i: lengths[i])
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def rows_in_evaluation(trial: Trial, data: TrainingSet, rows: int | None) -> int:
    """Return how many of a trial's validation reports go through the model at once: as many as in training.

    Memory holds them, since no activation is kept here.
    """
    return min(rows or trial.protocol.batch_size, rows_at_once(trial.protocol, len(data.of(trial))))


def is_due(evaluations: Sequence[Evaluation], step: int, steps: Sequence[int]) -> bool:
    """Return whether a trial after so many steps is to be evaluated, and isn't yet."""
    return step in steps and all(one.step != step for one in evaluations)


def writes_reports(trial: Trial, step: int, steps: Sequence[int]) -> bool:
    """Return whether reports are written at the evaluation after a step."""
    return trial.protocol.writes_reports(steps.index(step) + 1, len(steps))


def is_kept(trial: Trial, evaluations: Sequence[Evaluation]) -> bool:
    """Return whether the weights of the last evaluation are to be remembered: they are the best so far."""
    return trial.protocol.keep == "best" and best(evaluations, trial.protocol.keep_by) is evaluations[-1]


def store(folder: TrialFolder, evaluations: Sequence[Evaluation]) -> None:
    """Write a trial's evaluations, where it has any."""
    if evaluations:
        write_lines(folder.evaluations, evaluations)

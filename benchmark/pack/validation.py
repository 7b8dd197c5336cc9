"""What a pack's trials are evaluated on within training: the validation part of each one's fold."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmark.data.records import Records
from benchmark.forms.suite import Trial
from benchmark.pack.images import blank_key
from benchmark.results.evaluations import scores_within_training
from benchmark.scoring.score import score_predictions

if TYPE_CHECKING:
    from benchmark.pack.session import Session
    from benchmark.tuning.interface import ValidationSet


def validation_set(session: "Session", trials: Sequence[Trial]) -> "ValidationSet | None":
    """Return the validation parts of trials that are evaluated within training; None where none is.

    A trial on blank images is evaluated on blank ones, one on exchanged images on the right ones: each as it writes.
    """
    from benchmark.tuning.interface import ValidationSet

    evaluated = [trial for trial in trials if trial.protocol.evaluate_every is not None]
    if not evaluated:
        return None
    records = session.pack.records
    places: dict[tuple[str, str], int] = {}
    rows: dict[str, Sequence[int]] = {trial.id: () for trial in trials}
    for trial in evaluated:
        blind = trial.protocol.sees_no_image
        shown = [
            (study, blank_key(records) if blind else session.keys[study])
            for study in records.split_of(trial).validation
        ]
        rows[trial.id] = tuple(places.setdefault(one, len(places)) for one in shown)
    reports = {study.id: study.report for study in records.studies}
    return ValidationSet(
        [reports[study] for study, _ in places],
        [session.features[image] for _, image in places] if session.features else [],
        rows,
        [session.pictures[image] for _, image in places],
        score=partial(_scores, records),
    )


def _scores(records: Records, trial: Trial, texts: Sequence[str]) -> dict[str, float | None]:
    """Return a few scores of a trial's reports for its validation part, without intervals."""
    split, reports = records.split_of(trial), {study.id: study.report for study in records.studies}
    scores = score_predictions(
        dict(zip(split.validation, texts, strict=True)),
        {study: reports[study] for study in split.validation},
        train_reports=[reports[study] for study in split.train],
        names=scores_within_training(trial.protocol),
        resamples=0,
    )
    return {name: score.value for name, score in scores.to_record().scores.items()}

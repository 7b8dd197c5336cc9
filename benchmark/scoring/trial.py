"""A trial's `scores.json`: the test set in full, the validation set and the controls by value."""

from collections.abc import Sequence

from benchmark.data.split import Split
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.forms.record import CONTROLS, LESION_CONTROLS, ControlPrediction, Prediction, ScoresRecord
from benchmark.results.store import TrialFolder, read_models, write_json
from benchmark.scoring.pairs import pairs_of
from benchmark.scoring.score import score_predictions
from benchmark.scoring.stored import digest
from metrics.registry import METRICS


def score(
    folder: TrialFolder,
    studies: Sequence[Study],
    split: Split,
    *,
    resamples: int = 10_000,
    grounding: bool = True,
    lesions: bool = False,
) -> None:
    """Score the stored predictions of a trial and store the scores.

    Without validation studies the scores of that set are empty; a point of the grid can't be chosen by them.

    Args:
        folder: with whole predictions.
        studies: all of the data.
        split: whose training reports and blocks scores need.
        resamples: of the test set's intervals; 0 for none.
        grounding: whether to tell what the predictions owe to their images.
        lesions: whether images with parts painted over were shown.

    Raises:
        UserError: predictions don't fit the studies.
    """
    reports = {study.id: study.report for study in studies}
    train = [reports[i] for i in split.train]

    def scored(rows: Sequence[Prediction], resamples: int, names: Sequence[str] | None = None) -> ScoresRecord:
        predictions = {row.id: row.prediction for row in rows}
        return score_predictions(
            predictions,
            {i: reports[i] for i in predictions},
            train_reports=train,
            blocks={i: split.blocks[i] for i in predictions},
            names=names,
            resamples=resamples,
        ).to_record()

    # Points are chosen, and controls compared, by scores that start no Java.
    quick = [name for name, metric in METRICS.items() if not metric.needs_java]

    def values(rows: Sequence[Prediction]) -> dict[str, float | None]:
        return {name: one.value for name, one in scored(rows, 0, quick).scores.items()} if rows else {}

    names = (*CONTROLS, *LESION_CONTROLS) if lesions else CONTROLS
    test, controls = read_models(folder.predictions, Prediction), read_models(folder.controls, ControlPrediction)
    predictions, expected = {row.id: row.prediction for row in test}, {row.id: reports[row.id] for row in test}
    record = scored(test, resamples).model_copy(
        update={
            "predictions_sha256": digest([predictions]),
            "length_limit_rate": sum(row.stop == "length" for row in test) / len(test),
            "validation": values(read_models(folder.validation, Prediction)),
            **{name: values([row for row in controls if row.control == name]) for name in names},
            "pairs": pairs_of(predictions, expected, split.blocks) if grounding else None,
        }
    )
    write_json(folder.scores, record)


def prepare(studies: Sequence[Study], split: Split) -> None:
    """Do what the scores of all trials need once in a process, so that no trial's seconds hold it.

    METEOR's process has to be ready, WordNet read, the training reports labelled and their n-grams counted. All of it
    is remembered when one report is scored, here a reference by itself.
    """
    reports = {study.id: study.report for study in studies}
    one = {split.test[0]: reports[split.test[0]]}
    score_predictions(one, one, train_reports=[reports[i] for i in split.train], resamples=0)


def is_scored(folder: TrialFolder, split: Split, *, lesions: bool = False) -> bool:
    """Return whether scores of these test studies, the validation set and the controls are stored.

    Args:
        folder: of the trial.
        split: that it is tested on.
        lesions: whether images with parts painted over belong to the controls.
    """
    try:
        record = folder.read_scores()
    except UserError:
        return False  # none yet, or damaged: scored again
    if any(part is None for part in (record.validation, record.blank, record.pairs)):
        return False
    if lesions and (record.painted is None or record.patch is None):
        return False
    if [report.id for report in record.reports] != sorted(split.test):
        return False
    return record.predictions_sha256 in (None, digest([folder.read_predictions()]))

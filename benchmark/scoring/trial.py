"""A trial's `scores.json`: the test set in full, the validation set and the controls by value."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.data.split import Split
from benchmark.data.study import Study
from benchmark.scoring.predictions import CONTROLS
from benchmark.scoring.score import METRICS, Scores, score_predictions
from benchmark.store import TrialFolder, read_lines, write_json


def score(folder: TrialFolder, studies: Sequence[Study], split: Split) -> None:
    """Score the stored predictions of a trial and store the scores.

    Without validation studies the scores of that set are empty; a point of the grid can't be chosen by them.

    Args:
        folder: with whole predictions.
        studies: all of the data.
        split: whose training reports and blocks scores need.

    Raises:
        UserError: predictions don't fit the studies.
    """
    reports = {study.id: study.report for study in studies}
    train = [reports[i] for i in split.train]

    def scored(rows: Sequence[Mapping[str, Any]], resamples: int, names: Sequence[str] | None = None) -> Scores:
        found = {row["id"]: row["prediction"] for row in rows}
        return score_predictions(
            found,
            {i: reports[i] for i in found},
            train_reports=train,
            blocks={i: split.blocks[i] for i in found},
            names=names,
            resamples=resamples,
        )

    test, controls = read_lines(folder.predictions), read_lines(folder.controls)
    content = scored(test, 10_000).to_dict()
    content["length_limit_rate"] = sum(row["stop"] == "length" for row in test) / len(test)
    # Points are chosen, and controls compared, by scores that start no Java.
    quick = [name for name, metric in METRICS.items() if not metric.needs_java]
    parts = {"validation": read_lines(folder.validation)} | {
        control: [row for row in controls if row["control"] == control] for control in CONTROLS
    }
    for part, rows in parts.items():
        found = scored(rows, 0, quick).to_dict()["scores"] if rows else {}
        content[part] = {name: value["value"] for name, value in found.items()}
    write_json(folder.scores, content)


def prepare(studies: Sequence[Study], split: Split) -> None:
    """Do what the scores of all trials need once in a process, so that no trial's seconds hold it.

    METEOR's process has to be ready, WordNet read, the training reports labelled and their n-grams counted. All of it
    is remembered when one report is scored, here a reference by itself.
    """
    reports = {study.id: study.report for study in studies}
    one = {split.test[0]: reports[split.test[0]]}
    score_predictions(one, one, train_reports=[reports[i] for i in split.train], resamples=0)


def is_scored(folder: TrialFolder, split: Split) -> bool:
    """Whether scores of these test studies, the validation set and the controls are stored."""
    try:
        content = folder.read(folder.scores)
        reports = [row["id"] for row in content["reports"]]
    except (OSError, ValueError, KeyError, TypeError):
        return False  # none yet, or damaged: scored again
    return reports == sorted(split.test) and {"validation", *CONTROLS} <= content.keys()

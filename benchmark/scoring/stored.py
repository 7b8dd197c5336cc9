"""The additive statistics of predictions that were scored before, in a fraction of the time of scoring them.

A leaderboard resamples and compares statistics, not scores. Those of text scores stand in `scores.json`: a mean's as
values per report, the others' as sums. Clinical scores and those of memory are computed from the texts.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from benchmark.errors import UserError
from benchmark.forms.record import ScoresRecord
from benchmark.scoring.score import check_ids, draw_statistics
from metrics.metric import Array, ReportStatistics, mean_of
from metrics.registry import METRICS
from metrics.text.bleu import bleu_value
from metrics.text.meteor_jar import meteor_value

SUMS: dict[str, Callable[[Array], Array]] = {
    **{
        f"bleu_{order}_{suffix}": partial(bleu_value, order=order)
        for suffix in ("published", "coco")
        for order in range(1, 5)
    },
    "meteor_coco": meteor_value,
}
"""The text scores that are no means, and how sums become the score."""


def stored_statistics(
    record: ScoresRecord,
    draws: Sequence[Mapping[str, str]],
    references: Mapping[str, str],
    *,
    train_reports: Sequence[str] = (),
) -> dict[str, ReportStatistics]:
    """Return the statistics of every score, by name, reports in the order of their sorted ids.

    Args:
        record: the `scores.json` of these predictions.
        draws: the predictions; several of a floor that chooses at random.
        references, train_reports: as they were scored.

    Raises:
        UserError: as `check_stored` does.
    """
    check_stored(record, draws, references)
    others = [name for name, metric in METRICS.items() if metric.family != "text"]
    statistics = draw_statistics(draws, references, train_reports=train_reports, names=others)
    for name, score in record.scores.items():
        if name in METRICS and METRICS[name].family == "text" and score.signature:
            statistics[name] = _restored(name, record)
    return {name: statistics[name] for name in METRICS if name in statistics}


def check_stored(record: ScoresRecord, draws: Sequence[Mapping[str, str]], references: Mapping[str, str]) -> None:
    """Raise what `stored_statistics` would; it takes a hundredth of the time.

    Raises:
        UserError: the scores are of other reports or predictions; they have to be made again (`amrg score --rescore`).
    """
    if record.predictions_sha256 not in (None, digest(draws)):
        raise UserError("scores.json is of other predictions than predictions.jsonl. Run `amrg score --rescore`.")
    check_ids(draws[0], references)
    if [report.id for report in record.reports] != sorted(references):
        raise UserError("scores.json is of other reports than predictions.jsonl. Run `amrg score --rescore`.")


def has_statistics(record: ScoresRecord, name: str, train_reports: Sequence[str]) -> bool:
    """Return whether `stored_statistics` has a score, without computing any."""
    if METRICS[name].family == "text":
        return name in record.scores and bool(record.scores[name].signature)
    return bool(train_reports) or "verbatim_train" not in name


def digest(draws: Sequence[Mapping[str, str]]) -> str:
    """Return the SHA-256, in hexadecimal, of predictions by id, whatever their order; of several draws of a floor."""
    content = [sorted(predictions.items()) for predictions in draws]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _restored(name: str, record: ScoresRecord) -> ReportStatistics:
    signature = record.scores[name].signature
    if name in SUMS:
        sums = np.array(record.statistics[re.sub(r"_[1-4]_", "_1_", name)], dtype=np.float64)
        counted = np.ones(len(sums), dtype=bool)
        if left_out := set(record.scores[name].left_out):
            counted = np.array([report.id not in left_out for report in record.reports])
        return ReportStatistics(name, signature, sums, SUMS[name], counted)
    values = np.array([report.scores.get(name, np.nan) for report in record.reports], dtype=np.float64)
    return mean_of(name, signature, values, ~np.isnan(values))

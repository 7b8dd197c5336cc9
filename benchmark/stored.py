"""The additive statistics of predictions that were scored before, without running Java again.

A leaderboard resamples and compares statistics, not scores. Those of a mean stand in `scores.json` as values a
report; those of corpus scores that need Java stand there as sums; all else is computed from the texts.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.scoring import check_ids, report_statistics
from metrics.bleu import bleu_value
from metrics.meteor_jar import meteor_value
from metrics.metric import Array, ReportStatistics, mean_of
from metrics.registry import METRICS

SUMS: dict[str, Callable[[Array], Array]] = {
    **{f"bleu_{order}_coco": partial(bleu_value, order=order) for order in range(1, 5)},
    "meteor_coco": meteor_value,
}
"""The corpus scores whose statistics need Java, and how sums become the score."""


def stored_statistics(
    content: Mapping[str, Any],
    predictions: Mapping[str, str],
    references: Mapping[str, str],
    *,
    train_reports: Sequence[str] = (),
) -> dict[str, ReportStatistics]:
    """The statistics of every score, by name, reports in the order of their sorted ids.

    Args:
        content: of the `scores.json` of these predictions.
        predictions, references, train_reports: as they were scored.

    Raises:
        UserError: the scores are of other reports; they have to be made again (`amrg score --rescore`).
    """
    check_ids(predictions, references)
    ids = sorted(references)
    if [report["id"] for report in content["reports"]] != ids:
        raise UserError("scores.json is of other reports than predictions.jsonl. Run `amrg score --rescore`.")
    java = {name: METRICS[name] for name in content["scores"] if name in METRICS and METRICS[name].needs_java}
    computed = report_statistics(
        predictions,
        references,
        train_reports=train_reports,
        names=[name for name in METRICS if not METRICS[name].needs_java],
    )
    found = {name: _restored(name, content) for name in java if content["scores"][name].get("signature")}
    merged = {**computed, **found}
    return {name: merged[name] for name in METRICS if name in merged}


def _restored(name: str, content: Mapping[str, Any]) -> ReportStatistics:
    signature = content["scores"][name]["signature"]
    if name in SUMS:
        key = "bleu_coco" if name.startswith("bleu") else name
        sums = np.array(content["statistics"][key], dtype=np.float64)
        return ReportStatistics(name, signature, sums, SUMS[name], np.ones(len(sums), dtype=bool))
    values = np.array([report["scores"].get(name, np.nan) for report in content["reports"]], dtype=np.float64)
    return mean_of(name, signature, values, ~np.isnan(values))

"""The registry knows every score that is computed, and says of it what its statistics say."""

import numpy as np

from benchmark.scoring.score import report_statistics
from metrics.registry import METRICS

REFERENCES = {
    "a": "Breast composition: fatty (ACR A). BIRADS: 1. Findings: no mass is seen.",
    "b": "Breast composition: dense (ACR D). BIRADS: 4b. Findings: a spiculated mass in the upper quadrant.",
    "c": "Breast composition: fatty (ACR B). BIRADS: 2. Findings: benign calcification is seen.",
}
PREDICTIONS = {"a": REFERENCES["a"], "b": REFERENCES["c"], "c": ""}


def test_every_score_is_registered_and_every_registered_score_is_computed() -> None:
    by_name = report_statistics(PREDICTIONS, REFERENCES, train_reports=list(REFERENCES.values()))
    assert set(by_name) == set(METRICS)


def test_direction_and_bounds_are_those_of_the_statistics() -> None:
    by_name = report_statistics(PREDICTIONS, REFERENCES, train_reports=list(REFERENCES.values()))
    for name, statistics in by_name.items():
        metric = METRICS[name]
        assert metric.higher_is_better == statistics.higher_is_better, name
        values = statistics.per_report
        values = values[~np.isnan(values)]
        low, high = metric.bounds
        assert ((values >= low - 1e-9) & (values <= high + 1e-9)).all(), name
        assert statistics.signature, name

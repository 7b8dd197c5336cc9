"""Trials of all folds as one: every study's prediction by the model that never saw its block.

Statistics add up over reports, so those of a fold are rows of the whole: a score of all folds is computed from all
studies together (a kappa is one kappa, not the mean of the folds'), and blocks are resampled over all folds.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.board.done import Baseline, Done, References
from benchmark.forms.record import ALL_CONTROLS, STAGES, Pairs, ScoresRecord, Stage, StoredFall, TrialRecord
from benchmark.forms.suite import Trial
from benchmark.scoring.score import report_statistics, scores_of_statistics
from metrics.metric import ReportStatistics
from metrics.registry import METRICS


@dataclass(frozen=True)
class Folded:
    """One setting and seed, cross-validated: what its trials of all folds say together.

    Attributes:
        folds: the trial of each fold, in order; not always of one point, where each fold chose its own.
        references: of all folds together.
    """

    folds: tuple[Done, ...]
    references: References

    @property
    def trial(self) -> Trial:
        """The trial of the first fold, as if there were no folds."""
        return self.folds[0].trial.model_copy(update={"fold": None})

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the trials behind it."""
        return tuple(one.trial.id for one in self.folds)

    @property
    def record(self) -> TrialRecord:
        """The record of the first fold's trial: its checkpoint is that of all."""
        return self.folds[0].record

    @property
    def records(self) -> tuple[TrialRecord, ...]:
        """Records of the trials behind it."""
        return tuple(one.record for one in self.folds)

    @property
    def seconds(self) -> dict[Stage, float]:
        """Seconds of all folds, by stage."""
        return {stage: sum(one.seconds.get(stage, 0.0) for one in self.folds) for stage in STAGES}

    @property
    def parameters(self) -> int | None:
        """How many parameters the first fold's adapter has."""
        return self.folds[0].parameters

    @cached_property
    def predictions(self) -> dict[str, str]:
        """Prediction by id, of all studies."""
        return {i: text for one in self.folds for i, text in one.predictions.items()}

    @cached_property
    def controls(self) -> dict[str, dict[str, str]]:
        """Control to the predictions under it, by id."""
        each = [one.controls for one in self.folds]
        return {name: {i: text for one in each for i, text in one[name].items()} for name in ALL_CONTROLS}

    @cached_property
    def statistics(self) -> dict[str, ReportStatistics]:
        """Statistics of every score, reports of all folds in the order of their sorted ids."""
        return joined([one.statistics for one in self.folds], self.folds, self.predictions, self.references)

    def has_statistics(self, name: str) -> bool:
        """Return whether `statistics` has a score, without computing any."""
        return all(one.has_statistics(name) for one in self.folds)

    def control_statistics(self, control: str, primary: str) -> dict[str, ReportStatistics]:
        """Return statistics of the scores that say what is owed to the image, under a control."""
        each = [one.control_statistics(control, primary) for one in self.folds]
        return joined(each, self.folds, self.controls[control], self.references)

    @cached_property
    def scores(self) -> ScoresRecord:
        """The scores of all folds together."""
        return joined_scores([one.scores for one in self.folds], self.statistics, self.references)

    @cached_property
    def pairs(self) -> Pairs:
        """What its predictions owe to their images: all pairs within a fold, folds weighted by their studies.

        A prediction isn't compared with another fold's references, which its model may have learned.
        """
        return joined_pairs([one.pairs for one in self.folds], [len(one.predictions) for one in self.folds])

    @cached_property
    def perfect(self) -> dict[str, dict[str, float]]:
        """How far the scores of a perfect reader of the same studies fall, by stratum of pairs and score."""
        each, weights = [one.perfect for one in self.folds], [len(one.predictions) for one in self.folds]
        perfect: dict[str, dict[str, float]] = {}
        for stratum, scores in each[0].items():
            perfect[stratum] = {}
            for name in scores:
                falls = [None if math.isnan(one[stratum][name]) else one[stratum][name] for one in each]
                value = _known_mean(falls, weights)
                perfect[stratum][name] = math.nan if value is None else value
        return perfect

    @cached_property
    def losses(self) -> list[tuple[int, float]]:
        """(step, mean over folds of the loss), as far as the shortest fold goes."""
        return _mean_curve([one.losses for one in self.folds])

    @cached_property
    def validations(self) -> list[tuple[int, float]]:
        """(step, mean over folds of the loss on the fold's validation part), as far as the shortest fold goes."""
        return _mean_curve([one.validations for one in self.folds])

    @property
    def kept(self) -> tuple[int, ...]:
        """The step whose adapter each fold kept."""
        return tuple(step for one in self.folds for step in one.kept)


def _mean_curve(curves: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
    together = zip(*curves, strict=False)
    return [(points[0][0], sum(loss for _, loss in points) / len(points)) for points in together]


Result = Done | Folded
"""A trial with results, or one of all folds."""


def pooled_trials(done: Sequence[Done], references: References, folds: int) -> tuple[Folded, ...]:
    """Return the trials of all folds as one, in the order of the first fold's; those that lack a fold are left out."""
    groups: dict[tuple[object, ...], dict[int, Done]] = defaultdict(dict)
    for one in done:
        trial = one.trial
        assert trial.fold is not None, f"{trial.id} is of no fold"
        kind = (trial.protocol.training_images, trial.untuned, trial.adapter)
        point = (trial.backbone, *kind, *trial.setting, trial.seed)
        groups[point][trial.fold] = one
    complete = [group for group in groups.values() if len(group) == folds]
    return tuple(Folded(tuple(group[fold] for fold in range(folds)), references) for group in complete)


def pooled_baselines(folds: Sequence[Sequence[Baseline]], references: References) -> tuple[Baseline, ...]:
    """Return the baselines of all folds as one each; those that lack a fold are left out."""
    by_name = [{one.name: one for one in baselines} for baselines in folds]
    pooled = []
    for name in by_name[0]:
        if any(name not in baselines for baselines in by_name):
            continue
        each = [baselines[name] for baselines in by_name]
        predictions = {i: text for one in each for i, text in one.predictions.items()}
        statistics = joined([one.statistics for one in each], each, predictions, references)
        scores = joined_scores([one.scores for one in each], statistics, references)
        pooled.append(Baseline(name, scores, predictions, statistics))
    return tuple(pooled)


def joined(
    folds: Sequence[Mapping[str, ReportStatistics]],
    parts: Sequence[Done | Baseline],
    predictions: Mapping[str, str],
    references: References,
) -> dict[str, ReportStatistics]:
    """Return the statistics of each score that all folds have, reports in the order of their sorted ids.

    Args:
        folds: statistics by score, of each fold.
        parts: whose they are: a fold's reports are in the order of its predictions' sorted ids.
        predictions, references: of all folds; scores of the whole set, such as how many texts are distinct, are
            computed from them again.
    """
    order = np.argsort([i for part in parts for i in sorted(part.predictions)])
    of_set = [name for name, metric in METRICS.items() if not metric.has_interval and name in folds[0]]
    again = report_statistics(predictions, references.of("test"), names=of_set) if of_set else {}
    statistics = {}
    for name in METRICS:
        if name in again:
            statistics[name] = again[name]
        elif all(name in fold for fold in folds):
            each = [fold[name] for fold in folds]
            statistics[name] = ReportStatistics(
                name=name,
                signature=" and ".join(dict.fromkeys(one.signature for one in each)),
                statistics=np.concatenate([one.statistics for one in each])[order],
                combine=each[0].combine,
                counted=np.concatenate([one.counted for one in each])[order],
                higher_is_better=each[0].higher_is_better,
                items=each[0].items,
            )
    return statistics


def joined_scores(
    folds: Sequence[ScoresRecord], statistics: Mapping[str, ReportStatistics], references: References
) -> ScoresRecord:
    """Return the scores of all folds together, with intervals over all blocks.

    Args:
        folds: the scores of each.
        statistics: of all folds.
        references: of all folds.
    """
    scores = {
        name: one.to_record() for name, one in scores_of_statistics(statistics.values(), references.test_blocks).items()
    }
    for name in METRICS:
        stored = [fold.scores[name] for fold in folds if name in fold.scores]
        if name not in scores and len(stored) == len(folds):
            # Without statistics: a score that this machine couldn't compute in some fold, which says why.
            scores[name] = next((one for one in stored if one.undefined is not None), stored[0])
    weights = [len(fold.reports) for fold in folds]
    return ScoresRecord(
        scores={name: scores[name] for name in METRICS if name in scores},
        labeler=folds[0].labeler,
        reports=tuple(sorted((report for fold in folds for report in fold.reports), key=lambda report: report.id)),
        length_limit_rate=_known_mean([fold.length_limit_rate for fold in folds], weights),
        validation=_means([fold.validation or {} for fold in folds], weights),
    )


def joined_pairs(folds: Sequence[Pairs], weights: Sequence[int]) -> Pairs:
    """Return the falls of all folds as one, each fold weighted by its studies; a fold without a pair has no part.

    Of a fall without a block only the block's own fold changes, so the jackknife over all blocks is that of the folds
    side by side.

    Args:
        folds: what each fold's predictions owe; blocks in the order of their names.
        weights: studies of each fold.
    """
    falls: dict[str, dict[str, StoredFall]] = {}
    for stratum in folds[0].falls:
        names = [name for name in folds[0].falls[stratum] if all(name in fold.falls.get(stratum, {}) for fold in folds)]
        falls[stratum] = {name: _joined_fall([fold.falls[stratum][name] for fold in folds], weights) for name in names}
    return Pairs(falls=falls, unchanged=_known_mean([fold.unchanged for fold in folds], weights))


def _joined_fall(folds: Sequence[StoredFall], weights: Sequence[int]) -> StoredFall:
    known = [(fold, weight) for fold, weight in zip(folds, weights, strict=True) if fold.value is not None]
    value, total = _known_mean([fold.value for fold in folds], weights), sum(weight for _, weight in known)
    if value is None:
        return StoredFall(value=None, without=())
    without = [
        None if one is None else value + (one - (fold.value or 0.0)) * weight / total
        for fold, weight in known
        for one in fold.without
    ]
    return StoredFall(value=value, without=tuple(without))


def _known_mean(values: Sequence[float | None], weights: Sequence[int]) -> float | None:
    """Return the weighted mean of what is known; None where nothing is."""
    known = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


def _means(folds: Sequence[Mapping[str, float | None]], weights: Sequence[int]) -> dict[str, float | None]:
    """Return each score's weighted mean over folds; None where one fold's is undefined."""
    names = [name for name in folds[0] if all(name in fold for fold in folds)]
    return {
        name: None if any(fold[name] is None for fold in folds) else _known_mean([f[name] for f in folds], weights)
        for name in names
    }

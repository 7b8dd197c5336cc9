"""Predictions and references to scores: every metric with its interval and signature."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchmark.errors import UserError, unknown_name
from benchmark.forms.record import ReportScores, ScoreRecord, ScoresRecord
from metrics.clinical.clinical import clinical_scores
from metrics.copying import is_verbatim, memory_statistics
from metrics.errors import MetricUnavailable
from metrics.labels.labeler import label
from metrics.labels.version import signature as labeler_signature
from metrics.metric import ReportStatistics
from metrics.registry import METRICS
from metrics.statistics.statistics import Draws, Interval, interval, sample
from metrics.text.text import COCO, METEOR, TEXT_SCORES, text_statistics

SHOWN = 20


@dataclass(frozen=True)
class Score:
    """One score of a set of reports.

    Attributes:
        value: NaN where undefined.
        low, high: 95 % interval over blocks (and seeds, where there are several); None where there is none.
        n: reports that entered.
        signature: what makes it comparable.
        undefined: why there is no value, or None.
        undefined_resamples: share of the interval's resamples in which the score was undefined.
        left_out: ids of reports that it would count, and that couldn't be computed.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    signature: str
    undefined: str | None = None
    undefined_resamples: float = 0.0
    left_out: tuple[str, ...] = ()

    def to_record(self) -> ScoreRecord:
        """Return it as it is stored; an undefined value is None, and says why."""
        return ScoreRecord(**{**vars(self), "value": None if math.isnan(self.value) else self.value})

    @classmethod
    def from_record(cls, record: ScoreRecord) -> "Score":
        """Return the score of a record."""
        return cls(**{**dict(record), "value": math.nan if record.value is None else record.value})


@dataclass(frozen=True)
class Scores:
    """All scores of one set of predictions.

    Attributes:
        scores: by name.
        reports: each report's scores, where one report defines them.
        labeler: signature of the labeler behind the clinical scores.
        statistics: each score's additive statistics, for intervals and tests over several sets of predictions.
            `to_record` keeps what `benchmark.scoring.stored` needs to have them again.
    """

    scores: dict[str, Score]
    reports: tuple[ReportScores, ...]
    labeler: str
    statistics: dict[str, ReportStatistics] = field(default_factory=dict, repr=False, compare=False)

    def to_record(self) -> ScoresRecord:
        """Return the content of `scores.json`."""
        return ScoresRecord(
            scores={name: score.to_record() for name, score in self.scores.items()},
            labeler=self.labeler,
            reports=self.reports,
            statistics={
                # The four orders of BLEU share their counts.
                name: self.statistics[name].statistics.tolist()
                for name in ("bleu_1_published", "bleu_1_coco", "meteor_coco")
                if name in self.statistics
            },
        )

    @classmethod
    def from_record(cls, record: ScoresRecord) -> "Scores":
        """Return the scores of a `scores.json`; `statistics` stays empty."""
        scores = {name: Score.from_record(score) for name, score in record.scores.items()}
        return cls(scores, record.reports, record.labeler)


def score_predictions(
    predictions: Mapping[str, str],
    references: Mapping[str, str],
    *,
    train_reports: Sequence[str] = (),
    blocks: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> Scores:
    """Score predictions against references.

    Args:
        predictions, references: text by id; the ids must be the same.
        train_reports: reports of the training set, for frozen document frequencies and verbatim copies.
        blocks: block by id, the unit of resampling; each report is its own where None.
        names: scores to compute; None for all. Without a score of the coco set no Java is started.
        seed: of the resamples.
        resamples: of the intervals; 0 for none.

    Raises:
        UserError: ids differ, there is none, or a name is unknown.
    """
    return score_draws(
        [predictions],
        references,
        train_reports=train_reports,
        blocks=blocks,
        names=names,
        seed=seed,
        resamples=resamples,
    )


def score_draws(
    draws: Sequence[Mapping[str, str]],
    references: Mapping[str, str],
    *,
    train_reports: Sequence[str] = (),
    blocks: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> Scores:
    """Score a predictor that chooses at random by its expectation: each report's statistics are means over its draws.

    Args:
        draws: predictions by id, a mapping for each draw; of one draw the scores are those of `score_predictions`.
        references, train_reports, blocks, names, seed, resamples: as in `score_predictions`.

    Raises:
        UserError: as `score_predictions` does.
    """
    all_statistics, unavailable = _statistics_of_draws(draws, references, train_reports, names)
    ids = sorted(references)
    units = [blocks[i] if blocks is not None else i for i in ids]
    scores = scores_of_statistics(all_statistics, units, seed=seed, resamples=resamples)
    for one in all_statistics:
        if one.name in METEOR and not one.counted.all():
            left_out = tuple(i for i, counted in zip(ids, one.counted, strict=True) if not counted)
            scores[one.name] = replace(scores[one.name], left_out=left_out)
    scores |= {name: Score(math.nan, None, None, 0, "", reason) for name, reason in unavailable.items()}
    return Scores(scores, _reports(ids, all_statistics), labeler_signature(), {s.name: s for s in all_statistics})


def scores_of_statistics(
    statistics: Iterable[ReportStatistics], blocks: Sequence[str], *, seed: int = 0, resamples: int = 10_000
) -> dict[str, Score]:
    """Return the score of each, by name, with its interval where it has one.

    Args:
        statistics: of the same reports.
        blocks: the block of each report, the unit of resampling.
        seed: of the resamples.
        resamples: of the intervals; 0 for none.
    """
    draws = Draws(len(set(blocks)), resamples, seed) if resamples else None
    scores = {}
    for one in statistics:
        metric, ends = METRICS[one.name], None
        if draws is not None and metric.has_interval:
            ends = interval(sample([one], blocks), draws, bounds=metric.bounds)
        scores[one.name] = _score(one, ends)
    return scores


def draw_statistics(
    draws: Sequence[Mapping[str, str]],
    references: Mapping[str, str],
    *,
    train_reports: Sequence[str] = (),
    names: Sequence[str] | None = None,
) -> dict[str, ReportStatistics]:
    """Return the additive statistics behind `score_draws`, by name; reports in the order of their sorted ids."""
    of_draws, _ = _statistics_of_draws(draws, references, train_reports, names)
    return {s.name: s for s in of_draws}


def report_statistics(
    predictions: Mapping[str, str],
    references: Mapping[str, str],
    *,
    train_reports: Sequence[str] = (),
    names: Sequence[str] | None = None,
) -> dict[str, ReportStatistics]:
    """Return the additive statistics behind `score_predictions`, by name; reports in the order of their sorted ids."""
    statistics, _ = _statistics(predictions, references, train_reports, names)
    return {s.name: s for s in statistics}


def check_ids(predictions: Iterable[str], references: Iterable[str], where: str = "") -> None:
    """Raise a UserError that lists missing and extra ids, if there are any."""
    predicted, expected = set(predictions), set(references)
    start = f"{where}: " if where else ""
    if not expected:
        raise UserError(f"{start}there are no references to score against.")
    problems = [
        f"{start}{len(ids)} {text}: {_listed(ids)}"
        for ids, text in (
            (expected - predicted, "references have no prediction (--allow-missing scores them as empty)"),
            (predicted - expected, "predictions have no reference"),
        )
        if ids
    ]
    if problems:
        raise UserError("\n".join(problems))


def _listed(ids: Collection[str]) -> str:
    shown = ", ".join(sorted(ids)[:SHOWN])
    return f"{shown} and {len(ids) - SHOWN} more" if len(ids) > SHOWN else shown


def _statistics_of_draws(
    draws: Sequence[Mapping[str, str]],
    references: Mapping[str, str],
    train_reports: Sequence[str],
    names: Sequence[str] | None,
) -> tuple[list[ReportStatistics], dict[str, str]]:
    """Return statistics that are means over draws, and the reason for each score that can't be computed here.

    All draws are scored at once, each against its own copy of the references, so that texts are tokenised once; a
    copy of all references changes no document frequency. What is said of a set of texts as a whole, such as how many
    are distinct, is said of the first draw.
    """
    if len(draws) == 1:
        return _statistics(draws[0], references, train_reports, names)
    ids, wanted = sorted(references), list(METRICS) if names is None else names
    of_set = [name for name in wanted if not METRICS[name].has_interval]
    of_reports = [name for name in wanted if METRICS[name].has_interval]
    keys = {f"{place:06d} {draw:03d}": (i, draw) for place, i in enumerate(ids) for draw in range(len(draws))}
    for predictions in draws:
        check_ids(predictions, references)
    every, unavailable = _statistics(
        {key: draws[draw][i] for key, (i, draw) in keys.items()},
        {key: references[i] for key, (i, _) in keys.items()},
        train_reports,
        of_reports,
    )
    shape = (len(ids), len(draws))
    means = [
        replace(
            one,
            statistics=one.statistics.reshape(*shape, -1).mean(axis=1),
            counted=np.asarray(one.counted.reshape(shape).any(axis=1)),
        )
        for one in every
    ]
    first, _ = _statistics(draws[0], references, train_reports, of_set) if of_set else ([], {})
    return sorted([*means, *first], key=lambda one: list(METRICS).index(one.name)), unavailable


def _statistics(
    predictions: Mapping[str, str],
    references: Mapping[str, str],
    train_reports: Sequence[str],
    names: Sequence[str] | None,
) -> tuple[list[ReportStatistics], dict[str, str]]:
    """Return the statistics of the scores asked for, and the reason for each score that this machine can't compute."""
    check_ids(predictions, references)
    for name in names or ():
        if name not in METRICS:
            raise unknown_name("score", name, METRICS)
    wanted = None if names is None else set(names)
    ids = sorted(references)
    predicted, expected = [predictions[i] for i in ids], [references[i] for i in ids]

    texts = [
        name
        for name in TEXT_SCORES
        if wanted is None or name in wanted or (name == "rouge_l" and "rouge_l_unseen" in wanted)
    ]
    statistics = text_statistics(predicted, expected, train_reports=train_reports, names=set(texts) - set(COCO))
    unavailable: dict[str, str] = {}
    coco: list[ReportStatistics] = []
    # What METEOR can't do is METEOR's alone.
    for group in (set(texts) & set(COCO) - set(METEOR), set(texts) & set(METEOR)):
        try:
            coco += text_statistics(predicted, expected, train_reports=train_reports, names=group)
        except MetricUnavailable as error:
            unavailable |= {name: str(error) for name in texts if name in group}
    statistics += sorted(coco, key=lambda one: TEXT_SCORES.index(one.name))
    if train_reports:
        statistics += [_unseen(s, expected, train_reports) for s in statistics if s.name == "rouge_l"]

    statistics += _labelled(predicted, expected, train_reports, wanted)
    return [s for s in statistics if wanted is None or s.name in wanted], unavailable


def _labelled(
    predicted: Sequence[str], expected: Sequence[str], train_reports: Sequence[str], wanted: Collection[str] | None
) -> list[ReportStatistics]:
    """Return at least those clinical scores, and those of memory, that are wanted; all for None."""
    guesses, truths = [label(text) for text in predicted], [label(text) for text in expected]
    categories = [g.birads for g in guesses], [t.birads for t in truths]
    clinical = [*clinical_scores(truths, guesses, wanted).values()]
    memory = wanted is None or any(METRICS[name].family == "memory" for name in wanted)
    return [*clinical, *memory_statistics(predicted, expected, train_reports, *categories)] if memory else clinical


def _unseen(statistics: ReportStatistics, references: Sequence[str], train: Sequence[str]) -> ReportStatistics:
    """Return the same score on the reports that do not stand verbatim in train."""
    unseen = ~is_verbatim(references, train)
    return ReportStatistics(
        f"{statistics.name}_unseen",
        f"{statistics.signature}|subset:reference-not-in-train",
        statistics.statistics * unseen[:, None],
        statistics.combine,
        statistics.counted & unseen,
        statistics.higher_is_better,
    )


def _score(statistics: ReportStatistics, ends: Interval | None) -> Score:
    value = statistics.value
    reason = None
    if math.isnan(value):
        reason = _undefined(statistics)
    if ends is None or math.isnan(ends.low):
        return Score(value, None, None, statistics.n, statistics.signature, reason)
    return Score(value, ends.low, ends.high, statistics.n, statistics.signature, reason, ends.undefined)


def _undefined(statistics: ReportStatistics) -> str:
    if statistics.name.startswith("cider"):
        from metrics.text.cider import UNDEFINED

        return UNDEFINED
    return f"no {statistics.items} to count"


def _reports(ids: Sequence[str], statistics: Sequence[ReportStatistics]) -> tuple[ReportScores, ...]:
    values = {s.name: s.per_report for s in statistics if METRICS[s.name].has_interval}
    return tuple(
        ReportScores(id=i, scores={name: float(v[row]) for name, v in values.items() if not np.isnan(v[row])})
        for row, i in enumerate(ids)
    )

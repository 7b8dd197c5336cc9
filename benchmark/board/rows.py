"""Rows of a leaderboard: a point of the grid, its trials' scores averaged over seeds, with intervals and falls."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmark.board.axes import axes_of
from benchmark.board.chosen_points import trials_by_fold, validation_means
from benchmark.board.folds import Result
from benchmark.board.lesions import lesion_falls
from benchmark.board.model import DIGITS, Fall, Number, Ranks, Row, Score
from benchmark.board.numbers import mean, number, reach
from benchmark.board.results import SuiteResults
from benchmark.board.run import name_of
from benchmark.board.verdicts import CLEARED, Basis
from benchmark.forms.record import CONTROLS, STAGES
from benchmark.scoring.pairs import ALL, GROUNDED, STRATA, restored
from metrics.all_pairs import fall
from metrics.grounding import grounding
from metrics.labels.labeler import label
from metrics.registry import METRICS
from metrics.statistics.statistics import intervals, sample


def row_of(group: list[Result], results: SuiteResults, basis: Basis) -> Row:
    """Return the row of a point's trials, not yet compared with the other rows."""
    first, by_fold = group[0], trials_by_fold(group)
    falls, unchanged = _over_pairs(group)
    for control in CONTROLS:
        falls[control], unchanged[control] = _under_control(control, group, results, basis)
    above = {name: basis.above_best_floor(group, name) for name in CLEARED}
    return Row(
        name=name_of(first),
        backbone=first.trial.backbone,
        rank=first.trial.rank,
        alpha=first.trial.alpha,
        seeds=tuple(d.trial.seed for d in group),
        trials=tuple(i for d in group for i in d.ids),
        best=False,
        scores=scores_of(group, basis),
        validation=validation_means(group),
        above_floor=basis.above_best_floor(group, basis.primary),
        above_floors={name: distance for name, distance in above.items() if distance is not None},
        falls=falls,
        unchanged=unchanged,
        lesions=lesion_falls(group, results.references) if results.suite.shows_lesions_to(first.trial) else None,
        ranks=Ranks(best=1, worst=1),
        parameters=first.parameters,
        seconds={stage: round(float(np.mean([d.seconds.get(stage, 0.0) for d in group])), 3) for stage in STAGES},
        peak_memory_bytes=max(r.peak_memory_bytes or 0 for d in group for r in d.records) or None,
        length_limit_rate=mean([d.scores.length_limit_rate for d in group]),
        losses={str(d.trial.seed): [(step, round(loss, 5)) for step, loss in d.losses] for d in group if d.losses},
        validations={str(d.trial.seed): [(s, round(x, 5)) for s, x in d.validations] for d in group if d.validations},
        kept={str(d.trial.seed): d.kept for d in group if d.kept},
        confusion=_confusion(group, results),
        by_block=_by_block(group, basis),
        by_fold=tuple((trial.rank, trial.alpha) for trial in by_fold),
        axes=axes_of(first.trial, results.suite) if first.trial.untuned is None else {},
        axes_by_fold=tuple(axes_of(trial, results.suite) for trial in by_fold) if results.suite.grid.varying else (),
        alone=first.trial.alone,
        untuned=first.trial.untuned,
    )


def scores_of(group: Sequence[Result], basis: Basis) -> dict[str, Score]:
    """Return the mean over seeds, with its interval, of each score that all of a point's trials have."""
    names = [name for name in METRICS if all(name in d.scores.scores for d in group)]
    stored = {name: [d.scores.scores[name] for d in group] for name in names}
    undefined = {
        name: next((one.undefined for one in each if one.undefined is not None), None) for name, each in stored.items()
    }
    ends = {name: (each[0].low, each[0].high) for name, each in stored.items()}
    if len(group) > 1:
        drawn = [name for name in names if METRICS[name].has_interval and undefined[name] is None]
        ends = dict.fromkeys(names, (None, None)) | _ends_of(drawn, group, basis)
    scores = {}
    for name, each in stored.items():
        values, (low, high) = tuple(score.value for score in each), ends[name]
        scores[name] = Score(
            value=mean(values), low=low, high=high, undefined=undefined[name], n=each[0].n, by_seed=values
        )
    return scores


def _ends_of(
    names: Sequence[str], group: Sequence[Result], basis: Basis
) -> dict[str, tuple[float | None, float | None]]:
    """Return the interval's ends of each score over a point's seeds, those that are drawn alike together."""
    ends: dict[str, tuple[float | None, float | None]] = {}
    for draws in dict.fromkeys(basis.draws_for(name) for name in names):
        alike = [name for name in names if basis.draws_for(name) is draws]
        samples = [sample([d.statistics[name] for d in group], basis.blocks) for name in alike]
        found = map(number, intervals(samples, draws, [METRICS[name].bounds for name in alike]))
        ends |= {name: (one.low, one.high) for name, one in zip(alike, found, strict=True)}
    return ends


def order(row: Row, primary: str) -> tuple[float, str, int, int, tuple[object, ...]]:
    """Return a key that puts the best test score first, an undefined one last."""
    value = row.scores[primary].value if primary in row.scores else None
    sign = 1 if METRICS[primary].higher_is_better is False else -1
    return (
        math.inf if value is None else round(sign * value, 6),
        row.name,
        row.rank,
        row.alpha,
        tuple(row.axes.values()),
    )


def _over_pairs(group: Sequence[Result]) -> tuple[dict[str, dict[str, Fall]], dict[str, Number]]:
    """Return falls and unchanged texts when another study's image is shown, by stratum of pairs."""
    each, perfect = [done.pairs for done in group], group[0].perfect
    falls: dict[str, dict[str, Fall]] = {}
    for stratum in STRATA:
        falls[stratum] = {}
        for name in GROUNDED:
            lost = fall([restored(one.falls[stratum][name]) for one in each], perfect[stratum][name])
            if not math.isnan(lost.value):
                ends = number(lost, reach(name))
                share = None if math.isnan(lost.of_perfect_reader) else lost.of_perfect_reader
                falls[stratum][name] = Fall(**vars(ends), of_perfect_reader=share)
    return falls, {ALL: Number(value=mean([one.unchanged for one in each]))}


def _under_control(
    control: str, group: Sequence[Result], results: SuiteResults, basis: Basis
) -> tuple[dict[str, Fall], Number]:
    """Return the falls of scores, and the share of unchanged texts, when a control's image is shown."""
    references = results.references
    statistics = [d.control_statistics(control, basis.primary) for d in group]
    texts = [[d.predictions[i] for i in references.test_ids] for d in group]
    controls = [[d.controls[control][i] for i in references.test_ids] for d in group]
    ours = [d.statistics for d in group]
    grounded = grounding(control, ours, statistics, texts, controls, basis.blocks, basis.fewer, basis.draws_for)
    falls = {name: Fall(**vars(number(lost.fall, reach(name)))) for name, lost in grounded.falls.items()}
    return falls, number(grounded.unchanged)


def _by_block(group: Sequence[Result], basis: Basis) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Return the primary score's sums, by seed and block."""
    primary = basis.sample_of(group, basis.primary)
    if primary is None:
        return ()
    return tuple(tuple(tuple(round(float(v), DIGITS) for v in block) for block in seed) for seed in primary.statistics)


def _confusion(group: Sequence[Result], results: SuiteResults) -> dict[str, dict[str, int]]:
    """Return how often each major BI-RADS category was said of each true one, over seeds; "none" if none was said."""
    counts: Counter[tuple[str, str]] = Counter()
    for identity, report in results.references.of("test").items():
        truth = label(report).birads_major
        if truth is not None:
            counts.update((truth, label(d.predictions[identity]).birads_major or "none") for d in group)
    table: dict[str, dict[str, int]] = {}
    for (truth, guess), count in sorted(counts.items()):
        table.setdefault(truth, {})[guess] = count
    return table

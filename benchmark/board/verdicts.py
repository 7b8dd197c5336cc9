"""Rows against each other and against the floors: rank sets, differences, and the p of each."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from benchmark.board.chosen_points import blind_groups
from benchmark.board.folds import Result
from benchmark.board.model import DIGITS, SIGNIFICANT, Comparisons, Difference, Number, Ranks, Row
from benchmark.board.numbers import number, reach
from benchmark.board.results import SuiteResults
from benchmark.board.run import name_of
from benchmark.scoring.baselines import BLIND
from metrics.labels.measured import unranked_since
from metrics.registry import METRICS
from metrics.statistics.statistics import (
    Draws,
    RankSets,
    Sample,
    SignFlips,
    blocks_needed,
    difference,
    difference_errors,
    each_p_above_all,
    holm,
    rank_sets,
    sample,
    seed_spread,
)

CLEARED = ("birads_exact", "location_accuracy")
"""Clinical scores that are compared with the floors, beside the primary score."""
SPARE = 8
"""Blocks beyond those that a first significant pair needs from which the detectable difference is found about as often
as it says: with 8 more in 73 to 80 of 100 simulated cases, with none in 46 to 67."""
FEWER = 2_000
"""Resamples for scores that aren't primary: an interval's width comes from variance components, so few are enough."""


class Basis:
    """What every row is compared by: the same resamples, flips and floors for all.

    Attributes:
        primary: the suite's primary score.
        blocks: the block of each test study, in the order of the statistics' rows.
        blind: trials on blank images by the name of the floor that they are, seeds in order.
    """

    def __init__(self, results: SuiteResults) -> None:
        self.primary = results.suite.primary_metric
        self.labeler = labeler_of(results)
        self.blocks = results.references.test_blocks
        self.blocks_number = number_of_blocks = len(set(self.blocks))
        self.draws = Draws(number_of_blocks)
        self.fewer = Draws(number_of_blocks, FEWER)
        settings = {(d.trial.backbone, d.trial.setting) for d in results.done}
        points = Counter(backbone for backbone, _ in settings)
        tests = max(math.comb(len(points), 2), sum(math.comb(number, 2) for number in points.values()), 1)
        # What tuning gains is tested for each row.
        tests = max(tests, len(settings)) if results.untuned else tests
        self._known: dict[tuple[tuple[str, ...], str], Sample] = {}
        self.flips = SignFlips(number_of_blocks, tests=tests)
        self.blind = {f"{name_of(group[0])} on blank images": group for group in blind_groups(results).values()}
        self._floors = {
            name: self._samples_of_floors(results, name) for name in dict.fromkeys((self.primary, *CLEARED))
        }

    def _samples_of_floors(self, results: SuiteResults, name: str) -> dict[str, Sample]:
        """Return the samples of a score of all image-blind baselines that have it."""
        baselines = [b for b in results.baselines if b.name in BLIND and name in b.statistics]
        samples = {b.name: sample([b.statistics[name]], self.blocks, trained=False) for b in baselines}
        for floor, group in self.blind.items():
            if (of_group := self.sample_of(group, name)) is not None:
                samples[floor] = of_group
        return {floor: one for floor, one in samples.items() if not math.isnan(one.value)}

    def sample_of(self, group: Sequence[Result], name: str) -> Sample | None:
        """Return the sample of a score of a point's trials; None where one of them doesn't have it."""
        if any(not d.has_statistics(name) for d in group):
            return None
        if (known := self._known.get((_ids(group), name))) is not None:
            # Another one each time, since each keeps its resamples, which for all rows would be too much.
            return replace(known)
        # What isn't trained would not come out otherwise with another seed.
        trained = group[0].trial.untuned is None
        return sample([d.statistics[name] for d in group], self.blocks, trained=trained)

    def know(self, group: Sequence[Result], samples: Mapping[str, Sample]) -> None:
        """Remember samples of a point's trials by score, so that nobody computes its statistics for them again."""
        for name, one in samples.items():
            self._known[_ids(group), name] = one

    def is_ranked(self, name: str) -> bool:
        """Return whether rules read what a score is of well enough for rows to be told apart by it."""
        field = METRICS[name].field
        return field is None or not unranked_since(self.labeler, field)

    def floors(self, name: str) -> list[Sample]:
        """Return the image-blind baselines in a score."""
        return list(self._floors[name].values())

    def best_floor(self, name: str) -> str | None:
        """Return the image-blind baseline that is best in a score on the test part."""
        sign = 1 if is_higher_better(name) else -1
        samples = self._floors[name]
        return max(samples, key=lambda floor: (sign * samples[floor].value, floor), default=None)

    def draws_for(self, name: str) -> Draws:
        """Return the resamples for a score."""
        return self.draws if name == self.primary else self.fewer

    def above_best_floor(self, group: Sequence[Result], name: str) -> Number | None:
        """Return how far a point is above the best floor in a score, positive where the point is better."""
        best = self.best_floor(name)
        ours = self.sample_of(group, name)
        if best is None or ours is None:
            return None
        floor = self._floors[name][best]
        pair = (ours, floor) if is_higher_better(name) else (floor, ours)
        return number(difference(*pair, self.draws_for(name)), reach(name))


def _ids(group: Sequence[Result]) -> tuple[str, ...]:
    return tuple(identity for one in group for identity in one.ids)


def labeler_of(results: SuiteResults) -> str:
    """Return the signature of the labeler behind the clinical scores; empty where nothing is scored."""
    scored = (*results.done, *results.blind, *results.baselines)
    return next((one.scores.labeler for one in scored), "")


def is_higher_better(name: str) -> bool:
    """Return whether more is better in a score; also where neither direction is."""
    return METRICS[name].higher_is_better is not False


def p_above_floors(samples: Sequence[Sample | None], name: str, basis: Basis) -> list[float | None]:
    """Return the p of "no better than the best floor" of each row, after Holm over them; None where it can't be said.

    With fewer blocks than a first significant row needs there is nothing to test, nor in a score that isn't ranked.
    """
    known = [one for one in samples if one is not None]
    floors = basis.floors(name)
    if not floors or not basis.is_ranked(name) or basis.blocks_number < blocks_needed(len(known), SIGNIFICANT):
        return [None] * len(samples)
    higher, spread = is_higher_better(name), seed_spread(known)
    above = iter(each_p_above_all(known, floors, basis.flips, higher_is_better=higher, spread=spread))
    raw = [math.nan if one is None else float(next(above)) for one in samples]
    return [None if math.isnan(p) else round(float(p), 6) for p in holm(raw)]


def compare_rows(
    rows: Sequence[Row], samples: Sequence[Sample], basis: Basis, groups: Sequence[str] | None = None
) -> tuple[list[Ranks], Comparisons]:
    """Return rank sets of rows by the primary score, and the pairs that differ; of a score that isn't ranked no pair.

    Args:
        rows: those that are compared with each other.
        samples: the primary score of each.
        basis: resamples and flips.
        groups: of each row; only rows of one group are compared. None where all are.
    """
    if not rows:
        return [], Comparisons(rows=0, pairs=0, significant=(), detectable=None)
    if not basis.is_ranked(basis.primary):
        names = groups or [""] * len(rows)
        sizes = Counter(names)
        untold = Comparisons(rows=len(rows), pairs=0, significant=(), detectable=None)
        return [Ranks(best=1, worst=sizes[name]) for name in names], untold
    higher = is_higher_better(basis.primary)
    sets = rank_sets(samples, basis.flips, higher_is_better=higher, alpha=SIGNIFICANT, groups=groups)
    significant = []
    for i, j in combinations(range(len(rows)), 2):
        p = sets.adjusted[i, j]
        if not p <= SIGNIFICANT:
            continue
        better, worse = (i, j) if (samples[i].value > samples[j].value) == higher else (j, i)
        significant.append(
            Difference(
                first=f"{rows[better].name}, {rows[better].point}",
                second=f"{rows[worse].name}, {rows[worse].point}",
                difference=number(difference(samples[better], samples[worse], basis.draws), reach(basis.primary)),
                p=round(float(p), 6),
            )
        )
    significant.sort(key=lambda d: (d.p, -abs(d.difference.value or 0), d.first, d.second))
    needed = blocks_needed(sets.pairs, SIGNIFICANT)
    # With few blocks a sign-flip test finds less than Student's t, of which the figure is, and none at all below those
    # needed.
    detectable = _median_detectable(samples, sets) if basis.blocks_number >= needed + SPARE else None
    return [Ranks(best=int(b), worst=int(w)) for b, w in zip(sets.best, sets.worst, strict=True)], Comparisons(
        rows=len(rows),
        pairs=sets.pairs,
        significant=tuple(significant),
        detectable=detectable,
        blocks_needed=needed if sets.pairs else 0,
    )


def _median_detectable(samples: Sequence[Sample], sets: RankSets) -> float | None:
    """Return the median over compared pairs of the difference that would be found among them; None if unknown."""
    spread = seed_spread(samples)
    pairs = [(i, j) for i, j in combinations(range(len(samples)), 2) if not math.isnan(sets.adjusted[i, j])]
    if not pairs:
        return None
    errors = difference_errors([(samples[i], samples[j]) for i, j in pairs], spread)
    sizes = errors.detectable(tests=sets.pairs)
    known = sizes[~np.isnan(sizes)]
    return round(float(np.median(known)), DIGITS) if len(known) else None

"""What tuning gains: each row less what its backbone writes without being tuned, on the same reports.

Which of its untuned ways of asking a backbone is judged by is chosen on the validation part, as its point is; the test
part has no say, so the difference and its interval hold as those of any two rows do.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from benchmark.board.chosen_points import validation_means
from benchmark.board.done import Done
from benchmark.board.folds import Folded, Result
from benchmark.board.format import several
from benchmark.board.model import SIGNIFICANT, Gain
from benchmark.board.numbers import number, reach
from benchmark.board.results import SuiteResults
from benchmark.board.verdicts import Basis, is_higher_better
from benchmark.forms.suite import Suite
from benchmark.forms.untuned import said
from metrics.statistics.statistics import Sample, blocks_needed, difference, holm, p_values, seed_spread

Of = TypeVar("Of", Done, Result)


def untuned_groups(results: SuiteResults) -> list[list[Result]]:
    """Return untuned trials, each by itself as rows have them, backbones and ways in the suite's order."""
    names = [entry.name for entry in results.suite.backbones]

    def place(one: Result) -> tuple[int, int]:
        way = one.trial.untuned
        assert way is not None, f"{one.trial.id} is tuned"
        return names.index(one.trial.backbone), results.suite.untuned.index(way)

    return [[one] for one in sorted(results.untuned, key=place)]


def untuned_references(results: SuiteResults) -> dict[str, Result]:
    """Return by which untuned result each backbone's gain is judged.

    The best on the validation part; of equal ones, and where that part can't tell, the one that the suite lists first.
    With folds each fold chooses for itself, so that no study has a say in what it is judged by.
    """
    chosen: dict[str, Result] = {}
    for backbone, groups in groupby(untuned_groups(results), key=lambda group: group[0].trial.backbone):
        ways = [group[0] for group in groups]
        if results.record.folds:
            chosen[backbone] = _chosen_by_fold([one for one in ways if isinstance(one, Folded)], results)
        else:
            chosen[backbone] = _best(ways, results.suite)
    return chosen


def _chosen_by_fold(ways: Sequence[Folded], results: SuiteResults) -> Folded:
    folds = [_best(of_fold, results.suite) for of_fold in zip(*(one.folds for one in ways), strict=True)]
    return Folded(tuple(folds), results.references)


def _best(ways: Sequence[Of], suite: Suite) -> Of:
    """Return the best of some results by the validation part; the first of equal ones, and where none has the score."""
    primary = suite.primary_metric
    sign = 1 if is_higher_better(primary) else -1

    def merit(one: Of) -> float:
        value = validation_means([one]).get(primary)
        return -math.inf if value is None else sign * value

    return max(ways, key=merit)


def gains(groups: Sequence[Sequence[Result]], references: Mapping[str, Result], basis: Basis) -> list[Gain | None]:
    """Return what tuning gains in the primary score, positive where it helps; None where nothing untuned is known.

    Each row is paired by block with what its backbone writes untuned; p is two-sided, after Holm over these rows. With
    fewer blocks than a first significant row needs there is nothing to test.

    Args:
        groups: trials of the rows that are printed together.
        references: of `untuned_references`.
        basis: of all comparisons.
    """
    name = basis.primary
    ours = [basis.sample_of(group, name) for group in groups]
    theirs = [
        basis.sample_of([references[b]], name) if (b := group[0].trial.backbone) in references else None
        for group in groups
    ]
    pairs = [None if a is None or b is None else (a, b) for a, b in zip(ours, theirs, strict=True)]
    adjusted = _adjusted(pairs, basis)
    found: list[Gain | None] = []
    for group, pair, p in zip(groups, pairs, adjusted, strict=True):
        if pair is None or math.isnan(pair[0].value - pair[1].value):
            found.append(None)
            continue
        better, worse = pair if is_higher_better(name) else pair[::-1]
        distance = number(difference(better, worse, basis.draws_for(name)), reach(name))
        found.append(Gain(**dict(distance), over=_over(references[group[0].trial.backbone]), p=p))
    return found


def _adjusted(pairs: Sequence[tuple[Sample, Sample] | None], basis: Basis) -> list[float | None]:
    known = [pair for pair in pairs if pair is not None]
    if not known or basis.blocks_number < blocks_needed(len(known), SIGNIFICANT):
        return [None] * len(pairs)
    spread = seed_spread([ours for ours, _ in known])
    tested = iter(p_values(known, basis.flips, spread))
    raw = [math.nan if pair is None else float(next(tested)) for pair in pairs]
    return [None if math.isnan(p) else round(float(p), 6) for p in holm(raw)]


def _over(reference: Result) -> str:
    """Return in which way the untuned backbone was asked; where folds chose different ones, each with how many did."""
    each = reference.folds if isinstance(reference, Folded) else (reference,)
    counts = Counter(said(one.trial.untuned) for one in each if one.trial.untuned is not None)
    if len(counts) == 1:
        return next(iter(counts))
    return "; ".join(f"{way} in {several(count, 'fold')}" for way, count in counts.most_common())

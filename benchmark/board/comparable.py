"""Only what was scored alike is compared: trials and floors of one signature per score."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from benchmark.board.done import Baseline, Done
from metrics.registry import METRICS

Scored = TypeVar("Scored", Done, Baseline)
SHOWN = 60
"""Characters of a signature that a reason shows, at most."""


def of_one_signature(
    done: Sequence[Done], baselines: Sequence[Sequence[Baseline]], primary: str
) -> tuple[list[Done], list[list[Baseline]], dict[str, str]]:
    """Return trials and floors without scores that aren't comparable with the others', and whom that ends.

    Of each score the signature counts that most trials and floors of a fold have, and another one's value is left out.
    Where that is the primary score, by which rows are ranked, the trial is no row but one of those that failed. So is
    one that lacks the primary score, where others have it.

    Args:
        done: trials, of all folds.
        baselines: floors of each fold, or of the only split.
        primary: the score that rows are ranked by.

    Returns:
        The trials, the floors of each fold, and label to reason of those that are neither.
    """
    failed: dict[str, str] = {}
    trials: list[Done] = []
    floors: list[list[Baseline]] = []
    for number, of_fold in enumerate(baselines):
        # Without folds the only split's trials are of none.
        tried = [one for one in done if one.trial.fold in (None, number)]
        common = _common([*tried, *of_fold])
        lacking = {one.trial.label: _lacks(one, common, primary) for one in tried}
        failed |= {label: why for label, why in lacking.items() if why}
        trials += [_only(one, common) for one in tried if not lacking[one.trial.label]]
        floors.append([_only(one, common) for one in of_fold])
    order = {id(one.trial): place for place, one in enumerate(done)}
    return sorted(trials, key=lambda one: order[id(one.trial)]), floors, failed


def _common(scored: Sequence[Done | Baseline]) -> dict[str, str]:
    """Return the signature of each score that most have; of several as common ones, the last by name."""
    common: dict[str, str] = {}
    for name in METRICS:
        signatures = [one.scores.scores[name].signature for one in scored if name in one.scores.scores]
        counts = Counter(signature for signature in signatures if signature)
        if counts:
            common[name] = max(counts, key=lambda signature: (counts[signature], signature))
    return common


def _lacks(one: Done, common: Mapping[str, str], primary: str) -> str | None:
    """Say why a trial can't be ranked among the others, or return None; None too where none of them can."""
    if primary not in common:
        return None
    score = one.scores.scores.get(primary)
    if score is None or not score.signature or not one.has_statistics(primary):
        why = score.undefined if score is not None and score.undefined else "it isn't stored"
        return f"no {primary}, by which rows are ranked: {why}. `amrg score RESULTS --rescore --data DIR` computes it"
    if score.signature != common[primary]:
        return (
            f"its {primary} is another score than the others': {_shown(score.signature)}, not "
            f"{_shown(common[primary])}. `amrg score RESULTS --rescore --data DIR` makes them one"
        )
    return None


def _only(one: Scored, common: Mapping[str, str]) -> Scored:
    """Return a trial or floor without the scores of another signature."""
    other = {
        name for name, score in one.scores.scores.items() if score.signature and score.signature != common.get(name)
    }
    if not other:
        return one
    scores = {name: score for name, score in one.scores.scores.items() if name not in other}
    kept = one.scores.model_copy(update={"scores": scores})
    if isinstance(one, Done):
        return replace(one, scores=kept, left_out=frozenset(other))
    return replace(one, scores=kept, statistics={n: s for n, s in one.statistics.items() if n not in other})


def _shown(signature: str) -> str:
    return signature if len(signature) <= SHOWN else f"{signature[:SHOWN]}…"

"""How often successive halving keeps the winner: by the curves of full runs, over every set of their seeds."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean

from benchmark.bench.model import Survival
from benchmark.forms.record import Evaluation
from benchmark.forms.suite import Halving, Trial
from benchmark.results.evaluations import kept_of, merit, value_of
from benchmark.results.halving import brackets, decide

OTHERS = (
    Halving(rungs=(1,), keep=0.5),
    Halving(rungs=(2,), keep=0.5),
    Halving(rungs=(1, 2), keep=0.5),
    Halving(rungs=(1, 2, 3), keep=0.5),
    Halving(rungs=(1,), keep=1 / 3),
    Halving(rungs=(2,), keep=1 / 3),
    Halving(rungs=(1, 2), keep=1 / 3),
)
"""Ways of halving that the suite's own is shown beside."""


def survival(
    trials: Sequence[Trial], evaluations: Mapping[str, Sequence[Evaluation]], halving: Halving, seeds: int
) -> Survival:
    """Return how often the point that wins the full grid stays to the end, over all sets of so many seeds.

    The winner is the point whose kept adapters are best by what points are compared by, mean over seeds: the validation
    part chooses it, as it chooses in a sweep.

    Args:
        trials: of one backbone's full grid, each point with the same seeds.
        evaluations: of each trial, whole, by id.
        halving: when and how many leave.
        seeds: of a point.
    """
    criterion = trials[0].protocol.keep_by
    of_seed: dict[int, list[Trial]] = {}
    for trial in trials:
        of_seed.setdefault(trial.seed, []).append(trial)
    ends = {trial.id: _end(trial, evaluations[trial.id]) for trial in trials}
    survived, regrets, work, spreads = [], [], [], []
    for chosen in combinations(sorted(of_seed), seeds):
        drawn = [trial for seed in chosen for trial in of_seed[seed]]
        exits = decide(drawn, evaluations, halving).exits
        [points] = brackets(drawn)
        values = [merit(fmean(ends[trial.id] for trial in point), criterion) for point in points]
        stay = [i for i, point in enumerate(points) if point[0].id not in exits]
        best = max(range(len(points)), key=lambda i: values[i])
        survived.append(best in stay)
        regrets.append(values[best] - max(values[i] for i in stay))
        spreads.append(max(values) - min(values))
        steps = [exits[t.id].step if t.id in exits else evaluations[t.id][-1].step for t in drawn]
        work.append(sum(steps) / sum(evaluations[t.id][-1].step for t in drawn))
    return Survival(
        halving=halving,
        work=fmean(work),
        seeds=seeds,
        draws=len(survived),
        survived=fmean(survived),
        regret=fmean(regrets),
        spread=fmean(spreads),
    )


def _end(trial: Trial, evaluations: Sequence[Evaluation]) -> float:
    """Return the value of the adapter that a trial keeps, by what points are compared by."""
    kept = kept_of(evaluations, trial.protocol)
    [value] = [
        value_of(one, trial.protocol.keep_by) for one in evaluations if kept is not None and one.step == kept.step
    ]
    assert value is not None, f"{trial.label} has no {trial.protocol.keep_by}"
    return value

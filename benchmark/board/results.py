"""Stored results of a suite, read for its leaderboard: trials and baselines, those of all folds together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmark.board.ahead import find_ahead
from benchmark.board.comparable import of_one_signature
from benchmark.board.done import Baseline, Done, References
from benchmark.board.folds import Result, pooled_baselines, pooled_trials
from benchmark.errors import UserError
from benchmark.executors.forked import forked
from benchmark.forms.record import SuiteRecord
from benchmark.forms.suite import Suite, Trial
from benchmark.results.halving import Exit, exits_of
from benchmark.results.store import Store, TrialFolder, read_record, read_references
from benchmark.scoring.stored import check_stored, stored_statistics


@dataclass(frozen=True)
class SuiteResults:
    """All that is stored of a suite.

    Attributes:
        record: its `suites/<suite>.json`.
        done: trials with results, in the order of the grid; where there are folds, each point and seed once, with
            what all of its folds were tested on.
        blind: the same of trials on blank images: floors, trained as the rows are.
        untuned: the same of backbones that aren't tuned, in each way in which they are asked.
        trials: those with results that are neither floors nor untuned, each fold by itself.
        exits: trials that left early, by id, in the order of the grid; they have no results here.
        failed: label to reason.
        missing: labels of trials that have not run.
    """

    suite: Suite
    record: SuiteRecord
    references: References
    done: tuple[Result, ...]
    baselines: tuple[Baseline, ...]
    failed: Mapping[str, str]
    missing: tuple[str, ...]
    blind: tuple[Result, ...] = ()
    untuned: tuple[Result, ...] = ()
    trials: tuple[Done, ...] = ()
    exits: Mapping[str, Exit] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[References, ...]:
        """What was learned and tested on together: the references of each fold, or the only ones."""
        return tuple(self.references.within(fold.split) for fold in self.record.folds) or (self.references,)


def references_of(store: Store, suite: str) -> References:
    """Return the reports that a suite's predictions are compared with.

    Raises:
        UserError: they aren't stored, or the file is damaged.
    """
    lines = read_references(store, suite)
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for line in lines:
        parts[line.part].append(line.id)
    return References(
        {line.id: line.report for line in lines},
        {part: tuple(ids) for part, ids in parts.items()},
        {line.id: line.block for line in lines},
        {line.id: line.image for line in lines},
    )


def read_results(results: Path, suite: str, *, processes: int = 1) -> SuiteResults:
    """Read everything that is stored of a suite.

    Args:
        results: the folder of stored results.
        suite: its name.
        processes: how many find at the same time what its leaderboard needs of all texts; by 1 that is found when it
            is asked for.

    Raises:
        UserError: the suite has no results, files of it are damaged (all are named), or they don't fit each other.
    """
    store = Store(results)
    record = read_record(store, suite)
    pooled = references_of(store, suite)
    references = {None: pooled} | {fold: pooled.within(one.split) for fold, one in enumerate(record.folds)}
    done: list[Done] = []
    failed: dict[str, str] = {}
    missing: list[str] = []
    damaged: list[str] = []

    def is_done(folder: TrialFolder, label: str) -> bool:
        if folder.trial.exists():
            problems = folder.damage()
            # A leaderboard is made without adapters, which take the most room and may have been put elsewhere.
            gone = [name for name in problems if name.startswith("adapter/") and not (folder.path / name).exists()]
            damaged.extend(f"{folder.path / name}: {why}" for name, why in problems.items() if name not in gone)
            if not folder.scores.exists():
                damaged.append(f"{folder.scores}: is missing")
            return True
        if folder.failure.exists():
            failed[label] = _reason(folder)
        else:
            missing.append(label)
        return False

    left = exits_of(store, record)
    exits: dict[str, Exit] = {}
    for identity, trial in record.trials.items():
        # What left is no result of this suite, though another one may have trained it to the end.
        if identity in left:
            exits[identity] = left[identity]
        elif is_done(folder := store.of(identity), trial.label) and not damaged:
            done.append(_done(trial, folder, references[trial.fold]))
    floors: list[list[tuple[str, TrialFolder]]] = []
    for fold, of_fold in enumerate([one.baselines for one in record.folds] or [record.baselines]):
        where = f" fold={fold + 1}" if record.folds else ""
        folders = [(name, store.of(identity)) for name, identity in of_fold.items()]
        floors.append([(name, folder) for name, folder in folders if is_done(folder, f"the floor {name}{where}")])
    if damaged:
        listed = "\n".join(f"  - {one}" for one in dict.fromkeys(damaged))
        raise UserError(
            f"{len(dict.fromkeys(damaged))} files in {results} aren't what was written; nothing is made of them:\n"
            f"{listed}\n`amrg sweep {suite}` makes them again from what is sound."
        )
    parts = [one for fold, one in references.items() if (fold is not None) == bool(record.folds)]
    drawn = [[(name, folder, folder.read_draws()) for name, folder in of_fold] for of_fold in floors]
    find_ahead(_texts(pooled, done, [draws for of_fold in drawn for _, _, draws in of_fold]), parts, processes)
    tested = [(*one, part) for of_fold, part in zip(drawn, parts, strict=True) for one in of_fold]
    found = forked([partial(_baseline, *one) for one in tested], processes)
    baselines = [[next(found) for _ in of_fold] for of_fold in drawn]
    done, baselines, otherwise = of_one_signature(done, baselines, record.suite.primary_metric)
    failed |= otherwise
    results_of = pooled_trials(done, pooled, len(record.folds)) if record.folds else tuple(done)
    return SuiteResults(
        suite=record.suite,
        record=record,
        references=pooled,
        done=tuple(one for one in results_of if _is_row(one.trial)),
        baselines=pooled_baselines(baselines, pooled) if record.folds else tuple(baselines[0]),
        failed=failed,
        missing=tuple(missing),
        blind=tuple(one for one in results_of if one.trial.protocol.sees_no_image),
        untuned=tuple(one for one in results_of if one.trial.untuned is not None),
        trials=tuple(one for one in done if _is_row(one.trial)),
        exits=exits,
    )


def _is_row(trial: Trial) -> bool:
    """Return whether a trial is of a row that is compared with others: tuned, and not on blank images."""
    return trial.untuned is None and not trial.protocol.sees_no_image


def _reason(folder: TrialFolder) -> str:
    try:
        return folder.read_failure().reason
    except UserError as error:
        return f"it failed, but why can't be read: {error}"


def _done(trial: Trial, folder: TrialFolder, references: References) -> Done:
    scores, predictions = folder.read_scores(), folder.read_predictions()
    try:
        check_stored(scores, [predictions], references.of("test"))
    except UserError as error:
        raise UserError(f"{folder.path}: {error}") from error
    return Done(trial, folder, folder.read_trial(), scores, predictions, references)


def _texts(references: References, done: Sequence[Done], draws: Sequence[Sequence[Mapping[str, str]]]) -> Iterator[str]:
    """Yield the reports that were tested on, and all that was predicted for them."""
    yield from (references.reports[i] for i in references.test_ids)
    for predictions in (*(one.predictions for one in done), *(one for of_floor in draws for one in of_floor)):
        yield from predictions.values()


def _baseline(name: str, folder: TrialFolder, draws: Sequence[Mapping[str, str]], references: References) -> Baseline:
    scores = folder.read_scores()
    try:
        statistics = stored_statistics(scores, draws, references.of("test"), train_reports=references.train)
    except UserError as error:
        raise UserError(f"{folder.path}: {error}") from error
    return Baseline(name, scores, draws[0], statistics)

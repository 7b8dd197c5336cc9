"""Stored results of a suite, read for its leaderboard: trials and baselines with their additive statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmark.errors import UserError
from benchmark.record import CONTROLS, ControlPrediction, Pairs, ScoresRecord, Stage, SuiteRecord, TrialRecord
from benchmark.scoring.pairs import GROUNDED, STRATA, pairs_of
from benchmark.scoring.score import report_statistics
from benchmark.scoring.stored import stored_statistics
from benchmark.store import Store, TrialFolder, read_models, read_record, read_references
from benchmark.suite import Suite, Trial
from metrics.metric import ReportStatistics
from metrics.registry import METRICS

CURVE_POINTS = 48


@dataclass(frozen=True)
class References:
    """The reports of a suite's data.

    Attributes:
        reports: by id, of all parts.
        parts: ids by part of the split.
        blocks: by id.
        images: place in the data's folder, by id.
    """

    reports: Mapping[str, str]
    parts: Mapping[str, tuple[str, ...]]
    blocks: Mapping[str, str]
    images: Mapping[str, str | None]

    def of(self, part: str) -> dict[str, str]:
        """Return report by id of one part."""
        return {i: self.reports[i] for i in self.parts[part]}

    @cached_property
    def train(self) -> tuple[str, ...]:
        """Return the reports of the training part."""
        return tuple(self.of("train").values())

    @cached_property
    def test_ids(self) -> list[str]:
        """Return ids of the test part in the order of all statistics: sorted."""
        return sorted(self.parts["test"])

    @cached_property
    def test_blocks(self) -> list[str]:
        """Return the block of each test study, in the order of `test_ids`."""
        return [self.blocks[i] for i in self.test_ids]


@dataclass(frozen=True)
class Done:
    """A trial with results.

    Attributes:
        trial: which.
        folder: where.
        record: its `trial.json`.
        scores: its `scores.json`.
        statistics: of every score on the test set.
    """

    trial: Trial
    folder: TrialFolder
    record: TrialRecord
    scores: ScoresRecord
    predictions: Mapping[str, str]
    statistics: Mapping[str, ReportStatistics]

    @property
    def seconds(self) -> dict[Stage, float]:
        """Return the trial's share of the time of what it ran with, in seconds by stage."""
        return self.record.own_seconds

    @cached_property
    def controls(self) -> dict[str, dict[str, str]]:
        """Return control to the predictions under it, by id."""
        lines = read_models(self.folder.controls, ControlPrediction)
        return {name: {line.id: line.prediction for line in lines if line.control == name} for name in CONTROLS}

    def pairs(self, references: References) -> Pairs:
        """Return what its predictions owe to their images, by all pairs."""
        stored = self.scores.pairs
        if stored and all(set(GROUNDED) <= stored.falls.get(stratum, {}).keys() for stratum in STRATA):
            return stored
        # None were stored, or those of another version, which knew other scores.
        return pairs_of(self.predictions, references.of("test"), references.blocks)

    def control_statistics(self, control: str, primary: str, references: References) -> dict[str, ReportStatistics]:
        """Return statistics of the scores that say what is owed to the image, under a control."""
        names = [n for n in dict.fromkeys((primary, *GROUNDED)) if not METRICS[n].needs_java]
        # Comparing with all of train takes as long as the rest; of these scores only the primary may need it.
        needed = METRICS[primary].family == "memory" or primary.endswith(("_frozen", "_unseen"))
        train = references.train if needed else ()
        return report_statistics(self.controls[control], references.of("test"), train_reports=train, names=names)

    @cached_property
    def losses(self) -> list[tuple[int, float]]:
        """Return (step, mean loss of the steps since the point before), a few dozen of them."""
        rows = list(enumerate(self.folder.read_losses(), start=1))
        size = -(-len(rows) // CURVE_POINTS)
        bins = [rows[start : start + size] for start in range(0, len(rows), size)]
        return [(part[-1][0], sum(loss for _, loss in part) / len(part)) for part in bins]

    @cached_property
    def parameters(self) -> int | None:
        """Return how many parameters the adapter has; None where its file isn't there."""
        path = self.folder.adapter / "adapter_model.safetensors"
        if not path.is_file():
            return None
        from math import prod

        from safetensors import safe_open

        with safe_open(str(path), framework="numpy") as file:
            return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118


@dataclass(frozen=True)
class Baseline:
    """A baseline with results."""

    name: str
    scores: ScoresRecord
    predictions: Mapping[str, str]
    statistics: Mapping[str, ReportStatistics]


@dataclass(frozen=True)
class SuiteResults:
    """All that is stored of a suite.

    Attributes:
        record: its `suites/<suite>.json`.
        done: trials with results, in the order of the grid.
        blind: the same of trials on blank images: floors, trained as the rows are.
        failed: label to reason.
        missing: labels of trials that have not run.
    """

    suite: Suite
    record: SuiteRecord
    references: References
    done: tuple[Done, ...]
    baselines: tuple[Baseline, ...]
    failed: Mapping[str, str]
    missing: tuple[str, ...]
    blind: tuple[Done, ...] = ()


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


def read_results(results: Path, suite: str) -> SuiteResults:
    """Read everything that is stored of a suite.

    Raises:
        UserError: the suite has no results, or they don't fit each other.
    """
    store = Store(results)
    record = read_record(store, suite)
    references = references_of(store, suite)
    expected = references.of("test")
    done: list[Done] = []
    failed: dict[str, str] = {}
    missing: list[str] = []
    for identity, trial in record.trials.items():
        folder = store.of(identity)
        if folder.is_done():
            scores, predictions = folder.read_scores(), folder.read_predictions()
            statistics = _statistics(folder.path, scores, predictions, expected, references.train)
            done.append(Done(trial, folder, folder.read_trial(), scores, predictions, statistics))
        elif folder.failure.is_file():
            failed[trial.label] = folder.read_failure().reason
        else:
            missing.append(trial.label)
    baselines = []
    for name, identity in record.baselines.items():
        folder = store.of(identity)
        if not folder.is_done():
            if folder.failure.is_file():
                failed[f"the floor {name}"] = folder.read_failure().reason
            else:
                missing.append(f"the floor {name}")
            continue
        scores, predictions = folder.read_scores(), folder.read_predictions()
        statistics = _statistics(folder.path, scores, predictions, expected, references.train)
        baselines.append(Baseline(name, scores, predictions, statistics))
    seeing = tuple(one for one in done if not one.trial.protocol.sees_no_image)
    blind = tuple(one for one in done if one.trial.protocol.sees_no_image)
    return SuiteResults(record.suite, record, references, seeing, tuple(baselines), failed, tuple(missing), blind)


def _statistics(
    folder: Path,
    scores: ScoresRecord,
    predictions: Mapping[str, str],
    references: Mapping[str, str],
    train: Sequence[str],
) -> dict[str, ReportStatistics]:
    try:
        return stored_statistics(scores, predictions, references, train_reports=train)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from error

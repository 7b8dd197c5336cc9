"""What is stored of one trial or baseline, as a leaderboard reads it, with its additive statistics."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from benchmark.forms.grid import TAKEN_FROM_THE_BASE
from benchmark.forms.record import ALL_CONTROLS, ControlPrediction, Pairs, ScoresRecord, SplitRecord, Stage, TrialRecord
from benchmark.forms.suite import Trial
from benchmark.results.store import TrialFolder, read_models
from benchmark.scoring.pairs import GROUNDED, STRATA, pairs_of, perfect_falls
from benchmark.scoring.score import report_statistics
from benchmark.scoring.stored import has_statistics, stored_statistics
from metrics.metric import ReportStatistics
from metrics.registry import METRICS

CURVE_POINTS = 48


@dataclass(frozen=True)
class References:
    """Return the reports of a suite's data.

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

    def within(self, split: SplitRecord) -> "References":
        """Return the same reports, parted as a fold parts them."""
        parts = {"train": split.train, "validation": split.validation, "test": split.test}
        return replace(self, parts=parts)

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

    @cached_property
    def tested(self) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """Return id and text of each test study, and the block of each, in the order of `test_ids`."""
        return tuple((i, self.reports[i]) for i in self.test_ids), tuple(self.test_blocks)


@dataclass(frozen=True)
class Done:
    """A trial with results.

    Attributes:
        trial: which.
        folder: where.
        record: its `trial.json`.
        scores: its `scores.json`.
        references: what it learned and is compared with.
        left_out: scores that aren't comparable with the other trials', whatever could be computed of them.
    """

    trial: Trial
    folder: TrialFolder
    record: TrialRecord
    scores: ScoresRecord
    predictions: Mapping[str, str]
    references: References
    left_out: frozenset[str] = frozenset()

    @cached_property
    def statistics(self) -> dict[str, ReportStatistics]:
        """Statistics of every score on the test set; they take most of a trial's time, so who needs none waits not."""
        train, expected = self.references.train, self.references.of("test")
        every = stored_statistics(self.scores, [self.predictions], expected, train_reports=train)
        return {name: one for name, one in every.items() if name not in self.left_out}

    def has_statistics(self, name: str) -> bool:
        """Return whether `statistics` has a score, without computing any."""
        return name not in self.left_out and has_statistics(self.scores, name, self.references.train)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the trials behind it."""
        return (self.trial.id,)

    @property
    def records(self) -> tuple[TrialRecord, ...]:
        """Records of the trials behind it."""
        return (self.record,)

    @property
    def seconds(self) -> dict[Stage, float]:
        """Return the trial's share of the time of what it ran with, by stage."""
        return self.record.own_seconds

    @cached_property
    def controls(self) -> dict[str, dict[str, str]]:
        """Return control to the predictions under it, by id."""
        lines = read_models(self.folder.controls, ControlPrediction)
        return {name: {line.id: line.prediction for line in lines if line.control == name} for name in ALL_CONTROLS}

    @cached_property
    def pairs(self) -> Pairs:
        """What its predictions owe to their images, by all pairs."""
        stored = self.scores.pairs
        if stored and all(set(GROUNDED) <= stored.falls.get(stratum, {}).keys() for stratum in STRATA):
            return stored
        # None were stored, or those of another version, which knew other scores.
        return pairs_of(self.predictions, self.references.of("test"), self.references.blocks)

    @property
    def perfect(self) -> dict[str, dict[str, float]]:
        """How far the scores of a perfect reader of the same studies fall, by stratum of pairs and score."""
        return perfect_falls(*self.references.tested)

    def control_statistics(self, control: str, primary: str) -> dict[str, ReportStatistics]:
        """Return statistics of the scores that say what is owed to the image, under a control."""
        names = [n for n in dict.fromkeys((primary, *GROUNDED)) if not METRICS[n].needs_java]
        # Comparing with all of train takes as long as the rest; of these scores only the primary may need it.
        needed = METRICS[primary].family == "memory" or primary.endswith(("_frozen", "_unseen"))
        train = self.references.train if needed else ()
        expected = self.references.of("test")
        return report_statistics(self.controls[control], expected, train_reports=train, names=names)

    @cached_property
    def losses(self) -> list[tuple[int, float]]:
        """Return (step, mean loss of the steps since the point before), a few dozen of them; none if not trained."""
        if not self.trial.is_trained_here:
            return []
        rows = list(enumerate(self.folder.read_losses(), start=1))
        size = -(-len(rows) // CURVE_POINTS)
        bins = [rows[start : start + size] for start in range(0, len(rows), size)]
        return [(part[-1][0], sum(loss for _, loss in part) / len(part)) for part in bins]

    @cached_property
    def validations(self) -> list[tuple[int, float]]:
        """Return (step, loss on the validation part) of its evaluations within training."""
        return [(one.step, one.loss) for one in self.folder.read_evaluations()]

    @property
    def kept(self) -> tuple[int, ...]:
        """Return the step whose adapter it kept; nothing where it wasn't evaluated."""
        return () if self.record.kept is None else (self.record.kept.step,)

    @cached_property
    def parameters(self) -> int | None:
        """Return how many parameters were trained; None where the adapter's file isn't there, 0 where there is none."""
        if self.trial.untuned is not None:
            return 0
        path = self.folder.adapter / "adapter_model.safetensors"
        if not path.is_file():
            return None
        from math import prod

        from safetensors import safe_open

        with safe_open(str(path), framework="numpy") as file:
            stored = sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
        # Beside weights that were begun from the base's, those that they began with are stored.
        return stored // 2 if self.trial.initialisation in TAKEN_FROM_THE_BASE else stored


@dataclass(frozen=True)
class Baseline:
    """A baseline with results."""

    name: str
    scores: ScoresRecord
    predictions: Mapping[str, str]
    statistics: Mapping[str, ReportStatistics]

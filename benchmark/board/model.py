"""What a leaderboard says, as data: `results.json`. Its documents and figures are drawn from nothing else."""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer

from benchmark.forms.grid import DEFAULTS
from benchmark.forms.record import DataRecord, EvaluatedAdapter, Leakage
from benchmark.forms.suite import Suite
from benchmark.forms.untuned import Untuned, said

FORMAT = 1
"""Version of `results.json`."""
DOCUMENTS = 8
"""Version of a leaderboard's documents: raised when the same results give other numbers, words or figures."""
SIGNIFICANT = 0.05
"""The p after Holm up to which a difference is called one."""
DIGITS = 6
"""Digits kept after the point, so that the last bits of a machine's arithmetic change no document."""


class Part(BaseModel):
    """A part of a leaderboard; a key it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Number(Part):
    """A score or a difference.

    Attributes:
        value: None where undefined.
        low, high: 95 % interval over blocks and seeds; None where there is none.
        undefined: why there is no value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    undefined: str | None = None

    @field_serializer("value", "low", "high")
    def _short(self, value: float | None) -> float | None:
        return None if value is None else round(value, DIGITS) + 0.0


class Score(Number):
    """A score of one row.

    Attributes:
        n: reports that entered.
        by_seed: the score of each seed, in the order of the row's seeds.
    """

    n: int = 0
    by_seed: tuple[float | None, ...] = ()

    @field_serializer("by_seed")
    def _short_each(self, values: tuple[float | None, ...]) -> list[float | None]:
        return [None if v is None else round(v, DIGITS) + 0.0 for v in values]


class Fall(Number):
    """What a score loses without the right image, positive where the right image helps.

    Attributes:
        of_perfect_reader: as a share of what a perfect reader loses; None where that isn't known.
    """

    of_perfect_reader: float | None = Field(default=None, exclude_if=lambda share: share is None)

    @field_serializer("of_perfect_reader")
    def _short_share(self, value: float | None) -> float | None:
        return None if value is None else round(value, DIGITS) + 0.0


class Gain(Number):
    """What tuning gains in the primary score, positive where it helps, with the interval paired by block.

    Attributes:
        over: in which way the untuned backbone was asked, chosen on the validation part.
        p: two-sided, of "no gain", after Holm over the rows of the main table; only there.
        p_grid: the same, after Holm over all points of the grid; only there.
    """

    over: str
    p: float | None = None
    p_grid: float | None = Field(default=None, exclude_if=lambda p: p is None)

    @property
    def verdict(self) -> bool | None:
        """Whether tuning helped (True) or hurt (False) beyond chance, among the main table's rows; None if neither."""
        if self.p is None or self.p > SIGNIFICANT or self.low is None or self.high is None:
            return None
        return True if self.low > 0 else False if self.high < 0 else None


class LesionFalls(Part):
    """What the scores of a row lose without the lesion, on the studies that have one with a place.

    Attributes:
        studies, blocks: how many they are.
        falls: what is shown instead to score to its fall: the lesion painted over (`painted`), or as much of the same
            breast elsewhere (`patch`); and how much more the first loses (`lesion`).
        unchanged: of `painted` and `patch`, the share of predictions that stay word for word the same.
    """

    studies: int
    blocks: int
    falls: dict[str, dict[str, Fall]]
    unchanged: dict[str, Number]


class Ranks(Part):
    """A rank set: the ranks that a row can't be told apart from."""

    best: int
    worst: int

    def __str__(self) -> str:
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


class Floor(Part):
    """A predictor that is not tuned: a floor, an oracle, or retrieval by image.

    Attributes:
        name: of the baseline.
        says: what it predicts.
        blind: whether it looks neither at the image nor at the reference; only such a one is a floor to beat.
        scores: by name.
    """

    name: str
    says: str
    blind: bool
    scores: dict[str, Score]


class Stratum(Part):
    """A row's scores on those test reports whose reference states one category or density.

    Attributes:
        of: what the reports share.
        value: major BI-RADS category, or letter of the density.
        reports: how many.
        blocks: in how many blocks they lie.
        scores: by name; no interval where fewer than five blocks count.
    """

    of: Literal["birads", "density"]
    value: str
    reports: int
    blocks: int
    scores: dict[str, Score]


class Choice(Part):
    """How clear it was, on the validation part, which point stands for a backbone.

    Attributes:
        name: of the backbone, for tables.
        points: chosen among.
        seeds: of a point, the fewest.
        folds: over which `lead` is a mean, each with its own choice; None without.
        lead: how far the chosen point is ahead of the next in the primary score; 0 or more.
        spread: standard deviation between seeds of one point, pooled over points (and folds); None with one seed.
    """

    name: str
    points: int
    seeds: int
    folds: int | None = Field(default=None, exclude_if=lambda folds: folds is None)
    lead: float
    spread: float | None

    @field_serializer("lead", "spread")
    def _short(self, value: float | None) -> float | None:
        return None if value is None else round(value, DIGITS) + 0.0


class Row(Part):
    """One point of the grid of one backbone, its seeds averaged.

    Attributes:
        name: for tables: the backbone, and in brackets what its weights are, "miniature" say, and whether it was
            trained on shuffled images.
        backbone, rank, alpha: which point.
        seeds: those that are done.
        trials: ids of their results.
        best: chosen among its backbone's points by validation.
        scores: of the test set, by name.
        validation: the scores of the validation set, means over seeds.
        above_floor: the primary score less that of the best image-blind floor, paired by block, positive where the
            row is better.
        above_floors: clinical score to how far it is above the best image-blind floor in that very score.
        p_floor: of "no better than the best image-blind floor, whichever that is" (the largest p over all of them),
            after Holm over the rows of the main table; only there.
        p_floor_grid: the same, after Holm over all rows.
        p_floors: clinical score to the same p in that score, after Holm over the rows of the main table; only there.
        falls: what is shown instead of the right image to score to its fall: another study's (`all_pairs`, and its
            strata `another_category` and `same_category_and_density`), or a blank one.
        unchanged: by the same names, the share of predictions that stay word for word the same.
        lesions: what is lost without the lesion, where the suite asks for it.
        main_ranks: among the rows of the main table; only there.
        ranks: among the rows of its backbone in the grid; of a row that isn't in the grid, the same as `main_ranks`.
        parameters: trainable ones.
        seconds: mean over seeds, by stage.
        peak_memory_bytes: the largest over seeds.
        length_limit_rate: share of predictions cut off at the length limit.
        losses: one curve per seed: (step, mean loss since the point before), a few dozen points.
        validations: seed to (step, loss on the validation part), where that was measured within training.
        kept: seed to the step whose adapter was kept, one of each fold; where that was asked.
        confusion: reference category to predicted category ("none" where not stated) to reports, over seeds.
        axes: by name, the values of the axes that vary in the suite beside rank and alpha.
        axes_by_fold: the same of each fold, where they chose different points.
        alone: why its trials were not packed with others; None where they may have been.
        by_fold: rank and alpha that each fold chose, where they differ: then `rank` and `alpha` are the first fold's.
        by_block: what each block adds to the primary score, by seed, block (in the order of their names) and part;
            summed over blocks the parts give the score. With it another run's row can be paired with this one.
        strata: the scores by true category and by density; only of rows of the main table.
        untuned: how the backbone was asked, of a row that isn't tuned.
        gain: what tuning gains over what the backbone writes untuned, where the suite asks for that.
    """

    name: str
    backbone: str
    rank: int
    alpha: int
    seeds: tuple[int, ...]
    trials: tuple[str, ...]
    best: bool
    scores: dict[str, Score]
    validation: dict[str, float | None]
    above_floor: Number | None
    above_floors: dict[str, Number] = {}
    p_floor: float | None = None
    p_floor_grid: float | None = None
    p_floors: dict[str, float] = {}
    falls: dict[str, dict[str, Fall]]
    unchanged: dict[str, Number]
    main_ranks: Ranks | None = None
    ranks: Ranks
    parameters: int | None
    seconds: dict[str, float]
    peak_memory_bytes: int | None
    length_limit_rate: float | None
    losses: dict[str, list[tuple[int, float]]]
    confusion: dict[str, dict[str, int]]
    # Left out where it isn't known, as in boards of before.
    by_block: tuple[tuple[tuple[float, ...], ...], ...] = Field(default=(), exclude_if=lambda blocks: not blocks)
    lesions: LesionFalls | None = Field(default=None, exclude_if=lambda falls: falls is None)
    by_fold: tuple[tuple[int, int], ...] = Field(default=(), exclude_if=lambda points: not points)
    strata: tuple[Stratum, ...] = Field(default=(), exclude_if=lambda strata: not strata)
    untuned: Untuned | None = Field(default=None, exclude_if=lambda way: way is None)
    gain: Gain | None = Field(default=None, exclude_if=lambda gain: gain is None)
    axes: dict[str, float | str] = Field(default={}, exclude_if=lambda axes: not axes)
    axes_by_fold: tuple[dict[str, float | str], ...] = Field(default=(), exclude_if=lambda axes: not axes)
    alone: str | None = Field(default=None, exclude_if=lambda reason: reason is None)
    validations: dict[str, list[tuple[int, float]]] = Field(default={}, exclude_if=lambda curves: not curves)
    kept: dict[str, tuple[int, ...]] = Field(default={}, exclude_if=lambda steps: not steps)

    def trials_of(self, place: int) -> tuple[str, ...]:
        """Return the ids of the trials behind the seed at a place of `seeds`: one, or one of each fold."""
        each = len(self.trials) // len(self.seeds)
        return self.trials[place * each : (place + 1) * each]

    @property
    def point(self) -> str:
        """Return rank, alpha and further axes, for tables; where folds chose different ones, each with how many did.

        Of an untuned row it is how the backbone was asked.
        """
        if self.untuned is not None:
            return f"untuned, {said(self.untuned)}"
        if not self.by_fold:
            return point_in_words(self.rank, self.alpha, self.axes)
        further = self.axes_by_fold or ({},) * len(self.by_fold)
        counts = Counter(point_in_words(*point, axes) for point, axes in zip(self.by_fold, further, strict=True))
        return "; ".join(f"{point} in {number}\u00a0folds" for point, number in counts.most_common())

    @property
    def short_point(self) -> str:
        """Return the same in as few characters as can be, for terminals."""
        return ", ".join([str(self.rank), str(self.alpha), *map(_value, _unusual(self.axes).values())])

    @property
    def setting(self) -> tuple[object, ...]:
        """Return what tells it from other rows of its backbone."""
        return (self.rank, self.alpha, *self.axes.items())

    @property
    def clears_floor(self) -> bool | None:
        """Return whether it is above every image-blind floor, among the main table's rows; None if that can't be said.

        The interval of the difference has to lie above 0, and p after Holm has to be small too.
        """
        return self._clears(self.p_floor)

    @property
    def clears_floor_in_grid(self) -> bool | None:
        """Return the same among all rows."""
        return self._clears(self.p_floor_grid)

    def _clears(self, p: float | None) -> bool | None:
        if self.above_floor is None or self.above_floor.low is None or p is None:
            return None
        return self.above_floor.low > 0 and p <= SIGNIFICANT


AXES = {"learning_rate": "rate", "initialisation": "start"}
"""Axes whose short names are others."""


def point_in_words(rank: int, alpha: int, axes: Mapping[str, float | str]) -> str:
    """Return rank, alpha and further axes, for tables."""
    named = {"r": str(rank), "α": str(alpha)}
    named |= {AXES.get(axis, axis): _value(value) for axis, value in _unusual(axes).items()}
    return ", ".join(f"{name}\u00a0{value}" for name, value in named.items())


def _unusual(axes: Mapping[str, float | str]) -> dict[str, float | str]:
    """Return rates, and of the other axes what isn't the default."""
    usual = {**DEFAULTS, "dropout": 0}
    return {axis: value for axis, value in axes.items() if value != usual.get(axis)}


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


class Difference(Part):
    """A significant difference between two rows: `first` is the better one."""

    first: str
    second: str
    difference: Number
    p: float


class Comparisons(Part):
    """All pairs of a set of rows, tested together.

    Attributes:
        rows: how many.
        pairs: how many tests were corrected for.
        significant: those with p ≤ 0.05 after Holm, the smallest p first.
        detectable: the difference at which a pair of these rows is found different with a probability of 0.8, after
            correction for all pairs; median over the pairs; None where it can't be estimated.
        blocks_needed: with fewer no pair can be found different, after correction.
    """

    rows: int
    pairs: int
    significant: tuple[Difference, ...]
    detectable: float | None
    blocks_needed: int = Field(default=0, exclude_if=lambda blocks: not blocks)


class RanksAtRates(Part):
    """The ranks of a backbone, each at the learning rate (and alpha) that the validation part chose for it.

    A spread is the greatest less the least test score over all ranks and alphas.

    Attributes:
        backbone: which.
        rows: places among the grid's rows, a row a rank.
        ranks: of each among them.
        comparisons: of all pairs of them.
        common_rate: the one rate that is best on validation, on average over ranks and alphas; None where no rate was
            run at all of them.
        spreads: the spread at each rate that was, all at that rate.
        own_spread: the spread with each rank and alpha at the rate that validation chose for it.
    """

    backbone: str
    rows: tuple[int, ...]
    ranks: tuple[Ranks, ...]
    comparisons: Comparisons
    common_rate: float | None
    spreads: tuple[tuple[float, float | None], ...]
    own_spread: float | None

    @field_serializer("own_spread")
    def _short(self, value: float | None) -> float | None:
        return None if value is None else round(value, DIGITS) + 0.0

    @field_serializer("spreads")
    def _short_each(self, values: tuple[tuple[float, float | None], ...]) -> list[tuple[float, float | None]]:
        return [(rate, None if value is None else round(value, DIGITS) + 0.0) for rate, value in values]


class ExitedPoint(Part):
    """A point of the grid that left at a rung: it was trained no further, has no scores, and is ranked with nothing.

    Attributes:
        name: of the backbone, for tables.
        setting: rank, alpha and the axes that vary beside them, for tables.
        seeds: of its trials.
        trials: their ids.
        fold: in which it left, from 1; None without folds.
        rung: the evaluation after which, counted from 1.
        step: of that evaluation.
        criterion: what points were compared by.
        value: of the point, mean over its seeds; None where one of them failed or has none.
        limit: the value of the last point that stayed.
    """

    name: str
    setting: str
    seeds: tuple[int, ...]
    trials: tuple[str, ...]
    fold: int | None = Field(default=None, exclude_if=lambda fold: fold is None)
    rung: int
    step: int
    criterion: str
    value: float | None
    limit: float | None

    @field_serializer("value", "limit")
    def _short(self, value: float | None) -> float | None:
        return None if value is None else round(value, DIGITS) + 0.0


class NotThere(Part):
    """A trial without a result, and why."""

    label: str
    reason: str


class Checkpoint(Part):
    """The weights behind a backbone's rows. In a `folder` that a suite names may lie anybody's."""

    name: str
    backbone: str
    hub_id: str | None
    revision: str | None
    licence: str | None
    parameters: int | None
    miniature: bool
    folder: bool = Field(default=False, exclude_if=lambda folder: not folder)
    fingerprint: str
    quantization: str | None
    dtype: str


class Run(Part):
    """What made the results: everything a reader needs to make them again."""

    command: str
    commits: tuple[str, ...]
    date: str | None
    machines: tuple[str, ...]
    versions: dict[str, str]
    engines: tuple[str, ...]
    seconds: float


class SplitOfBoard(Part):
    """The split of a leaderboard.

    Attributes:
        sizes: studies of its parts; of cross-validation, of all folds together for test, else of one fold on average.
        folds: of cross-validation; None without.
        never_tested: studies in blocks that are longer than any that is tested, since the rule has those train.
    """

    name: str
    seed: int | None
    rule: str
    fingerprint: str
    leakage: Leakage
    sizes: dict[str, int]
    folds: int | None = Field(default=None, exclude_if=lambda folds: folds is None)
    never_tested: int = Field(default=0, exclude_if=lambda studies: not studies)


class Board(Part):
    """A leaderboard.

    Attributes:
        suite: the suite, as it was read.
        primary: name of the primary score.
        data, split: what was run on.
        blocks: of the test set: what is resampled.
        rows: every point of the grid that has a result; backbones in the suite's order.
        chosen: rows that stand for a backbone and are no point of the grid: with folds, what each fold chose.
        main: places of the main table's rows among `entries`, best first.
        floors: with their scores.
        best_floor: name of the image-blind floor with the best primary score.
        signatures: score to what makes it comparable.
        labeler: signature of the labeler behind the clinical scores.
        unranked: fields of reports that the labeler doesn't read well enough, or not for sure, to rank rows by a score
            of them, each with why.
        choices: of each backbone with several points, how clear the choice among them was.
        ranks_at_rates: of each backbone with several ranks and rates, where the suite's learning rate varies.
        untuned: what backbones write without being tuned; `best` marks what gains are judged by.
        evaluated: adapters from elsewhere that the rows are of; none of a board of a sweep, which tuned its own.
        exits: points that left early, in the order of the grid.
    """

    kind: Literal["suite"] = "suite"
    format: int = FORMAT
    suite: Suite
    primary: str
    data: DataRecord
    split: SplitOfBoard
    blocks: int
    checkpoints: tuple[Checkpoint, ...]
    run: Run
    rows: tuple[Row, ...]
    chosen: tuple[Row, ...] = Field(default=(), exclude_if=lambda rows: not rows)
    main: tuple[int, ...]
    main_comparisons: Comparisons
    grid_comparisons: Comparisons
    floors: tuple[Floor, ...]
    best_floor: str | None
    failed: tuple[NotThere, ...]
    missing: tuple[NotThere, ...]
    planned: int
    signatures: dict[str, str]
    labeler: str
    unranked: dict[str, str] = Field(default={}, exclude_if=lambda fields: not fields)
    choices: tuple[Choice, ...] = Field(default=(), exclude_if=lambda choices: not choices)
    ranks_at_rates: tuple[RanksAtRates, ...] = Field(default=(), exclude_if=lambda each: not each)
    untuned: tuple[Row, ...] = Field(default=(), exclude_if=lambda rows: not rows)
    evaluated: tuple[EvaluatedAdapter, ...] = Field(default=(), exclude_if=lambda adapters: not adapters)
    exits: tuple[ExitedPoint, ...] = Field(default=(), exclude_if=lambda exits: not exits)

    @property
    def exited(self) -> int:
        """Return how many trials left early."""
        return sum(len(point.trials) for point in self.exits)

    @property
    def finished(self) -> int:
        """Return how many of the planned trials are done."""
        return self.planned - len(self.failed) - len(self.missing) - self.exited

    @property
    def main_rows(self) -> list[Row]:
        """Return the rows of the main table."""
        return [self.entries[i] for i in self.main]

    @property
    def fewest_seeds(self) -> int:
        """Return how many seeds every row of the main table has; those planned where there is no row."""
        return min((len(row.seeds) for row in self.main_rows), default=len(self.suite.grid.seed))

    @property
    def entries(self) -> tuple[Row, ...]:
        """Return the grid's rows, then those that are no point of it."""
        return (*self.rows, *self.chosen)


class FloorRow(Part):
    """A predictor on one test part; with splits drawn anew, averaged over their seeds.

    Attributes:
        name: of the baseline; one that chooses at random stands by its expectation.
        seeds: over how many splits.
        scores: mean by name; `low` and `high` are the interval over blocks of a single split, or the least and the
            greatest of several.
    """

    name: str
    says: str
    blind: bool
    seeds: int
    scores: dict[str, Score]


class FloorSplit(Part):
    """The floors of one split.

    Attributes:
        name: of its rule.
        seeds: of the split, where it is drawn; one entry each below.
        sizes: studies of train, validation and test.
        leakage: of each seed.
        rows: the predictors.
    """

    name: str
    rule: str
    seeds: tuple[int, ...]
    sizes: dict[str, int]
    fingerprints: tuple[str, ...]
    leakage: tuple[Leakage, ...]
    rows: tuple[FloorRow, ...]


class DataOfFloors(Part):
    """The reports that floors were computed on, and the fingerprint of ids and reports."""

    reports: int
    fingerprint: str


class FloorsBoard(Part):
    """What predictors that see no image score on a data set, by split."""

    kind: Literal["floors"] = "floors"
    format: int = FORMAT
    data: DataOfFloors
    command: str
    splits: tuple[FloorSplit, ...]
    signatures: dict[str, str]
    labeler: str


class PlanBoard(Part):
    """A suite that has not run: what it will be."""

    kind: Literal["plan"] = "plan"
    format: int = FORMAT
    suite: Suite
    trials: int
    checkpoints: tuple[Checkpoint, ...]
    command: str

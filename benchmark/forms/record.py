"""What is stored of trials, floors and suites, as JSON: one model a file, each with the version of its form.

A model is read by `benchmark.disk.files.read_model`, which names the file and what is wrong where it can't be. What
a later version adds has a default here, so that results of earlier versions stay readable; keys that a model doesn't
know are left aside.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from benchmark.forms.suite import ImagePart, Suite, Trial

Stage = Literal["load", "vision", "train", "generate", "score"]
STAGES: tuple[Stage, ...] = ("load", "vision", "train", "generate", "score")
"""What a trial goes through, in order."""


class Stored(BaseModel):
    """The content of a file, or a part of it."""

    model_config = ConfigDict(frozen=True)


class UsedCheckpoint(Stored):
    """The weights that a trial was tuned on; no path of the machine.

    Attributes:
        kind: from the hub, or from a folder.
        miniature: whether they are a miniature's.
        hub_id, revision, licence: of the checkpoint that the backbone's plugin pins.
        parameters: of the base, adapters aside.
    """

    kind: Literal["hub", "folder"]
    miniature: bool
    hub_id: str | None
    revision: str | None
    licence: str | None
    parameters: int | None


class EvaluatedAdapter(Stored):
    """An adapter from elsewhere that was evaluated as it is.

    Attributes:
        name: of its repository on the hub, or of its folder, without a path.
        revision: commit of the repository; None for a folder.
        base: name of the base that its configuration states.
        rank, alpha: as its configuration has them.
        image_modules: how many modules it changes on the image's way to the decoder.
        renamed: whether its tensors were named as earlier versions of transformers did.
    """

    name: str
    revision: str | None
    base: str | None
    rank: int
    alpha: float
    image_modules: int
    renamed: bool


class Machine(Stored):
    """A machine without its name: processor, its kernels and MKL's promise of reproducible ones, cores and memory."""

    system: str
    processor: str
    kernels: str | None = None
    reproducible_mkl: str | None = None
    cores: int | None
    memory_bytes: int


class Provenance(Stored):
    """What made a result.

    Attributes:
        versions: of Python and the libraries.
        commit: of the checkout, with "+changes" where files differed; None outside of one.
    """

    versions: dict[str, str]
    commit: str | None


class FileDigest(Stored):
    """What a file was when it was written: bytes, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str


class WrittenFiles(Stored):
    """The content of `written.json`: what the files of a trial that isn't done yet were when they were written.

    Attributes:
        schema_version: of this model.
        files: by place in the trial's folder.
    """

    schema_version: int = 1
    files: dict[str, FileDigest] = {}


class Evaluation(Stored):
    """A line of `evaluations.jsonl`: how good a trial was on the validation part within its training.

    Attributes:
        step: after which.
        loss: mean cross-entropy over the report tokens of the part.
        scores: of the reports that it wrote for the part, where it wrote any; None for an undefined score.
    """

    step: int
    loss: float
    scores: dict[str, float | None] | None = Field(default=None, exclude_if=lambda scores: scores is None)


class Kept(Stored):
    """Which step's adapter a trial keeps.

    Attributes:
        step: after which.
        criterion: what chose it: `last`, or `loss` or a score of the validation part.
        value: of the criterion at that step, of the loss where it is `last`; None where no step had one.
    """

    step: int
    criterion: str
    value: float | None


class TrialRecord(Provenance):
    """The content of a trial's `trial.json`, which is written last: with it, the trial is done.

    Attributes:
        schema_version: of this model; 1 where the file states none.
        id, trial: which.
        checkpoint: the base.
        engine: that trained it.
        trials_in_pack: how many ran in the same process.
        trained_together: how many trained at the same time, at most; None where it was trained by itself or earlier.
        kernels: what training used beside torch's own, and its version: for norms.
        loss: the same, for head and loss, in records of before; nothing writes it any more.
        adapter: what was evaluated, where it is from elsewhere.
        kept: which step's adapter it is, where the trial was evaluated within training.
        seconds: the trial's own, by stage, of all sessions that worked on it.
        peak_memory_bytes: the greatest in training: of the GPU, or of the process on a CPU.
        device, gpu, gpu_memory_bytes, machine: where it ran last.
        command: that runs its suite.
        finished: when.
        files: what each of its files was, by place in its folder; None in records of before version 4.
    """

    schema_version: int = 1
    id: str
    trial: Trial
    checkpoint: UsedCheckpoint
    engine: str
    trials_in_pack: int = 1
    trained_together: int | None = Field(default=None, exclude_if=lambda number: number is None)
    kernels: str | None = Field(default=None, exclude_if=lambda kernels: kernels is None)
    loss: str | None = Field(default=None, exclude_if=lambda kernels: kernels is None)
    adapter: EvaluatedAdapter | None = Field(default=None, exclude_if=lambda adapter: adapter is None)
    kept: Kept | None = Field(default=None, exclude_if=lambda kept: kept is None)
    seconds: dict[Stage, float]
    peak_memory_bytes: int | None = None
    device: str = "cpu"
    gpu: str | None = Field(default=None, exclude_if=lambda name: name is None)
    gpu_memory_bytes: int | None = Field(default=None, exclude_if=lambda size: size is None)
    machine: Machine
    command: str
    finished: datetime
    files: dict[str, FileDigest] | None = Field(default=None, exclude_if=lambda files: files is None)

    @property
    def own_seconds(self) -> dict[Stage, float]:
        """The trial's own seconds by stage; version 1 gave each trial the vision stage of its whole pack."""
        seconds = dict(self.seconds)
        if self.schema_version < 2 and "vision" in seconds:
            seconds["vision"] /= max(1, self.trials_in_pack)
        return seconds


TRIAL_RECORD = 4
"""Version of `TrialRecord`."""


class FloorInputs(Stored):
    """All that can change a floor's predictions: a hash of it names the floor's folder."""

    baseline: str
    data: str
    split: str
    image: ImagePart
    # Of a floor that chooses at random: how many draws its scores are the mean of.
    draws: int = Field(default=1, exclude_if=lambda draws: draws == 1)


class FloorRecord(Provenance, FloorInputs):
    """The content of a floor's `trial.json`; `files` as a trial's, None in records of before version 2."""

    schema_version: int = 1
    id: str
    files: dict[str, FileDigest] | None = Field(default=None, exclude_if=lambda files: files is None)


FLOOR_RECORD = 2
"""Version of `FloorRecord`."""


class Failure(Stored):
    """The content of `failure.json`, of a trial or a floor.

    Attributes:
        schema_version: of this model.
        trial: what failed, as its own record would describe it.
        stage: at which it failed.
        reason: in words.
        traceback: frames of the error that ended it; empty where none did.
        at: when.
    """

    schema_version: int = 1
    trial: Trial | FloorInputs
    stage: Stage | Literal["floor"]
    reason: str
    traceback: str = ""
    at: datetime


Set = Literal["validation", "test", "blank", "painted", "patch"]
"""What reports are written for: the validation and test sets; the test set with a blank image; and those of its studies
that have a lesion with that painted over, and with as much of the same breast painted over elsewhere."""
CONTROLS: tuple[Literal["blank"], ...] = ("blank",)
"""Controls that have to be written; for another study's image its own prediction stands (`benchmark.scoring.pairs`)."""
LESION_CONTROLS: tuple[Literal["painted"], Literal["patch"]] = ("painted", "patch")
"""Controls of the studies that have a lesion with a place; only where the suite asks for them."""
ALL_CONTROLS: tuple[Literal["blank", "painted", "patch"], ...] = (*CONTROLS, *LESION_CONTROLS)


class Report(Stored):
    """A line of a floor's `predictions.jsonl`: a report by the id of the study that it is for."""

    id: str
    prediction: str


class DrawnReport(Report):
    """A line of a random floor's `draws.jsonl`: a report of one of its draws but the first.

    Attributes:
        draw: its number, from 1.
    """

    draw: int


class Prediction(Report):
    """A line of a trial's `predictions.jsonl` or `validation.jsonl`.

    Attributes:
        prompt_sha256: of the prompt with its placeholders and turn markers, in hexadecimal.
        tokens: written, the end token included.
        stop: whether the model ended the report or the length limit did.
    """

    prompt_sha256: str
    tokens: int
    stop: Literal["end", "length"]


class _Control(Stored):
    control: Literal["blank", "painted", "patch", "swapped"]


class ControlPrediction(Prediction, _Control):
    """A line of `controls.jsonl`: what was written for a test study with a blank image, or its own partly painted over.

    Results of earlier versions have lines of a swapped one too.
    """


FAILURE = 3
"""Version of `Failure`."""


class ScoreRecord(Stored):
    """A score of a set of reports, as `benchmark.scoring.score.Score` has it; an undefined value is None."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    signature: str
    undefined: str | None = Field(default=None, exclude_if=lambda reason: reason is None)
    undefined_resamples: float = Field(default=0.0, exclude_if=lambda share: not share)
    left_out: tuple[str, ...] = Field(default=(), exclude_if=lambda ids: not ids)


class ReportScores(Stored):
    """The scores of one report, by name, where one report defines them."""

    id: str
    scores: dict[str, float]


class StoredFall(Stored):
    """A seed's fall over pairs, as `metrics.all_pairs.SeedFall` has it; None where it is undefined.

    Attributes:
        value: of all blocks.
        without: of all but one, in the order of the blocks' names.
    """

    value: float | None
    without: tuple[float | None, ...]


class FallRecord(Stored):
    """What a score loses when another study's image is shown, as `metrics.all_pairs.PairFall` has it.

    What is undefined is None.
    """

    value: float | None
    low: float | None
    high: float | None
    of_perfect_reader: float | None


class Grounding(Stored):
    """What one set of predictions owes to its images: losses by score, over all pairs and over two parts of them.

    Attributes:
        unchanged: share of the pairs whose two predictions are the same text; None without pairs.
    """

    all_pairs: dict[str, FallRecord]
    another_category: dict[str, FallRecord]
    same_category_and_density: dict[str, FallRecord]
    unchanged: float | None


class Pairs(Stored):
    """What the test set's predictions owe to their images, by all pairs with references of other blocks.

    Attributes:
        falls: stratum of pairs to score to its fall.
        unchanged: share of the pairs whose two predictions are the same text; None without pairs.
    """

    falls: dict[str, dict[str, StoredFall]]
    unchanged: float | None


class ScoresRecord(Stored):
    """The content of `scores.json`.

    Attributes:
        schema_version: of this model.
        predictions_sha256: digest of the predictions that the scores are of, as `benchmark.scoring.stored.digest` has
            it; None in files of before.
        references: name of the set of references, in a file that `amrg score` saves.
        scores: of the test set, by name.
        labeler: signature of the labeler behind the clinical scores.
        reports: of each report of the test set, in the order of their sorted ids.
        statistics: sums a report, of scores that are no mean of reports.
        length_limit_rate: share of predictions that the length limit cut off; None for a floor.
        validation, blank: values of the scores of the validation set and of the control; None for a floor.
        painted, patch: of the studies that have a lesion with a place, under these controls; None where the suite
            doesn't ask for them.
        pairs: what the predictions owe to their images; None for a floor, and in files of version 1.
    """

    schema_version: int = 1
    predictions_sha256: str | None = Field(default=None, exclude_if=lambda digest: digest is None)
    references: str | None = Field(default=None, exclude_if=lambda name: name is None)
    scores: dict[str, ScoreRecord]
    labeler: str
    reports: tuple[ReportScores, ...]
    statistics: dict[str, tuple[tuple[float, ...], ...]] = {}
    length_limit_rate: float | None = Field(default=None, exclude_if=lambda rate: rate is None)
    validation: dict[str, float | None] | None = Field(default=None, exclude_if=lambda values: values is None)
    blank: dict[str, float | None] | None = Field(default=None, exclude_if=lambda values: values is None)
    painted: dict[str, float | None] | None = Field(default=None, exclude_if=lambda values: values is None)
    patch: dict[str, float | None] | None = Field(default=None, exclude_if=lambda values: values is None)
    pairs: Pairs | None = Field(default=None, exclude_if=lambda pairs: pairs is None)


class Leakage(Stored):
    """What a split lets through, as `benchmark.data.leakage` measures it.

    Attributes:
        test: how many studies are tested on.
        verbatim_in_train: test reports that stand in train, case and blank space aside.
        near_verbatim_in_train: test reports with a ROUGE-L of 0.95 or more to some training report; verbatim ones
            are among them.
        neighbour_in_train: test studies of which the id before or after is in train.
        block_in_train: test studies of whose block a part is in train: 0 for a blocked split.
        rouge_l_of_neighbour: mean ROUGE-L of copying the neighbour's training report (the id before, else the id
            after), over the test studies that have one; None where none has.
        rouge_l_of_random: the same of copying a training report at random, over all of them: the mean of the draws that
            stand for the floor `random_report`.
        birads, density: part to major category or letter ("none" where not stated) to the number of studies.
    """

    test: int
    verbatim_in_train: int
    near_verbatim_in_train: int
    neighbour_in_train: int
    block_in_train: int
    rouge_l_of_neighbour: float | None
    rouge_l_of_random: float
    birads: Mapping[str, Mapping[str, int]]
    density: Mapping[str, Mapping[str, int]]


class DataRecord(Stored):
    """The data set of a suite: no path, no report."""

    source: Literal["phantom", "dmid"]
    fingerprint: str
    summary: str
    studies: int


class SplitFile(Stored):
    """Who is in which part and which block, as `benchmark.data.split.Split` has it."""

    name: str
    seed: int | None
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    blocks: dict[str, str]
    rule: str
    fingerprint: str


class SplitRecord(SplitFile):
    """The same with what it lets through."""

    leakage: Leakage


class SplitMadeOf(Stored):
    """Version of the split's rules, and a digest of all that they look at: studies without their images."""

    version: int
    studies: str


class FoldRecord(Stored):
    """One fold of a suite with cross-validation.

    Attributes:
        split: who trains, validates and is tested in it, and what that lets through.
        baselines: each one's name to the id of its floor on this fold.
    """

    split: SplitRecord
    baselines: dict[str, str]


class SuiteRecord(Stored):
    """The content of `suites/<suite>.json`: what a leaderboard is made from, beside the trials' own files.

    Attributes:
        schema_version: of this model.
        suite: as it was read.
        trials: by id, in the order of the grid.
        baselines: each one's name to the id of its floor; none where there are folds, which have their own.
        data, split: what was run on; where there are folds, all of them as one.
        folds: of cross-validation.
        split_made_of: what the split came about from; None in records of before.
        checkpoints: backbone to the fingerprint of its weights.
        command: that runs the suite.
    """

    schema_version: int = 1
    suite: Suite
    trials: dict[str, Trial]
    baselines: dict[str, str]
    data: DataRecord
    split: SplitRecord
    split_made_of: SplitMadeOf | None = None
    checkpoints: dict[str, str]
    command: str
    folds: tuple[FoldRecord, ...] = Field(default=(), exclude_if=lambda folds: not folds)

    def fold_of(self, identity: str) -> int | None:
        """Return the number of the fold that a trial or a floor is of; None where there are no folds."""
        if trial := self.trials.get(identity):
            return trial.fold
        return next((number for number, fold in enumerate(self.folds) if identity in fold.baselines.values()), None)

    @property
    def evaluated(self) -> bool:
        """Whether it is of adapters from elsewhere, and not of a sweep that trains its own."""
        return any(trial.adapter is not None for trial in self.trials.values())

    @property
    def floors(self) -> dict[str, str]:
        """The id of every floor, of all folds, to its baseline's name."""
        each = [fold.baselines for fold in self.folds] or [self.baselines]
        return {identity: name for baselines in each for name, identity in baselines.items()}


class ReferenceReport(Stored):
    """A line of `references.jsonl`.

    A study's report, its part of the split, its block, and its image's place in the data's folder.
    """

    id: str
    part: Literal["train", "validation", "test"]
    block: str
    report: str
    image: str | None

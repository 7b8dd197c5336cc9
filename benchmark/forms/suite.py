"""A Suite, its Protocol and its Trials, and what a trial's id is made of.

A suite is one screen of YAML: which data, split, backbones, grid, protocol, metrics and baselines.
`benchmark.suites.load` reads it, and reports its mistakes by line.
"""

import hashlib
import json
import math
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from benchmark.forms.grid import (
    TAKEN_FROM_THE_BASE,
    Grid,
    Initialisation,
    Part,
    Point,
    Scaling,
    Seed,
    Targets,
    Variant,
    why_alone,
)
from benchmark.forms.untuned import INSTRUCTED, UNTUNED, Untuned, said

SCHEMA = 1
"""Version of what a trial's id is made of; raised when the meaning of a stored result changes."""
MOST_STEPS = 10_000_000
"""Of a trial."""


def sweep_command(name: str) -> str:
    """Return the command that runs the suite of that name, for advice.

    Only of a suite that comes with the project the name is enough; of another the file has to be given, and where that
    lies results don't say.
    """
    along = {path.name for path in files("benchmark").joinpath("suites").iterdir()}
    return f"`amrg sweep {name}`" if f"{name}.yaml" in along else "`amrg sweep` with the suite's file"


class PhantomData(Part):
    """Digital phantoms, written where the sweep runs."""

    source: Literal["phantom"]
    studies: int = Field(default=510, ge=12, le=100_000, description="images")
    seed: Seed = 0
    size: int = Field(default=256, ge=64, le=6000, description="long side in pixels")
    dialect: str = "dmid"


class DmidData(Part):
    """A folder in DMID's release layout, given with `--data`."""

    source: Literal["dmid"]


class ImagePart(Part):
    """How a mammogram becomes the square that every backbone is shown."""

    size: int = Field(default=896, ge=56, le=8192, description="side in pixels")
    crop: bool = Field(default=True, description="crop to the breast")
    flip: bool = Field(default=False, description="mirror every image to one laterality")


class SplitPart(Part):
    """Which studies are trained, chosen and tested on."""

    name: str = Field(default="blocked", description="sequential, random, blocked, or a file of ids")
    seed: Seed = 0
    # Left out where it says nothing, so that records and boards of before keep their bytes.
    folds: int | None = Field(
        default=None,
        ge=3,
        le=20,
        description="cross-validation over so many folds of whole blocks: every study is tested once",
        exclude_if=lambda folds: folds is None,
    )

    @model_validator(mode="after")
    def _folds_of_blocks(self) -> Self:
        if self.folds is not None and self.name != "blocked":
            raise ValueError(f"folds need the split blocked, whose blocks they keep together, not {self.name}")
        return self


def _is_none(value: object) -> bool:
    return value is None


class Entry(Part):
    """A backbone of the suite and where its weights come from.

    Its name is a plugin's; or a hub repository's (`owner/model`), or one of your own beside a folder, of whose files a
    plugin is made. What those don't say is stated here (`backbones.statements`), and becomes part of its trials' ids.
    """

    name: str
    checkpoint: str = Field(default="hub", description="hub (the pinned revision), miniature, or a folder")
    quantization: Literal["nf4"] | None = None
    dtype: Literal["float32", "bfloat16", "float64"] = "float32"
    # Left out where they say nothing, so that records and boards of before keep their bytes.
    files: str | None = Field(
        default=None, exclude_if=_is_none, description="folder of the files that a miniature is made after"
    )
    end_token: str | None = Field(default=None, exclude_if=_is_none, max_length=200)
    image_size: int | None = Field(default=None, exclude_if=_is_none, ge=28, le=8192)
    generation_prompt: str | None = Field(default=None, exclude_if=_is_none, max_length=1000)
    report_start: str | None = Field(default=None, exclude_if=_is_none, max_length=1000)
    decoder: str | None = Field(default=None, exclude_if=_is_none, max_length=200)
    revision: str | None = Field(default=None, exclude_if=_is_none, max_length=200)
    licence: str | None = Field(default=None, exclude_if=_is_none, max_length=200)

    @property
    def stated(self) -> tuple[tuple[str, str | int], ...]:
        """What is stated of a checkpoint that no plugin speaks for, by name."""
        names = ("end_token", "image_size", "generation_prompt", "report_start", "decoder", "revision", "licence")
        return tuple((name, value) for name in names if (value := getattr(self, name)) is not None)

    @property
    def is_folder(self) -> bool:
        """Whether the weights are in a folder that the suite names."""
        return self.checkpoint not in ("hub", "miniature")


class Protocol(Part):
    """What every backbone shares in tuning and writing.

    Attributes:
        prompt: the one instruction, in training and generation.
        steps, epochs: how long: one of them.
        batch_size: reports per optimiser step.
        micro_batch_size: reports per forward pass, where memory asks for fewer; the result is the same.
        learning_rate: at its peak.
        schedule: after the warm-up, a cosine or a line to zero, or constant.
        warmup_steps: of linear warm-up.
        weight_decay, gradient_clipping, dropout: AdamW's decay, the norm a trial's gradient is clipped to (0: not),
            and LoRA's dropout.
        max_new_tokens: limit of a generated report.
        activation_checkpointing: compute activations anew in the backward pass, where memory is short; the result is
            the same.
        compile: run the decoder's layers by torch.compile in training: the first steps take a minute or more, and
            rounding differs.
        training_images: `own`, or `shuffled`: each training report stands with the image of another block's study
            (`benchmark.scoring.exchanged_images.shuffled`, drawn by the trial's seed). No image then goes with its
            report, so nothing that is learned of images can help: a control of the grounding controls, not a way to
            tune a model.
            `blank` is what a suite's `blank_adapters` are trained on, and shown when they write.
        evaluate_every: steps between two looks at the validation part within training, or `epoch`; the last step is
            always followed by one. Each gives the mean loss over its report tokens, without dropout.
        evaluate_reports_every: with each so many-th of those looks, and the last, reports are written and scored too.
        keep: the adapter of the `last` step, or of the look that was `best`; of equal ones the earliest.
        keep_by: what says which is best: `loss`, or the name of a score of those reports.
    """

    prompt: str = Field(default="Write the radiology report of this mammogram.", min_length=1, max_length=100_000)
    steps: int | None = Field(default=None, ge=1, le=MOST_STEPS)
    epochs: int | None = Field(default=None, ge=1, le=100_000)
    batch_size: int = Field(default=8, ge=1, le=65_536)
    micro_batch_size: int | None = Field(default=None, ge=1, le=65_536)
    learning_rate: float = Field(default=1e-4, gt=0, le=10, allow_inf_nan=False)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: int = Field(default=20, ge=0, le=10_000_000)
    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    gradient_clipping: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    dropout: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False)
    max_new_tokens: int = Field(default=256, ge=1, le=1_000_000)
    activation_checkpointing: bool = False
    # Left out where they say nothing, so that trials, records and boards of before keep their ids and bytes.
    compile: bool = Field(default=False, exclude_if=lambda compiled: not compiled)
    training_images: Literal["own", "shuffled", "blank"] = Field(
        default="own", exclude_if=lambda images: images == "own"
    )
    evaluate_every: int | str | None = Field(default=None, exclude_if=lambda every: every is None)
    evaluate_reports_every: int | None = Field(
        default=None, ge=1, le=10_000_000, exclude_if=lambda every: every is None
    )
    keep: Literal["last", "best"] = Field(default="last", exclude_if=lambda which: which == "last")
    keep_by: str = Field(default="loss", max_length=100, exclude_if=lambda criterion: criterion == "loss")

    @field_validator("evaluate_every", mode="before")
    @classmethod
    def _steps_or_epoch(cls, every: object) -> object:
        if every is None or every == "epoch" or (type(every) is int and 1 <= every <= MOST_STEPS):
            return every
        raise ValueError("a number of steps, or epoch")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        return self

    @model_validator(mode="after")
    def _evaluated(self) -> Self:
        if self.evaluate_every is None and (self.evaluate_reports_every or self.keep == "best"):
            raise ValueError("evaluate_reports_every and keep: best need evaluate_every: a number of steps, or epoch")
        if self.keep_by != "loss" and self.evaluate_reports_every is None:
            raise ValueError(f"keep_by: {self.keep_by} is a score of reports, so it needs evaluate_reports_every")
        return self

    @property
    def shuffles_images(self) -> bool:
        """Whether each report is learned with another study's image."""
        return self.training_images == "shuffled"

    @property
    def sees_no_image(self) -> bool:
        """Whether a blank image stands in for each image, in training and in writing."""
        return self.training_images == "blank"

    @property
    def unevaluated(self) -> "Protocol":
        """The same without evaluations within training, so that the last step's adapter is kept."""
        return self.model_copy(
            update={"evaluate_every": None, "evaluate_reports_every": None, "keep": "last", "keep_by": "loss"}
        )

    def total_steps(self, reports: int) -> int:
        """Count optimiser steps over a training set of that many reports; an epoch's last batch may be smaller."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return self.epochs * -(-reports // self.batch_size)

    def evaluation_steps(self, reports: int) -> tuple[int, ...]:
        """Return the steps after which a trial with so many training reports is evaluated, the last one among them."""
        if self.evaluate_every is None or not reports:
            return ()
        epoch = -(-reports // self.batch_size)
        every = self.evaluate_every if isinstance(self.evaluate_every, int) else epoch
        total = self.total_steps(reports)
        return (*range(every, total, every), total)

    def writes_reports(self, number: int, evaluations: int) -> bool:
        """Return whether reports are written at an evaluation, by its number from 1, of so many."""
        every = self.evaluate_reports_every
        return every is not None and (number % every == 0 or number == evaluations)


def under(protocol: Protocol, point: Point) -> Protocol:
    """Return a protocol with a point's own rate and dropout in place of its own."""
    own = {"learning_rate": point.learning_rate, "dropout": point.dropout}
    return protocol.model_copy(update={name: value for name, value in own.items() if value is not None})


class MiniaturePart(Part):
    """How the suite's miniature checkpoints are trained, where it uses none that come with the project."""

    examples: int = Field(default=1500, ge=16, le=100_000, description="phantoms they are trained on")
    vision_steps: int = Field(default=300, ge=1, le=10_000_000)
    language_steps: int = Field(default=250, ge=1, le=10_000_000)


class Halving(Part):
    """Points of a grid leave at rungs, the worst by the validation part: mean over a point's seeds, in each fold.

    A point leaves or stays as a whole, and what stays is trained as if nothing had left. What is compared is the
    protocol's `keep_by`.

    Attributes:
        rungs: the evaluations after which points leave, counted from 1.
        keep: share of the points that stay at each rung, rounded up.
    """

    rungs: tuple[Annotated[int, Field(le=MOST_STEPS)], ...] = Field(min_length=1)
    keep: float = Field(default=0.5, gt=0, lt=1, allow_inf_nan=False)

    @field_validator("rungs")
    @classmethod
    def _ascending(cls, rungs: tuple[int, ...]) -> tuple[int, ...]:
        if rungs[0] < 1 or any(later <= earlier for earlier, later in pairwise(rungs)):
            raise ValueError(f"numbers of evaluations from 1, ascending, but {list(rungs)} given")
        return rungs

    def staying(self, points: int) -> int:
        """Return how many of so many points stay at a rung."""
        # A share such as 1/3 times 9 is a little more than 3 in binary numbers.
        return max(1, math.ceil(round(self.keep * points, 9)))


class Search(Part):
    """How a suite spends less than the whole grid costs."""

    halving: Halving


class Suite(Part):
    """A suite: everything that decides what is run and compared.

    With `blank_adapters` each backbone is also tuned on blank images, at the first rank and alpha of the grid and with
    each seed: a predictor that sees no image, trained under the protocol of the rows.

    With `lesions` reports are also written for test images whose lesion is painted over, and for the same images with
    as much of the breast painted over elsewhere (`benchmark.data.lesion_places`). What is trained, and its id, stay the
    same.

    With `untuned` each backbone also writes without being tuned, in each of the ways that are listed
    (`benchmark.forms.untuned`): what tuning gains is judged against these rows.

    Where `miniature` is left out, the miniatures that come with the project are used, and those of other backbones
    are trained as `MiniaturePart` has it by default; where it is given, all are trained so.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=100)
    title: str
    data: PhantomData | DmidData = Field(discriminator="source")
    image: ImagePart = ImagePart()
    split: SplitPart = SplitPart()
    backbones: tuple[Entry, ...] = Field(min_length=1)
    grid: Grid
    protocol: Protocol
    primary_metric: str = "birads_kappa"
    baselines: tuple[str, ...] = ("most_frequent_report",)
    engine: Literal["packed", "sequential"] = "packed"
    miniature: MiniaturePart | None = None
    # Left out where it says nothing, so that records and boards of before keep their bytes.
    blank_adapters: bool = Field(default=False, exclude_if=lambda wanted: not wanted)
    lesions: bool = Field(default=False, exclude_if=lambda wanted: not wanted)
    untuned: tuple[Untuned, ...] = Field(default=(), exclude_if=lambda ways: not ways)
    search: Search | None = Field(default=None, exclude_if=lambda search: search is None)

    @field_validator("untuned")
    @classmethod
    def _distinct_ways(cls, ways: tuple[Untuned, ...]) -> tuple[Untuned, ...]:
        if twice := [said(way) for place, way in enumerate(ways) if way in ways[:place]]:
            raise ValueError(f"must be distinct, but listed twice: {', '.join(twice)}")
        return ways

    @model_validator(mode="after")
    def _rungs_are_evaluations(self) -> Self:
        if self.search is None:
            return self
        protocol, rungs = self.protocol, self.search.halving.rungs
        if protocol.evaluate_every is None:
            raise ValueError("search: halving needs protocol: evaluate_every, at whose evaluations points leave")
        reports = protocol.evaluate_reports_every
        if protocol.keep_by != "loss" and (unscored := [rung for rung in rungs if rung % (reports or 1)]):
            raise ValueError(
                f"search: at the rungs {unscored} no reports are written, and points are compared by "
                f"{protocol.keep_by}; rungs have to be multiples of evaluate_reports_every"
            )
        return self

    @model_validator(mode="after")
    def _not_all_blank(self) -> Self:
        if self.protocol.sees_no_image:
            raise ValueError("protocol: training_images: blank is no way to tune; ask for blank_adapters: true")
        return self

    @model_validator(mode="after")
    def _start_from_plain_weights(self) -> Self:
        taken = [start for start in self.grid.values("initialisation") if start in TAKEN_FROM_THE_BASE]
        unfit = [entry.name for entry in self.backbones if entry.quantization or entry.dtype == "float64"]
        if taken and unfit:
            raise ValueError(
                f"initialisation {' and '.join(taken)} takes apart weights of 16 or 32 bits, which those of "
                f"{', '.join(unfit)} are not"
            )
        return self

    @model_validator(mode="after")
    def _distinct_backbones(self) -> Self:
        names = [entry.name for entry in self.backbones]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"backbones named twice: {', '.join(twice)}")
        return self

    @property
    def halving(self) -> Halving | None:
        """When points leave; None where all stay."""
        return None if self.search is None else self.search.halving

    def points(self) -> list[Point]:
        """Return every point of the grid, ranks slowest and seeds fastest."""
        return self.grid.every()

    def blank_points(self) -> list[Point]:
        """Return the points at which each backbone is tuned on blank images as well: the first, with every seed."""
        points = self.points()
        return [point for point in points if point.setting == points[0].setting] if self.blank_adapters else []

    def protocol_at(self, point: Point) -> Protocol:
        """Return the protocol of a point: the suite's, with the point's own rate and dropout."""
        return under(self.protocol, point)

    @property
    def largest_protocol(self) -> Protocol:
        """The protocol of the points that take the most memory: its dropout is the greatest of the grid's."""
        dropouts = [dropout for dropout in self.grid.values("dropout") if dropout is not None]
        return self.protocol.model_copy(update={"dropout": max(dropouts, default=self.protocol.dropout)})

    def fold_numbers(self) -> tuple[int | None, ...]:
        """Return the numbers of its folds, from 0; None for the one split of a suite without."""
        return (None,) if self.split.folds is None else tuple(range(self.split.folds))

    def count_trials(self) -> int:
        """Return how many trials it has, those on blank images, untuned ones and those of all folds among them."""
        points = len(self.points()) + len(self.blank_points()) + len(self.untuned)
        return len(self.backbones) * points * len(self.fold_numbers())

    def shows_lesions_to(self, trial: "Trial") -> bool:
        """Return whether a trial writes for images with parts painted over."""
        return self.lesions and trial.is_shown_lesions

    @property
    def has_miniatures_only(self) -> bool:
        """Whether all its checkpoints are miniatures, which run on a processor."""
        return all(entry.checkpoint == "miniature" for entry in self.backbones)

    @property
    def blank_protocol(self) -> Protocol:
        """The protocol of those trials."""
        return self.protocol.model_copy(update={"training_images": "blank"})

    def untuned_protocol(self, way: Untuned) -> Protocol:
        """Return the protocol of an untuned trial: the suite's, with the instructing prompt where that is asked."""
        return self.protocol.model_copy(update={"prompt": INSTRUCTED}) if way == "instructed" else self.protocol


class Trial(BaseModel):
    """One backbone tuned at one point of the grid; or not tuned, or with an adapter from elsewhere.

    Its id is a hash of everything that can change its result, and of nothing else: not of where it ran, how it was
    packed or what the suite is called.

    A trial that isn't trained here has rank and alpha 0, or those of its adapter, and seed 0, or that of the choice of
    examples.
    """

    model_config = ConfigDict(frozen=True)

    backbone: str
    checkpoint: str
    """Fingerprint of the weights, configuration and tokenizer; not their name."""
    quantization: str | None
    dtype: str
    data: str
    """Fingerprint of the data set."""
    image: ImagePart
    split: str
    """Fingerprint of the split."""
    protocol: Protocol
    rank: int
    alpha: int
    seed: int
    # Left out where they are what they always were, so that trials of before keep their ids.
    scaling: Scaling = Field(default="classic", exclude_if=lambda scaling: scaling == "classic")
    targets: Targets = Field(default="all", exclude_if=lambda targets: targets == "all")
    initialisation: Initialisation = Field(default="default", exclude_if=lambda start: start == "default")
    variant: Variant = Field(default="lora", exclude_if=lambda variant: variant == "lora")
    fold: int | None = Field(default=None, exclude_if=lambda fold: fold is None)
    """Number of its fold, from 0, whose fingerprint `split` is; None outside of cross-validation."""
    untuned: Untuned | None = Field(default=None, exclude_if=lambda way: way is None)
    """How the backbone is asked, where it isn't tuned."""
    examples: tuple[str, ...] = Field(default=(), exclude_if=lambda ids: not ids)
    """Ids of the training reports in its prompt, in order."""
    stated: tuple[tuple[str, str | int], ...] = Field(default=(), exclude_if=lambda stated: not stated)
    """What the suite's entry states of a checkpoint that no plugin speaks for."""
    adapter: str | None = Field(default=None, exclude_if=lambda digest: digest is None)
    """Fingerprint of an adapter from elsewhere, which is evaluated as it is."""

    @property
    def is_shown_lesions(self) -> bool:
        """Whether it writes for images with parts painted over, where its suite asks for them: not if it is untuned."""
        return self.untuned is None

    @property
    def is_trained_here(self) -> bool:
        """Whether it has steps to take, and an adapter that comes of them."""
        return self.untuned is None and self.adapter is None

    @property
    def id(self) -> str:
        """The first 16 hexadecimal digits of SHA-256 over the trial's canonical JSON and the schema's version."""
        # The number of a fold says nothing that the split's fingerprint doesn't say.
        described = self.model_dump(mode="json", exclude={"fold"}) | {"schema": SCHEMA}
        # How a batch is cut for memory, and by what code it is computed, changes the time, not the result.
        for key in ("micro_batch_size", "activation_checkpointing", "compile"):
            described["protocol"].pop(key, None)
        if not self.is_trained_here:
            # Nothing of how others are trained touches it.
            described["protocol"] = {key: described["protocol"][key] for key in ("prompt", "max_new_tokens")}
        if self.untuned is not None:
            described["words"] = UNTUNED
        return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def scale(self) -> float:
        """What B A is multiplied by."""
        return self.alpha / (math.sqrt(self.rank) if self.scaling == "rslora" else self.rank)

    @property
    def setting(self) -> tuple[Any, ...]:
        """What may be chosen among on validation, the smaller first where two are equally good: all but the seed."""
        chosen = (self.rank, self.alpha, self.protocol.learning_rate, self.protocol.dropout)
        return (*chosen, self.scaling, self.targets, self.initialisation, self.variant)

    @property
    def tunes_vision(self) -> bool:
        """Whether the vision encoder gets adapters too, so that no image's features can be kept."""
        return self.targets == "vision+decoder"

    @property
    def alone(self) -> str | None:
        """Why it can't be packed with others, and so trains by plain peft; None where it can."""
        return why_alone(self.targets, self.initialisation, self.variant)

    @property
    def label(self) -> str:
        """For people: backbone, point, seed and fold, and which images it was trained on if not its own."""
        fold = "" if self.fold is None else f" fold={self.fold + 1}"
        if self.untuned is not None:
            return f"{self.backbone} untuned, {said(self.untuned)}{fold}"
        if self.adapter is not None:
            return f"{self.backbone} adapter={self.adapter[:8]} r={self.rank} alpha={self.alpha}{fold}"
        point = f"{self.backbone} r={self.rank} alpha={self.alpha}{self._further} seed={self.seed}{fold}"
        images = self.protocol.training_images
        return point if images == "own" else f"{point} images={images}"

    @property
    def _further(self) -> str:
        """The further axes, as `label` has them: rate and dropout always, the others where they aren't the default."""
        named = {"rate": f"{self.protocol.learning_rate:g}"}
        named |= {"dropout": f"{self.protocol.dropout:g}"} if self.protocol.dropout else {}
        others = self.model_dump(include={"scaling", "targets", "initialisation", "variant"})
        return "".join(f" {name}={value}" for name, value in (named | others).items())

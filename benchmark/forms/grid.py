"""The grid of a suite: the points at which every backbone is tuned, given as axes or one by one."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

Scaling = Literal["classic", "rslora"]
"""What B A is multiplied by: alpha / r (LoRA, arXiv 2106.09685), or alpha / √r (rsLoRA, arXiv 2312.03732)."""
Targets = Literal["all", "attention", "mixer", "attention+mixer", "mlp", "all+experts", "vision+decoder"]
"""Which layers get adapters, by what they do (`backbones.roles`): the decoder's projections, all but experts, or those
of attention, of what stands in its place (linear attention, a state space, a convolution), of both, or of the MLP;
experts as well; or the decoder's and the vision encoder's."""
Initialisation = Literal["default", "gaussian", "orthogonal", "pissa", "olora"]
"""What A and B begin with, by peft: Kaiming's uniform A and B = 0; a normal A; an orthogonal pair (B A = 0); the base's
own largest singular directions (PiSSA, arXiv 2404.02948) or its QR factors (OLoRA, arXiv 2406.01775), which both take
them out of the base's weights."""
Variant = Literal["lora", "dora"]
"""LoRA, or DoRA, which learns each output's magnitude apart (arXiv 2402.09353)."""
TAKEN_FROM_THE_BASE: tuple[Initialisation, ...] = ("pissa", "olora")
"""Initialisations that change the base's weights."""

LARGEST_SEED = 2**63 - 1
"""The largest seed that every library takes."""

FORMULA = re.compile(r"(\d+)?\s*r(?:\s*/\s*(\d+))?")
"""An alpha in terms of the rank: r, 2r, r/2, 3r/2."""


def _number_or_formula(value: int | str) -> int | str:
    if isinstance(value, int):
        return _positive(value)
    if not FORMULA.fullmatch(value.strip()):
        raise ValueError("must be a whole number, or one in terms of the rank: r, 2r, r/2")
    return re.sub(r"\s", "", value)


def _positive(value: int) -> int:
    if value < 1:
        raise ValueError("must be positive")
    return value


def _as_list(value: object) -> object:
    # A tuple, for what stands behind a validator that runs before is read as Python's own, not as JSON.
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str | int | float) else value


Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Rank = Annotated[int, Field(le=65_536), AfterValidator(_positive)]
Alpha = Annotated[Annotated[int, Field(le=1_000_000)] | str, AfterValidator(_number_or_formula)]
Rate = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


def why_alone(targets: Targets, initialisation: Initialisation, variant: Variant) -> str | None:
    """Return why such a trial can't share a pack's base with others, and so runs by plain peft; None where it can."""
    if targets == "vision+decoder":
        return "the vision encoder is tuned, so no image's features can be kept"
    if targets == "all+experts":
        return "an expert sees the tokens that a router sends it, not rows of trials"
    if initialisation in TAKEN_FROM_THE_BASE:
        return f"{initialisation} takes its first weights out of the base's"
    return "dora scales the sum of the base's weights and a trial's own" if variant == "dora" else None


class Part(BaseModel):
    """A section of a suite file; a key it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(Part):
    """A point of a grid: what a backbone is tuned with, beside the suite's protocol.

    Attributes:
        rank, alpha, seed: LoRA's rank and alpha, and the trial's seed.
        learning_rate, dropout: in place of the protocol's; None where the protocol's hold.
        scaling, targets, initialisation, variant: of the adapter.
    """

    rank: int
    alpha: int
    seed: int
    learning_rate: float | None = None
    dropout: float | None = None
    scaling: Scaling = "classic"
    targets: Targets = "all"
    initialisation: Initialisation = "default"
    variant: Variant = "lora"

    @property
    def setting(self) -> tuple[object, ...]:
        """Return all but the seed."""
        return tuple(value for name, value in self if name != "seed")

    @property
    def alone(self) -> str | None:
        """Return why its trials can't be packed with others; None where they can."""
        return why_alone(self.targets, self.initialisation, self.variant)

    def adapter(self) -> dict[str, Any]:
        """Return what of it isn't the protocol's, by name."""
        return self.model_dump(exclude={"learning_rate", "dropout"})


EXTRA_AXES = ("learning_rate", "dropout", "scaling", "targets", "initialisation", "variant")
"""Axes beside rank, alpha and seed."""
DEFAULTS: Mapping[str, object] = {name: Point.model_fields[name].default for name in EXTRA_AXES}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "scaling": get_args(Scaling), "targets": get_args(Targets),
    "initialisation": get_args(Initialisation), "variant": get_args(Variant),
}  # fmt: skip


def _unset(value: object) -> bool:
    return value is None


class Stated(Part):
    """A point as a suite's file gives it; what it leaves out, an axis or the default says."""

    rank: Rank
    alpha: Alpha
    learning_rate: Rate | None = Field(default=None, exclude_if=_unset)
    dropout: Dropout | None = Field(default=None, exclude_if=_unset)
    scaling: Scaling | None = Field(default=None, exclude_if=_unset)
    targets: Targets | None = Field(default=None, exclude_if=_unset)
    initialisation: Initialisation | None = Field(default=None, exclude_if=_unset)
    variant: Variant | None = Field(default=None, exclude_if=_unset)

    def stated(self) -> dict[str, Any]:
        """Return what it states."""
        return {name: value for name, value in self if value is not None}


def _empty(values: object) -> bool:
    return not values


class Grid(Part):
    """The points at which every backbone is tuned.

    Given as axes, every combination of which is a point (rank × alpha × … × seed), or one by one as `points`; an axis
    that the points leave out is combined with each of them. An axis may be one value instead of a list. Rates and
    dropouts of the grid stand in place of the protocol's.
    """

    rank: tuple[Rank, ...] = Field(default=(), exclude_if=_empty)
    alpha: tuple[Alpha, ...] = Field(default=(), exclude_if=_empty)
    seed: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    # Left out where they say nothing, so that records and boards of before keep their bytes.
    learning_rate: tuple[Rate, ...] = Field(default=(), exclude_if=_empty)
    dropout: tuple[Dropout, ...] = Field(default=(), exclude_if=_empty)
    scaling: tuple[Scaling, ...] = Field(default=(), exclude_if=_empty)
    targets: tuple[Targets, ...] = Field(default=(), exclude_if=_empty)
    initialisation: tuple[Initialisation, ...] = Field(default=(), exclude_if=_empty)
    variant: tuple[Variant, ...] = Field(default=(), exclude_if=_empty)
    points: tuple[Stated, ...] = Field(default=(), exclude_if=_empty)

    @field_validator("rank", "alpha", "seed", *EXTRA_AXES, mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return _as_list(value)

    @field_validator("rank", "alpha", "seed", *EXTRA_AXES)
    @classmethod
    def _distinct(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"must be distinct, but {list(values)} given")
        return values

    @model_validator(mode="after")
    def _rank_and_alpha_once(self) -> Self:
        if self.points:
            in_points = {name for point in self.points for name in point.stated()}
            if twice := [name for name in ("rank", "alpha", *EXTRA_AXES) if name in in_points and getattr(self, name)]:
                raise ValueError(f"{' and '.join(twice)} stand in the points and beside them; give them in one place")
        elif lacking := [name for name in ("rank", "alpha") if not getattr(self, name)]:
            raise ValueError(f"{' and '.join(lacking)} missing: give rank and alpha as axes, or points")
        return self

    @model_validator(mode="after")
    def _sound_points(self) -> Self:
        seen: set[Point] = set()
        for point in self.every():
            if point in seen:
                raise ValueError(f"the point {_named(point)} stands twice")
            seen.add(point)
            if point.initialisation in TAKEN_FROM_THE_BASE and point.variant == "dora":
                raise ValueError(f"variant dora can't begin with {point.initialisation}: peft can't save that")
            if point.initialisation == "orthogonal" and point.rank % 2:
                raise ValueError(f"initialisation orthogonal takes an even rank, not {point.rank}")
        return self

    def every(self) -> list[Point]:
        """Return every point: ranks slowest, then alpha and the other axes, seeds fastest.

        Raises:
            ValueError: an alpha in terms of the rank is no whole number.
        """
        axes = [[(name, value) for value in getattr(self, name)] for name in EXTRA_AXES if getattr(self, name)]
        found = []
        for base in self._bases():
            for chosen in product(*axes):
                given = {**base, **dict(chosen)}
                given["alpha"] = alpha_of(given["alpha"], given["rank"])
                found += [Point(**given, seed=seed) for seed in self.seed]
        return found

    def _bases(self) -> Iterator[dict[str, Any]]:
        if self.points:
            yield from (point.stated() for point in self.points)
        else:
            yield from ({"rank": rank, "alpha": alpha} for rank, alpha in product(self.rank, self.alpha))

    @property
    def axes(self) -> tuple[str, ...]:
        """Return which axes it names beside rank, alpha and seed."""
        in_points = {name for point in self.points for name in point.stated()}
        return tuple(name for name in EXTRA_AXES if getattr(self, name) or name in in_points)

    def values(self, axis: str) -> tuple[Any, ...]:
        """Return the values of an axis, in the order in which points have them; None where the protocol's hold."""
        return tuple(dict.fromkeys(getattr(point, axis) for point in self.every()))

    @property
    def ranks(self) -> tuple[int, ...]:
        """Return all ranks."""
        return self.values("rank")

    @property
    def alphas(self) -> tuple[int, ...]:
        """Return all alphas, as numbers."""
        return self.values("alpha")

    @property
    def varying(self) -> tuple[str, ...]:
        """Return which axes beside rank, alpha and seed have several values."""
        return tuple(name for name in self.axes if len(self.values(name)) > 1)


def alpha_of(alpha: int | str, rank: int) -> int:
    """Return an alpha as a number.

    Raises:
        ValueError: one in terms of the rank that is no whole number.
    """
    if isinstance(alpha, int):
        return alpha
    match = FORMULA.fullmatch(alpha)
    assert match is not None, "checked when it was read"
    times, parts = int(match[1] or 1), int(match[2] or 1)
    if not parts or times * rank % parts or not times:
        raise ValueError(f"alpha {alpha} at rank {rank} is no whole number from 1 on")
    return times * rank // parts


def _named(point: Point) -> str:
    """Return a point for a message."""
    given = {name: value for name, value in point if value != DEFAULTS.get(name)}
    return ", ".join(f"{name} {value}" for name, value in given.items())

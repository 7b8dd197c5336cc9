"""How far the labeler's rules agree with labels given by hand: `agreement.json`, which comes with the labeler.

The reports and their labels don't come with the project, what was measured on them does. `tests/metrics/agreement.py`
makes the file again where they lie.
"""

from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

LEAST_F1 = 0.95
"""Below it nothing is ranked by a field: its scores say as much of the rules as of the reports."""
LEAST_CASES = 10
"""With fewer that hands read in a field, nothing is ranked by it either: all of 10 right leave F1 down to 0.82."""
FILE = "agreement.json"


class Stored(BaseModel):
    """A part of the file; a key it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(Stored):
    """One thing that a report may state, as rules and hand read it; with a `None` where nothing was to be counted.

    Attributes:
        name: as in `metrics.labels.labeler.Label`; a kind of finding where it is one.
        by_hand, by_rules: how often hand and rules read something there.
        both: how often they read the same.
        precision: `both` of `by_rules`.
        recall: `both` of `by_hand`.
        f1: their harmonic mean.
        low, high: 95 % interval of `f1`.
        reports: how many were labelled by hand for it.
    """

    name: str
    reports: int
    by_hand: int
    by_rules: int
    both: int
    precision: float | None
    recall: float | None
    f1: float | None
    low: float | None
    high: float | None

    @property
    def is_weak(self) -> bool:
        """Return whether agreement was measured and is lower than scores of the field need."""
        return self.f1 is not None and self.f1 < LEAST_F1

    @property
    def unranked_since(self) -> str:
        """Return why nothing is ranked by the field, for a sentence; empty where something may be."""
        if self.is_weak:
            return f"F1 {self.f1:.3f} is below {LEAST_F1:.2f}"
        if self.by_hand < LEAST_CASES:
            return f"hands read it {self.by_hand} times, fewer than the {LEAST_CASES} that say something"
        return ""


class DataSet(Stored):
    """Reports that were labelled by hand.

    Attributes:
        name: "dmid" or "elsewhere".
        reports: how many.
        wholly_right: in how many rules and hand agree on category, density and every finding with its polarity.
        low, high: exact 95 % interval of that share.
        strictly_right: the same where of two readings only the first is taken.
        fields: one by one.
    """

    name: str
    reports: int
    wholly_right: int
    low: float
    high: float
    strictly_right: int
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """Return the field of that name."""
        return next(one for one in self.fields if one.name == name)


class Agreement(Stored):
    """The agreement of one version of the labeler.

    Attributes:
        labeler: its signature.
        data_sets: what it was measured on: DMID's own reports first, then reports in other radiologists' words.
    """

    labeler: str
    data_sets: tuple[DataSet, ...]


@lru_cache(maxsize=1)
def measured() -> Agreement:
    """Return what was measured, of the version of the labeler that the file names."""
    return Agreement.model_validate_json(files("metrics.labels").joinpath(FILE).read_text(encoding="utf-8"))


def measured_of(labeler: str) -> Agreement | None:
    """Return the agreement of a labeler by its signature; None of a version that was not measured.

    Args:
        labeler: its signature; what early ones have beyond name and version, a hash of the source text, has no say.
    """
    found = measured()
    return found if labeler.split("|")[0] == found.labeler else None


def unranked_since(labeler: str, field: str) -> str:
    """Return why nothing is ranked by a field of DMID's reports, for a sentence; empty where something may be.

    Args:
        labeler: its signature.
        field: as in `Field.name`.
    """
    agreement = measured_of(labeler)
    if agreement is None:
        return "agreement of this version of the labeler isn't measured"
    return agreement.data_sets[0].field(field).unranked_since

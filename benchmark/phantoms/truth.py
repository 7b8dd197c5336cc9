"""What is true of a phantom: its findings, its density, its category."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from benchmark.data.study import Laterality, View
from metrics.labels.birads import BIRADS_SCALE

Kind = Literal[
    "circumscribed_mass",
    "spiculated_mass",
    "calcification_cluster",
    "popcorn_calcification",
    "vascular_calcification",
    "architectural_distortion",
    "asymmetry",
    "axillary_node",
    "skin_thickening",
    "nipple_retraction",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

CODES: dict[Kind, str] = {
    "circumscribed_mass": "CIRC",
    "spiculated_mass": "SPIC",
    "calcification_cluster": "CALC",
    "popcorn_calcification": "CALC",
    "vascular_calcification": "CALC",
    "architectural_distortion": "ARCH",
    "asymmetry": "ASYM",
    "axillary_node": "MISC",
    "skin_thickening": "MISC",
    "nipple_retraction": "MISC",
}
"""The release's abnormality code of each kind."""

SIGNS: tuple[Kind, ...] = ("skin_thickening", "nipple_retraction")
"""Signs that come with a cancer: no mask and no radius of their own in the release's files."""

LARGE_ASYMMETRY, SPREAD_CLUSTER, LARGE_SPICULATED = 0.1, 0.07, 0.065
"""Radii, in image heights, from which a finding counts as large or spread: nothing is drawn near them."""


@dataclass(frozen=True)
class PhantomLesion:
    """One finding as one image shows it.

    Attributes:
        kind: one of `KINDS`.
        location: upper, lower or central (MLO); outer, inner or central (CC).
        x, y: centre in pixels of the image as written, origin at the upper left.
        radius: of the circle that encloses it, in pixels.
        pathology: B or M.
        birads: the category that this finding alone would get.
    """

    kind: Kind
    location: str
    x: int
    y: int
    radius: int
    pathology: str
    birads: str


@dataclass(frozen=True)
class PhantomTruth:
    """What is true of one image: patient, view, density, findings and the highest category among them."""

    id: str
    patient: int
    view: View
    laterality: Laterality
    density: str
    birads: str
    lesions: tuple[PhantomLesion, ...] = ()

    @property
    def number(self) -> int:
        """The number in the id: `Img042` is 42."""
        return int(self.id.removeprefix("Img"))

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of finding that the image shows."""
        return frozenset(lesion.kind for lesion in self.lesions)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that a report states, highest first: one, or those of two lesions from 3 upwards."""
        suspicious = {lesion.birads for lesion in self.lesions if BIRADS_SCALE.index(lesion.birads) >= 2}
        return tuple(sorted(suspicious, key=BIRADS_SCALE.index, reverse=True)) or (self.birads,)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "PhantomTruth":
        """Read what `to_dict` gave."""
        return cls(**{**values, "lesions": tuple(PhantomLesion(**row) for row in values["lesions"])})


def category(kind: Kind, radius: float, signs: bool = False) -> str:
    """Return the category of a finding, from what is visible alone.

    Args:
        kind: the finding.
        radius: in image heights.
        signs: whether skin thickening or nipple retraction comes with it.
    """
    match kind:
        case "popcorn_calcification" | "vascular_calcification" | "axillary_node":
            return "2"
        case "circumscribed_mass":
            return "3"
        case "asymmetry":
            return "4A" if radius >= LARGE_ASYMMETRY else "3"
        case "calcification_cluster":
            return "4B" if radius >= SPREAD_CLUSTER else "4A"
        case "architectural_distortion":
            return "4B"
        case "spiculated_mass":
            return "5" if signs and radius >= LARGE_SPICULATED else "4C"
        case "skin_thickening" | "nipple_retraction":
            return "5"

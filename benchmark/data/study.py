"""Study: one mammogram, one report, what is known of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

View = Literal["CC", "MLO"]
Laterality = Literal["left", "right"]


@dataclass(frozen=True)
class Lesion:
    """One lesion row of the release (`Info.txt`, `Metadata.xlsx`), in MIAS style.

    Attributes:
        abnormality: NORM, CIRC, SPIC, MISC, ARCH, CALC or ASYM.
        pathology: B (benign), M (malignant), N (normal), or None where the release does not say.
        x, y: centre in pixels of the released image, or None.
        radius: in pixels of the released image, or None.
    """

    abnormality: str
    pathology: str | None = None
    x: int | None = None
    y: int | None = None
    radius: int | None = None


@dataclass(frozen=True)
class Study:
    """One image with its report.

    Attributes:
        id: the release's identifier in one case, `Img001`; the digits carry the order of the release.
        image: the image file, or None where only the report is at hand.
        report: the report as released, line ends normalised to one newline.
        view, laterality: from `Metadata.xlsx` where present.
        tissue: F (fatty), G (fatty-glandular) or D (dense-glandular), or None.
        lesions: the release's lesion rows; a normal study has a single NORM row or none.
        density: ACR letter A to D as the report states it, or None.
        birads: every category that the report's header states, upper-case subcategory, e.g. ("3", "4A").
        highest_birads: the highest of `birads` by the ACR hierarchy, or None.
    """

    id: str
    image: Path | None
    report: str
    view: View | None = None
    laterality: Laterality | None = None
    tissue: str | None = None
    lesions: tuple[Lesion, ...] = ()
    density: str | None = None
    birads: tuple[str, ...] = ()
    highest_birads: str | None = None

    @property
    def number(self) -> int:
        """The number in the id: `Img042` is 42."""
        return int("".join(c for c in self.id if c.isdigit()))

    @property
    def birads_major(self) -> str | None:
        """The digit of the highest category, 4 for 4A, 4B and 4C; None where the report states none."""
        return self.highest_birads[0] if self.highest_birads else None


def tally(values: Iterable[str | None]) -> dict[str, int]:
    """Return how often each value stands among those of studies, by name; "none" for what isn't stated."""
    return dict(sorted(Counter(value or "none" for value in values).items()))

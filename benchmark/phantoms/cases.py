"""Who is examined: patients, breasts, their findings and the views taken, from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmark.data.study import Laterality, View
from benchmark.phantoms.maths import between
from benchmark.phantoms.outline import ASPECT, Outline, draw_outline
from benchmark.phantoms.truth import SIGNS, Kind, PhantomLesion, PhantomTruth, category
from metrics.labels.birads import highest

# Shares in DMID (510 images): categories 1: 41 %, 2: 5 %, 3: 24 %, 4: 26 %, 5: 4 %; densities 15/40/36/8 %.
BREAST_DECK = ("1",) * 15 + ("2",) * 3 + ("3",) * 8 + ("4A",) * 4 + ("4B",) * 4 + ("4C",) * 4 + ("5",) * 2
DENSITY_DECK = ("A",) * 3 + ("B",) * 8 + ("C",) * 7 + ("D",) * 2

KINDS_OF_CATEGORY: dict[str, tuple[Kind, ...]] = {
    "1": (),
    "2": ("popcorn_calcification", "vascular_calcification", "axillary_node"),
    "3": ("circumscribed_mass", "circumscribed_mass", "circumscribed_mass", "asymmetry"),
    "4A": ("calcification_cluster", "asymmetry"),
    "4B": ("calcification_cluster", "architectural_distortion"),
    "4C": ("spiculated_mass",),
    "5": ("spiculated_mass",),
}
RADII: dict[tuple[Kind, str], tuple[float, float]] = {
    ("popcorn_calcification", "2"): (0.03, 0.04),
    ("vascular_calcification", "2"): (0.13, 0.16),
    ("axillary_node", "2"): (0.036, 0.05),
    ("circumscribed_mass", "3"): (0.05, 0.075),
    ("asymmetry", "3"): (0.07, 0.085),
    ("asymmetry", "4A"): (0.12, 0.14),
    ("calcification_cluster", "4A"): (0.04, 0.055),
    ("calcification_cluster", "4B"): (0.09, 0.11),
    ("architectural_distortion", "4B"): (0.08, 0.105),
    ("spiculated_mass", "4C"): (0.042, 0.055),
    ("spiculated_mass", "5"): (0.075, 0.095),
}
"""Radius of a finding of a kind and category, in image heights, drawn uniformly between the two."""

# Which views of which breasts come to the archive: four, both of one breast, or some.
PATTERNS: tuple[tuple[float, tuple[tuple[View, int], ...]], ...] = (
    (0.42, (("MLO", 0), ("MLO", 1), ("CC", 0), ("CC", 1))),
    (0.32, (("MLO", 0), ("CC", 0))),
    (0.10, (("MLO", 0), ("MLO", 1))),
    (0.06, (("CC", 0), ("CC", 1))),
    (0.06, (("MLO", 0),)),
    (0.04, (("CC", 0),)),
)
CC_NAMES = {"above": "outer", "below": "inner", "behind": "central"}
MLO_NAMES = {"above": "upper", "below": "lower", "behind": "central"}


@dataclass(frozen=True)
class Finding:
    """One finding of a breast, before a view shows it: where, how large (image heights), and of what category."""

    kind: Kind
    birads: str
    cc: str
    mlo: str
    height: float
    depth: float
    radius: float
    pathology: str


@dataclass(frozen=True)
class Case:
    """All that is needed to draw one image: its truth, its outline, and its findings in image heights.

    Attributes:
        truth: what is saved beside the image.
        outline: the breast, before it is mirrored.
        findings: kind, x, y, radius of each lesion of `truth`, in image heights, before mirroring.
        seeds: what the textures of this image are drawn from.
        height, width: of the image, in pixels.
    """

    truth: PhantomTruth
    outline: Outline
    findings: tuple[tuple[Kind, float, float, float], ...]
    seeds: tuple[int, ...]
    height: int
    width: int


def plan(number_of_studies: int, *, seed: int, size: int) -> Iterator[Case]:
    """Yield the cases of an archive, in the order of their ids; the same seed gives the same cases at every size.

    Args:
        number_of_studies: how many images.
        seed: what all is drawn from.
        size: the images' height in pixels; their width follows from `ASPECT`.
    """
    rng = np.random.default_rng([seed, 0])
    breasts, densities = _deck(rng, BREAST_DECK), _deck(rng, DENSITY_DECK)
    weights = np.array([weight for weight, _ in PATTERNS])
    number = 0
    patient = 0
    while number < number_of_studies:
        patient += 1
        _, views = PATTERNS[rng.choice(len(PATTERNS), p=weights / weights.sum())]
        density = next(densities)
        build = round(rng.beta(2, 2), 6)  # see `benchmark.phantoms.maths`
        first: Laterality = "left" if rng.random() < 0.6 else "right"
        sides: tuple[Laterality, Laterality] = (first, "right" if first == "left" else "left")
        findings = [_findings(rng, next(breasts)) for _ in range(1 + max(breast for _, breast in views))]
        for view, breast in views:
            if number == number_of_studies:
                return
            number += 1
            seeds = (seed, patient, breast, ("CC", "MLO").index(view))
            yield _case(number, patient, view, sides[breast], density, build, findings[breast], seeds, size)


def _deck(rng: np.random.Generator, cards: tuple[str, ...]) -> Iterator[str]:
    """Yield cards drawn without replacement from a shuffled deck, and from a new one when it is used up."""
    while True:
        yield from (str(card) for card in rng.permutation(cards))


def _findings(rng: np.random.Generator, birads: str) -> list[Finding]:
    """Return the findings of a breast of a category: the main one, its signs, and at times a second or a benign one."""
    kinds = KINDS_OF_CATEGORY[birads]
    if not kinds:
        return []
    kind = kinds[rng.integers(len(kinds))]
    malignant = birads in ("4C", "5") or (birads == "4B" and rng.random() < 0.5)
    main = _finding(rng, kind, birads, pathology="M" if malignant else "B")
    findings = [main]
    if birads == "5":
        signs = (SIGNS, SIGNS[:1], SIGNS[1:])[rng.choice(3, p=[0.3, 0.35, 0.35])]
        findings += [Finding(sign, "5", main.cc, main.mlo, main.height, main.depth, 0.06, "M") for sign in signs]
    if birads in ("4A", "4B", "4C") and main.mlo != "behind" and rng.random() < 0.14:
        second = _finding(rng, "circumscribed_mass", "3", pathology="B")
        opposite = {"above": "below", "below": "above"}
        findings.append(replace(second, cc=opposite[main.cc], mlo=opposite[main.mlo]))
    if birads not in ("1", "2") and rng.random() < 0.2:
        findings.append(_finding(rng, "axillary_node", "2", pathology="B"))
    return findings


def _finding(rng: np.random.Generator, kind: Kind, birads: str, pathology: str) -> Finding:
    """Return a finding somewhere in a breast: one in seven behind the nipple, most of the others upper and outer."""
    behind = rng.random() < 0.15 and kind not in ("vascular_calcification", "axillary_node")
    cc = "behind" if behind else "above" if rng.random() < 0.58 else "below"
    mlo = "behind" if behind else "above" if rng.random() < 0.58 else "below"
    height, depth = rng.random(2)
    radius = between(rng, *RADII[kind, birads])
    return Finding(kind, birads, cc, mlo, float(height), float(depth), radius, pathology)


def _case(
    number: int,
    patient: int,
    view: View,
    laterality: Laterality,
    density: str,
    build: float,
    findings: list[Finding],
    seeds: tuple[int, ...],
    size: int,
) -> Case:
    """Return what one view shows of a breast."""
    rng = np.random.default_rng([*seeds, 1])
    outline = draw_outline(rng, view, build)
    if any(finding.kind == "nipple_retraction" for finding in findings):
        outline = outline.retracted(0.035)
    height, width = size, round(size * ASPECT)
    signs = any(finding.kind in SIGNS for finding in findings)
    placed: list[tuple[Kind, float, float, float]] = []
    lesions: list[PhantomLesion] = []
    for finding in findings:
        if finding.kind == "axillary_node" and view == "CC":
            continue
        quadrant = finding.cc if view == "CC" else finding.mlo
        x, y = _position(outline, finding, quadrant)
        placed.append((finding.kind, x, y, finding.radius))
        column = x * height
        names = CC_NAMES if view == "CC" else MLO_NAMES
        lesions.append(
            PhantomLesion(
                kind=finding.kind,
                location="upper" if finding.kind == "axillary_node" else names[quadrant],
                x=round(width - 1 - column if laterality == "right" else column),
                y=round(y * height),
                radius=round(finding.radius * height),
                pathology=finding.pathology,
                birads=category(finding.kind, finding.radius, signs),
            )
        )
    truth = PhantomTruth(
        id=f"Img{number:03d}",
        patient=patient,
        view=view,
        laterality=laterality,
        density=density,
        birads=highest(lesion.birads for lesion in lesions) or "1",
        lesions=tuple(lesions),
    )
    return Case(truth, outline, tuple(placed), seeds, height, width)


def _position(outline: Outline, finding: Finding, quadrant: str) -> tuple[float, float]:
    """Return where a view shows a finding, `(x, y)` in image heights, chest wall at x = 0."""
    match finding.kind:
        case "axillary_node":
            y = 0.09 + 0.1 * finding.height
            return float(outline.pectoral_edge(y)) * (0.45 + 0.5 * finding.depth) + 0.01, y
        case "nipple_retraction":
            return outline.length - outline.retraction, outline.nipple_y
        case "skin_thickening":
            side = {"above": -0.1, "behind": 0.04, "below": 0.09}[quadrant]
            y = outline.nipple_y + side
            return float(outline.edge(y)), y
        case "vascular_calcification":
            return outline.point(quadrant, finding.height, 0.4, 0.04)  # type: ignore[arg-type]
        case _:
            return outline.point(quadrant, finding.height, finding.depth, finding.radius)  # type: ignore[arg-type]

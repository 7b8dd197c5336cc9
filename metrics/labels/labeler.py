"""A mammography report to labels: BI-RADS category, density, findings with polarity, location and size.

Rules only: no model, no network, the same code for references and predictions. It never raises on a string, takes
linear time, and gives the same labels everywhere.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from metrics.labels import birads, density, extent, location
from metrics.labels.asides import without_asides
from metrics.labels.attributes import read_attributes
from metrics.labels.findings import merge, read_findings
from metrics.labels.kinds import KINDS
from metrics.labels.location import Side
from metrics.labels.mention import Polarity
from metrics.labels.report_text import normalise
from metrics.remembered import remembered

POLARITY_CODES: dict[Polarity | None, int] = {None: 0, "present": 1, "uncertain": 2, "absent": 3}
"""A number for each polarity, and for none."""


@dataclass(frozen=True)
class Label:
    """What a report states.

    Attributes:
        birads: the report's category, "0" to "6" with "4A", "4B", "4C", or None. Of several, the one that the header
            or an overall assessment states, and of several in it the highest by the ACR's hierarchy.
        birads_all: every category stated anywhere, distinct, in text order (history and negated ones left out).
        birads_header: every category of the header field ("BIRADS: 3 and 5"), in text order; empty without a header.
        birads_by_side: side to category, where stated by side.
        birads_text: the category whose words are used ("probably benign": "3"); a guess, never scored.
        density: "A" to "D" or None.
        findings: kind of finding to polarity; a kind that is not mentioned has no key.
        attributes: "mass_shape", "calc_morph" ... to the values used of findings that are present or uncertain.
        laterality: sides mentioned, sorted.
        quadrant: quadrants and regions mentioned, sorted.
        clock: clock positions, in text order.
        size_mm: sizes in millimetres, in text order.
        by_side: side to findings with polarity, where stated by side.
        flags: oddities, sorted: "range", "birads_conflict", "typo", "density_words_only" ...
    """

    birads: str | None = None
    birads_all: tuple[str, ...] = ()
    birads_header: tuple[str, ...] = ()
    birads_by_side: dict[str, str] = field(default_factory=dict)
    birads_text: str | None = None
    density: str | None = None
    findings: dict[str, Polarity] = field(default_factory=dict)
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    laterality: tuple[Side, ...] = ()
    quadrant: tuple[str, ...] = ()
    clock: tuple[float, ...] = ()
    size_mm: tuple[float, ...] = ()
    by_side: dict[str, dict[str, Polarity]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @cached_property
    def polarities(self) -> tuple[Polarity | None, ...]:
        """The polarity of each kind of `KINDS`, in its order; None of one that isn't mentioned."""
        return tuple(self.findings.get(kind) for kind in KINDS)

    @cached_property
    def polarity_codes(self) -> bytes:
        """The same as a byte each, by `POLARITY_CODES`."""
        return bytes(POLARITY_CODES[polarity] for polarity in self.polarities)

    @cached_property
    def asserted(self) -> frozenset[str]:
        """The kinds that are present or uncertain."""
        return frozenset(kind for kind in KINDS if self.findings.get(kind) in ("present", "uncertain"))

    @property
    def birads_major(self) -> str | None:
        """Return the category without its letter: "4" of "4B"."""
        return self.birads[0] if self.birads else None

    def to_dict(self) -> dict[str, Any]:
        """Return the label as JSON values, attributes under "attrs"."""
        return {
            "birads": self.birads,
            "birads_major": self.birads_major,
            "birads_all": list(self.birads_all),
            "birads_header": list(self.birads_header),
            "birads_by_side": dict(self.birads_by_side),
            "birads_text": self.birads_text,
            "density": self.density,
            "findings": dict(self.findings),
            "attrs": {name: list(values) for name, values in self.attributes.items()},
            "laterality": list(self.laterality),
            "quadrant": list(self.quadrant),
            "clock": list(self.clock),
            "size_mm": list(self.size_mm),
            "by_side": {side: dict(findings) for side, findings in self.by_side.items()},
            "flags": list(self.flags),
        }


@remembered(65536)
def label(text: str) -> Label:
    """Label one report; the result is shared between calls with the same text and must not be changed."""
    report = normalise(text)
    if not report.text:
        return Label()
    assessment = birads.assess(report)
    composition = density.read_density(report)
    asserted = without_asides(report)
    sentences = read_findings(report, asserted)
    sides = location.read_sides(report)
    return Label(
        birads=assessment.category,
        birads_all=assessment.categories,
        birads_header=assessment.header,
        birads_by_side=assessment.by_side,
        birads_text=birads.descriptor(report),
        density=composition.letter,
        findings=merge(mention for mentions in sentences for mention in mentions),
        attributes=read_attributes(report, asserted, sentences),
        laterality=tuple(sorted({side for _, named in sides for side in named})),
        quadrant=location.read_quadrants(report.text),
        clock=extent.read_clock(report.text),
        size_mm=extent.read_sizes(report.text),
        by_side=location.findings_by_side(report, sentences, sides),
        flags=tuple(sorted(assessment.flags | composition.flags)),
    )

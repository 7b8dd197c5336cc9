"""Untuned rows: how a backbone is asked for reports without being tuned, and in which words.

Three ways, the same for every backbone: the protocol's own prompt; one that states the sections and categories of a
report; and one with reports of the training part as examples. `benchmark.data.examples` chooses those.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

UNTUNED = 1
"""Version of the words below and of the rule that chooses examples: raised when either changes."""
INSTRUCTED = """\
Write the radiology report of this mammogram, in plain text, with these three sections in this order and nothing else:
Breast composition: one sentence on how much is fat and how much is glandular tissue, with the ACR density category in \
brackets: A (almost entirely fat), B (scattered glandular tissue), C (heterogeneously dense) or D (extremely dense).
Findings: each mass or opacity, with its size, shape, margin and place (side and quadrant), and whether it suggests a \
benign or a malignant lesion; calcifications; architectural distortion; skin and nipple; axillary nodes. Say so where \
there is none.
BIRADS: one category of 0 (incomplete), 1 (negative), 2 (benign), 3 (probably benign), 4A, 4B or 4C (suspicious), 5 \
(highly suggestive of malignancy) or 6 (known malignancy)."""
"""The instructing prompt: sections and categories as reports in DMID's manner have them (BI-RADS, 5th edition)."""
EXAMPLES_BEFORE = "Reports of other mammograms, as examples of what is asked for:"
MOST_EXAMPLES = 32


class FewShot(BaseModel):
    """Reports of the training part in the prompt, as text, without their images."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    few_shot: int = Field(ge=1, le=MOST_EXAMPLES, description="reports of the training part in the prompt")
    seed: int = Field(default=0, ge=0, description="of the choice among them")


Plain = Literal["prompt", "instructed"]
PLAIN: tuple[str, ...] = get_args(Plain)


def _kind(value: object) -> str:
    return "examples" if isinstance(value, dict | FewShot) else "name"


Untuned = Annotated[
    Annotated[Plain, Tag("name")] | Annotated[FewShot, Tag("examples")],
    Discriminator(_kind),
]
"""How a backbone is asked: `prompt` (the protocol's), `instructed`, or `{few_shot: 4, seed: 0}`."""


def said(untuned: "Plain | FewShot") -> str:
    """Return a way of asking in words, for tables and labels."""
    if isinstance(untuned, FewShot):
        reports = f"{untuned.few_shot} report{'s' if untuned.few_shot > 1 else ''} shown"
        return f"{reports}, seed {untuned.seed}"
    return {"prompt": "protocol's prompt", "instructed": "instructing prompt"}[untuned]


def prompt_of(prompt: str, examples: Sequence[str] = ()) -> str:
    """Return a prompt with reports before it, numbered; the prompt itself where there are none."""
    if not examples:
        return prompt
    shown = "\n\n".join(f"Report {number}:\n{report}" for number, report in enumerate(examples, start=1))
    return f"{EXAMPLES_BEFORE}\n\n{shown}\n\n{prompt}"

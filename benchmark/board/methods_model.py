"""The methods statement of a run, as data: what a checklist asks for, who asks, and what is known of it."""

from typing import Literal, Self

from pydantic import model_validator

from benchmark.board.model import Part

Checklist = Literal["TRIPOD-LLM", "MI-CLEAR-LLM", "CLAIM"]
SOURCES: dict[Checklist, str] = {
    "TRIPOD-LLM": "Gallifant et al., Nature Medicine 2025, doi 10.1038/s41591-024-03425-5",
    "MI-CLEAR-LLM": "Park et al., Korean Journal of Radiology 2024, PMC11444851; items numbered as in the "
    "same journal 2025, doi 10.3348/kjr.2024.1161",
    "CLAIM": "2024 update, Tejani et al., Radiology: Artificial Intelligence 2024, doi 10.1148/ryai.240300; by "
    "topic, without numbers",
}
"""The checklists and where they were published."""
Section = Literal["Study", "Data", "Models", "Evaluation", "Results", "Openness"]


class Asked(Part):
    """Who asks: a checklist, and the number of its item; None where only the topic is named."""

    checklist: Checklist
    number: str | None = None


class Item(Part):
    """A thing that a methods section has to state.

    Attributes:
        id: of the item, for programs.
        section: that it stands in.
        topic: in a few words.
        asked_by: the checklists' items; at least one.
        text: what is known of it, as plain sentences; None where no run can know it.
        entries: a list below the text.
        verbatim: a text below it that is to be read as it is.
        needed: what the authors have to state where there is no text.
    """

    id: str
    section: Section
    topic: str
    asked_by: tuple[Asked, ...]
    text: str | None = None
    entries: tuple[str, ...] = ()
    verbatim: str | None = None
    needed: str | None = None

    @model_validator(mode="after")
    def _filled_or_blank(self) -> Self:
        if not self.asked_by:
            raise ValueError(f"{self.id}: no checklist asks for it")
        if bool(self.text) == bool(self.needed) or (self.needed and (self.entries or self.verbatim)):
            raise ValueError(f"{self.id}: is either filled or says what is needed")
        return self


class Statement(Part):
    """The methods statement of a suite's run: its items in the order of a paper."""

    suite: str
    items: tuple[Item, ...]

    @property
    def blank(self) -> list[Item]:
        """Return the items that the authors have to fill in."""
        return [item for item in self.items if item.text is None]


def asked(tripod: str = "", mi_clear: str = "", *, claim: bool = False) -> tuple[Asked, ...]:
    """Return who asks for an item.

    Args:
        tripod, mi_clear: numbers of the checklists' items, parted by blank space.
        claim: whether CLAIM asks, too.
    """
    numbered = [Asked(checklist="TRIPOD-LLM", number=number) for number in tripod.split()]
    numbered += [Asked(checklist="MI-CLEAR-LLM", number=number) for number in mi_clear.split()]
    return (*numbered, *([Asked(checklist="CLAIM")] if claim else []))

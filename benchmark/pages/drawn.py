"""Figures of a leaderboard as files: their names, and what a drawn one is, known without matplotlib."""

import re
from dataclasses import dataclass

NAMES = ("forest", "grid", "rates", "chosen_rates", "seeds", "learning", "categories", "cost")
"""All figures that there are, in the order in which documents show them."""


@dataclass(frozen=True)
class Drawn:
    """A figure of a leaderboard.

    Attributes:
        name: of its files, without an ending.
        caption: what it shows, in a sentence.
        alt: what a reader who can't see it should know: its kind, its extremes.
        files: name to bytes.
    """

    name: str
    caption: str
    alt: str
    files: dict[str, bytes]

    @property
    def png(self) -> str:
        """Its place in the leaderboard's folder."""
        return f"figures/{self.name}.png"

    @property
    def svg(self) -> str:
        """Its place in the leaderboard's folder."""
        return f"figures/{self.name}.svg"


def same_drawing(a: bytes, b: bytes) -> bool:
    """Return whether two files are one figure, drawn from the same numbers by one version on different machines.

    Fonts and arithmetic of another machine change bytes; on one kind of machine only equal bytes are equal.
    """
    first, second = (re.search(rb"amrg:([0-9a-f]{64}) by ([ -:<-~]+);", content) for content in (a, b))
    return bool(first and second and first[1] == second[1] and first[2] != second[2])

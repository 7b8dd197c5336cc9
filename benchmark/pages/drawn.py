"""Figures of a leaderboard as files: their names, and what a drawn one is, known without matplotlib."""

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

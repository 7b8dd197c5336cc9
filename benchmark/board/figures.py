"""The figures of a leaderboard: which there are, and how they become PNG and SVG files with the same bytes each time.

Colours are Okabe and Ito's and cividis: told apart by colour-blind readers too; no figure says anything by colour
alone. The background is white and opaque, so that a page in dark mode keeps them legible.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmark.board import figures_grid, figures_trials
from benchmark.board.model import Board

STYLE: dict[str, Any] = {
    "svg.hashsalt": "amrg",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "image.cmap": "cividis",
    "path.simplify": False,
}
DPI = 110


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


Draw = Callable[[Board], tuple[Figure, str, str] | None]
"""A board to a figure with its caption and alternative text; None where the board has nothing to show of it."""

ALL: dict[str, Draw] = {
    "forest": figures_grid.forest,
    "grid": figures_grid.heat_maps,
    "seeds": figures_grid.seeds,
    "learning": figures_trials.learning_curves,
    "categories": figures_trials.confusion,
    "cost": figures_trials.cost,
}


def draw(board: Board) -> list[Drawn]:
    """Every figure that the board has numbers for."""
    found = []
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        for name, how in ALL.items():
            if (made := how(board)) is not None:
                figure, caption, alt = made
                found.append(Drawn(name, caption, alt, _files(name, figure)))
    return found


def _files(name: str, figure: Figure) -> dict[str, bytes]:
    png, svg = BytesIO(), BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
    return {f"figures/{name}.svg": svg.getvalue(), f"figures/{name}.png": png.getvalue()}


def write(drawn: Sequence[Drawn], folder: Path) -> None:
    """Write the files of figures below a leaderboard's folder, each whole or not at all."""
    for figure in drawn:
        for name, content in figure.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{hashlib.sha256(content).hexdigest()[:8]}")
            temporary.write_bytes(content)
            temporary.replace(path)

"""The figures of a leaderboard: which there are, and how they become PNG and SVG files with the same bytes each time.

Colours are Okabe and Ito's and cividis: told apart by colour-blind readers too; no figure says anything by colour
alone. The background is white and opaque, so that a page in dark mode keeps them legible.
"""

import hashlib
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from benchmark.board.model import DOCUMENTS, Board
from benchmark.pages import figures_grid, figures_rates, figures_trials
from benchmark.pages.drawn import NAMES, Drawn

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
MARK = "amrg:"


Draw = Callable[[Board], tuple[Figure, str, str] | None]
"""A board to a figure with its caption and alternative text; None where the board has nothing to show of it."""

ALL: dict[str, Draw] = {
    "forest": figures_grid.forest,
    "grid": figures_grid.heat_maps,
    "rates": figures_rates.scores_by_rate,
    "chosen_rates": figures_rates.chosen_rates,
    "seeds": figures_grid.seeds,
    "learning": figures_trials.learning_curves,
    "categories": figures_trials.confusion,
    "cost": figures_trials.cost,
}


def draw(board: Board, text: str = "") -> list[Drawn]:
    """Draw every figure that the board has numbers for; see `drawn`."""
    made = [drawn(name, board, text) for name in NAMES]
    return [one for one in made if one is not None]


def drawn(name: str, board: Board, text: str = "") -> Drawn | None:
    """Draw a figure; None where the board has nothing to show of it.

    Args:
        name: one of `NAMES`.
        board: what to draw.
        text: its `results.json`, of which each file keeps a digest, with the version of what draws it.
    """
    with styled():
        if (parts := ALL[name](board)) is None:
            return None
        figure, caption, alt = parts
        digest = hashlib.sha256(f"{text}{DOCUMENTS}".encode()).hexdigest()
        return Drawn(name, caption, alt, _files(name, figure, digest))


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the style of this project's figures, whatever the user's own settings."""
    with mpl.rc_context():
        mpl.rcdefaults()
        for setting, value in STYLE.items():
            mpl.rcParams[setting] = value  # type: ignore[index]
        yield


def _files(name: str, figure: Figure, digest: str) -> dict[str, bytes]:
    png, svg = BytesIO(), BytesIO()
    description = f"{MARK}{digest} by matplotlib {mpl.__version__} on {platform.system()} {platform.machine()};"
    # By the canvases, for the same bytes: `savefig` goes through the whole figure once before it draws it.
    figure.set_dpi(DPI)
    FigureCanvasAgg(figure).print_png(png, metadata={"Software": None, "Description": description})
    # Where things stand is found once, which takes as long as drawing them; by the fonts that the PNG is drawn in.
    figure.set_layout_engine("none")
    figure.set_dpi(mpl.rcParams["figure.dpi"])
    metadata = {"Date": None, "Creator": None, "Description": description}
    FigureCanvasSVG(figure).print_svg(svg, metadata=metadata)
    return {f"figures/{name}.svg": svg.getvalue(), f"figures/{name}.png": png.getvalue()}

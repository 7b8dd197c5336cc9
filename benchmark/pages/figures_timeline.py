"""The picture of a sweep's timeline: a line for each process, what it was at by colour and by letter."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmark.board.format import duration
from benchmark.errors import UserError
from benchmark.pages.figures import DPI, styled
from benchmark.progress.timeline import Span, busy

COLOURS = {
    "start": "#dddddd",
    "phantoms": "#999999",
    "records": "#999999",
    "images": "#F0E442",
    "lesions": "#F0E442",
    "miniature": "#CC79A7",
    "record": "#999999",
    "load": "#E69F00",
    "vision": "#56B4E9",
    "train": "#0072B2",
    "generate": "#009E73",
    "score": "#D55E00",
    "floor": "#F5C09A",
    "leaderboard": "#000000",
}
"""Okabe and Ito's, by what a process was at; stages of a pack have one each."""
OTHER = "#bbbbbb"
LETTERS = 0.012
"""Share of the picture's width that a span needs to hold its letter."""


def timeline(spans: Sequence[Span]) -> Figure:
    """Return the picture of one sweep's spans, drawn within `styled`: time from its first process, a line for each."""
    origin = min(span.born for span in spans)
    processes = list(dict.fromkeys(span.process for span in sorted(spans, key=lambda span: span.born)))
    whole = busy(spans)
    figure = Figure(figsize=(9.0, 1.3 + 0.42 * len(processes)), layout="constrained")
    axes = figure.subplots()
    for line, process in enumerate(processes):
        own = [span for span in spans if span.process == process]
        born, first = own[0].born - origin, own[0].began - origin
        axes.barh(line, max(0.0, first - born), left=born, height=0.72, color=COLOURS["start"])
        for span in own:
            left = span.began - origin
            colour = COLOURS.get(span.name, OTHER)
            axes.barh(line, span.seconds, left=left, height=0.72, color=colour, edgecolor="white", linewidth=0.4)
            if span.seconds > LETTERS * whole.seconds:
                place = (left + span.seconds / 2, line)
                light = span.name in ("images", "lesions", "start", "floor", "vision", "load")
                axes.annotate(
                    span.name[0], place, ha="center", va="center", size=7, color="black" if light else "white"
                )
    axes.set_yticks(range(len(processes)), [_short(process) for process in processes])
    axes.invert_yaxis()
    axes.set_xlim(0, whole.seconds)
    axes.set_xlabel("seconds since the sweep's process was started")
    axes.set_title(
        f"{duration(whole.seconds)}; {whole.share:.0%} of the time of the processes that worked at once", loc="left"
    )
    names = ["start", *dict.fromkeys(span.name for span in spans)]
    handles = [Patch(facecolor=COLOURS.get(name, OTHER), label=name) for name in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=7, frameon=False)
    return figure


def _short(process: str) -> str:
    host, _, number = process.rpartition(":")
    return f"{host[:16]} {number}"


def write_timeline(spans: Sequence[Span], path: Path) -> None:
    """Write the picture of a sweep's spans.

    Raises:
        UserError: the file's name ends in neither .png nor .svg.
    """
    if path.suffix.lower() not in (".png", ".svg"):
        raise UserError(f"{path}: a timeline is drawn as .png or .svg. Name such a file.")
    with styled():
        timeline(spans).savefig(path, dpi=DPI)

"""A comparison of two systems as markdown and for a terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.board.compare import Compared, Comparison
from benchmark.board.format import decimal, escape, table, with_interval
from benchmark.pages.environment import render
from benchmark.pages.model import ComparedScore, ComparedStudy, ComparisonRecord
from metrics.registry import METRICS

HEADS = ("score", "A", "B", "A − B [95 %]", "p", "p after Holm", "better")


def markdown(found: Comparison, *, studies: int, texts: bool) -> str:
    """Return the comparison as a document.

    Args:
        studies: how many of those that differ most are listed.
        texts: whether their reports are shown; on real data those are patients'.
    """
    shown = found.studies[:studies]
    return render(
        "compare.md.j2",
        found=found,
        label=METRICS[found.primary].label,
        scores=table(HEADS, [_cells(s) for s in found.scores], right=(1, 2, 4, 5)),
        categories=table(
            ("category", "reports", "A", "B", "A − B [95 %]"),
            [[f"BI-RADS {c.name}", str(c.n), decimal(c.a), decimal(c.b), _difference(c)] for c in found.categories],
            right=(1, 2, 3),
        ),
        studies=table(
            ("study", "A", "B", "A − B", "category", "A says", "B says"),
            [
                [escape(s.id), decimal(s.a), decimal(s.b), decimal(s.a - s.b, sign=True), *(c or "—" for c in s.birads)]
                for s in shown
            ],
            right=(1, 2, 3),
        ),
        texts=[
            (s.id, [(name, _quoted(text)) for name, text in zip(("Reference", "A", "B"), s.texts, strict=True)])
            for s in shown
        ]
        if texts
        else [],
    )


def _quoted(text: str) -> str:
    """Return a report as a quotation: each line of it escaped."""
    lines = [escape(line) for line in text.splitlines()] or [""]
    return "\n".join(f"> {line}\\" if line else ">" for line in lines).removesuffix("\\")


def _cells(score: Compared) -> list[str]:
    better = {"a": "A", "b": "B", None: ""}[score.better]
    return [
        METRICS[score.name].label,
        decimal(score.a),
        decimal(score.b),
        _difference(score),
        _p(score.p),
        _p(score.adjusted),
        better,
    ]


def _difference(found: Compared) -> str:
    return with_interval(found.difference, sign=True)


def _p(p: float | None) -> str:
    return "—" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def show(found: Comparison, console: Console, *, studies: int, texts: bool) -> None:
    """Print the comparison."""
    console.print(Text(f"A: {found.a}\nB: {found.b}"))
    console.print(Text(f"{found.reports} reports in {found.blocks} blocks; tested alone: {_label(found)}\n"))
    console.print(_table(HEADS, [_cells(s) for s in found.scores], marked=[s.better is not None for s in found.scores]))
    console.print(Text(f"\n{_label(found)} by category of the reference"))
    rows = [[c.name, str(c.n), decimal(c.a), decimal(c.b), _difference(c)] for c in found.categories]
    console.print(_table(("BI-RADS", "reports", "A", "B", "A − B [95 %]"), rows))
    console.print(Text(f"\nStudies that differ most in {_label(found)}"))
    rows = [
        [s.id, decimal(s.a), decimal(s.b), decimal(s.a - s.b, sign=True), *(c or "—" for c in s.birads)]
        for s in found.studies[:studies]
    ]
    console.print(_table(("study", "A", "B", "A − B", "category", "A says", "B says"), rows))
    if texts:
        for study in found.studies[:studies]:
            for name, text in zip(("reference", "A", "B"), study.texts, strict=True):
                console.print(Text(f"\n{study.id}, {name}", style="bold"))
                console.print(Text(text))


def _label(found: Comparison) -> str:
    return METRICS[found.primary].label


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], marked: Sequence[bool] = ()) -> Table:
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, name in enumerate(head):
        made.add_column(name, justify="left" if place == 0 else "right", no_wrap=place > 0)
    for place, row in enumerate(rows):
        made.add_row(*map(Text, row), style="bold" if place < len(marked) and marked[place] else None)
    return made


def record(found: Comparison, *, studies: int, texts: bool) -> ComparisonRecord:
    """Return the comparison as data.

    Args:
        found: the comparison.
        studies: how many of those that differ most are listed.
        texts: whether their reports are among it.
    """
    return ComparisonRecord(
        a=found.a,
        b=found.b,
        primary=found.primary,
        reports=found.reports,
        blocks=found.blocks,
        scores=tuple(ComparedScore(**vars(score)) for score in found.scores),
        categories=tuple(ComparedScore(**vars(category)) for category in found.categories),
        studies=tuple(
            ComparedStudy(id=s.id, a=s.a, b=s.b, birads=s.birads, texts=s.texts if texts else None)
            for s in found.studies[:studies]
        ),
    )

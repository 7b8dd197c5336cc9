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


def markdown(comparison: Comparison, *, studies: int, texts: bool) -> str:
    """Return the comparison as a document.

    Args:
        studies: how many of those that differ most are listed.
        texts: whether their reports are shown; on real data those are patients'.
    """
    listed = comparison.studies[:studies]
    return render(
        "compare.md.j2",
        comparison=comparison,
        label=METRICS[comparison.primary].label,
        scores=table(HEADS, [_cells(s) for s in comparison.scores], right=(1, 2, 4, 5)),
        categories=table(
            ("category", "reports", "A", "B", "A − B [95 %]"),
            [
                [f"BI-RADS {c.name}", str(c.n), decimal(c.a), decimal(c.b), _difference(c)]
                for c in comparison.categories
            ],
            right=(1, 2, 3),
        ),
        studies=table(
            ("study", "A", "B", "A − B", "category", "A says", "B says"),
            [
                [escape(s.id), decimal(s.a), decimal(s.b), decimal(s.a - s.b, sign=True), *(c or "—" for c in s.birads)]
                for s in listed
            ],
            right=(1, 2, 3),
        ),
        texts=[
            (s.id, [(name, _quoted(text)) for name, text in zip(("Reference", "A", "B"), s.texts, strict=True)])
            for s in listed
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


def _difference(score: Compared) -> str:
    return with_interval(score.difference, sign=True)


def _p(p: float | None) -> str:
    return "—" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def show(comparison: Comparison, console: Console, *, studies: int, texts: bool) -> None:
    """Print the comparison."""
    console.print(Text(f"A: {comparison.a}\nB: {comparison.b}"))
    console.print(
        Text(f"{comparison.reports} reports in {comparison.blocks} blocks; tested alone: {_label(comparison)}\n")
    )
    console.print(
        _table(HEADS, [_cells(s) for s in comparison.scores], marked=[s.better is not None for s in comparison.scores])
    )
    console.print(Text(f"\n{_label(comparison)} by category of the reference"))
    rows = [[c.name, str(c.n), decimal(c.a), decimal(c.b), _difference(c)] for c in comparison.categories]
    console.print(_table(("BI-RADS", "reports", "A", "B", "A − B [95 %]"), rows))
    console.print(Text(f"\nStudies that differ most in {_label(comparison)}"))
    rows = [
        [s.id, decimal(s.a), decimal(s.b), decimal(s.a - s.b, sign=True), *(c or "—" for c in s.birads)]
        for s in comparison.studies[:studies]
    ]
    console.print(_table(("study", "A", "B", "A − B", "category", "A says", "B says"), rows))
    if texts:
        for study in comparison.studies[:studies]:
            for name, text in zip(("reference", "A", "B"), study.texts, strict=True):
                console.print(Text(f"\n{study.id}, {name}", style="bold"))
                console.print(Text(text))


def _label(comparison: Comparison) -> str:
    return METRICS[comparison.primary].label


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], marked: Sequence[bool] = ()) -> Table:
    rich_table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, name in enumerate(head):
        rich_table.add_column(name, justify="left" if place == 0 else "right", no_wrap=place > 0)
    for place, row in enumerate(rows):
        rich_table.add_row(*map(Text, row), style="bold" if place < len(marked) and marked[place] else None)
    return rich_table


def record(comparison: Comparison, *, studies: int, texts: bool) -> ComparisonRecord:
    """Return the comparison as data.

    Args:
        comparison: the comparison.
        studies: how many of those that differ most are listed.
        texts: whether their reports are among it.
    """
    return ComparisonRecord(
        a=comparison.a,
        b=comparison.b,
        primary=comparison.primary,
        reports=comparison.reports,
        blocks=comparison.blocks,
        scores=tuple(ComparedScore(**vars(score)) for score in comparison.scores),
        categories=tuple(ComparedScore(**vars(category)) for category in comparison.categories),
        studies=tuple(
            ComparedStudy(id=s.id, a=s.a, b=s.b, birads=s.birads, texts=s.texts if texts else None)
            for s in comparison.studies[:studies]
        ),
    )

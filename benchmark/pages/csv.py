"""Every number of a leaderboard as the rows of `results.csv`, one score per line."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import chain

from benchmark.board.model import Board, FloorsBoard, Number, Row
from benchmark.board.published import PUBLISHED

NAME = "results.csv"
MOST_BYTES = 8_000_000
"""Of one file: what pages of repositories still show, and spreadsheets open at once."""
COLUMNS = (
    "kind", "name", "rank", "alpha", "seed", "score", "value", "low", "high", "n", "ranks", "chosen", "trial",
    "signature",
)  # fmt: skip


def results_csv(board: Board) -> str:
    """Return CSV with a head; an empty cell is unknown or has no meaning there.

    Behind `alpha` stand the axes that the suite's grid names beside rank and alpha, where it does.

    `kind` is `row` (a point of the grid, its seeds averaged), `untuned` (a backbone that isn't tuned, with how it was
    asked in its name), `seed` (one trial), `validation`, `above_floor`, `gained_by_tuning`,
    `lost_<image shown instead>`, `in_<birads or density>_<value>` (on the references that state it), `cost`, `floor` or
    `published`.
    """
    file = StringIO()
    after = COLUMNS.index("alpha") + 1
    columns = (*COLUMNS[:after], *board.suite.grid.axes, *COLUMNS[after:])
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    known = frozenset(columns)
    for line in chain(_rows(board), _floors(board), _published()):
        if not line.keys() <= known:
            raise ValueError(f"{sorted(line.keys() - known)}: no columns of {NAME}")
        # Most cells of a line are empty.
        writer.writerow(["" if (value := line.get(column)) is None else _text(value) for column in columns])
    return file.getvalue()


def in_parts(text: str, most: int = MOST_BYTES) -> dict[str, str]:
    """Return a CSV as files of at most so many letters each, by name: `results.csv`, then `results-2.csv` and so on.

    Each has the head, so that any of them can be read by itself, and they are put together by leaving out its repeats.
    """
    if len(text) <= most:
        return {NAME: text}
    head, *lines = text.splitlines(keepends=True)
    parts, size = [[head]], len(head)
    for line in lines:
        if size + len(line) > most:
            parts.append([head])
            size = len(head)
        parts[-1].append(line)
        size += len(line)
    return {NAME if n == 1 else f"results-{n}.csv": "".join(part) for n, part in enumerate(parts, start=1)}


def floors_csv(board: FloorsBoard) -> str:
    """Return the floors of a data set, one score a line; `low` and `high` span the draws where there are several."""
    file = StringIO()
    head = ("split", "predictor", "draws", "score", "value", "low", "high", "n", "signature")
    writer = csv.DictWriter(file, head, restval="", lineterminator="\n")
    writer.writeheader()
    for split in board.splits:
        for row in split.rows:
            for name, score in row.scores.items():
                line = {"split": split.name, "predictor": row.name, "draws": row.seeds, "score": name, "n": score.n}
                line |= _ends(score) | {"signature": board.signatures.get(name, "")}
                writer.writerow({key: _text(value) for key, value in line.items()})
    return file.getvalue()


def _rows(board: Board) -> Iterator[dict[str, object]]:
    for row in (*board.entries, *board.untuned):
        kind, point = "row", _point(row) | _axes(row, board)
        if row.untuned is not None:
            kind, point = "untuned", {"name": f"{row.name}, {row.point}"}
        for name, score in row.scores.items():
            line = {**point, "score": name, "n": score.n, "signature": board.signatures.get(name, "")}
            ranks = {"ranks": str(row.ranks)} if name == board.primary and kind == "row" else {}
            yield {"kind": kind, **line, **_ends(score), **ranks, "chosen": "yes" if row.best else ""}
            for place, (seed, value) in enumerate(zip(row.seeds, score.by_seed, strict=True)):
                yield {"kind": "seed", **line, "seed": seed, "trial": " ".join(row.trials_of(place)), "value": value}
        for name, value in row.validation.items():
            yield {"kind": "validation", **point, "score": name, "value": value}
        yield from ({**point, **line} for line in _strata(row))
        for what, distance in (("above_floor", row.above_floor), ("gained_by_tuning", row.gain)):
            if distance:
                yield {"kind": what, **point, "score": board.primary, **_ends(distance)}
        yield from _falls(row, point)
        yield from _lesions(row, point)
        costs = {"trainable_parameters": row.parameters, "peak_memory_bytes": row.peak_memory_bytes}
        costs |= {"length_limit_rate": row.length_limit_rate}  # type: ignore[dict-item]
        costs |= {f"{stage}_seconds": seconds for stage, seconds in row.seconds.items()}  # type: ignore[misc]
        for name, cost in costs.items():
            yield {"kind": "cost", **point, "score": name, "value": cost}


def _point(row: Row) -> dict[str, object]:
    # Where each fold chose for itself, its choices stand one behind the other.
    ranks, alphas = zip(*(row.by_fold or ((row.rank, row.alpha),)), strict=True)
    return {"name": row.name, "rank": _listed(ranks), "alpha": _listed(alphas)}


def _falls(row: Row, point: dict[str, object]) -> Iterator[dict[str, object]]:
    for control, falls in row.falls.items():
        for name, fall in falls.items():
            yield {"kind": f"lost_{control}", **point, "score": name, **_ends(fall)}
        if control in row.unchanged:
            yield {"kind": f"lost_{control}", **point, "score": "unchanged", **_ends(row.unchanged[control])}


def _lesions(row: Row, point: dict[str, object]) -> Iterator[dict[str, object]]:
    if row.lesions is None:
        return
    for shown, falls in row.lesions.falls.items():
        shares = {"unchanged": row.lesions.unchanged[shown]} if shown in row.lesions.unchanged else {}
        for name, fall in {**falls, **shares}.items():
            yield {"kind": f"lost_{shown}", **point, "score": name, "n": row.lesions.studies, **_ends(fall)}


def _axes(row: Row, board: Board) -> dict[str, object]:
    """Return the values of the axes that the suite's grid names, of each fold where they differ."""
    values: dict[str, object] = {}
    for axis in board.suite.grid.axes:
        if axis in row.axes:
            values[axis] = _listed([axes[axis] for axes in row.axes_by_fold or (row.axes,)])
        else:
            [values[axis]] = board.suite.grid.values(axis)
    return values


def _listed(numbers: Sequence[float | str]) -> str:
    return " ".join(map(str, numbers))


def _floors(board: Board) -> Iterator[dict[str, object]]:
    for floor in board.floors:
        for name, score in floor.scores.items():
            signature = board.signatures.get(name, "")
            yield {
                "kind": "floor", "name": floor.name, "score": name, "n": score.n, "signature": signature,
                **_ends(score),
            }  # fmt: skip


def _published() -> Iterator[dict[str, object]]:
    for p in PUBLISHED:
        for name, value in (("rouge_l", p.rouge_l), ("meteor", p.meteor), ("cider", p.cider), ("birads", p.birads)):
            if value is not None:
                yield {"kind": "published", "name": p.name, "score": name, "value": value, "signature": p.source}


def _strata(row: Row) -> Iterator[dict[str, object]]:
    for stratum in row.strata:
        for name, score in stratum.scores.items():
            yield {"kind": f"in_{stratum.of}_{stratum.value}", "score": name, "n": score.n, **_ends(score)}


def _ends(number: Number) -> dict[str, object]:
    return {"value": number.value, "low": number.low, "high": number.high}


def _text(value: object) -> object:
    if isinstance(value, float):
        return f"{round(value, 6) + 0.0:.6g}"
    text = "" if value is None else value
    # A spreadsheet runs a cell that starts like a formula.
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "@", "\t")) else text

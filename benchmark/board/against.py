"""A leaderboard against one that was published before: does a fresh run agree with it, row by row, and if not, why.

Two runs of one suite can differ by the processor that summed, by a library, or because something is wrong. A row's
verdict is the first of these that holds:

- equal: every score has the same digits as stored, six after the point;
- within rounding: every score is within half a unit of the last digit that tables print, 0.0005;
- within the paired interval: the 95 % interval of the difference of the primary score holds 0. It is paired by block,
  which takes what each block adds to the score in both runs, on the same blocks. Seeds that both runs have are taken
  as they are, not as drawn from many: the same experiment was done again, so only what reports add is uncertain;
- within both intervals: where that isn't known, as in a leaderboard of before or for a floor, each primary score lies
  within the other's own 95 % interval. That asks for less: those intervals are as wide as other reports would make
  them, and both runs wrote of the same ones;
- differs.
"""

import json
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from benchmark.board.format import DIGITS_SHOWN, several
from benchmark.board.model import DIGITS, Board, Floor, Number, Part, Row, Score
from benchmark.board.numbers import number, reach
from metrics.metric import Array
from metrics.statistics.statistics import Draws, Sample, difference

ROUNDING = 0.5 * 10.0**-DIGITS_SHOWN
"""Half a unit of the last digit that tables print."""
Verdict = Literal[
    "equal",
    "within rounding",
    "within the paired interval",
    "within both intervals",
    "differs",
    "only here",
    "only there",
]
AGREES: tuple[Verdict, ...] = (
    "equal", "within rounding", "within the paired interval", "within both intervals",
)  # fmt: skip
Combine = Callable[[Array], Array]
"""[..., k] additive statistics of a score to [...] values."""


class Agreement(Part):
    """One row of both leaderboards, or of one of them.

    Attributes:
        name: the backbone's, with how it was asked where it isn't tuned, or the floor's.
        kind: what kind of row.
        rank, alpha, axes: which point; None and nothing for a floor, and for an untuned row.
        here, there: the primary score of the fresh run and of the published one.
        difference: `here` less `there`; its interval is the paired one, where that is known.
        furthest: of all scores that both have, the one that lies furthest apart, and by how much; None where none does.
        verdict: whether they agree, and how closely.
    """

    name: str
    kind: Literal["row", "floor"]
    rank: int | None = None
    alpha: int | None = None
    axes: dict[str, float | str] = Field(default={}, exclude_if=lambda axes: not axes)
    here: float | None = None
    there: float | None = None
    difference: Number | None = None
    furthest: tuple[str, float] | None = None
    verdict: Verdict


class Change(Part):
    """Something that made one run and not the other."""

    what: str
    here: str
    there: str


class Comparison(Part):
    """A fresh run against a published leaderboard.

    Attributes:
        suite: name of the fresh run's suite.
        primary: the score that decides, the published leaderboard's.
        rounding: the bound of "within rounding".
        rows: points of the grid in the fresh run's order, then the floors, then what only the published one has.
        chosen: points that were chosen for a backbone in one run and not in the other.
        changes: what differs in what made them.
    """

    suite: str
    primary: str
    rounding: float = ROUNDING
    rows: tuple[Agreement, ...]
    chosen: tuple[Change, ...]
    changes: tuple[Change, ...]

    @property
    def agrees(self) -> bool:
        """Return whether every row does."""
        return all(row.verdict in AGREES for row in self.rows)

    def to_json(self) -> str:
        """Return it as JSON, with `agrees`."""
        return json.dumps({"agrees": self.agrees, **self.model_dump(mode="json")}, indent=1, ensure_ascii=False)

    def sentence(self, what: str) -> str:
        """Return in a sentence whether the run agrees with `what`, "the committed leaderboard" say."""
        counts = {
            v: sum(row.verdict == v for row in self.rows) for v in (*AGREES, "differs", "only here", "only there")
        }
        words = {verdict: verdict for verdict in counts} | {"differs": "differing"}
        tally = ", ".join(f"{count} {words[verdict]}" for verdict, count in counts.items() if count)
        rows = several(len(self.rows), "row")
        if self.agrees:
            return f"This run agrees with {what} in all of {rows}: {tally}."
        wrong = sum(row.verdict not in AGREES for row in self.rows)
        return f"This run does not agree with {what} in {wrong} of {rows}: {tally}."


def compare(fresh: Board, published: Board, combine: Combine | None) -> Comparison:
    """Compare a fresh run with a published leaderboard.

    Args:
        fresh: the fresh run's.
        published: the published one.
        combine: how the primary score comes of its additive statistics; None where the fresh run has none.
    """
    paired = combine if fresh.primary == published.primary and _same_blocks(fresh, published) else None
    ours, theirs = _points(fresh), _points(published)
    rows = [_row(row, theirs.get(point), published.primary, paired) for point, row in ours.items()]
    floors = {floor.name: floor for floor in published.floors}
    rows += [_floor(floor, floors.get(floor.name), published.primary) for floor in fresh.floors]
    rows += [_alone(row, published.primary, "only there") for point, row in theirs.items() if point not in ours]
    known = {floor.name for floor in fresh.floors}
    rows += [_alone(floor, published.primary, "only there") for name, floor in floors.items() if name not in known]
    return Comparison(
        suite=fresh.suite.name,
        primary=published.primary,
        rows=tuple(rows),
        chosen=_chosen(fresh, published),
        changes=tuple(_changes(fresh, published)),
    )


def _same_blocks(fresh: Board, published: Board) -> bool:
    """Return whether the same reports were written in the same blocks, so that the j-th blocks are one."""
    same_data = fresh.data.fingerprint == published.data.fingerprint
    return same_data and fresh.split.fingerprint == published.split.fingerprint and fresh.blocks == published.blocks


def _points(board: Board) -> dict[tuple[str, tuple[object, ...]], Row]:
    rows = {(row.backbone, row.setting): row for row in board.rows}
    return rows | {(row.backbone, (row.point,)): row for row in board.untuned}


def _row(fresh: Row, published: Row | None, primary: str, combine: Combine | None) -> Agreement:
    if published is None:
        return _alone(fresh, primary, "only here")
    return _judged(fresh, published, primary, _paired(fresh, published, primary, combine))


def _floor(fresh: Floor, published: Floor | None, primary: str) -> Agreement:
    return _alone(fresh, primary, "only here") if published is None else _judged(fresh, published, primary, None)


def _judged(fresh: Row | Floor, published: Row | Floor, primary: str, paired: Number | None) -> Agreement:
    first, second = fresh.scores.get(primary), published.scores.get(primary)
    ours, theirs = _value(fresh, primary), _value(published, primary)
    plain = None if ours is None or theirs is None else Number(value=_short(ours - theirs))
    rank, alpha = _point(fresh)
    return Agreement(
        name=_name(fresh),
        kind=_kind(fresh),
        rank=rank,
        alpha=alpha,
        axes=_axes(fresh),
        here=ours,
        there=theirs,
        difference=paired or plain,
        furthest=_furthest(fresh, published),
        verdict=_verdict(fresh, published, paired, first, second),
    )


def _verdict(
    fresh: Row | Floor, published: Row | Floor, paired: Number | None, first: Score | None, second: Score | None
) -> Verdict:
    apart = [
        _apart(fresh.scores.get(n), published.scores.get(n)) for n in fresh.scores.keys() | published.scores.keys()
    ]
    if max(apart, default=0.0) == 0:
        return "equal"
    if max(apart) <= ROUNDING:
        return "within rounding"
    if paired is not None and paired.low is not None and paired.high is not None:
        return "within the paired interval" if paired.low <= 0 <= paired.high else "differs"
    if first and second and _within(first.value, second) and _within(second.value, first):
        return "within both intervals"
    return "differs"


def _apart(first: Score | None, second: Score | None) -> float:
    """Return how far two scores lie apart, of the seeds the furthest; infinitely, where only one is defined."""
    ours, theirs = ((s.value, *s.by_seed) if s else () for s in (first, second))
    if len(ours) != len(theirs) or any((a is None) != (b is None) for a, b in zip(ours, theirs, strict=True)):
        return float("inf")
    pairs = zip(ours, theirs, strict=True)
    return max((_short(abs(a - b)) for a, b in pairs if a is not None and b is not None), default=0.0)


def _within(value: float | None, other: Score) -> bool:
    return value is not None and other.low is not None and other.high is not None and other.low <= value <= other.high


def _furthest(fresh: Row | Floor, published: Row | Floor) -> tuple[str, float] | None:
    both = fresh.scores.keys() & published.scores.keys()
    values = [(n, fresh.scores[n].value, published.scores[n].value) for n in sorted(both)]
    apart = [(n, _short(abs(a - b))) for n, a, b in values if a is not None and b is not None and _short(a - b)]
    return max(apart, key=lambda pair: pair[1], default=None)


def _paired(fresh: Row, published: Row, primary: str, combine: Combine | None) -> Number | None:
    """Return the difference of two rows with its interval, paired by block; None where that isn't known."""
    if combine is None or not fresh.by_block or not published.by_block:
        return None
    ours, theirs = (Sample(primary, np.array(row.by_block, dtype=np.float64), combine) for row in (fresh, published))
    if ours.statistics.shape[1:] != theirs.statistics.shape[1:]:
        return None
    if fresh.seeds == published.seeds:
        ours, theirs = _over_seeds(ours), _over_seeds(theirs)
    distance = difference(ours, theirs, Draws(ours.blocks))
    return number(distance, reach(primary))


def _over_seeds(system: Sample) -> Sample:
    """Return the sample of one system that wrote all seeds' reports: of a mean score, its mean over seeds."""
    return Sample(system.name, system.statistics.sum(axis=0, keepdims=True), system.combine)


def _alone(row: Row | Floor, primary: str, verdict: Verdict) -> Agreement:
    value, ours = _value(row, primary), verdict == "only here"
    rank, alpha = _point(row)
    return Agreement(
        name=_name(row),
        kind=_kind(row),
        rank=rank,
        alpha=alpha,
        axes=_axes(row),
        here=value if ours else None,
        there=None if ours else value,
        verdict=verdict,
    )


def _kind(row: Row | Floor) -> Literal["row", "floor"]:
    return "floor" if isinstance(row, Floor) else "row"


def _name(row: Row | Floor) -> str:
    return f"{row.name}, {row.point}" if isinstance(row, Row) and row.untuned is not None else row.name


def _point(row: Row | Floor) -> tuple[int | None, int | None]:
    return (None, None) if isinstance(row, Floor) or row.untuned is not None else (row.rank, row.alpha)


def _axes(row: Row | Floor) -> dict[str, float | str]:
    return {} if isinstance(row, Floor) else dict(row.axes)


def _value(row: Row | Floor, primary: str) -> float | None:
    return row.scores[primary].value if primary in row.scores else None


def _short(value: float) -> float:
    return round(value, DIGITS) + 0.0


def _chosen(fresh: Board, published: Board) -> tuple[Change, ...]:
    ours, theirs = ({row.backbone: row.point for row in board.rows if row.best} for board in (fresh, published))
    return tuple(
        Change(what=name, here=ours.get(name, "none"), there=theirs.get(name, "none"))
        for name in dict.fromkeys((*ours, *theirs))
        if ours.get(name) != theirs.get(name)
    )


def _changes(fresh: Board, published: Board) -> list[Change]:
    """Return what differs in what made them, what decides the most first."""
    sides = [_makers(board) for board in (fresh, published)]
    changes = [Change(what=k, here=a, there=b) for k, a, b in _differing(*sides)]
    ours, theirs = fresh.signatures, published.signatures
    if other := [name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]]:
        first = sorted(other)[0]
        what = "signature of " + (first if len(other) == 1 else f"{first} and {len(other) - 1} more scores")
        changes.append(Change(what=what, here=ours[first], there=theirs[first]))
    return changes


def _differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[tuple[str, str, str]]:
    keys = dict.fromkeys((*ours, *theirs))
    return [(k, ours.get(k, "none"), theirs.get(k, "none")) for k in keys if ours.get(k) != theirs.get(k)]


def _makers(board: Board) -> dict[str, str]:
    """Return what made a leaderboard, as text by name."""
    makers = {"data": board.data.fingerprint, "split": board.split.fingerprint}
    for weights in board.checkpoints:
        makers[f"checkpoint of {weights.backbone}"] = f"{weights.fingerprint} {weights.quantization or weights.dtype}"
    for part, settings in (("image", board.suite.image), ("protocol", board.suite.protocol)):
        makers |= {f"{part}: {key}": str(value) for key, value in settings.model_dump(mode="json").items()}
    makers |= {"primary score": board.primary, "labeler": board.labeler, "engine": ", ".join(board.run.engines)}
    makers |= {f"version of {package}": version for package, version in board.run.versions.items()}
    return makers | {"machine": "; ".join(board.run.machines), "commit": ", ".join(board.run.commits)}

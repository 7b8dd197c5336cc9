"""Ranks at learning rates of their own: what is left of their differences once no rank has another's step size."""

from collections.abc import Sequence

from benchmark.board.model import RanksAtRates, Row
from benchmark.board.results import SuiteResults
from benchmark.board.settings import best_by_validation, settings_at_their_best
from benchmark.board.verdicts import Basis, compare_rows
from metrics.statistics.statistics import Sample

RATE = "learning_rate"


def ranks_at_rates(
    rows: Sequence[Row], samples: Sequence[Sample], results: SuiteResults, basis: Basis
) -> tuple[RanksAtRates, ...]:
    """Return, of each backbone with several ranks and rates, its ranks at the rates that validation chose for them.

    Nothing with folds: a study that validates in one fold is tested in another, so a choice over all folds would have
    seen what it is tested on.

    Args:
        rows: the grid's.
        samples: the primary score of each.
        results, basis: of the suite.
    """
    if RATE not in results.suite.grid.varying or results.record.folds:
        return ()
    found = []
    for backbone in dict.fromkeys(row.backbone for row in rows):
        own = [row for row in rows if row.backbone == backbone and row.validation.get(basis.primary) is not None]
        chosen = settings_at_their_best(own, "rank", basis.primary)
        if len(chosen) < 2:
            continue
        places = [rows.index(row) for row in chosen]
        ranks, comparisons = compare_rows(chosen, [samples[place] for place in places], basis)
        common, spreads = spreads_at_shared_rates(own, basis.primary)
        found.append(
            RanksAtRates(
                backbone=backbone,
                rows=tuple(places),
                ranks=tuple(ranks),
                comparisons=comparisons,
                common_rate=common,
                spreads=spreads,
                own_spread=spread(settings(own, basis.primary), basis.primary),
            )
        )
    return tuple(found)


def settings(rows: Sequence[Row], primary: str) -> list[Row]:
    """Return the row of each rank and alpha that the validation part chooses among the further axes."""
    pairs = dict.fromkeys((row.rank, row.alpha) for row in rows)
    return [best_by_validation([r for r in rows if (r.rank, r.alpha) == pair], primary) for pair in pairs]


def spreads_at_shared_rates(
    rows: Sequence[Row], primary: str
) -> tuple[float | None, tuple[tuple[float, float | None], ...]]:
    """Return the rate that is best for all, and the spread over ranks and alphas at each rate that all of them have.

    The best for all is the one whose mean over ranks and alphas is best on the validation part.

    Args:
        rows: of one backbone.
        primary: name of the score.
    """
    pairs = {(row.rank, row.alpha) for row in rows}
    shared: dict[float, list[Row]] = {}
    for rate in dict.fromkeys(float(row.axes[RATE]) for row in rows):
        at_rate = settings([row for row in rows if row.axes[RATE] == rate], primary)
        if len(at_rate) == len(pairs):
            shared[rate] = at_rate
    if not shared:
        return None, ()
    means = [
        at_rate[0].model_copy(update={"axes": {RATE: rate}, "validation": {primary: _mean(at_rate, primary)}})
        for rate, at_rate in shared.items()
    ]
    common = float(best_by_validation(means, primary).axes[RATE])
    return common, tuple((rate, spread(at_rate, primary)) for rate, at_rate in shared.items())


def spread(rows: Sequence[Row], primary: str) -> float | None:
    """Return the greatest less the least test score; None where one isn't defined."""
    values = [row.scores[primary].value if primary in row.scores else None for row in rows]
    known = [value for value in values if value is not None]
    return max(known) - min(known) if known and len(known) == len(values) else None


def _mean(rows: Sequence[Row], primary: str) -> float:
    values = [value for row in rows if (value := row.validation[primary]) is not None]
    return sum(values) / len(values)

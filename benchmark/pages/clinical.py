"""Clinical parts of a leaderboard: who reads the labels and how well, suspicious categories, results by stratum."""

from collections.abc import Mapping, Sequence

from benchmark.board.format import NBSP, decimal, escape, several, table, with_interval
from benchmark.board.model import Number, Row, Score
from benchmark.pages.sentences import FIELDS
from metrics.labels.measured import DataSet, Field, measured_of

SUSPICIOUS = {"birads_sensitivity": "sensitivity", "birads_specificity": "specificity"}
BEHIND = {"birads_sensitivity": "reports of 0, 4–6", "birads_specificity": "reports of 1–3"}
"""What the reports behind a score are of."""
OF = {"birads": "BI-RADS", "density": "density"}
DATA_SETS = {"dmid": "DMID's own reports", "elsewhere": "reports in other radiologists' words"}
UNMEASURED = "the agreement of this version with labels given by hand isn't measured"


def read_by(labeler: str) -> str:
    """Return who reads the labels behind clinical scores, and how far that agrees with labels given by hand.

    Args:
        labeler: signature of the labeler behind a leaderboard.
    """
    start = "Read by rules, not by a radiologist"
    agreement = measured_of(labeler)
    if agreement is None:
        return f"{start}; {UNMEASURED}."
    own, other = (_wholly(one) for one in agreement.data_sets)
    strictly = " and ".join(str(one.strictly_right) for one in agreement.data_sets)
    return (
        f"{start}. Rules and hand labels agree on category, density and every finding in {own}, for whose wording the "
        f"rules were made, and in {other}; where a text can be read in two ways either is right, else it were "
        f"{strictly}."
    )


def _wholly(of: DataSet) -> str:
    share = Number(value=of.wholly_right / of.reports, low=of.low, high=of.high)
    return f"{of.wholly_right} of {of.reports} of {DATA_SETS[of.name]} (share {with_interval(share, 2)})"


def agreement_table(labeler: str) -> str:
    """Return the measured agreement field by field, and by which a row is ranked; nothing for an unmeasured version."""
    agreement = measured_of(labeler)
    if agreement is None:
        return ""
    head = ["field"]
    for one in agreement.data_sets:
        short = "DMID" if one.name == "dmid" else "elsewhere"
        head += [f"{short}: reports", "by hand, rules, both", "precision", "recall", f"F1 [95{NBSP}%]"]
    own = agreement.data_sets[0]
    cells = []
    for field in own.fields:
        row = [FIELDS.get(field.name, field.name.replace("_", " "))]
        for one in agreement.data_sets:
            row += _agreed(one.field(field.name))
        cells.append([*row, _mark(field)])
    return table([*head, "ranked"], cells)


def _agreed(field: Field) -> list[str]:
    f1 = Number(value=field.f1, low=field.low, high=field.high)
    counts = f"{field.by_hand}, {field.by_rules}, {field.both}"
    return [str(field.reports), counts, decimal(field.precision), decimal(field.recall), with_interval(f1)]


def _mark(field: Field) -> str:
    """Return whether rows are ranked by scores of the field, and if not, why."""
    return f"**no**: {field.unranked_since}" if field.unranked_since else "yes"


def suspicious_table(rows: Sequence[Row]) -> str:
    """Return sensitivity and specificity for suspicious categories; nothing where no row has them."""
    shown = [name for name in SUSPICIOUS if any(name in row.scores for row in rows)]
    if not shown:
        return ""
    head = ["backbone", "rank, alpha"]
    for name in shown:
        head += [f"{SUSPICIOUS[name]} [95{NBSP}%]", BEHIND[name]]
    cells = [
        [escape(row.name), row.point, *(cell for name in shown for cell in _with_reports(row.scores.get(name)))]
        for row in rows
    ]
    return table(head, cells, right=[3 + 2 * place for place in range(len(shown))])


def _with_reports(score: Score | None) -> list[str]:
    return [with_interval(score), str(score.n if score else 0)]


def strata_table(rows: Sequence[Row], heads: Mapping[str, str]) -> str:
    """Return the scores of rows by true category and density; nothing where they are not known.

    Args:
        rows: of the main table.
        heads: names of scores to what they are called.
    """
    strata = [stratum for row in rows for stratum in row.strata]
    names = list(dict.fromkeys(name for stratum in strata for name in stratum.scores))
    if not names:
        return ""
    cells = []
    for of, value in dict.fromkeys((stratum.of, stratum.value) for stratum in strata):
        for row in rows:
            for one in (stratum for stratum in row.strata if (stratum.of, stratum.value) == (of, value)):
                scores = [with_interval(one.scores.get(name)) for name in names]
                size = [str(one.reports), str(one.blocks)]
                cells.append([f"{OF[of]} {value}", *size, escape(row.name), row.point, *scores])
    head = ["references", "reports", "blocks", "backbone", "rank, alpha"]
    return table([*head, *(f"{heads.get(name, name)} [95{NBSP}%]" for name in names)], cells, right=(1, 2))


def strata_summary(rows: Sequence[Row]) -> str:
    """Return what is in the table of strata, with how many references state nothing to sort by."""
    first = next(row for row in rows if row.strata)
    counts = {of: sum(stratum.of == of for stratum in first.strata) for of in OF}
    return (
        f"By what the reference states: {several(counts['birads'], 'BI-RADS category', 'BI-RADS categories')} and "
        f"{several(counts['density'], 'density', 'densities')}"
    )

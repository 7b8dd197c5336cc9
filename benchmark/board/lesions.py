"""What scores owe to the lesion: how far they fall where it is painted over, and where as much is painted elsewhere.

Only the studies count that have a lesion with a place. What a score loses by the painting itself it loses by either;
the difference of both falls, painted less patch, is what the lesion alone is worth.
"""

from collections.abc import Mapping, Sequence

from benchmark.board.done import References
from benchmark.board.folds import Result
from benchmark.board.model import Fall, LesionFalls
from benchmark.board.numbers import number, reach
from benchmark.board.verdicts import FEWER
from benchmark.scoring.score import report_statistics
from metrics.grounding import grounding
from metrics.metric import ReportStatistics
from metrics.statistics.statistics import Draws

LESION_SCORES = ("birads_exact", "birads_kappa", "findings_f1_micro", "location_accuracy", "rouge_l")
"""Scores whose fall is given; none of them needs Java or the training reports."""
OWN, PAINTED, PATCH, ALONE = "own", "painted", "patch", "lesion"
"""What is shown: a study's own image, the lesion painted over, as much elsewhere; and the difference of both falls."""


def lesion_falls(group: Sequence[Result], references: References) -> LesionFalls | None:
    """Return what a point's scores owe to lesions; None where its trials weren't shown painted images.

    Args:
        group: the trials of the point, one a seed.
        references: of all that they were tested on.
    """
    ids = sorted(set.intersection(*(set(d.controls[name]) for d in group for name in (PAINTED, PATCH))))
    if not ids:
        return None
    expected, blocks = {i: references.reports[i] for i in ids}, [references.blocks[i] for i in ids]
    texts = {
        OWN: [_only(ids, d.predictions) for d in group],
        PAINTED: [_only(ids, d.controls[PAINTED]) for d in group],
        PATCH: [_only(ids, d.controls[PATCH]) for d in group],
    }
    scores = {shown: [_statistics(one, expected) for one in each] for shown, each in texts.items()}
    listed = {shown: [[one[i] for i in ids] for one in each] for shown, each in texts.items()}
    draws = Draws(len(set(blocks)), FEWER)
    falls, unchanged = {}, {}
    # The patch's score less the painted one's is the one fall less the other.
    for name, better, worse in ((PAINTED, OWN, PAINTED), (PATCH, OWN, PATCH), (ALONE, PATCH, PAINTED)):
        found = grounding(name, scores[better], scores[worse], listed[better], listed[worse], blocks, draws)
        falls[name] = {score: Fall(**vars(number(one.fall, reach(score)))) for score, one in found.falls.items()}
        if name != ALONE:
            unchanged[name] = number(found.unchanged)
    return LesionFalls(studies=len(ids), blocks=len(set(blocks)), falls=falls, unchanged=unchanged)


def _only(ids: Sequence[str], texts: Mapping[str, str]) -> dict[str, str]:
    return {i: texts[i] for i in ids}


def _statistics(predictions: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, ReportStatistics]:
    return report_statistics(predictions, expected, names=LESION_SCORES)

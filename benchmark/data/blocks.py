"""Which neighbouring studies are views of one breast or one patient, as far as a release without patients tells.

DMID names no patient, but lists the views of one patient one after another, and its reports, densities and
lesion rows resemble each other there. The rule below joins rather than parts: two patients in one block cost
a little statistical power, one patient in two parts of a split is a leak.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from benchmark.data.study import Study
from metrics.text.rouge import rouge_l

LARGEST_GAP = 3  # ids that may be missing between two views of one patient
NEARLY_THE_SAME = 0.9  # ROUGE-L of two reports that say the same, one view aside
SAME_FINDING = 0.8  # ROUGE-L of two reports of one lesion in two views

RULE = (
    "Neighbouring ids (at most 3 apart) are one block where any of these holds: the same density letter; "
    "reports with a ROUGE-L of 0.9 or more; the same major BI-RADS category from 2 up and reports with a ROUGE-L "
    "of 0.8 or more; the same abnormalities and classes in the lesion rows, normal ones aside; both views of one "
    "side, by the sheet, with the same major category; or they are among four in a row that show two breasts in two "
    "views each (by the sheet, else by the reports: CC CC MLO MLO or the reverse) where the major category agrees "
    "between the views of each breast."
)

_SPEAKS_OF_MLO = re.compile(r"pectoral|axill|\bupper\b|\blower\b", re.IGNORECASE)


def blocks_of(studies: Sequence[Study]) -> dict[str, str]:
    """Return the block of each study, by `RULE`: id to a label such as `Img003-Img006`.

    Args:
        studies: in any order.
    """
    ordered = sorted(studies, key=lambda s: s.number)
    joined = [_alike(a, b) for a, b in pairwise(ordered)]
    for start in range(len(ordered) - 3):
        if _four_views(ordered[start : start + 4]):
            joined[start : start + 3] = [True] * 3
    runs: list[list[str]] = []
    for index, study in enumerate(ordered):
        if index and joined[index - 1]:
            runs[-1].append(study.id)
        else:
            runs.append([study.id])
    return label_blocks(runs)


def label_blocks(runs: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return the label of each id of runs of ids: the first and the last of a run name it."""
    return {i: run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs for i in run}


def _alike(first: Study, second: Study) -> bool:
    """Return whether two neighbours in the order of ids are views of one patient."""
    if second.number - first.number > LARGEST_GAP:
        return False
    if first.density is not None and first.density == second.density:
        return True
    same_category = first.birads_major is not None and first.birads_major == second.birads_major
    if same_category and first.laterality and first.laterality == second.laterality and first.view != second.view:
        return True
    if _abnormalities(first) and _abnormalities(first) == _abnormalities(second):
        return True
    likeness = rouge_l(first.report, second.report)
    return likeness >= (SAME_FINDING if same_category and first.birads_major not in ("0", "1") else NEARLY_THE_SAME)


def _abnormalities(study: Study) -> set[tuple[str, str | None]]:
    """Return abnormality and pathology of the lesion rows, normal ones aside."""
    return {(row.abnormality, row.pathology) for row in study.lesions if row.abnormality != "NORM"}


def _four_views(four: Sequence[Study]) -> bool:
    """Return whether four neighbours show two breasts in two views each."""
    if any(b.number - a.number > LARGEST_GAP for a, b in pairwise(four)):
        return False
    if all(s.view and s.laterality for s in four):
        if len({(s.view, s.laterality) for s in four}) < 4:
            return False
        first, second = ([s for s in four if s.laterality == side] for side in ("left", "right"))
    else:
        if "".join(_reads_as(s) for s in four) not in ("CCMM", "MMCC"):
            return False
        first, second = list(four[::2]), list(four[1::2])
    return all(a.birads_major is not None and a.birads_major == b.birads_major for a, b in (first, second))


def _reads_as(study: Study) -> str:
    """Return C or M: the view by the sheet, else M where the report speaks of what only an MLO view tells."""
    if study.view:
        return study.view[0]
    return "M" if _SPEAKS_OF_MLO.search(study.report) else "C"

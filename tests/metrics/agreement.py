"""Measure again how far the labeler agrees with labels given by hand: `metrics/labels/agreement.json`.

Run by hand, where the labelled reports lie; they don't come with the project:

    AMRG_GOLD=<folder> AMRG_DMID=<folder> python tests/metrics/agreement.py

AMRG_GOLD holds `dmid.jsonl` (labels of DMID's reports, by id) and `world.jsonl` (other radiologists' texts with
labels). A line has `expected` labels and may have `alternatives`: where a report can be read in two ways, either is
right.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from benchmark.data.dmid import read
from metrics.labels import measured
from metrics.labels.kinds import KINDS
from metrics.labels.labeler import label
from metrics.labels.measured import Agreement, DataSet, Field
from metrics.labels.version import signature
from metrics.metric import ratio_of
from metrics.statistics.statistics import Draws, interval, sample

FILE = Path(measured.__file__).parent / measured.FILE
ASSERTED = ("present", "uncertain")
"""Polarities that count as asserted, as in the clinical scores."""
DIGITS = 4
PLACES = ("laterality", "quadrant")

Labels = Mapping[str, Any]
Stated = Sequence[set[str]]
"""What each report states of a field."""


def measure(gold: Path, dmid: Path) -> Agreement:
    """The agreement on both sets of labelled reports.

    Args:
        gold: the folder with the labels.
        dmid: DMID, or its reports alone.
    """
    texts = {study.id: study.report for study in read(dmid, reports_only=True).reports}
    own, other = _lines(gold / "dmid.jsonl"), _lines(gold / "world.jsonl")
    return Agreement(
        labeler=signature(),
        data_sets=(
            _measured("dmid", own, [texts[line["id"]] for line in own]),
            _measured("elsewhere", other, [line["text"] for line in other]),
        ),
    )


def _measured(name: str, lines: Sequence[Labels], texts: Sequence[str]) -> DataSet:
    """Of two readings of a text either is right; of how many reports the first one is, is counted too."""
    by_hand, by_rules = _both(lines, texts)
    strictly = sum(_core(line["expected"]) == _core(ruled) for line, ruled in zip(lines, by_rules, strict=True))
    return data_set(name, by_hand, by_rules, strictly)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _both(lines: Sequence[Labels], texts: Sequence[str]) -> tuple[list[Labels], list[Labels]]:
    """Labels by hand, with the alternative in their place where the rules read that, and labels by rules."""
    by_rules: list[Labels] = [label(text).to_dict() for text in texts]
    return [accepted(line, ruled) for line, ruled in zip(lines, by_rules, strict=True)], by_rules


def accepted(line: Labels, ruled: Labels) -> Labels:
    """The labels by hand of one report; of alternatives the one that the rules read, where they read one."""
    expected = {**line["expected"], "findings": dict(line["expected"].get("findings", {}))}
    for path, values in line.get("alternatives", {}).items():
        name, _, kind = path.partition(".")
        if name == "attrs":
            continue
        within, key = (expected["findings"], kind) if kind else (expected, name)
        read_as = (ruled["findings"] if kind else ruled).get(key)
        if _plain(within.get(key)) != _plain(read_as) and _plain(read_as) in [_plain(value) for value in values]:
            within[key] = read_as
    return expected


def _plain(value: Any) -> Any:
    return tuple(sorted(map(str, value))) if isinstance(value, list) else value


def data_set(name: str, by_hand: Sequence[Labels], by_rules: Sequence[Labels], strictly: int) -> DataSet:
    """The agreement on one set of reports, aligned.

    Args:
        name: of the set.
        by_hand, by_rules: labels of each report.
        strictly: in how many reports rules read what comes first of what they may read.
    """
    right = sum(_core(hand) == _core(ruled) for hand, ruled in zip(by_hand, by_rules, strict=True))
    low, high = _share(right, len(by_hand))
    fields = []
    for field, stated in _fields():
        # Places are labelled by hand in some reports only; the others say nothing of them.
        known = [i for i, hand in enumerate(by_hand) if field not in PLACES or field in hand]
        fields.append(field_of(field, *([stated(side[i]) for i in known] for side in (by_hand, by_rules))))
    return DataSet(
        name=name,
        reports=len(by_hand),
        wholly_right=right,
        low=low,
        high=high,
        strictly_right=strictly,
        fields=tuple(fields),
    )


def _core(labels: Labels) -> tuple[Any, ...]:
    findings = {kind: said for kind, said in labels["findings"].items() if said is not None}
    return labels["birads"], labels["density"], tuple(sorted(findings.items()))


def _fields() -> Iterator[tuple[str, Callable[[Labels], set[str]]]]:
    """Each field with what one report's labels state of it."""
    for name in ("birads", "density"):
        yield name, partial(_category, name=name)
    for kind in KINDS:
        yield kind, partial(_findings, kinds=(kind,), polarities=ASSERTED)
    yield "findings", partial(_findings, kinds=KINDS, polarities=ASSERTED)
    yield "denied", partial(_findings, kinds=KINDS, polarities=("absent",))
    for name in PLACES:
        yield name, partial(_places, name=name)


def _category(labels: Labels, name: str) -> set[str]:
    return {labels[name]} if labels[name] else set()


def _findings(labels: Labels, kinds: Sequence[str], polarities: Sequence[str]) -> set[str]:
    return {kind for kind in kinds if labels["findings"].get(kind) in polarities}


def _places(labels: Labels, name: str) -> set[str]:
    return set(labels[name])


def field_of(name: str, by_hand: Stated, by_rules: Stated) -> Field:
    """The agreement on one field, from what each report states of it."""
    both = [len(hand & ruled) for hand, ruled in zip(by_hand, by_rules, strict=True)]
    total = [len(hand) + len(ruled) - same for hand, ruled, same in zip(by_hand, by_rules, both, strict=True)]
    hand, ruled, same = sum(map(len, by_hand)), sum(map(len, by_rules)), sum(both)
    low, high = f1_interval(both, total)
    return Field(
        name=name,
        reports=len(by_hand),
        by_hand=hand,
        by_rules=ruled,
        both=same,
        precision=_quotient(same, ruled),
        recall=_quotient(same, hand),
        f1=_quotient(2 * same, hand + ruled),
        low=low,
        high=high,
    )


def f1_interval(both: Sequence[int], total: Sequence[int]) -> tuple[float | None, float | None]:
    """The interval of F1: of the share J of all that either reads which both read, as F1 = 2 J / (1 + J).

    Where a report states one thing or none, J is a count of independent cases: Clopper's and Pearson's interval, which
    is exact. Else reports are resampled, since what one report states is read by the same rules.

    Args:
        both: how much both read, of each report.
        total: how much either reads.
    """
    if not sum(total):
        return None, None
    if max(total) == 1:
        low, high = _share(sum(both), sum(total))
    else:
        of_reports = sample([ratio_of("j", "", both, total)], [f"{i:04d}" for i in range(len(both))])
        found = interval(of_reports, Draws(len(both)), bounds=(0.0, 1.0))
        low, high = found.low, found.high
    return _rounded(2 * low / (1 + low)), _rounded(2 * high / (1 + high))


def _share(part: int, whole: int) -> tuple[float, float]:
    ends = binomtest(part, whole).proportion_ci(0.95, method="exact")
    return _rounded(ends.low), _rounded(ends.high)


def _quotient(part: int, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float) -> float:
    return round(float(np.clip(value, 0.0, 1.0)), DIGITS)


def text_of(agreement: Agreement) -> str:
    """The file's text."""
    return agreement.model_dump_json(indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of(measure(Path(os.environ["AMRG_GOLD"]), Path(os.environ["AMRG_DMID"]))), encoding="utf-8")

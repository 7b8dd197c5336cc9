"""What scores owe to the image, by writing again: how far they fall when something else is shown, a blank image say.

The same adapter predicts the same reports twice: with the right images, and under a control. A text score can be high
without any look at the image; its fall can not. For another patient's image nothing has to be written again: see
`metrics.all_pairs`.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metrics.metric import ReportStatistics, mean_of
from metrics.statistics.intervals import Interval, interval
from metrics.statistics.many import differences
from metrics.statistics.resampling import Draws, sample
from metrics.text.whitespace import collapse_whitespace

Verdict = Literal["owes to the image", "is better without the image"]


@dataclass(frozen=True)
class Fall:
    """The fall of one score under one control.

    Attributes:
        score: its name.
        control: which images were shown instead.
        real, control_value: the score with the right images and under the control.
        fall: how much worse the control is, positive where the right image helps, whatever direction is better;
            with its interval, paired by block.
        verdict: only where the interval excludes zero, else None: no statement either way.
    """

    score: str
    control: str
    real: float
    control_value: float
    fall: Interval
    verdict: Verdict | None


@dataclass(frozen=True)
class Grounding:
    """Falls and unchanged predictions under one control.

    Attributes:
        control: which images were shown instead.
        falls: by the score's name.
        unchanged: share of the predictions, over seeds and reports, that are word for word the same; with its
            interval.
    """

    control: str
    falls: dict[str, Fall]
    unchanged: Interval


def grounding(
    control: str,
    real: Sequence[Mapping[str, ReportStatistics]],
    shown: Sequence[Mapping[str, ReportStatistics]],
    real_texts: Sequence[Sequence[str]],
    shown_texts: Sequence[Sequence[str]],
    blocks: Sequence[str],
    draws: Draws,
    draws_for: Callable[[str], Draws] | None = None,
) -> Grounding:
    """Compare predictions for the right images with those under a control.

    Args:
        control: what is shown, `blank` say.
        real, shown: for each seed, the scores' statistics by name, of the right images and of the control; the
            reports and their order are the same everywhere. Scores that lack a direction or are in one only are
            left out.
        real_texts, shown_texts: for each seed, the predictions in the order of the reports.
        blocks: the block of each report.
        draws: the resamples, over the number of distinct blocks.
        draws_for: gives those for a score; None for the same.
    """
    named = [
        name
        for name, first in real[0].items()
        if first.higher_is_better is not None and all(name in by_name for by_name in (*real, *shown))
    ]
    both = {
        name: (sample([one[name] for one in real], blocks), sample([one[name] for one in shown], blocks))
        for name in named
    }
    by_draws: dict[Draws, list[str]] = defaultdict(list)
    for name in named:
        by_draws[draws_for(name) if draws_for else draws].append(name)
    better: dict[str, Interval] = {}
    for drawn, names in by_draws.items():
        pairs = [both[name] if real[0][name].higher_is_better else (both[name][1], both[name][0]) for name in names]
        better |= dict(zip(names, differences(pairs, drawn, same_seeds=True), strict=True))
    falls = {
        name: Fall(name, control, right.value, wrong.value, better[name], _verdict(better[name]))
        for name, (right, wrong) in both.items()
    }
    return Grounding(control, falls, unchanged(real_texts, shown_texts, blocks, draws))


def unchanged(
    real: Sequence[Sequence[str]], shown: Sequence[Sequence[str]], blocks: Sequence[str], draws: Draws
) -> Interval:
    """Return the share of predictions, [seeds][reports], that are the same text under the control, whitespace aside."""
    by_seed = []
    for ours, theirs in zip(real, shown, strict=True):
        same = [collapse_whitespace(a) == collapse_whitespace(b) for a, b in zip(ours, theirs, strict=True)]
        by_seed.append(mean_of("unchanged", "unchanged|ws:collapsed", same, higher_is_better=None))
    return interval(sample(by_seed, blocks), draws, bounds=(0.0, 1.0))


def _verdict(fall: Interval) -> Verdict | None:
    if not fall.excludes_zero or np.isnan(fall.value):
        return None
    return "owes to the image" if fall.value > 0 else "is better without the image"

"""The floors: predictors that look at no image, and the report of the nearest training image.

A model whose score does not beat them has not shown that it reads images. The two oracles are given the right
BI-RADS category and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from benchmark.data.image import ImageLoader
from benchmark.data.pseudorandom import DRAWS, pick
from benchmark.data.study import Study
from benchmark.errors import UserError, unknown_name
from benchmark.scoring.baseline_names import BASELINES
from metrics.labels.labeler import label
from metrics.text.rouge import longest_common_of, places_of, stems
from metrics.text.whitespace import collapse_whitespace

NEEDS_IMAGES = ("nearest_image",)
BLIND = ("most_frequent_report", "random_report", "neighbour_report", "best_constant")
"""Baselines that look neither at the image nor at the reference."""
RANDOM = ("random_report", "birads_oracle_random")
"""Baselines that choose at random: they stand on a board by their expectation, the mean of `DRAWS` draws."""


def predict(
    name: str,
    train: Sequence[Study],
    test: Sequence[Study],
    *,
    seed: int = 0,
    clip: str | None = None,
    images: ImageLoader | None = None,
) -> dict[str, str]:
    """Return the predictions of one baseline: id of each test study to a report of the training set.

    Args:
        name: one of `BASELINES`.
        train: studies to take reports from.
        test: studies to predict; only the oracles look at their reports, only `nearest_image` at their images.
        seed: of the random choices and of the miniature CLIP.
        clip: the open_clip model of `nearest_image` (see `benchmark.scoring.nearest_image.load`); None for a miniature
            that is trained on the training images and reports.
        images: path to uint8 [side, side]; None for `benchmark.data.image.prepare` at 224 pixels.

    Raises:
        UserError: unknown name, no training study, or an image that is needed and missing.
    """
    if name not in BASELINES:
        raise unknown_name("baseline", name, BASELINES)
    if not train:
        raise UserError(f"the baseline {name} takes its reports from the training set, and that is empty.")
    if name in NEEDS_IMAGES:
        from benchmark.scoring.nearest_image import predict_nearest

        return predict_nearest(train, test, seed=seed, clip=clip, images=images)
    return _IMAGELESS[name](sorted(train, key=lambda s: s.number), test, seed)


def predict_draws(
    name: str, train: Sequence[Study], test: Sequence[Study], *, images: ImageLoader | None = None
) -> list[dict[str, str]]:
    """Return what stands for a baseline: its predictions, or where it chooses at random those of each draw.

    Args:
        name, train, test, images: as in `predict`.

    Raises:
        UserError: as `predict` does.
    """
    draws = DRAWS if name in RANDOM else 1
    return [predict(name, train, test, seed=draw, images=images) for draw in range(draws)]


def _most_frequent(train: Sequence[Study], test: Sequence[Study], seed: int) -> dict[str, str]:
    return dict.fromkeys((s.id for s in test), modal_report([s.report for s in train]))


def _random(train: Sequence[Study], test: Sequence[Study], seed: int) -> dict[str, str]:
    return {s.id: pick(train, seed, s).report for s in test}


def _neighbour(train: Sequence[Study], test: Sequence[Study], seed: int) -> dict[str, str]:
    # Of two equally near neighbours the earlier one, since views of one breast follow one another.
    return {s.id: min(train, key=lambda t: (abs(t.number - s.number), t.number)).report for s in test}


def _best_constant(train: Sequence[Study], test: Sequence[Study], seed: int) -> dict[str, str]:
    return dict.fromkeys((s.id for s in test), central_report(tuple(s.report for s in train)))


def _oracle_random(train: Sequence[Study], test: Sequence[Study], seed: int) -> dict[str, str]:
    return {s.id: pick(_same_category(train, s), seed, s).report for s in test}


def _oracle_modal(train: Sequence[Study], test: Sequence[Study], seed: int) -> dict[str, str]:
    return {s.id: modal_report([t.report for t in _same_category(train, s)]) for s in test}


_IMAGELESS: Mapping[str, Callable[[Sequence[Study], Sequence[Study], int], dict[str, str]]] = {
    "most_frequent_report": _most_frequent,
    "random_report": _random,
    "neighbour_report": _neighbour,
    "best_constant": _best_constant,
    "birads_oracle_random": _oracle_random,
    "birads_oracle_modal": _oracle_modal,
}


def modal_report(reports: Sequence[str]) -> str:
    """Return the most frequent report, whitespace aside; of equally frequent ones the first."""
    normalised = [collapse_whitespace(report) for report in reports]
    most = Counter(normalised).most_common(1)[0][0]
    return reports[normalised.index(most)]


@lru_cache(maxsize=8)
def central_report(reports: tuple[str, ...]) -> str:
    """Return the report with the highest mean ROUGE-L (rouge-score's stemmed tokens) to all; the first of equals.

    Exact over all pairs.
    """
    counts = Counter(tuple(stems(report)) for report in reports)
    texts = list(counts)
    weight = np.array([counts[text] for text in texts], dtype=float)
    scores = np.eye(len(texts))
    for i, text in enumerate(texts):
        scores[i, i] = float(bool(text))
        places = places_of(text)
        for j in range(i):
            common = longest_common_of(places, len(text), texts[j])
            total = len(text) + len(texts[j])
            scores[i, j] = scores[j, i] = 2 * common / total if total else 0.0
    best = texts[int(np.argmax(scores @ weight))]
    return next(report for report in reports if tuple(stems(report)) == best)


def _same_category(train: Sequence[Study], study: Study) -> Sequence[Study]:
    """Return training studies of the same exact category, else of the same major one, else all."""
    truth = label(study.report)
    labels = [label(t.report) for t in train]
    exact = [t for t, known in zip(train, labels, strict=True) if known.birads == truth.birads]
    major = [t for t, known in zip(train, labels, strict=True) if known.birads_major == truth.birads_major]
    return exact or major or train

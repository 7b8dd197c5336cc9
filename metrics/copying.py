"""What predictions repeat: reports of the training set, and each other.

A report that stands verbatim in train is no proof of memorising: many reports of DMID share their text, so the same
share of the references stands beside it, and the excess over it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import scipy

from metrics.metric import Array, ReportStatistics, mean_of
from metrics.text.whitespace import collapse_whitespace

NEAR = 0.9
REMEMBERED = 50_000
"""Texts whose nearest training report is kept, with one set of them."""
SIGNATURE = "norm:case-folded,ws-collapsed"

_WORD = re.compile(r"[^\W_]+")


def memory_statistics(
    predictions: Sequence[str],
    references: Sequence[str],
    train_reports: Sequence[str],
    predicted_birads: Sequence[str | None],
    reference_birads: Sequence[str | None],
) -> list[ReportStatistics]:
    """Return shares of predictions that repeat train or each other, and the entropy of the predicted categories.

    Args:
        train_reports: may be empty; the scores against train are left out then.
        predicted_birads, reference_birads: the category that each text states, None where it states none; a
            missing category is a value of its own in the entropy.
    """
    statistics: list[ReportStatistics] = []
    if train_reports:
        statistics += _against_train(predictions, references, train_reports)
    folded = [_fold(text) for text in predictions]
    statistics.append(_of_groups("distinct_predictions", f"distinct|{SIGNATURE}", folded, _distinct))
    statistics.append(_of_groups("modal_prediction_share", f"modal-share|{SIGNATURE}", folded, _modal))
    for name, categories in (("birads_entropy", predicted_birads), ("birads_entropy_references", reference_birads)):
        values = [category or "" for category in categories]
        statistics.append(_of_groups(name, "entropy|unit:bit|missing:counted", values, _entropy))
    return statistics


def is_verbatim(texts: Sequence[str], train_reports: Sequence[str]) -> np.ndarray:
    """Return bool [n]: which texts stand in train, case and whitespace aside. An empty text never does."""
    known = _folded_set(tuple(train_reports))
    return np.array([bool(f := _fold(text)) and f in known for text in texts], dtype=bool)


def nearest_jaccard(texts: Sequence[str], train_reports: Sequence[str]) -> Array:
    """Return float64 [n]: each text's largest Jaccard index of words with a training report; 0 where it has none."""
    known = _train_words(tuple(train_reports))
    if new := [text for text in dict.fromkeys(texts) if text not in known.nearest]:
        if len(known.nearest) + len(new) > REMEMBERED:
            known.nearest.clear()
            new = list(dict.fromkeys(texts))
        known.nearest.update(zip(new, known.compared(new), strict=True))
    return np.array([known.nearest[text] for text in texts], dtype=np.float64)


def _against_train(
    predictions: Sequence[str], references: Sequence[str], train: Sequence[str]
) -> list[ReportStatistics]:
    statistics = []
    for prefix, measure, how in (
        ("verbatim_train", lambda texts: is_verbatim(texts, train), f"verbatim|{SIGNATURE}"),
        ("near_verbatim_train", lambda texts: nearest_jaccard(texts, train) >= NEAR, f"jaccard>={NEAR}|tok:words"),
    ):
        ours, theirs = measure(predictions).astype(float), measure(references).astype(float)
        signature = f"{how}|train:N={len(train)}"
        statistics.append(mean_of(f"{prefix}_rate", signature, ours, higher_is_better=None))
        statistics.append(mean_of(f"{prefix}_rate_references", signature, theirs, higher_is_better=None))
        statistics.append(mean_of(f"{prefix}_excess", signature, ours - theirs, higher_is_better=False))
    return statistics


def _of_groups(name: str, signature: str, values: Sequence[str], combine: Callable[[Array], Array]) -> ReportStatistics:
    _, group = np.unique(np.asarray(values, dtype=object).astype(str), return_inverse=True)
    statistics = np.zeros((len(values), int(group.max(initial=-1)) + 1))
    statistics[np.arange(len(values)), group] = 1
    every = np.ones(len(values), dtype=bool)
    return ReportStatistics(name, signature, statistics, combine, every, None)


def _distinct(counts: Array) -> Array:
    return _per_total((counts > 0).sum(axis=-1), counts)


def _modal(counts: Array) -> Array:
    return _per_total(counts.max(axis=-1, initial=0), counts)


def _entropy(counts: Array) -> Array:
    total = counts.sum(axis=-1, keepdims=True)
    share = np.divide(counts, total, out=np.full(np.shape(counts), np.nan), where=total > 0)
    logs = np.log2(share, out=np.zeros_like(share), where=share > 0)
    # Adding 0 turns -0.0 into 0.0.
    return np.where(total[..., 0] > 0, -(share * logs).sum(axis=-1) + 0.0, np.nan)


def _per_total(part: Array, counts: Array) -> Array:
    total = counts.sum(axis=-1)
    return np.divide(part, total, out=np.full(np.shape(total), np.nan), where=total > 0)


def _fold(text: str) -> str:
    return collapse_whitespace(text).casefold()


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


@lru_cache(maxsize=4)
def _folded_set(train: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_fold(text) for text in train) - {""}


@dataclass(frozen=True)
class _TrainWords:
    """The words of training reports, and what was compared with them: trials write the same texts over and over.

    Attributes:
        vocabulary: word to its column.
        rows: [reports, words]: 1 where a report has a word.
        nearest: a text to its largest Jaccard index with a report.
    """

    vocabulary: dict[str, int]
    rows: "scipy.sparse.csr_array"
    nearest: dict[str, float] = field(default_factory=dict)

    def compared(self, texts: Sequence[str]) -> list[float]:
        """Return each text's largest Jaccard index of words with a report; 0 where it has none."""
        rows = [set(_words(text)) for text in texts]
        columns = [[self.vocabulary[w] for w in row if w in self.vocabulary] for row in rows]
        sizes = np.array([len(row) for row in rows], dtype=float)
        common = np.asarray((_incidence(columns, len(self.vocabulary)) @ self.rows.T).todense(), dtype=float)
        union = sizes[:, None] + np.asarray(self.rows.sum(axis=1)).ravel()[None] - common
        shares = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
        return [float(largest) for largest in shares.max(axis=1, initial=0.0)]


@lru_cache(maxsize=4)
def _train_words(train: tuple[str, ...]) -> _TrainWords:
    vocabulary: dict[str, int] = {}
    rows = [[vocabulary.setdefault(word, len(vocabulary)) for word in sorted(set(_words(text)))] for text in train]
    return _TrainWords(vocabulary, _incidence(rows, len(vocabulary)))


def _incidence(rows: Sequence[Sequence[int]], width: int) -> "scipy.sparse.csr_array":
    ends = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.array([column for row in rows for column in row], dtype=int)
    return scipy.sparse.csr_array((np.ones(len(columns)), columns, ends), shape=(len(rows), width))

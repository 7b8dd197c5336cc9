"""CIDEr-D by pycocoevalcap, with the document frequencies of the references themselves or frozen from training."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from metrics.metric import Array, ReportStatistics, mean_of
from metrics.private import frozen_cider_values, ngrams
from metrics.versions import installed

REMEMBERED = 100_000
"""Pairs whose values are kept with one set of document frequencies."""

UNDEFINED = "CIDEr needs at least two references that differ: the document frequencies of one text weigh every word 0"


def cider(hypotheses: Sequence[str], references: Sequence[str], name: str, tokenizer: str) -> ReportStatistics:
    """Return CIDEr-D (Vedantam et al. 2015) of texts already tokenised, document frequencies from `references`.

    This is the classical value. It depends on the number of reports: the same system scores lower on more of them.
    Undefined (NaN) where every reference is the same, as with a single report: pycocoevalcap gives 0 there even to
    an identical text.
    """
    defined = len(set(references)) > 1
    values = np.full(len(references), np.nan)
    if defined:
        values = _frequencies(tuple(references)).values(hypotheses, references)
    signature = _signature(tokenizer, f"test(N={len(references)})")
    return mean_of(name, signature, values, np.full(len(references), defined))


def cider_frozen(
    hypotheses: Sequence[str], references: Sequence[str], train: Sequence[str], name: str, tokenizer: str
) -> ReportStatistics:
    """Return CIDEr-D with document frequencies and their number of documents taken from the training reports.

    The value of a report does not depend on which other reports are scored, so it can be resampled and compared
    between sets of reports.
    """
    frequencies = _frequencies(tuple(train))
    values = np.full(len(references), np.nan)
    defined = len(set(train)) > 1
    if defined:
        values = frequencies.values(hypotheses, references)
    signature = _signature(tokenizer, f"train(N={len(train)},sha256:{frequencies.digest})")
    return mean_of(name, signature, values, np.full(len(references), defined))


@dataclass(frozen=True)
class _Frequencies:
    """Document frequencies of texts, and the value of every pair that was scored with them.

    A pair's value depends on nothing but its two texts and the frequencies. The trials of a sweep write the same texts
    over and over for the same references, and on images with a part painted over mostly what they wrote before.

    Attributes:
        documents: the texts that are counted.
        of_ngram: in how many of them an n-gram stands.
        digest: of the texts in any order.
    """

    documents: tuple[str, ...]
    _known: dict[tuple[str, str], float] = field(default_factory=dict)

    @cached_property
    def of_ngram(self) -> dict[tuple[str, ...], float]:
        frequencies: dict[tuple[str, ...], float] = {}
        for text in self.documents:
            for ngram in ngrams(text):
                frequencies[ngram] = frequencies.get(ngram, 0.0) + 1
        return frequencies

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(sorted(self.documents)).encode(errors="replace")).hexdigest()[:12]

    def values(self, hypotheses: Sequence[str], references: Sequence[str]) -> Array:
        """Return float64 [n]: CIDEr-D of each pair."""
        pairs = list(zip(hypotheses, references, strict=True))
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if len(self._known) + len(new) > REMEMBERED:
            self._known.clear()
            new = list(dict.fromkeys(pairs))
        if new:
            written, expected = [pair[0] for pair in new], [pair[1] for pair in new]
            scored = frozen_cider_values(written, expected, self.of_ngram, len(self.documents))
            self._known.update(zip(new, map(float, scored), strict=True))
        return np.array([self._known[pair] for pair in pairs], dtype=np.float64)


@lru_cache(maxsize=32)
def _frequencies(documents: tuple[str, ...]) -> _Frequencies:
    return _Frequencies(documents)


def _signature(tokenizer: str, frequencies: str) -> str:
    return (
        f"cider-d|impl:{installed('pycocoevalcap')}|sigma:6|n:4|scale:10|idf:{frequencies}|"
        f"{tokenizer}|agg:mean|refs:1|ws:collapsed"
    )

"""CIDEr-D by pycocoevalcap, with the document frequencies of the references themselves or frozen from training."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from metrics.metric import Array, ReportStatistics, mean_of
from metrics.private import cider_values, frozen_cider_values, ngrams
from metrics.versions import installed

UNDEFINED = "CIDEr needs at least two references that differ: the document frequencies of one text weigh every word 0"


def cider(hypotheses: Sequence[str], references: Sequence[str], name: str, tokenizer: str) -> ReportStatistics:
    """Return CIDEr-D (Vedantam et al. 2015) of texts already tokenised, document frequencies from `references`.

    This is the classical value. It depends on the number of reports: the same system scores lower on more of them.
    Undefined (NaN) where every reference is the same, as with a single report: pycocoevalcap gives 0 there even to
    an identical text.
    """
    defined = len(set(references)) > 1
    values = _array(cider_values(hypotheses, references)) if defined else np.full(len(references), np.nan)
    signature = _signature(tokenizer, f"test(N={len(references)})")
    return mean_of(name, signature, values, np.full(len(references), defined))


def cider_frozen(
    hypotheses: Sequence[str], references: Sequence[str], train: Sequence[str], name: str, tokenizer: str
) -> ReportStatistics:
    """Return CIDEr-D with document frequencies and their number of documents taken from the training reports.

    The value of a report does not depend on which other reports are scored, so it can be resampled and compared
    between sets of reports.
    """
    frequencies, digest = _document_frequencies(tuple(train))
    values = np.full(len(references), np.nan)
    defined = len(set(train)) > 1
    if defined:
        values = _array(frozen_cider_values(hypotheses, references, frequencies, len(train)))
    signature = _signature(tokenizer, f"train(N={len(train)},sha256:{digest})")
    return mean_of(name, signature, values, np.full(len(references), defined))


def _array(values: Sequence[float]) -> Array:
    return np.array(values, dtype=np.float64)


@lru_cache(maxsize=8)
def _document_frequencies(train: tuple[str, ...]) -> tuple[dict[tuple[str, ...], float], str]:
    frequencies: dict[tuple[str, ...], float] = {}
    for text in train:
        for ngram in ngrams(text):
            frequencies[ngram] = frequencies.get(ngram, 0.0) + 1
    digest = hashlib.sha256("\n".join(sorted(train)).encode(errors="replace")).hexdigest()[:12]
    return frequencies, digest


def _signature(tokenizer: str, frequencies: str) -> str:
    return (
        f"cider-d|impl:{installed('pycocoevalcap')}|sigma:6|n:4|scale:10|idf:{frequencies}|"
        f"{tokenizer}|agg:mean|refs:1|ws:collapsed"
    )

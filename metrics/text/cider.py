"""CIDEr-D by pycocoevalcap, with the document frequencies of the references themselves or frozen from training."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from pycocoevalcap.cider.cider_scorer import CiderScorer, precook

from metrics.metric import Array, ReportStatistics, mean_of
from metrics.versions import installed

UNDEFINED = "CIDEr needs at least two references that differ: the document frequencies of one text weigh every word 0"


def cider(hypotheses: Sequence[str], references: Sequence[str], name: str, tokenizer: str) -> ReportStatistics:
    """CIDEr-D (Vedantam et al. 2015) of texts already tokenised, document frequencies from `references`.

    This is the classical value. It depends on the number of reports: the same system scores lower on more of them.
    Undefined (NaN) where every reference is the same, as with a single report: pycocoevalcap gives 0 there even to
    an identical text.
    """
    scorer = CiderScorer()
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        scorer += (hypothesis, [reference])
    defined = len(set(references)) > 1
    values = _scores(scorer) if defined else np.full(len(references), np.nan)
    signature = _signature(tokenizer, f"test(N={len(references)})")
    return mean_of(name, signature, values, np.full(len(references), defined))


def cider_frozen(
    hypotheses: Sequence[str], references: Sequence[str], train: Sequence[str], name: str, tokenizer: str
) -> ReportStatistics:
    """CIDEr-D with document frequencies and their number of documents taken from the training reports.

    The value of a report does not depend on which other reports are scored, so it can be resampled and compared
    between sets of reports.
    """
    frequencies, digest = _document_frequencies(tuple(train))
    scorer = _FrozenScorer(len(train))
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        scorer += (hypothesis, [reference])
    scorer.document_frequency.update(frequencies)
    defined = len(set(train)) > 1
    values = np.array(scorer.compute_cider()) if defined else np.full(len(references), np.nan)
    signature = _signature(tokenizer, f"train(N={len(train)},sha256:{digest})")
    return mean_of(name, signature, values, np.full(len(references), defined))


class _FrozenScorer(CiderScorer):
    """A scorer whose number of documents is given: `compute_cider` sets it from its own references."""

    def __init__(self, documents: int):
        self._log_documents = float(np.log(documents)) if documents else 0.0
        super().__init__()

    @property
    def ref_len(self) -> float:
        return self._log_documents

    @ref_len.setter
    def ref_len(self, value: float) -> None:
        pass


def _scores(scorer: CiderScorer) -> Array:
    scorer.compute_doc_freq()
    return np.array(scorer.compute_cider(), dtype=np.float64)


@lru_cache(maxsize=8)
def _document_frequencies(train: tuple[str, ...]) -> tuple[dict[tuple[str, ...], float], str]:
    frequencies: dict[tuple[str, ...], float] = {}
    for text in train:
        for ngram in precook(text):
            frequencies[ngram] = frequencies.get(ngram, 0.0) + 1
    digest = hashlib.sha256("\n".join(sorted(train)).encode(errors="replace")).hexdigest()[:12]
    return frequencies, digest


def _signature(tokenizer: str, frequencies: str) -> str:
    return (
        f"cider-d|impl:{installed('pycocoevalcap')}|sigma:6|n:4|scale:10|idf:{frequencies}|"
        f"{tokenizer}|agg:mean|refs:1|ws:collapsed"
    )

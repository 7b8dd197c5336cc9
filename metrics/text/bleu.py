"""BLEU-1 to BLEU-4 as pycocoevalcap computes them, from counts that add up over reports."""

from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np

from metrics.metric import Array, ReportStatistics
from metrics.private import bleu_counts
from metrics.versions import installed

ORDERS = 4
# The smoothing of pycocoevalcap's BleuScorer, which keeps its value where nothing matches.
TINY, SMALL = 1e-15, 1e-9


@lru_cache(maxsize=100_000)
def _counts(hypothesis: str, reference: str) -> tuple[float, ...]:
    return bleu_counts(hypothesis, reference)


def bleu(hypotheses: Sequence[str], references: Sequence[str], suffix: str, tokenizer: str) -> list[ReportStatistics]:
    """Return corpus BLEU-1 to BLEU-4 (Papineni et al. 2002) of texts already tokenised, words parted by spaces.

    Statistics [n, 10] a report: matched and proposed n-grams for n = 1 ... 4, hypothesis and reference length, all
    counted by pycocoevalcap.

    Args:
        suffix: end of the scores' names, `coco` or `published`.
        tokenizer: how the texts were tokenised, for the signature.
    """
    rows = [_counts(h, r) for h, r in zip(hypotheses, references, strict=True)]
    statistics = np.array(rows, dtype=np.float64).reshape(len(rows), 2 * ORDERS + 2)
    signature = f"impl:{installed('pycocoevalcap')}|{tokenizer}|agg:corpus|reflen:closest|refs:1|ws:collapsed"
    return [
        ReportStatistics(
            f"bleu_{order}_{suffix}",
            f"bleu_{order}|{signature}",
            statistics,
            partial(bleu_value, order=order),
            np.ones(len(rows), dtype=bool),
        )
        for order in range(1, ORDERS + 1)
    ]


def bleu_value(sums: Array, order: int) -> Array:
    """Return BLEU of summed counts, shape [..., 10] to [...]: the formula of pycocoevalcap's BleuScorer."""
    correct, proposed = sums[..., :order], sums[..., ORDERS : ORDERS + order]
    precision = np.prod((correct + TINY) / (proposed + SMALL), axis=-1) ** (1 / order)
    length_ratio = (sums[..., -2] + TINY) / (sums[..., -1] + SMALL)
    # Lengths of 0 give an exponent far below what a float can hold: 0, as in the original.
    with np.errstate(under="ignore", divide="ignore"):
        return precision * np.exp(np.minimum(0.0, 1 - 1 / length_ratio))

"""How alike reports are, word for word, fast enough for every pair of a split."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from metrics.text.rouge import rouge_l, stems


def most_alike(report: str, others: Sequence[str], *, at_least: float) -> float | None:
    """Return the highest ROUGE-L of `report` with any of `others`, or None where none reaches `at_least` (above 0).

    A common subsequence is no longer than the words in common, counted with their multiplicity; pairs which that
    bound rules out are not compared.
    """
    best = None
    for other in others:
        floor = at_least if best is None else best
        if _bound(report, other) >= floor and (value := rouge_l(other, report)) >= floor:
            best = value
    return best


def _bound(first: str, second: str) -> float:
    """Return what the ROUGE-L of two reports can't exceed: that of their words in common, whatever their order."""
    a, b = _words(first), _words(second)
    total = a.total() + b.total()
    return 2.0 * (a & b).total() / total if total else 0.0


@lru_cache(maxsize=20_000)
def _words(text: str) -> Counter[str]:
    """Return how often each stem occurs in a text."""
    return Counter(stems(text))

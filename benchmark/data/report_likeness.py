"""How alike reports are, word for word, fast enough for every pair of a split."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

from metrics.text.rouge import rouge_l, stems

Token = tuple[str, int]
"""A stem and which of its occurrences in a text it is: a text's tokens are distinct."""


class Reports:
    """Reports among which those that are like another one are found without looking at each.

    Args:
        texts: the reports.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._having: dict[Token, list[int]] = defaultdict(list)
        for number, text in enumerate(texts):
            for token in _tokens(text):
                self._having[token].append(number)

    def most_alike(self, report: str, *, at_least: float) -> float | None:
        """Return the highest ROUGE-L of a report with any of them, or None where none reaches `at_least` (above 0).

        A common subsequence is no longer than the words in common, counted with their multiplicity; pairs which that
        bound rules out are not compared.
        """
        best = None
        for number in self._candidates(report, at_least):
            other = self._texts[number]
            floor = at_least if best is None else best
            if _bound(report, other) >= floor and (value := rouge_l(other, report)) >= floor:
                best = value
        return best

    def _candidates(self, report: str, at_least: float) -> Iterator[int]:
        """Yield the numbers of the reports that may reach `at_least`, and few others.

        Of a report with n tokens one that reaches the bound b has c in common, and no fewer tokens than those, so
        2c / (n + c) ≥ b, or c ≥ bn / (2 − b). It lacks n − c at most, hence has one of any n − c + 1 of them: the
        rarest are looked up (prefix filtering; Chaudhuri, Ganti, Kaushik 2006).
        """
        tokens = _tokens(report)
        common = max(1, math.ceil(at_least * len(tokens) / (2 - at_least) - 1e-9)) if at_least < 2 else len(tokens) + 1
        rarest = sorted(tokens, key=lambda token: len(self._having.get(token, ())))
        seen: set[int] = set()
        for token in rarest[: max(0, len(tokens) - common + 1)]:
            for number in self._having.get(token, ()):
                if number not in seen:
                    seen.add(number)
                    yield number


def _tokens(text: str) -> list[Token]:
    """Return the stems of a text, each with which of its occurrences it is."""
    return [(stem, number) for stem, times in _words(text).items() for number in range(times)]


def _bound(first: str, second: str) -> float:
    """Return what the ROUGE-L of two reports can't exceed: that of their words in common, whatever their order."""
    a, b = _words(first), _words(second)
    total = a.total() + b.total()
    return 2.0 * (a & b).total() / total if total else 0.0


@lru_cache(maxsize=100_000)
def _words(text: str) -> Counter[str]:
    """Return how often each stem occurs in a text."""
    return Counter(stems(text))

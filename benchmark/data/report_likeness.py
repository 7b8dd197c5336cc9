"""How alike reports are, word for word, fast enough for every pair of a split."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from metrics.text.rouge import rouge_l, stems

Token = tuple[str, int]
"""A stem and which of its occurrences in a text it is, so that a text's tokens are distinct."""


class Reports:
    """Reports among which the one most like another is found, few of them compared with it word by word.

    Args:
        texts: the reports.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        having: dict[Token, list[int]] = defaultdict(list)
        sizes = []
        for number, text in enumerate(texts):
            tokens = _tokens(text)
            sizes.append(len(tokens))
            for token in tokens:
                having[token].append(number)
        self._having = {token: np.array(numbers) for token, numbers in having.items()}
        self._sizes = np.array(sizes, dtype=np.int64)

    def most_alike(self, report: str, *, at_least: float) -> float | None:
        """Return the highest ROUGE-L of a report with any of them, or None where none reaches `at_least` (above 0).

        A common subsequence is no longer than the words in common, counted with their multiplicity; those that this
        bound rules out are not compared.
        """
        best = None
        bounds = self._bounds(report)
        likely = np.flatnonzero(bounds >= at_least)
        for number in likely[np.argsort(-bounds[likely], kind="stable")]:
            floor = at_least if best is None else best
            if bounds[number] < floor or best == 1.0:
                break
            value = rouge_l(self._texts[number], report)
            if value >= floor:
                best = value
        return best

    def _bounds(self, report: str) -> np.ndarray:
        """Return what the ROUGE-L with each of them can't exceed: that of the words in common, whatever their order."""
        tokens = _tokens(report)
        having = [self._having[token] for token in tokens if token in self._having]
        common = np.bincount(np.concatenate(having), minlength=len(self._texts)) if having else 0
        return 2.0 * common / np.maximum(self._sizes + len(tokens), 1)


def _tokens(text: str) -> list[Token]:
    """Return the stems of a text, each with which of its occurrences it is."""
    return [(stem, number) for stem, times in Counter(stems(text)).items() for number in range(times)]

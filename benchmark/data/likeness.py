"""How alike two reports are, word for word: ROUGE-L, fast enough for every pair of a split."""

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache


@lru_cache(maxsize=200_000)
def rouge_l(hypothesis: str, reference: str) -> float:
    """ROUGE-L F-measure of two reports, by rouge-score with its stemmer (Lin 2004)."""
    return float(_scorer().score(target=reference, prediction=hypothesis)["rougeL"].fmeasure)


def most_alike(report: str, others: Sequence[str], *, at_least: float) -> float | None:
    """The highest ROUGE-L of `report` with any of `others`, or None where none reaches `at_least` (above 0).

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
    a, b = _words(first), _words(second)
    total = a.total() + b.total()
    return 2.0 * (a & b).total() / total if total else 0.0


@lru_cache(maxsize=20_000)
def _words(text: str) -> Counter[str]:
    return Counter(_tokens(text))


@lru_cache(maxsize=20_000)
def _tokens(text: str) -> list[str]:
    return _tokenizer().tokenize(text)


@cache
def _tokenizer():
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)


@cache
def _scorer():
    """rouge-score with a tokenizer that tokenises each text once. Imported late: nltk takes seconds."""
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import Tokenizer

    class Remembering(Tokenizer):
        def tokenize(self, text: str) -> list[str]:
            return _tokens(text)

    return RougeScorer(["rougeL"], tokenizer=Remembering())

"""METEOR of nltk, the one that papers on DMID print."""

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from metrics.metric import ReportStatistics, mean_of
from metrics.versions import installed


class NoWordNet:
    """Stands in for WordNet where its files are not installed: no word has a synonym."""

    def synsets(self, word: str) -> list[Any]:
        return []


@lru_cache(maxsize=1)
def wordnet() -> tuple[Any, str]:
    """nltk's WordNet and its version, or a reader without synonyms and "none" where no files are found."""
    from nltk.corpus import wordnet as corpus

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            corpus.ensure_loaded()
            return corpus, str(corpus.get_version())
    except (LookupError, OSError):
        return NoWordNet(), "none"


@lru_cache(maxsize=100_000)
def nltk_words(text: str) -> tuple[str, ...]:
    """The words of `nltk.word_tokenize`, without its download: sentences by an untrained Punkt tokeniser.

    On published predictions of DMID it gives the published METEOR to four digits; `str.split`, Treebank without
    sentences and plain regular expressions don't.
    """
    sentences, words = _tokenizers()
    return tuple(word for sentence in sentences.tokenize(text) for word in words.tokenize(sentence))


@lru_cache(maxsize=1)
def _tokenizers() -> tuple[Any, Any]:
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    return PunktSentenceTokenizer(), NLTKWordTokenizer()


@lru_cache(maxsize=100_000)
def meteor_of_words(hypothesis: tuple[str, ...], reference: tuple[str, ...]) -> float:
    """nltk's METEOR (alpha 0.9, beta 3, gamma 0.5) of two tokenised texts; 0 where either is empty."""
    from nltk.translate.meteor_score import single_meteor_score

    if not hypothesis or not reference:
        return 0.0
    return float(single_meteor_score(reference, hypothesis, wordnet=wordnet()[0]))


def meteor_nltk(
    hypotheses: Sequence[str],
    references: Sequence[str],
    words: Callable[[str], tuple[str, ...]] = nltk_words,
    tokenizer: str = "tok:nltk-word(punkt:untrained)",
) -> ReportStatistics:
    """METEOR by nltk, mean over reports. Without WordNet's files the value changes by about 0.001."""
    values = [meteor_of_words(words(h), words(r)) for h, r in zip(hypotheses, references, strict=True)]
    signature = (
        f"meteor|impl:{installed('nltk')}|alpha:0.9|beta:3|gamma:0.5|wordnet:{wordnet()[1]}|"
        f"{tokenizer}|case:lower|agg:mean|refs:1|ws:collapsed"
    )
    return mean_of("meteor_nltk", signature, values)

"""METEOR of nltk, the one that papers on DMID print."""

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache

from metrics.metric import ReportStatistics, mean_of
from metrics.private import NoWordNet, WordNet, nltk_meteor, nltk_tokens
from metrics.versions import installed


@lru_cache(maxsize=1)
def wordnet() -> tuple[WordNet, str]:
    """Return nltk's WordNet and its version, or a reader without synonyms and "none" where no files are found."""
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
    """Return the words of `nltk.word_tokenize`, without its download: sentences by an untrained Punkt tokeniser.

    On published predictions of DMID it gives the published METEOR to four digits; `str.split`, Treebank without
    sentences and plain regular expressions don't.
    """
    return nltk_tokens(text)


@lru_cache(maxsize=100_000)
def meteor_of_words(hypothesis: tuple[str, ...], reference: tuple[str, ...]) -> float:
    """Return nltk's METEOR (alpha 0.9, beta 3, gamma 0.5) of two tokenised texts; 0 where either is empty."""
    if not hypothesis or not reference:
        return 0.0
    return nltk_meteor(hypothesis, reference, wordnet()[0])


def meteor_nltk(
    hypotheses: Sequence[str],
    references: Sequence[str],
    words: Callable[[str], tuple[str, ...]] = nltk_words,
    tokenizer: str = "tok:nltk-word(punkt:untrained)",
) -> ReportStatistics:
    """Return METEOR by nltk, mean over reports. Without WordNet's files the value changes by about 0.001."""
    values = [meteor_of_words(words(h), words(r)) for h, r in zip(hypotheses, references, strict=True)]
    signature = (
        f"meteor|impl:{installed('nltk')}|alpha:0.9|beta:3|gamma:0.5|wordnet:{wordnet()[1]}|"
        f"{tokenizer}|case:lower|agg:mean|refs:1|ws:collapsed"
    )
    return mean_of("meteor_nltk", signature, values)

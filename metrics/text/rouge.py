"""ROUGE: Google's rouge-score with its stemmer, and ROUGE-L of COCO captions."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from metrics.metric import ReportStatistics, mean_of
from metrics.nltk_import import import_nltk
from metrics.private import coco_rouge_l
from metrics.versions import installed

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import Tokenizer

KINDS = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}


@lru_cache(maxsize=100_000)
def stems(text: str) -> list[str]:
    """Return the words of a text as rouge-score compares them: lower case, by Porter's stemmer."""
    return _tokenizer().tokenize(text)


@lru_cache(maxsize=200_000)
def rouge_l(hypothesis: str, reference: str) -> float:
    """Return the ROUGE-L F-measure of two texts, to the last bit as rouge-score gives it.

    rouge-score fills a table of the longest common subsequence in Python, a millisecond for two reports. What a score
    owes to the image takes thousands of pairs, so the table's rows are bits of a number here, fifty times as fast.
    """
    predicted, expected = stems(hypothesis), stems(reference)
    if not predicted or not expected:
        return 0.0
    common = longest_common(predicted, expected)
    precision, recall = common / len(predicted), common / len(expected)
    return 2 * precision * recall / (precision + recall) if common else 0.0


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence of two lists of words.

    A row of the table grows by 0 or 1 from place to place, so one bit per place says it all; the next row follows by
    additions on whole numbers (Hyyrö 2004, "Bit-parallel LCS-length computation revisited").
    """
    return longest_common_of(places_of(first), len(first), second)


def places_of(words: Sequence[str]) -> dict[str, int]:
    """Return the places of each word of a list as the bits of a whole number."""
    places: dict[str, int] = {}
    for place, word in enumerate(words):
        places[word] = places.get(word, 0) | 1 << place
    return places


def longest_common_of(places: Mapping[str, int], length: int, second: Sequence[str]) -> int:
    """Return `longest_common` of a list of `length` words, by the places of its words, and a second list."""
    full = (1 << length) - 1
    row = full
    for word in second:
        matches = row & places.get(word, 0)
        row = (row + matches) | (row - matches)
    return length - (row & full).bit_count()


@cache
def _tokenizer() -> "Tokenizer":
    # It imports nltk for the stemmer, which takes seconds, and most commands score nothing.
    import_nltk()
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)


@cache
def _scorer(kinds: tuple[str, ...]) -> "RougeScorer":
    """Return rouge-score's scorer, with a tokenizer that tokenises each text once."""
    import_nltk()
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import Tokenizer

    class Remembering(Tokenizer):
        """rouge-score's own tokenizer, with a memory."""

        def tokenize(self, text: str) -> list[str]:
            return stems(text)

    return RougeScorer(list(kinds), tokenizer=Remembering())


@lru_cache(maxsize=200_000)
def _f_measures(kinds: tuple[str, ...], hypothesis: str, reference: str) -> tuple[float, ...]:
    scores = _scorer(kinds).score(target=reference, prediction=hypothesis)
    return tuple(float(scores[kind].fmeasure) for kind in kinds)


def rouge(
    hypotheses: Sequence[str], references: Sequence[str], names: Collection[str] = tuple(KINDS)
) -> list[ReportStatistics]:
    """Return ROUGE-1, ROUGE-2 and ROUGE-L, F-measure, mean over reports (Lin 2004).

    rouge-score lower-cases and keeps `[a-z0-9]+` only; two texts without such a character score 0.

    Args:
        hypotheses, references: aligned.
        names: of `KINDS`, those that are wanted.
    """
    pairs = list(zip(hypotheses, references, strict=True))
    kinds = tuple(KINDS[name] for name in KINDS if name in names and name != "rouge_l")
    rows = [_f_measures(kinds, h, r) for h, r in pairs] if kinds else []
    values = {name: [row[i] for row in rows] for i, name in enumerate(n for n in KINDS if KINDS[n] in kinds)}
    if "rouge_l" in names:
        values["rouge_l"] = [rouge_l(h, r) for h, r in pairs]
    return [
        mean_of(
            name,
            f"{name}|f1|impl:{installed('rouge-score')}|stem:porter|tok:[a-z0-9]+|case:lower|agg:mean|refs:1|ws:collapsed",
            scores,
        )
        for name, scores in values.items()
    ]


def rouge_l_coco(hypotheses: Sequence[str], references: Sequence[str], tokenizer: str) -> ReportStatistics:
    """Return ROUGE-L with beta 1.2 by pycocoevalcap, mean over reports, of texts already tokenised.

    Two texts that both tokenise to nothing score 1 there; the reference implementation's value is kept.

    Args:
        tokenizer: how the texts were tokenised, for the signature.
    """
    values = [_coco(h, r) for h, r in zip(hypotheses, references, strict=True)]
    signature = f"rouge_l|beta:1.2|impl:{installed('pycocoevalcap')}|{tokenizer}|agg:mean|refs:1|ws:collapsed"
    return mean_of("rouge_l_coco", signature, values)


@lru_cache(maxsize=100_000)
def _coco(hypothesis: str, reference: str) -> float:
    return coco_rouge_l(hypothesis, reference)

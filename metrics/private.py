"""What is used of other libraries beyond what they document: each part, and the only code that touches it.

A new release may move such a part without a word, or give another value. So `PARTS` says of each where it is and what
it is called with, the libraries' versions are bounded in `pyproject.toml` to what was checked, and
`tests/metrics/test_private_scorers.py` names the library, its version and the part where one has moved. `metrics` comes
here for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from metrics.errors import MetricUnavailable
from metrics.nltk_import import import_nltk

if TYPE_CHECKING:
    from nltk.stem import StemmerI
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer


@dataclass(frozen=True)
class Library:
    """A library, and the versions that its private parts were checked for, as `pyproject.toml` bounds them."""

    name: str
    versions: str


@dataclass(frozen=True)
class Part:
    """A private part of a library.

    Attributes:
        library: whose.
        place: `module:attribute`, the attribute dotted where it lies in a class.
        use: what it is used for, and by which function of this module.
        parameters: its first ones, which are given by place.
        keywords: those that are given by name.
    """

    library: Library
    place: str
    use: str
    parameters: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


COCO = Library("pycocoevalcap", ">=1.2,<1.3")
NLTK = Library("nltk", ">=3.10,<3.11")
PARTS: tuple[Part, ...] = (
    Part(
        COCO,
        "pycocoevalcap.bleu.bleu_scorer:cook_refs",
        "n-grams of a reference: bleu_counts",
        ("refs",),
    ),
    Part(
        COCO,
        "pycocoevalcap.bleu.bleu_scorer:cook_test",
        "matched n-grams of a hypothesis: bleu_counts",
        ("test", "refs"),
        ("eff",),
    ),
    Part(
        COCO,
        "pycocoevalcap.cider.cider_scorer:precook",
        "n-grams of a training report, for the documents that hold them: ngrams",
        ("s",),
    ),
    Part(
        COCO,
        "pycocoevalcap.cider.cider_scorer:CiderScorer.compute_cider",
        "sets the number of documents from its references, which is kept from it: frozen_cider_values",
    ),
    Part(
        COCO,
        "pycocoevalcap.rouge.rouge:Rouge.calc_score",
        "ROUGE-L of one pair: coco_rouge_l",
        ("candidate", "refs"),
    ),
    Part(
        COCO,
        "pycocoevalcap.tokenizer.ptbtokenizer:PUNCTUATIONS",
        "tokens that are left out: ptb_punctuation",
    ),
    Part(
        COCO,
        "pycocoevalcap.tokenizer.ptbtokenizer:STANFORD_CORENLP_3_4_1_JAR",
        "the tokeniser, run without the wrapper: ptb_jar",
    ),
    Part(
        COCO,
        "pycocoevalcap.meteor.meteor:METEOR_JAR",
        "METEOR, run without the wrapper: meteor_jar",
    ),
    Part(
        NLTK,
        "nltk.tokenize.punkt:PunktSentenceTokenizer",
        "untrained, so that nothing is downloaded: nltk_tokens",
    ),
    Part(
        NLTK,
        "nltk.translate.meteor_score:single_meteor_score",
        "asks WordNet for a word's `synsets` and nothing else, so that NoWordNet can stand in: nltk_meteor",
        ("reference", "hypothesis"),
        ("wordnet",),
    ),
)
"""All of them."""

METEOR_JAR = "meteor-1.5.jar"


def package_folder(name: str) -> Path:
    """Return the folder of an installed package, without importing it.

    Raises:
        MetricUnavailable: it isn't installed.
    """
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise MetricUnavailable(f"{name} is not installed: pip install pycocoevalcap")
    return Path(next(iter(spec.submodule_search_locations)))


# -- pycocoevalcap


def bleu_counts(hypothesis: str, reference: str) -> tuple[float, ...]:
    """Return matched and proposed n-grams for n = 1 ... 4, then the lengths of hypothesis and reference."""
    from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test

    counted = cook_test(hypothesis, cook_refs([reference]), eff="closest")
    return (*counted["correct"], *counted["guess"], counted["testlen"], counted["reflen"])


def ngrams(text: str) -> Iterable[tuple[str, ...]]:
    """Return the n-grams of a text for n = 1 ... 4, each once, as CIDEr counts them."""
    from pycocoevalcap.cider.cider_scorer import precook

    return precook(text)


def frozen_cider_values(
    hypotheses: Sequence[str],
    references: Sequence[str],
    frequencies: Mapping[tuple[str, ...], float],
    documents: int,
) -> Sequence[float]:
    """Return CIDEr-D of each pair, with document frequencies and their number of documents as given."""
    from pycocoevalcap.cider.cider_scorer import CiderScorer

    logarithm = float(np.log(documents)) if documents else 0.0

    class Frozen(CiderScorer):
        """A scorer whose number of documents stays: `compute_cider` sets it from its own references."""

        @property
        def ref_len(self) -> float:
            return logarithm

        @ref_len.setter
        def ref_len(self, value: float) -> None:
            pass

    scorer = Frozen()
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        scorer += (hypothesis, [reference])
    scorer.document_frequency.update(frequencies)
    return scorer.compute_cider()


def coco_rouge_l(hypothesis: str, reference: str) -> float:
    """Return ROUGE-L with beta 1.2 of two tokenised texts."""
    from pycocoevalcap.rouge.rouge import Rouge

    return float(Rouge().calc_score([hypothesis], [reference]))


def ptb_jar() -> Path:
    """Return the file of Stanford's PTB tokeniser."""
    from pycocoevalcap.tokenizer.ptbtokenizer import STANFORD_CORENLP_3_4_1_JAR

    return package_folder("pycocoevalcap.tokenizer") / STANFORD_CORENLP_3_4_1_JAR


def ptb_punctuation() -> Sequence[str]:
    """Return the tokens that COCO's captions are scored without."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS

    return PUNCTUATIONS


def meteor_jar() -> Path:
    """Return the file of METEOR, whose folder it has to run in; without importing the wrapper, which starts it."""
    return package_folder("pycocoevalcap.meteor") / METEOR_JAR


# -- nltk


class WordNet(Protocol):
    """What METEOR asks of WordNet."""

    def synsets(self, word: str) -> Sequence[object]:
        """Return the meanings of a word."""
        ...


class NoWordNet:
    """Stands in for WordNet where its files are not installed: no word has a synonym."""

    def synsets(self, word: str) -> Sequence[object]:
        """Return none."""
        return []


def nltk_tokens(text: str) -> tuple[str, ...]:
    """Return the words of `nltk.word_tokenize`, sentences by a Punkt tokeniser that isn't trained."""
    sentences, words = _tokenizers()
    return tuple(word for sentence in sentences.tokenize(text) for word in words.tokenize(sentence))


@cache
def _tokenizers() -> "tuple[PunktSentenceTokenizer, NLTKWordTokenizer]":
    import_nltk()
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    return PunktSentenceTokenizer(), NLTKWordTokenizer()


def nltk_meteor(hypothesis: Sequence[str], reference: Sequence[str], wordnet: WordNet) -> float:
    """Return METEOR (alpha 0.9, beta 3, gamma 0.5) of two texts as words."""
    import_nltk()
    from nltk.translate.meteor_score import single_meteor_score

    return float(single_meteor_score(reference, hypothesis, stemmer=_stemmer(), wordnet=wordnet))


@cache
def _stemmer() -> "StemmerI":
    """Return METEOR's stemmer, Porter's, which stems each word once: reports are written in a few hundred words."""
    import_nltk()
    from nltk.stem import PorterStemmer, StemmerI

    porter = PorterStemmer()

    class Remembered(StemmerI):  # type: ignore[misc, unused-ignore]  # nltk has no types
        """Porter's stems."""

        @staticmethod
        @lru_cache(maxsize=100_000)
        def stem(token: str) -> str:
            return porter.stem(token)

    return Remembered()

"""The private parts of pycocoevalcap and nltk are where `metrics.private` says, and do what is relied on."""

from collections import Counter
from typing import Any

import pytest
from private_parts import bound_in_pyproject, moved, outside, same_versions, uses_missing
from pycocoevalcap.cider.cider import Cider

from metrics import private
from metrics.private import Library, Part

LIBRARIES = sorted({part.library for part in private.PARTS}, key=lambda library: library.name)


@pytest.mark.parametrize("part", private.PARTS, ids=lambda part: part.place)
def test_a_part_is_where_it_was(part: Part) -> None:
    assert (wrong := moved(part)) is None, wrong
    assert uses_missing(part, private) == []


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_a_version_is_one_that_was_checked(library: Library) -> None:
    assert (wrong := outside(library)) is None, wrong
    assert same_versions(library.versions, bound_in_pyproject(library))


def test_bleu_counts_what_matches() -> None:
    counted = private.bleu_counts("no mass seen", "no mass")
    assert counted == (2, 1, 0, 0, 3, 2, 1, 0, 3, 2)


def test_the_number_of_documents_stays_as_given() -> None:
    reports = ["no mass seen in the left breast", "a round mass in the right breast"]
    written = ["no mass seen in a breast", "a round mass in the breast"]
    own = Counter(ngram for report in reports for ngram in private.ngrams(report))
    few, many = (private.frozen_cider_values(written, reports, own, number) for number in (2, 200))
    as_read = [{i: [text] for i, text in enumerate(texts)} for texts in (reports, written)]
    _, by_library = Cider().compute_score(*as_read)
    assert few == pytest.approx(list(by_library))
    assert few[0] != pytest.approx(many[0])


def test_the_jars_are_in_the_package() -> None:
    assert private.ptb_jar().is_file()
    assert private.meteor_jar().is_file()
    assert "." in private.ptb_punctuation()


def test_meteor_asks_for_synonyms_only() -> None:
    class OneSynonym(private.NoWordNet):
        def synsets(self, word: str) -> list[Any]:
            return [Synset()] if word == "mass" else []

    class Synset:
        def lemmas(self) -> list[Any]:
            return [Lemma()]

    class Lemma:
        def name(self) -> str:
            return "lump"

    words = (("a", "mass", "is", "seen"), ("a", "lump", "is", "seen"))
    without = private.nltk_meteor(*words, private.NoWordNet())
    assert 0 < without < private.nltk_meteor(*words, OneSynonym()) < 1


def test_sentences_need_no_download() -> None:
    assert private.nltk_tokens("No mass. BI-RADS 1.") == ("No", "mass", ".", "BI-RADS", "1", ".")

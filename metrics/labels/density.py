"""Breast density (ACR A to D) in the text of a report."""

import re
from dataclasses import dataclass

from metrics.labels import density_lexicon as lexicon
from metrics.labels.report_text import ReportText

_NUMBERS = {"1": "A", "i": "A", "2": "B", "ii": "B", "3": "C", "iii": "C", "4": "D", "iv": "D"}


@dataclass(frozen=True)
class Density:
    """The density a report states ("A" to "D", or None) and what is odd about the statement."""

    letter: str | None
    flags: frozenset[str]


def read_density(report: ReportText) -> Density:
    """Read the density: a letter or number beats words, and of several the denser breast counts.

    DMID's own words ("fibro fatty and glandular") stand for B and C alike, so they state nothing.
    """
    text = lexicon.DENSITY_BEFORE.sub(lambda match: " density " if match["rose"] else " ", report.text)
    letters = {
        match[group].upper()
        for match in lexicon.DENSITY_LETTER.finditer(text)
        for group in ("first", "second")
        if match[group]
    }
    letters |= {_NUMBERS[match["number"]] for match in lexicon.DENSITY_NUMBER.finditer(text)}
    letters |= {_NUMBERS[match["number"]] for match in lexicon.DENSITY_TYPE.finditer(text)}
    letters |= {
        (match["letter"] or match["behind"] or match["ahead"]).upper()
        for match in lexicon.DENSITY_ENCLOSED.finditer(text)
    }
    for match in lexicon.DENSITY_ACR_NUMBER.finditer(text) if "acr" in text else ():
        letters.add(_NUMBERS[match["behind"] or match["listed"] or match["ahead"] or match["staged"]])
    if "%" in text:
        letters |= {_NUMBERS[match["number"]] for match in lexicon.DENSITY_SHARE_TYPE.finditer(text)}
    shares = lexicon.DENSITY_SHARE.finditer(text) if "%" in text else ()
    letters |= {letter for match in shares if (letter := _quarter(match)) is not None}
    words = {letter for letter, pattern in lexicon.DENSITY_WORDS if pattern.search(text)}
    flags = set()
    if len(letters | words) > 1:
        flags.add("density_conflict")
    if letters or words:
        return Density(max(letters or words), frozenset(flags))
    if lexicon.DENSITY_HINT.search(text):
        flags.add("density_words_only")
    return Density(None, frozenset(flags))


def _quarter(match: re.Match[str]) -> str | None:
    """Return the letter of a glandular share: up to 25 % A, 50 % B, 75 % C, else D (BI-RADS, 4th edition)."""
    for least, most in (("least", "most"), ("least2", "most2")):
        if match[least]:
            middle = (int(match[least]) + int(match[most])) / 2
            return next((letter for letter, limit in zip("ABC", (25, 50, 75), strict=True) if middle < limit), "D")
    for limit in ("under", "under2"):
        if match[limit]:
            return {25: "A"}.get(int(match[limit]))
    if match["single"]:
        share = int(match["single"])
        return (
            "A"
            if share < 25
            else next((letter for letter, most in zip("BC", (50, 75), strict=True) if share <= most), "D")
        )
    return {75: "D"}.get(int(match["beyond"] or match["beyond2"]))

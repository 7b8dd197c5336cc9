"""Names of fields that are findings too: "Masses: No suspicious mass." names a field and then says what is in it."""

import re
from bisect import bisect_left

from metrics.labels.anatomy import said_by
from metrics.labels.field_names import FINDING
from metrics.labels.kinds import ANATOMY, KINDS
from metrics.labels.mention import Mention

_HEADING = re.compile(
    r"(?:\A|(?<=[.:;|\n])|(?<=\s-))\s?(?:[-\u2022\d.)(]{1,4}\s?)?"
    r"(?P<name>(?:(?!(?:there|is|are|an?|no|with|without|shows?|has|have|see|of)\b)[a-z/&,()-]{1,24}\s?){1,6}+):(?=\s?[a-z\d(])"
    rf"|(?:\A|(?<=[.;|\n]))\s?(?:[-\u2022\d.)(]{{1,4}}\s)?(?P<plain>(?:(?:right|left|both|breasts?)\s){{0,2}}{FINDING})\s-{{1,2}}(?=\s[a-z\d])"
)
"""Up to a colon; up to a dash where nothing but the name stands before it."""
_FINDING = (
    r"(?:findings?|abnormalit(?:y|ies)|ones?|lesions?|areas?|clusters?|seen|identified|noted|detected|found|evident"
    r"|visible)"
)
_DENIED = re.compile(
    r"\s?(?:there\s(?:is|are)\s)?(?:"
    r"(?:no|none|nil|without|nothing)\b(?:\s(?:[a-z-]{3,15}ly\s)?(?:suspicious|significant|dominant|focal|abnormal|new|discrete"
    rf"|definite|relevant|pathologic\w{{0,2}}|worrisome|concerning|malignant|other)){{0,3}}(?:\s{_FINDING})?"
    r"|no\s(?:evidence|abnormalit(?:y|ies)|findings?)(?=\s?(?:[.,;\n]|\Z))"
    r"|not\s(?:[a-z]{3,15}ly\s)?(?:characteri[sz]ed|observed|described|recogni[sz]ed|shown))"
    r"(?=\s?(?:[.,;\n]|\Z)|\s(?:in|on|at|bilat|within|seen|of\s(?:concern|note)|are|is|to)\b)"
)
"""A value that denies what the heading names, and names nothing itself."""
_AFFIRMED = re.compile(
    r"[,;]\s?(?:(?:a\s)?(?:few|several|some|single|scattered|benign|vascular|coarse|stable|punctate)\b(?!\s\w{1,12}\s?:))"
)
"""Behind it, what is there after all: "no suspicious, few benign vascular"."""

_AFFIRMED_FIRST = re.compile(
    r"\s?(?:[a-z]{3,15}ly\s)?(?:benign|vascular|scattered|few|several|some|single|coarse|stable|unchanged|punctate|round|oval"
    r"|irregular|one|two|multiple|present|yes|\d)\b[^,.;:\n]{0,60}(?:,|\bbut\b|\bwith)\s?(?:(?:but|with)\s)?(?:no|not)\b"
)
"""A value that affirms before it denies: "calcifications: benign, no suspicious calcifications"."""


def settle_headings(text: str, mentions: list[Mention]) -> None:
    """Take what a heading names for what its field says of it; where the field names it again, for nothing.

    Args:
        text: one sentence.
        mentions: what was read in it.
    """
    headings = list(_HEADING.finditer(text)) if ":" in text or " -" in text else []
    starts = [one.start for one in mentions]
    for index, heading in enumerate(headings):
        end = headings[index + 1].start() if index + 1 < len(headings) else len(text)
        first, behind, last = (bisect_left(starts, at) for at in (heading.start(), heading.end(), end))
        named, field = mentions[first:behind], mentions[behind:last]
        within = {one.kind for one in field if one.kind in KINDS}
        denied = _DENIED.match(text, heading.end(), end)
        words = [one for one in field if one.kind in ("normal", "abnormal")]
        for one in named:
            if one.kind in ANATOMY:
                _settle_anatomy(one, words, denied if not within else None)
            elif one.kind in within:
                one.polarity = one.polarity if _AFFIRMED_FIRST.match(text, heading.end(), end) else None
            elif one.kind in KINDS and not within and denied:
                one.polarity = "present" if _AFFIRMED.match(text, denied.end(), end) else "absent"


def _settle_anatomy(named: Mention, words: list[Mention], denied: re.Match[str] | None) -> None:
    """Give anatomy that a heading names what its field says of it: "skin: mild thickening", "nipples: nothing seen"."""
    if named.polarity is None and words:
        named.polarity = said_by(words[0])
    elif named.polarity is None and denied and not denied[0].strip().startswith("not "):
        named.polarity = "absent"

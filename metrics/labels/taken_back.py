"""What a later sentence says of the finding that the one before it names: that it is none, went away, or is there.

"A mass on CC. On spot views it disperses.", "CAD marked calcifications; neither is confirmed", and what a woman was
recalled for, which states nothing unless a sentence behind it does.
"""

import re
from collections.abc import Iterable

from metrics.labels.finding_cues import CUES, LATER_CUES
from metrics.labels.kinds import ANATOMY
from metrics.labels.mention import Mention, Polarity
from metrics.labels.no_findings import NO_FINDING, NORMAL_PART, TISSUE
from metrics.labels.sides import SIDE_WORD

_THE_FINDING = (
    r"(?:(?:it|they|this|these|both|all|neither|none|which|the\s(?:(?:screening|original|initial|previous|apparent|supposed|marked|prompted"
    r"|recalled|queried|questioned|suspected)\s){0,2}(?:findings?|appearances?|abnormalit(?:y|ies)|areas?|changes?|specks?|marks?|prompts?))\s)"
)
_LEAD = r"\s?(?:(?:and|but|however|now|today),?\s){0,2}(?:(?:on|with|at|in|after|to|by)\s[a-z0-9 -]{2,60}?,?\s)?"
_HAVE = r"(?:(?:has|have|had|is|are|was|were|been|since|now)\s){0,3}?"
_GONE = rf"(?:{CUES['absent_after']}|{LATER_CUES['tissue']})"
_SHOWN = (
    r"(?:(?:we|i)\s(?:would\s)?(?:consider|regard|think|believe|interpret|judge|take|read|see|call)\s|(?:the\s)?(?:[a-z0-9-]{2,20}\s){1,4}"
    r"(?:shows?|proves?|proved|reveals?|revealed|showed|confirms?|confirmed|demonstrates?|demonstrated)\s)(?:it|this|these|them|both|all)\s"
    r"(?:(?:to\s(?:be|represent)|as|for|is|are)\s)?(?:(?:an?|only|just|merely|simply)\s){0,2}"
    rf"(?:{TISSUE}{NO_FINDING}|{NORMAL_PART}|(?:(?:an?|normal|dense|superimposed|overlapping|ordinary|benign|glandular|fibroglandular)\s){{1,4}}"
    r"(?:tissue|parenchyma|islands?|lobules?)\b)"
)
_DISAGREES = (
    r"(?:i|we)\s(?:disagree|(?:(?:do|can|could|did)\s?not|cannot|don't|can't)\s(?:agree|(?:see|find|reproduce|confirm|verify|follow|identify)\s(?:it|this"
    r"|them|these|that)))\b"
)
_THERE_IS_NONE = re.compile(
    r"(?![^.;\n]{0,60}\b(?:left|right|other|opposite|contralateral|elsewhere)\b)"
    rf"(?:{_LEAD}(?:now|today|at\spresent|currently)?\s?(?:there\s(?:is|are|was|were)(?:\s(?:now|today|currently))?|(?:we|i)\s(?:see|found|find))\s(?:none|no\s(?:such\s)?(?:thing|one)|not)"
    r"(?:\s(?:now|today|any\s(?:more|longer)|left|here|at\spresent|to\sbe\s(?:seen|found)))?(?=\s?(?:[.,;\n]|\Z))"
    r"|\s?no\s(?:residual|residue|remnants?|traces?|residuum)(?:\s(?:is|are|was|were)\s(?:seen|visible|left|found|present|identified))?(?=\s?(?:[.,;\n]|\Z))"
    r"|\s?(?:the\s)?(?:[a-z-]{2,14}\s){1,4}(?:shows?|reveals?|demonstrates?|confirms?)\s(?:none|no\ssuch\sthing|nothing(?:\sof\sthe\s(?:kind|sort))?)(?=\s?(?:[.,;\n]|\Z))"
    r"|\s?(?:but\s)?none\s(?:is|are|was|were)\s(?:seen|visible|found|present|identified|evident)\b)"
)
_GONE_ITSELF = re.compile(
    rf"(?![^.;\n]{{0,60}}\b(?:left|right|other|opposite|elsewhere)\s(?:breast\s|side\s)?there\b){_LEAD}(?:{_THE_FINDING}?{_HAVE}(?!none\b(?!\s(?:are|is|persist))|{CUES['neutral']}){_GONE}|{_SHOWN}|{_DISAGREES})"
)
_GONE_BEHIND = re.compile(rf"\s?[^.;\n]{{1,80}}?(?:,|:|\band)\s{_THE_FINDING}{_HAVE}(?!{CUES['neutral']}){_GONE}")
_THERE = re.compile(
    rf"{_LEAD}{_THE_FINDING}(?:(?:has|have|is|are|was|were|again|been|both|all|also|clearly)\s){{0,3}}(?:persist\w{{0,3}}|confirmed|reproduced|real\b|genuine"
    r"|verified|substantiated|still\s(?:seen|visible|present))"
)
"""Sentences of their own that say so of what the one before names."""
_ALL_OF_THEM = re.compile(rf"{_LEAD}(?:neither|both|none|all|these|they|the\s\w{{4,12}}s)\b")
_NONE_OF_IT = re.compile(
    r"\s?(?:and\s)?(?:no|without(?:\sany)?)\s(?:[a-z-]{3,15}\s){0,2}(?:retraction|inversion|thickening|dimpling|puckering|discharge"
    r"|involvement|invasion|infiltration|tethering|o?edema|changes?)(?:\s(?:is|are)\s(?:seen|noted|present))?\s?[.;!\n]?\s?"
)
"""A sentence of its own that says so of the anatomy that the one before names: "Nipples in profile. No retraction."."""
_THE_ONE = re.compile(r"\b(?:the|this|that)\s(?:(?!other\b|right\b|left\b|known\b|previous)[a-z-]{3,15}\s){0,2}\Z")
"""Before a finding that the sentence before has named."""
_RECALL = re.compile(
    r"\b(?:recall(?:ed)?|(?:call(?:ed)?|asked|invited|brought|summoned|re-?invited)[\s-]?(?:back|in|again)|(?:lumps?|mass|nodule|swelling|thickening)\b[^.;\n]{0,40}\b(?:felt|feels?|notic\w{2,3}|palpated)"
    r"|(?:feels?|felt|notic\w{2,3}|palpates?|found)\s(?:[\w-]{1,12}\s){0,4}(?:lump|mass|nodule|swelling)"
    r"|(?:may|can|could|might)\s(?:be\s)?(?:hid\w{0,4}|obscure\w?|mask\w{0,2}|miss\w{0,2}|escape\w?|conceal\w{0,2})(?=[^.;\n]{0,60}\b(?:but|none|though|however)\b)"
    r"|(?:anxious|worried|concerned)\s(?:about|by)|(?:ticked|wrote|indicated|(?:she|he|who|patient|woman|lady)\smarked|answered|entered)\b[^.;\n]{0,40}\b(?:lump|mass|nodule|swelling)|(?:palpable|tender|painful)\s(?:[a-z-]{3,12}\s)?(?:lump|mass|nodule|swelling|thickening))\b"
)


def end_of_recall(text: str, asserted: str, start: int, end: int) -> int:
    """Return where in a sentence ends what it says of a recall or a complaint, -1 where it says nothing of it.

    Args:
        text: the report.
        asserted: the same without asides.
        start, end: the sentence.
    """
    if text[start:end] == asserted[start:end] or not _RECALL.search(text, start, end):
        return -1
    return next(i for i in range(end, start, -1) if text[i - 1] != asserted[i - 1])


def settle_before(text: str, start: int, end: int, before: list[Mention], adjacent: bool) -> bool:
    """Settle the mentions `before` by a sentence that names none itself; return whether it says anything of them.

    Args:
        text: the text without asides.
        start, end: the sentence in it.
        before: the last mentions before it, or what it says a woman was recalled for.
        adjacent: whether they stand in the sentence right before, or in this one.
    """
    last = before[-1]
    if not adjacent:
        return False
    while start < end and not text[start].isalnum():
        start += 1
    if last.kind not in ANATOMY and _THERE_IS_NONE.match(text, start, end):
        last.polarity = "absent"
        return True
    said = _said_of_it(text, start, end)
    if said == "absent" and _of_the_other_side(text, start, end, last):
        return True
    if said and last.kind not in ANATOMY:
        named = before if _ALL_OF_THEM.match(text, start, end) else [last]
        for one in named:
            if one.polarity == "uncertain" or (one.polarity == "present" and said == "absent"):
                one.polarity = said
        return True
    if last.polarity is None and last.kind in ANATOMY and _NONE_OF_IT.fullmatch(text, start, end):
        last.polarity = "absent"
    return False


def _said_of_it(text: str, start: int, end: int) -> Polarity | None:
    """Return whether a sentence says that it went away or that it is there; None where it says neither."""
    if _GONE_ITSELF.match(text, start, end) or _GONE_BEHIND.match(text, start, end):
        return "absent"
    return "present" if _THERE.match(text, start, end) else None


def _of_the_other_side(text: str, start: int, end: int, last: Mention) -> bool:
    """Return whether what stands between `start` and `end` is of another side than what was named before it."""
    said = SIDE_WORD.search(text, start, min(end, start + 40))
    named = SIDE_WORD.findall(text, max(0, last.start - 60), start)
    return said is not None and bool(named) and named[-1][0] != said["side"][0]


def take_back(text: str, start: int, mentions: Iterable[Mention], before: list[Mention]) -> None:
    """Deny what the sentence before named where the one at `start` says that it went away: "the mass disperses"."""
    gone = {}
    for one in mentions:
        if one.gone and _THE_ONE.search(text, start, one.start):
            gone[one.kind] = one.end
    for one in before:
        if one.kind in gone and one.polarity is not None and not _other_side(text, one, start, gone[one.kind]):
            one.polarity = "absent"


def _other_side(text: str, one: Mention, start: int, end: int) -> bool:
    """Return whether what is named again between `start` and `end` and a little behind is of the other side."""
    then, now = SIDE_WORD.findall(text, max(0, one.start - 60), start), SIDE_WORD.findall(text, start, end + 40)
    return bool(then and now) and {side[0] for side in then}.isdisjoint(side[0] for side in now)

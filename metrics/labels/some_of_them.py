"""What a report says of some of the findings that it names, or of those of one side, without naming them again.

"Of the three masses, one has vanished", "the larger has resolved, the smaller persists", "all gone save for two
specks", "no mass on the right; one on the left".
"""

import re

from metrics.labels.cue_words import GOES, TAKEN
from metrics.labels.kinds import ANATOMY, KINDS
from metrics.labels.mention import Mention

_COUNT = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})"
_PART = (
    rf"(?:{_COUNT}|some|several|many|most|half|part|parts|(?:the\s|a\s)?(?:majority|minority|few|third|quarter|portion|number|remainder|bulk)"
    r"|not\sall|all\sbut\s[a-z]{2,6}|the\s(?:first|second|third|last|larger|smaller|upper|lower|lateral|medial))"
)
_OF_THEM = re.compile(
    rf"\b(?:{_PART}\s(?:(?:out\s)?of\s)|(?:not\s)all\s(?:of\s)?)(?:the|these|those|her|his|its|all)\s(?:[a-z0-9-]{{2,15}}\s){{0,4}}"
    r"(?:(?:clusters?|groups?|foci|areas?)\sof\s)?\Z"
)
"""Before a finding of which only a part went away."""
_SUBSET = re.compile(
    rf"(?<!\d)[,:(-]\s?(?:only\s|at\sleast\s)?(?:{_PART}|(?:the\s)?(?:first|second|third|larger|smaller|latter|former|lateral|medial|upper|lower)(?:\sone)?\b|the\s(?:one|ones|other|others|two|anterior|posterior|outer|inner|biggest|smallest|largest)|those|that(?=\s(?:in|on|at|of|to|near|behind|above|below)\b))\b"
    r"(?!\sof\swhich)[^,;.:\n]{0,40}\Z"
)
"""Between the finding and what went away: a part of them is its subject."""
_OF_WHICH = re.compile(rf"\b{_PART}\sof\s(?:which|whom|them|these|those)\s(?:[a-z]{{2,12}}\s){{0,3}}\Z")
_BAR_ONE = re.compile(
    rf"\s(?:bar|but|except(?:ing)?|save|excluding|apart\sfrom|other\sthan)\s(?:for\s)?(?:only\s)?(?:{_COUNT}|(?:a\s)?few|some|a\ssingle)\b[^.;,\n]{{0,30}}\Z"
)
"""Between the finding and what went away: those that stayed ("all but one have disappeared")."""
_WENT = re.compile(
    rf"\b(?:{GOES}|{TAKEN}|no\slonger|gone|collapsed|regressed|involuted|absent|not\s(?:seen|visible))\b"
)
_NOT_THERE = (
    r"(?!not?\b(?!\s(?:yet\s)?(?:chang|gr[oe]w|increas|decreas|alter|enlarg|disappear|resolv|gone|suspic))|(?:also|likewise|too|all|both|now|completely)\s(?:gone|resol|disap|rem|exc|abs|van)"
    rf"|gone|absent|{GOES}|{TAKEN}|collapsed|negative|normal|clear|unremarkable|free)"
)
_REST = re.compile(
    r"(?:\A|[,;.:]|\b(?:and|but|while|whereas|yet)\b)\s?(?:(?:and|but|while|whereas|yet|only|with)\s)?"
    r"(?:(?:the\s|both\s|all\s|its\s)?(?:remaining|other|smaller|larger|second|third|first|lower|upper|medial|lateral|inner|outer|anterior|posterior|bigger|deeper|residual)\s?"
    rf"(?:ones?|{_COUNT}|(?!breast|side|quadr|finding|view|axill|half|tissue|parenchyma|skin|images?\b)[a-z]{{4,14}})?|(?:the\s)?(?:others|rest|remainder)|{_COUNT}"
    r"|those(?:\s[^.,;\n]{3,40}?)?|the\sone\s[^.,;\n]{3,30}?)\s"
    rf"(?:(?:is|are|has|have|was|were)\s{_NOT_THERE}|(?:persists?|remains?|stays?|unchanged|stable|constant|measures?|shows?|still|contains?)\b)"
)
"""What says that others of them are still there."""
REMNANT = re.compile(
    r"\s(?:for\s)?(?:(?:an?|the|some|few|several|single|solitary|isolated|tiny|small|minute|residual|last|remaining|faint|coarse|round|scattered"
    rf"|{_COUNT})\s){{1,4}}(?:specks?|particles?|remnants?|ones?|fragments?|foc(?:us|i)|flecks?|grains?|residu\w{{1,3}}|granules?|elements?|dots?|bits?|pieces?)\b"
    rf"|\s(?:for\s)?(?:only\s)?(?:{_COUNT}|(?:a\s)?few|some|several)(?:\sof\s(?:them|these))?(?=\s?(?:[.,;)\n]|\Z))"
)
"""Behind "gone save": what is left."""

_SIDE = r"(?P<side>left|right|other|opposite|contralateral|lt|rt|[lr](?=\s?[:,.]))"
_DEGREE = r"(?:marked|slight|mild|moderate|obvious|faint|pronounced|distinct|clear|definite)"
_ALTERED = r"(?:enlarged|pathological|thickened|retracted|inverted|dimpled|infiltrated|invaded|swollen)"
_MORE = (
    r"(?=\s?(?:[,.;)\n]|\Z)|\s(?:of\s(?!cyst|vessel|scar|clip|the\s(?:tissue|breast))|(?:with|at|in|on|which|that|measur\w{2,3}|without|near|behind|over|above|below|close|beside"
    r"|approximately|about|adjacent|medial\w{0,2}|lateral\w{0,2}|upper|lower|outer|inner|round|oval|irregular|spiculated|vascular|benign|coarse|punctate|enlarged|and)\b))"
)
_AFFIRMED = (
    rf"(?:(?:(?:an?\s)?(?:few|couple)|(?!\d){_COUNT}(?!\s?(?:o'?\s?clock|years?|months?|weeks?|views?|clips?))|several|some|multiple|many|numerous|(?:an?\s)?(?:single|isolated|solitary|similar|small|tiny"
    rf"|large|round|oval|new|second|further|cluster|group)(?:\sone)?|scattered|grouped|present|yes|positive|{_DEGREE}|visible"
    rf"|(?:an?\s)?\d{{1,3}}\s?mm(?:\sone)?|vascular|coarse)(?:\sones?)?{_MORE}|there\s(?:is|are)\s(?:one|some|two|several|many|few|a\s(?:few|cluster|group)){_MORE})"
)
_THERE = re.compile(
    rf"(?:\A|[,;.:]|\b(?:and|but|while|whereas|however|yet)\b)\s?(?:(?:and|but|while|whereas|however|yet)\s)?(?:(?:in|on|to|at|for)\s(?:the\s)?|the\s)?{_SIDE}(?![a-z])\.?"
    r"(?:\s(?:breast|side|axilla|hand\sside))?\s?[,:-]?\s?(?:(?:however|only|just|merely|there|it|is|are|was|has|had|shows?|contains?|we|find|see|but|again|side)\s){0,3}"
    rf"{_AFFIRMED}"
    r"|(?:\A|[,;.:]|\b(?:and|but|while|whereas|though)\b)\s?(?:(?:and|but|there\s(?:is|are)|only)\s){0,2}(?:just\s)?"
    rf"(?:{_COUNT}(?!\s?(?:x|mm|cm|o'?\s?clock))|several|(?:a\s)?few|some|(?:an?\s)?\d{{1,3}}\s?mm\sone|{_DEGREE}|{_ALTERED}|present)\s(?:(?!(?:cyst|clip|scar|vessel|view|mole)s?\b)[a-z0-9]{{2,12}}\s){{0,3}}(?:on|in|to)\sthe\s"
    rf"{_SIDE.replace('P<side>', 'P<behind>')}(?![a-z])"
)
"""What says of the other side that it has some."""


_WHERE = r"(?:\s(?:in|on|at|of|from|near|behind)\s[^.,;\n]{2,40}?)?"
_LOOKS = (
    r"(?:looks?|appears?|seems?)\s(?:(?:just|exactly|much|very|all)\s){0,2}"
    r"(?:the\ssame|alike|as\b|unchanged|stable|similar|benign|identical|like\b)"
)
_KNOWN_ONES = re.compile(
    r"(?:[,:;]\s?|\A\s?(?=in\sretro|in\sfact|now\b|today\b|but\b|actually|however|yet\b|there\s(?:is|are)\s(?:one|some)\b))(?:(?:but|in\sfact|in\sretrospect|actually|however|yet|now|today|and)\s){0,2}there\s(?:is|are)(?:\s(?:one|some|several|two))?(?=\s?(?:[.,;\n]|\Z)|\s(?:at|in|on|of|behind|near)\b)"
    r"|\b(?:succeeded|replaced|followed)\sby\s(?:an?(?:other)?\s)(?:(?:second|new|larger|smaller|further)\s)?(?:one\b)"
    rf"|(?:\A|[,;.])\s?(?:(?:and|while|with|but|whereas)\s)?the\s(?:(?:two|three|four|five|few|several|\d{{1,2}})\s)?(?:known|previous(?:ly\s[a-z]{{4,12}})?|described|(?:pre-?)?existing|old(?:er)?|ancient|former|earlier|familiar|biopsied|stable|marked|benign)\sones?{_WHERE}\s"
    rf"(?:being\b|(?:is|are|has|have)\s{_NOT_THERE}|remains?|stable|unchanged|{_LOOKS})"
    rf"|(?:\A|[,;.])\s?(?:(?:and|while|but|whereas)\s)?(?:the\sothers?|those|the\s(?:two|three|four|five|few|several|\d{{1,2}}))(?:\s(?:known|described|seen|reported|noted|mentioned|there)(?:\s[a-z0-9]{{2,10}}){{1,3}}?)?\s{_LOOKS}"
)
"""Behind what is denied as new or suspicious: "no suspicious mass, the known one being benign"."""
_ON_ONE_SIDE = re.compile(
    rf"(?<!no\s)(?<!not\s)\b(?:left|right|lt|rt)(?:\s(?:axilla|breast|side|nipple))?\s?[:,-]?\s?(?:(?:is|are|shows?|with|has)\s)?(?:\w{{3,12}}ly\s)?{_ALTERED}\b"
)
"""Nodes or anatomy of one side, where the other side's are normal."""
_ONE_MORE = re.compile(
    rf"\s?(?:{_COUNT}|some|several|a\sfew)(?:\sof\sthem)?\s(?:(?:with|shows?|showing|has|have)\s(?:an?\s)?(?:[a-z]{{4,12}}\s)?(?:prominent|thick\w{{0,4}}|enlarged|cortex|cortical|irregular|spiculated|indistinct|rim|lucent)"
    rf"|(?:is|are)\s(?:[a-z]{{4,12}}ly\s)?(?:{_ALTERED}|prominent|suspicious|irregular))\b"
)
"""A sentence that says so of one of what the one before denies: "no suspicious nodes; one with a thick cortex"."""
_LEFT_OVER = re.compile(
    rf"(?<!no\s)(?<!any\s)(?<!without\s)\b(?:an?|some|(?:a\s)?few|several|the|{_COUNT})\s(?:\d{{1,3}}\s?mm\s|[a-z]{{4,12}}\s)?residual\s(?:\d{{1,3}}\s?mm\s|[a-z]{{4,12}}\s)?"
    r"(?:clusters?|groups?|foc(?:us|i)|components?|ones?|portions?|parts?|specks?|particles?|remnants?)\b(?!\sof\s(?!\d))"
)
_REMOVAL = re.compile(r"\b(?:excis|resect|remov|lumpectom|segmentectom|surg|operat|biops)\w{0,6}\b")
"""What is left of what was taken out: "excision of the calcifications, with a residual cluster"."""
_FAR = 300
"""How many characters before it a side may be named."""
_NAMED_SIDE = re.compile(
    r"\b(?P<side>left|right|lt|rt)\b|(?<![a-z0-9'])(?P<letter>[lr])(?=\s?[:,]|\s(?:breast|side)\b)"
)


def is_of_some(text: str, clause_at: int, named: Mention, position: int) -> bool:
    """Return whether what stands at `position` went away of a part of what was named only: "one of the two masses"."""
    if _OF_THEM.search(text, max(clause_at, named.start - 80), named.start):
        return True
    low = max(named.end, position - 60)
    return any(part.search(text, low, position) is not None for part in (_SUBSET, _OF_WHICH, _BAR_ONE))


_PRESENT_ON = re.compile(
    r"\b(?:present|seen|visible|there|found|noted|demonstrated)\b[^.;\n]{0,20}?\b(?P<side>left|right)\b(?:\sbreast|\sside)?,?\s(?:and|but|while|whereas)?\s?(?:is\s|are\s)?\Z"
)
_ON = re.compile(r"[^.;,\n]{0,20}?\b(?P<side>left|right)\b")


def is_of_one_side(text: str, named: Mention, start: int, end: int) -> bool:
    """Return whether what denies between `start` and `end` is of one side only: "present right and absent left"."""
    there, here = _PRESENT_ON.search(text, max(named.end, start - 80), start), _ON.match(text, end)
    return there is not None and here is not None and there["side"] != here["side"]


def others(text: str, start: int, end: int, before: list[Mention], heard_from: int) -> list[Mention]:
    """Return what is there of the kind denied last, where what follows says so of others or of the other side.

    Args:
        text: the report without asides.
        start, end: where to look: from the last letter of what their sentence names, or the sentence after theirs.
        before: the findings of the sentence, in text order.
        heard_from: where that sentence begins.
    """
    denied = next((one for one in reversed(before) if one.polarity is not None), None)
    if denied is None or denied.polarity != "absent" or denied.kind not in KINDS:
        return []
    said = text[start:end]
    there = _KNOWN_ONES.search(said) if denied.kind not in ANATOMY else None
    if there is not None:
        return [Mention(denied.kind, start + there.start(), start + there.end(), "present", denied.clause)]
    left = _LEFT_OVER.search(said) if denied.kind not in ANATOMY else None
    if left and _REMOVAL.search(text, heard_from, start + left.start()):
        return [Mention(denied.kind, start + left.start(), start + left.end(), "present", denied.clause)]
    there = _REST.search(said) if denied.kind not in ANATOMY else None
    if there and not _WENT.search(text, denied.end, start + there.start() + 1):
        there = None
    if there is None:
        found = _THERE.finditer(said)
        there = next(
            (
                one
                for one in found
                if _is_other_side(text[max(heard_from, start + one.start() - _FAR) : start + one.start() + 1], one)
            ),
            None,
        )
    if there is None and denied.kind in (*ANATOMY, "lymph_node") and _NAMED_SIDE.search(said):
        there = _ON_ONE_SIDE.search(said) or (_ONE_MORE.match(said) if start >= denied.end + 1 else None)
    if there is None and start > denied.end:
        there = _ONE_MORE.match(said)
    if there is None:
        return []
    return [Mention(denied.kind, start + there.start(), start + there.end(), "present", denied.clause)]


def _is_other_side(before: str, found: re.Match[str]) -> bool:
    side = found["side"] or found["behind"]
    named = [match[0] for match in _NAMED_SIDE.finditer(before)]
    if side[0] in "oc":
        return bool(named)
    return bool(named) and named[-1][0] != side[0]

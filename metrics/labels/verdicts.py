"""What a work-up makes of what was only suspected: "recalled for a mass; the extra views show normal tissue".

A finding that a first reader, a computer, a screening image or a letter named, or that is doubted, is tentative: what
later views, other readers or other methods say of it in its sentence or behind it decides. What is stated plainly is
not: there "ultrasound is normal" says only what ultrasound shows.
"""

import re

from metrics.labels.finding_lexicon import A_TRUE_ONE, PROPERTY_OF
from metrics.labels.kinds import ANATOMY, KINDS
from metrics.labels.mention import Mention, Polarity
from metrics.labels.no_findings import NO_FINDING
from metrics.labels.sides import SIDE_WORD

_TENTATIVE = re.compile(
    r"\b(?:initial(?:ly)?|first\s(?:reader|reading|read|impression|look|glance)|screening|screen-?\s?detected|original(?:ly)?|apparent(?:ly)?|supposed(?:ly)?|alleged|seeming(?:ly)?"
    r"|previously\s(?:reported|described|suspected|questioned|seen|noted)|suspected|suspicion|questioned|queried|question|quer(?:y|ies)|possibility|possible|worr(?:y|ied)"
    r"|concern(?:ed)?|impression|(?:looked|looks|appeared|appears|seemed)\s(?:like|as|to)|seemed|(?:mis)?taken\sfor|thought|believed|raised|prompt(?:ed|s)?|flag(?:ged|s)?|pointed\sout|signall?ed|check-?\s?up|marked|marks"
    r"|reader|r1|r2|arbitration|cad|ai\b|artificial\sintelligence|algorithm|recall\w{0,3}|(?:called|asked|invited|brought)\s(?:back|in)|potential(?:ly)?|probabl[ey]|outside\s(?:report|study|read|radiolog)\w{0,4}"
    r"|(?:reported|described|called|read|interpreted|labell?ed|seen|diagnosed)\s(?:elsewhere|outside|previously|initially|externally|as|by)|resident|trainee|registrar|junior|preliminary|referred|referring|(?:would-be|so-called))\b"
)
_TENTATIVE_BEHIND = re.compile(
    r"[^.;,\n]{0,40}?\b(?:was|were|is|are|been|being)\s(?:the\s)?(?:reason|cause|grounds?|trigger|questioned|queried|suspected|flagged|recalled|marked|called|raised|considered|suggested\sat|thought\spossible)\b"
    r"|[^.;,\n]{0,40}?\b(?:was|were|is|are|been)\s(?:pointed\sout|signall?ed|detected|noted|found|seen|described|reported|mentioned|indicated|picked\sup)\s(?:at|on|by|in|during)\s(?:(?:the|an?|her|another)\s)?"
    r"(?:screening|check-?\s?up|medical|health|outside|first|other|external|elsewhere|referring|previous|another|colleague|cad|ai|algorithm|software)\b"
    r"|\s(?:(?:is|was)\s)?(?:only\s)?(?:seen|visible|present|appreciated|noted)\s(?:only\s)?(?:on|in)\s(?:the\s)?(?:right\s|left\s)?(?:cc|mlo|ml|lm|one|single)\b"
    r"|[\s,]{1,2}(?:(?:in|on)\s(?:the\s)?)?(?:(?:left|right|lt|rt)[.,]{0,2}\s(?:breast,?\s)?)?(?:(?:seen|visible|on|in|only)\s){0,3}(?:one|single|1)[\s-]view\b"
    r"|[^.;,\n]{0,30}?\b(?:prompted|prompting|triggered|led\sto)\b"
)
_ADJECTIVES = (
    r"(?:(?:an?|the|only|just|merely|normal|ordinary|superimposed|overlapping|overlying|crossing|glandular|fibroglandular|breast|dense|benign|fibrous|fatty|milk|ectatic|dilated"
    r"|cooper'?s?|blood|island|islands|lobules?|of|parenchymal|stromal|physiological|prominent|harmless|tortuous)\s){0,5}"
)
_NORMAL_THINGS = (
    r"(?:tissue|parenchyma|stroma|glands?|glandularity|ligaments?(?:\sof\scooper)?|vessels?|veins?|arter(?:y|ies)|structures?|lines|strands?|trabeculae|lobules?|lobes?|ducts?"
    r"|anatomy|breast|appearances?|variant)\b"
)
_ONLY = (
    r"(?:only|merely|just|simply|solely|purely|nothing\s(?:but|more\sthan|other\sthan|except|apart\sfrom)"
    r"|no\smore\sthan|none\sother\sthan)"
)
_SAYS = (
    r"(?:is|are|was|were|be|shows?|showed|showing|reveals?|revealed|demonstrat\w{2,3}|finds?|found|sees?|saw"
    r"|appearances?\sof|confirm\w{0,3}|represents?|proves?|proved|proven|as|reading|read)"
)
_LOOKS = (
    r"(?:views?|ultraso\w{3,8}|sonogra\w{2,3}|us|usg|tomosynthesis|tomograms?|dbt|tomo|3d|imaging|images?|work-?up|assessment|mammogra\w{1,5}|projections?|compression|paddle|films?|mri|mr"
    r"|magnification|examination|investigations?|tests|studies|everything)"
)
_ADVERBS = (
    r"(?:(?:all|both|entirely|completely|quite|perfectly|now|then|again|also|wholly|totally|absolutely"
    r"|essentially|reassuringly)\s){0,2}"
)
_NOTHING_SEEN = (
    rf"(?:{_SAYS}\s{_ONLY}|there\s(?:is|are|was|were)\s{_ONLY}|(?:sonographic|mammographic|tomographic|radiologic)ally\s(?:and\s(?:sonographic|mammographic|tomographic)ally\s)?{_ONLY}|:\s?{_ONLY})\s"
    rf"{_ADJECTIVES}{_NORMAL_THINGS}"
    rf"|(?:{_SAYS}\s(?:to\sbe\s|as\s)?|:\s?|[,;]\s|i\.e\.,?\s|that\sis,\s)(?:\w{{3,12}}ly\s)?(?:(?:an?|the)\s)?normal\s{_ADJECTIVES}{_NORMAL_THINGS}"
    rf"|{_SAYS}\s(?:(?:to\sbe|as|an?|only|just|merely|of)\s){{0,3}}{NO_FINDING}|(?:is|was)\s(?:a\s)?composite\b|:\s?(?:(?:only|merely|just|an?)\s){{0,2}}{NO_FINDING}"
    rf"|\b{_LOOKS}\s[^.;\n]{{0,40}}?\b(?:is|are|was|were|remain(?:s|ed)?|being|proved?|turned\sout)\s{_ADVERBS}(?:normal|negative|unremarkable|clear|reassuring|inconspicuous)\b"
    rf"|\b{_LOOKS}\s?(?:\(\w{{1,10}}\)\s?)?(?::\s?)?{_ADVERBS}(?:normal|negative|unremarkable|clear|nad)(?=\s?(?:[.,;\n]|\Z|and\b))"
    rf"|\bin\s(?:fact|reality|truth),?\s(?:(?:it|this|that)\s(?:is|was)\s)?(?:an?\s|only\s)?{NO_FINDING}"
    rf"|(?:(?<=[;.])|(?<=[;.]\s))(?:(?:an?|only|merely|just|likely)\s)?{NO_FINDING}(?=\s?(?:[.;,\n]|\Z))"
    r"|\bno\slonger\s(?:considered|regarded|thought|felt|deemed|found|judged)\s(?:(?:to\sbe|as)\s)?(?:suspicious|abnormal|concerning|worrisome|of\sconcern|a\sconcern|significant|real|present)\b"
    r"|\b(?:is|are|was|were|been|be)\s(?:therefore\s|thus\s|then\s)?(?:dismissed|discounted|discarded|rejected|refuted|disproved|disproven|overruled|overturned)\b"
    r"|\b(?:is|are|was|were)\s(?:not\s(?:real|genuine|true)|unfounded|allayed|not\s(?:borne\sout|upheld|substantiated|confirmed|reproduced|reproducible))\b"
    r"|\bno\s(?:(?:true|real|actual|genuine|definite|corresponding|underlying|suspicious|focal|persistent|persisting|residual|such)\s){0,2}(?:abnormality|lesion|correlate|finding|mark|prompt)s?\b"
    r"(?!\s(?:elsewhere|otherwise)|[^.;\n]{0,40}\b(?:left|right|other|opposite|axilla))"
    r"|\bnothing\s(?:abnormal|suspicious|there|is\s(?:there|seen|found)|was\s(?:found|seen)|corresponds|of\s(?:the\s(?:kind|sort)|concern|note)|persists|remains\sof)\b"
    r"|\band\snothing\s(?:else|more|further)(?=\s?(?:[.,;\n]|\Z))"
    r"|\bno\srecall\b|\bno\s(?:further\s)?(?:action|work-?up|assessment)\s(?:is\s|was\s)?(?:needed|required|necessary)\b|\breturn(?:ed)?\sto\s(?:routine|normal|annual)\s(?:recall|screening)"
    r"|\btissue\s(?:spreads?|separates?|presses|disperses)\b|\b(?:resolves?|explains?|dispels?|disproves?|refutes?|excludes?|allays?)\s(?:it|this|them|these|the\s(?:suspicion|concern|doubt|finding|question))\b"
    r"|\b(?:fail(?:s|ed)?\sto|(?:do|does|did|could|can)\snot|cannot|unable\sto)\s(?:reproduce|confirm|show|find|identify|demonstrate|substantiate|verify|see|detect)\s(?:it|this|that|them|these|the\s(?:finding"
    r"|lesion|abnormality|suspicion))\b"
    r"|\b(?:says?|said|answer\sis|reply\sis)\sno\b"
    r"|\b(?:consensus|arbitration|third\s(?:reader|reading)|final\s(?:reading|result|decision|opinion))\s?[:=-]?\s?(?:(?:is|was|opinion|decision|finding|result|reading|:|a|of)\s?){0,3}(?:normal|negative|unremarkable|no\s(?:abnormal|recall|suspic|finding|lesion)|benign\schange|return\sto)"
)
_VERDICT = re.compile(rf"(?:(?<![a-z])|(?=:))(?:{_NOTHING_SEEN})")
_CONFIRMED = re.compile(
    r"(?<!\bto\s)(?<!\bnot\s)\b(?:confirm(?:s|ed)?|reproduc(?:es?|ed)|verif(?:y|ies|ied)|substantiat(?:es?|ed)|bears?\sout|corroborat(?:es?|ed))\s(?:it|this|that|them|these|both|the\s(?:finding|lesion|abnormality"
    r"|presence|suspicion|impression|concern))\b|(?<!not\s)(?<!longer\s)\bpersist(?:s|ed|ent)?\b|\b(?:it|this|which|the\sfinding|the\ssuspicion)\s(?:is|was|has\sbeen)\s(?:now\s|again\s|clearly\s)?(?:confirmed|real|genuine|verified|reproduced)\b"
)
_DESCRIBED = re.compile(
    r"[\s,:;]{0,3}(?:(?:on|with|at|in|by)\s(?:[a-z0-9]{2,14}\s){0,3}[a-z0-9]{2,14},\s)?(?:(?:it|these|they|this|which|that|is|are|was|were|all|now|again|an?|typically)\s){0,4}"
    r"(?:round|scattered|benign|vascular|punctate|oval|irregular|spiculated|circumscribed|pleomorphic|amorphous|grouped|linear|coarse|less\sconspicuous|more\sconspicuous|unchanged|stable|\d{1,3}\s?mm)\b"
)
"""Behind what a woman was recalled for: what it is like, so that it is there."""
_NO_CORRELATE = re.compile(r"\bno\s(?:[a-z-]{2,14}\s){0,3}correlates?\b")
"""Of what a woman feels: an image that doesn't show it says nothing of it."""
_NOT_ALL_OF_IT = re.compile(
    r"\b(?:other|further|additional|new|second|another|more|suspicious|elsewhere|else|remaining|associated|ultrasound|us|sonograph\w{2,5}|mri|palpable|previous\w{0,2}|left|right)\b"
)
"""Around a denial that isn't of what was suspected before."""
_HEDGED = re.compile(
    r"\b(?:favou?r\w{0,3}|likely|probabl\w{1,3}|possibl\w{1,3}|could|may|might|can|suspect\w{0,3}|presum\w{2,5}|perhaps|if|whether|should|would|appears?|seems?|or|suggest\w{0,4}|unless|until"
    r"|(?:thought|felt|believed)\sto)\b[^.;,\n]{0,30}\Z"
)
_WORKED_UP = re.compile(
    rf"\b(?:{_LOOKS}|now|today|however|true|real|actual|on\sreview|in\s(?:fact|retrospect)|consensus|arbitration)\b"
)
"""In the sentence that denies what was doubted: someone looked again."""
_LEFT = re.compile(
    r"\b(?:no|without|none)\s(?:(?:[a-z-]{4,14}\s){0,2}(?:residual|remaining|further)\b|[^.;,\n]{3,40}?\b(?:left(?:\sbehind)?(?=\s?(?:[.;,\n]|\Z))|remains?|remaining|any\s(?:more|longer)|anymore|persists?))"
)
_EARLIER = re.compile(
    r"\b(?:previous(?:ly)?|earlier|former(?:ly)?|known|prior|last\syear|(?:19|20)\d\d|targeted|sampled|excis(?:ed|ion\w{0,2})|biops\w{1,4}|lumpectomy|removed|described|recorded)\b"
)
"""Of what was there before: what is left of it decides."""
_OF_THE_REST = re.compile(
    r"\b(?:rest|remaining|remainder|otherwise|elsewhere|other|opposite|contralateral|surrounding)\b"
)
_FAR = 120
_MANY = 20
"""The most findings of a sentence that another is held against."""


def settle_in_sentence(text: str, start: int, end: int, mentions: list[Mention]) -> None:
    """Deny what a sentence calls suspected where the rest of it says that nothing is there."""
    for index, one in enumerate(mentions):
        following = mentions[index + 1 : index + 1 + _MANY]
        again = [other for other in following if other.kind == one.kind and one.kind not in ANATOMY]
        if again and again[-1].polarity == "absent" and one.polarity == "present":
            earlier = _EARLIER.search(text, max(start, one.start - _FAR), again[-1].start)
            left = _LEFT.search(text, one.end, min(end, again[-1].end + 40))
            one.polarity = "absent" if earlier and left else one.polarity
        behind = next((other.start for other in following if other.kind not in ANATOMY), end)
        if _is_tentative(text, start, one) and _is_nothing(text, one.end, max(behind, one.end)):
            one.polarity = "absent"


def settle_suspected(text: str, start: int, end: int, named_from: int, before: list[Mention]) -> bool:
    """Settle what the last sentence that names findings only suspected; return whether this one says anything of it.

    Args:
        text: the text without asides.
        start, end: the sentence that says what came of it.
        named_from: where the sentence of `before` begins.
        before: the findings of that sentence.
    """
    tentative = [one for one in before[-_MANY:] if _is_tentative(text, named_from, one)]
    return bool(tentative) and _settle(text, start, end, tentative)


def settle_recalled(text: str, start: int, end: int, recalled: list[Mention]) -> bool:
    """Settle what a woman was recalled for by what is said between `start` and `end`; return whether it says it."""
    general = [one for one in recalled if one.kind not in ANATOMY]
    if not _NO_CORRELATE.search(text, start, end) and _settle(text, start, end, general):
        return True
    if general and _DESCRIBED.match(text, start, end):
        for one in general:
            one.polarity = "present"
        return True
    return False


def _settle(text: str, start: int, end: int, suspected: list[Mention]) -> bool:
    said: Polarity | None = None
    if _CONFIRMED.search(text, start, end):
        said = "present"
    elif _is_nothing(text, start, end):
        said = "absent"
    if said is None:
        return False
    now = {side[0] for side in SIDE_WORD.findall(text, start, end)}
    for one in suspected:
        then = {side[0] for side in SIDE_WORD.findall(text, max(0, one.start - 60), min(start, one.end + 40))}
        # A sentence that names only the other side settles nothing.
        if not (then and now and then.isdisjoint(now)):
            one.polarity = said
    return bool(suspected)


def overrule(text: str, start: int, mentions: list[Mention], named_from: int, before: list[Mention]) -> None:
    """Deny what the sentence before only suspected where the one at `start` plainly denies the same kind.

    Args:
        text: the text without asides.
        start: where the sentence of `mentions` begins.
        mentions: its findings.
        named_from: where the sentence before begins.
        before: the findings of that one.
    """
    denied: dict[str, bool] = {}
    for one in mentions:
        around = text[max(start, one.start - 40) : min(len(text), one.end + 40)]
        plainly = one.polarity == "absent" and not _NOT_ALL_OF_IT.search(around)
        denied[one.kind] = denied.get(one.kind, True) and plainly
    untrue = {one.kind for one in mentions if A_TRUE_ONE.search(text, max(start, one.start - 30), one.start)}
    was_here = _EARLIER.search(text, named_from, start) is not None
    looked_again = _WORKED_UP.search(text, start, mentions[-1].end + 40) is not None
    nothing_left = _LEFT.search(text, start, mentions[-1].end + 40) is not None
    for one in before:
        if one.polarity in (None, "absent") or one.kind in ANATOMY or not denied.get(one.kind):
            continue
        was_there = nothing_left and was_here
        again = one.polarity != "uncertain" or looked_again
        if was_there or one.kind in untrue or (again and _is_tentative(text, named_from, one)):
            one.polarity = "absent"


def _is_nothing(text: str, start: int, end: int) -> bool:
    """Return whether what stands between `start` and `end` says, without a doubt, that nothing is there."""
    if _CONFIRMED.search(text, start, end):
        return False
    return any(
        not _HEDGED.search(text, max(start, found.start() - 40), found.start() + 1)
        and not _OF_THE_REST.search(text, max(start, found.start() - 40), found.end())
        for found in _VERDICT.finditer(text, start, end)
    )


def _is_tentative(text: str, start: int, one: Mention) -> bool:
    if one.kind not in KINDS or one.kind in ANATOMY or one.polarity not in ("present", "uncertain"):
        return False
    if one.polarity == "present" and PROPERTY_OF.search(text, max(start, one.start - 60), one.start):
        return False
    if one.polarity == "uncertain" or _TENTATIVE_BEHIND.match(text, one.end):
        return True
    return _TENTATIVE.search(text, max(start, one.start - _FAR), one.start) is not None

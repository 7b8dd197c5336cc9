"""The labeler's vocabulary of findings: their names, cues of polarity, and what describes them.

Names follow the ACR BI-RADS Atlas (5th edition, 2013) and the DMID reports ("soft opacity" for mass). Every repeat
is bounded, so no pattern can take more than linear time.
"""

import re

KINDS = (
    "mass",
    "calcification",
    "asymmetry",
    "architectural_distortion",
    "lymph_node",
    "skin",
    "nipple",
    "pectoral",
)
"""The kinds of finding, in the order in which they are reported."""

ANATOMY = ("skin", "nipple", "pectoral")
"""Kinds that are always there: "present" means that something is wrong with them."""

_FINDINGS = {
    "asymmetry": r"ass?ymm?etr(?:y|ies)\b|ass?ymm?etric(?:al)?\s(?:(?:breast|focal|fibroglandular|glandular)\s){0,2}"
    r"(?:densit(?:y|ies)|tissue|opacit(?:y|ies)|parenchyma)\b",
    "mass": r"(?<!body\s)mass(?:es)?\b(?!-|\slike)|lesions?\b|nodules?\b|opacit(?:y|ies|iy)\b|lumps?\b"
    r"|tumou?rs?\b|sol\b",
    "calcification": r"(?:(?:micro|macro)[-\s]?)?calcif\w{1,10}\b",
    "architectural_distortion": r"(?:architectural\s|architecture\s)?distortions?\b|distorted\sarchitecture\b",
    "lymph_node": r"lymph\s?-?nodes?\b|(?:lymph)?adenopath(?:y|ies)\b|(?:axillary|intra-?mammary)\snodes?\b|nodes?\b",
    "skin": r"skin\b(?!\slesion)",
    "nipple": r"nipples?\b",
    "pectoral": r"pectoral(?:is)?\b(?:\smuscles?\b)?",
}

_ADVERB = r"(?:(?:entirely|completely|definitely|clearly|definitively|reliably|fully|confidently)\s)?"
_STEADY = r"(?:change|increase|decrease|growth|progression|alteration|enlargement)s?"
_QUALIFIER = r"(?:(?:significant|interval|appreciable|definite|obvious|major|further|suspicious|new|relevant)\s){0,3}"
_SEEN = (
    r"(?:seen|identified|noted|visuali[sz]ed|appreciated|detected|found|present|evident|demonstrated|observed|"
    r"visible|apparent|palpable|recogni[sz]ed|shown)"
)
_BE = r"(?:is|are|was|were|be|been|has|have)"
_DEGREE = r"(?:an?\s)?(?:probably\s)?(?:an?\s)?(?:low\s|moderate\s|high(?:er)?\s)?(?:benign|malignan\w{1,3}|suspicious)"

_CUES = {
    # Looks like a negation or a doubt, and says nothing of whether the finding is there.
    "neutral": rf"no\s{_QUALIFIER}{_STEADY}\b(?:\s(?:in|of|from|since))?"
    rf"|without\s{_QUALIFIER}{_STEADY}\b(?:\s(?:in|of))?|not\sonly\b"
    rf"|not\s(?:significantly\s|appreciably\s)?(?:changed|increased|enlarged|grown|progressed|absent)\b"
    rf"|no\slonger\s(?:increas|grow|enlarg)\w{{1,4}}\b|no\sdoubt\b"
    rf"|(?:possibl[ey]|probabl[ey]|likely)\s{_DEGREE}\b"
    rf"|(?:may|might|could)\s?(?:be|represent|suggest|indicate|reflect)\s{_DEGREE}\b",
    "uncertain_after": rf"(?:cannot|can\snot|can't|could\snot|not)\s(?:be\s)?{_ADVERB}(?:excluded|ruled\sout)\b"
    r"|(?:is|are|was|were|remains?)\s(?:possible|suspected|questionable|questioned|equivocal|uncertain|unlikely|doubtful)\b",
    "purpose": r"(?:to|please|for)\s(?:further\s)?"
    r"(?:rule\sout|exclude|look\sfor|assess\sfor|evaluate\sfor|check\sfor)\b|rule\sout\b|r/o\b|look(?:ing)?\sfor\b|(?:assess|evaluat|search|screen)\w{0,4}\sfor\b|in\scase\sof\b|if\b"
    r"|whether\b|history\sof\b|h/o\b|risk\sof\b",
    "absent_after": rf"(?:{_BE}\s|do\s|does\s)?not\s(?!only\b)(?:be\s|been\s)?(?:\w{{2,12}}ly\s)?{_SEEN}\b"
    rf"|(?:isn't|aren't|wasn't|weren't)\s{_SEEN}\b|(?:can\snot|cannot)\sbe\s{_SEEN}\b"
    rf"|absent\b|(?:{_BE}\s)?ruled\sout\b(?!\s(?:an?|any|the)\b)|excluded\b|no\slonger\s{_SEEN}\b"
    r"|no\slonger\spersists?\b|resolved\b|disappeared\b|none\b(?!\sof)",
    "uncertain_before": rf"(?:cannot|can\snot|can't|could\snot|unable\sto|not)\s{_ADVERB}(?:exclude|rule\sout)\b"
    r"|possibl[ey]\b|probabl[ey]\b|questionabl[ey]\b|unlikely\b|equivocal\b|suspected\b|suspicious\sfor\b"
    r"|suspicion\s(?:of|for)\b|concern(?:ing)?\sfor\b|worrisome\sfor\b"
    r"|(?:may|might|could)\s(?:also\s)?(?:represent|be|reflect|suggest|indicate)\b|maybe\b",
    "negation": r"no\s(?:evidence|signs?|suggestion)\s(?:of|for)\b|no\b(?!\.?\s?\d)|without\b|nil\b|negative\sfor\b"
    r"|free\s(?:of|from)\b|absence\sof\b|lack\sof\b|lacks\b|devoid\sof\b|den(?:ies|ied)\b|rather\sthan\b"
    r"|instead\sof\b|neither\b|nor\b|never\b|rules\sout\b|ruled\sout\b|excludes\b|none\sof\b"
    r"|not\s(?:associated|accompanied)\s(?:with|by)\b"
    r"|not\s(?:show\w{0,3}|demonstrate|reveal|contain|have)\b|not\b|(?:isn't|aren't|wasn't|doesn't|don't)\b",
}
_LATER_CUES = {
    "versus": r"(?:vs\b\.?|versus\b)",
    "stop": r"(?:but|however|except|although|though|whereas|while|which|apart\sfrom|other\sthan|aside\sfrom|despite"
    r"|there\s(?:is|are|was|were)|shows?|demonstrat(?:es|ed)|reveals?|contains)\b",
    "pause": r"(?:(?:associated|along|together)\s)?with\b",
    "diagnosis": r"(?:malignanc(?:y|ies)|cancer|carcinoma|metasta\w{1,5})\b",
    "verb": rf"(?:is|are|was|were|has|have|had|appears?|seems?|yes|true|stable|unchanged|{_SEEN})\b",
    "conjunction": r"and\b",
    "alternative": r"or\b",
}
_MARKS = {
    "absent_mark": r"[:=-]\s?(?:none|nil|no|absent|negative|false|nad)\b(?=\s?(?:\Z|[.,;\n)\]}]))",
    "doubted": r"(?<=[a-z])\s?\?",
    "doubt": r"\?",
    "dash": r"(?<=\s)-{1,2}\s",
    "comma": r",",
    "ampersand": r"&",
    "slash": r"/",
    "open": r"[(\[]",
    "close": r"[)\]]",
}
_PREDICATES = {
    "normal": r"normal\b(?![- ]\w{0,12}\s?(?:parenchyma|tissue))|unremarkable\b|intact\b|spared\b|preserved\b"
    r"|clear\b|within\snormal\slimits\b|nad\b|free\b(?!\s(?:of|from))|uninvolved\b",
    "abnormal": r"abnormalit(?:y|ies)\b|thicken\w{0,3}\b|retract\w{0,4}\b|o?edema(?:tous)?\b|dimpl\w{1,3}\b"
    r"|inva(?:sion|ded|ding|des?)\b|involv\w{1,6}\b|inver(?:sion|ted)\b|ulcerat\w{1,3}\b|tether\w{0,3}\b"
    r"|pucker\w{0,3}\b|infiltrat\w{1,4}\b|discharge\b|peau\b|erythema\b|excoriat\w{1,3}\b|changes?\b"
    r"|abnormal\b(?!\s(?:\w{1,15}\s){0,2}(?:mass|lesion|opacit|calcif|microcalc|node|lymph|adenop|densit|asymm))"
    r"|deviat\w{1,4}\b|flatten\w{1,3}\b|swelling\b|swollen\b|bulky\b|nodularity\b",
}


def _groups(patterns: dict[str, str]) -> str:
    return "|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items())


EVENTS = re.compile(
    r"(?<![a-z0-9])(?:(?P<skipped>non-?\s?calcified\b|mass(?:-|\s)like\b)"
    r"|(?P<harmless>(?:not\s|non-?)(?:\w{2,12}ly\s)?(?:enlarged|patholog\w{1,5}|suspicious|prominent)\b)|"
    + "|".join(_groups(part) for part in (_CUES, _FINDINGS, _PREDICATES, _LATER_CUES))
    + ")|"
    + _groups(_MARKS)
)
"""One pass over a sentence finds every finding, cue and mark in text order; the group's name says which."""

NEW_STATEMENT = re.compile(
    r"\s?(?:and\s)?(?:there\b|an?\s|few\b|multiple\b|several\b|some\b|scattered\b"
    r"|numerous\b|another\b|benign\b|vascular\b|popcorn\b|coarse\b|stable\b|mild\b|bilateral\b|two\b|three\b)"
)
"""After a comma or "and": words that begin a statement of what is there, not the next item of a negated list."""

ALTERNATIVE = re.compile(r"\s?(?:(?:or|vs|versus)\b|/)")
"""Right after a doubted finding: the doubt goes on to the next one ("possible mass or asymmetry")."""

FINITE = re.compile(r"\b(?:is|are|was|were|appears?|shows?|demonstrates?|present)\b(?!\snot)")
LISTED = re.compile(r"\b(?:or|nor|no|without)\b|^\s?and\b")
GROUPED = re.compile(
    r"[\s,/&-]{0,3}(?:(?:and|or|nor|the|of|muscles?|areolar?|complex|overlying|adjacent|both|periareolar|no|any|"
    r"axillary|underlying)[\s,/&-]{0,3}){0,5}"
)
"""What may stand between parts of one list of anatomy ("skin, nipple and pectoral muscle")."""

BEFORE_ANATOMY = re.compile(
    r"[\s-]{0,2}(?:(?:appearing|looking|of|the|to|into|in|within|through|overlying|adjacent|both|at|up|upto|"
    r"axillary|size|sized)[\s-]{1,2}){0,4}"
)
"""What may stand between a describing word and the anatomy right after it ("retraction of the nipple")."""

NODE_DESCRIBED = re.compile(
    r"\b(?:enlarged|patholog\w{1,5}|suspicious|abnormal|prominent|benign\w{0,3}|bening|metasta\w{1,4}|few|multiple|"
    r"several|two|three|small|dense|no|reactive)\b[^.;,]{0,30}$"
)
UNASKED_SECTIONS = ("history", "clinical history", "indication", "indications", "technique", "comparison")
"""Sections that speak of why the image was made or of an older one: nothing in them is a finding of this report."""

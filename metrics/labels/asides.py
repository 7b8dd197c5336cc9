"""Passages that state nothing of the breasts examined, though they name findings.

Remarks on mammography ("dense, which may obscure small masses" is the ACR's own sentence), disclaimers ("a negative
mammogram doesn't exclude ..."), and what patients complain of.
"""

import re

from metrics.labels.report_text import ReportText

_HINDER = r"(?:lower|reduc|decreas|limit|impair|diminish|compromis|hinder|restrict|hamper|affect)(?:s|es|e|ed|ing)?"
_HIDE = r"(?:obscur|hid|mask|conceal|camouflag|miss|overlook)(?:e|es|s|ing)?"
_NAMED = (
    r"(?:mass|lesion|nodule|cancer|carcinoma|malignanc|finding|abnormalit"
    r"|calcification|microcalcification|tumou?r|distortion|opacit)"
)
_MODAL = r"(?:may|might|can|could|will|would)"
_SCARCE = (
    r"(?:limited|reduced|lower(?:ed)?|decreased|impaired|low|restricted|diminished|compromised|hampered|difficult)"
)

_ELSEWHERE = (
    r"\s(?:there|here|so\s(?:close|near|far)\s[^.;,\n]{2,40}?"
    r"|(?:in|at|within|behind|near)\s(?:it|this|that|these|those|such)(?:\s[a-z]{2,15}){0,3}?)"
)
_METHOD = (
    r"\b(?:ultraso(?:und|nography)|sonography|us|mri?|(?:digital\s|breast\s)?tomosynthesis|dbt"
    r"|contrast(?:-enhanced)?\smammography)\s"
)
_FINDS = r"(?:detect|find|show|reveal|depict|demonstrate|identify|discover|uncover|disclose|pick\sup|visuali[sz]e)"
_SUCH = r"(?:(?!the\b|no\b|this\b|that\b)[a-z-]{1,14}\s){0,3}"
_MISSED = (
    r"\s(?:that|which)\s(?:(?:a\s)?mammogra\w{1,5}|(?:the\s)?(?:\w{2,10}\s)?(?:x-?rays?|views?|images?))\s"
    r"(?:(?:may|might|can|could|would|will|often|sometimes)\s)?(?:miss|overlook|cannot\s|does\snot\s|do\snot\s)"
)
_REMARK = re.compile(
    # Of one method against another: "ultrasound can detect small masses that mammography misses".
    rf"{_METHOD}(?:can|may|might|will|(?P<could>could))\s(?:(?:also|often|sometimes|[a-z]{{2,10}}ly)\s)?{_FINDS}\s{_SUCH}{_NAMED}"
    rf"(?:(?(could)(?!)|(?:es|s|ies)\b)|[a-z]{{0,3}}{_MISSED})"
    rf"|{_METHOD}(?:(?:also|often|sometimes|[a-z]{{2,10}}ly)\s)?{_FINDS}s\s{_SUCH}{_NAMED}(?:es|s|ies){_MISSED}"
    # Of what was not imaged: "a lesion there would escape detection".
    rf"|\b(?:(?:an?|any|small(?:er)?|subtle|even|further|other)\s){{1,3}}(?:[a-z-]{{3,10}}\s)?{_NAMED}\w{{0,3}}(?:{_ELSEWHERE})?\swould\snot\sbe\s"
    r"(?:visible|seen|apparent|detect\w{2,4}|identified|shown|visuali[sz]ed|depicted)\b"
    rf"|\b(?:(?:an?|any|small(?:er)?|subtle|even|further|other)\s){{0,3}}{_NAMED}\w{{0,3}}{_ELSEWHERE}\s(?:(?:may|might)\snot\s(?:be\s)?(?:visible|seen"
    rf"|apparent|detect\w{{2,4}}|identified|shown)|{_MODAL}\s(?:[a-z]{{2,10}}ly\s|still\s|also\s){{0,2}}"
    r"(?:(?:be|remain|go|lie|get)\s(?:[a-z]{2,10}ly\s)?|escape\s)?(?:detection|notice|hidden|obscured|missed|overlooked|masked|concealed|occult"
    r"|undetected|invisible|unnoticed|unseen|undiscovered))\b"
    rf"|\b{_MODAL}\s(?:[a-z]{{2,12}}ly\s)?(?:{_HIDE}|{_HINDER})\b"
    rf"|\b{_HINDER}\s(?:the\s|overall\s|mammographic\s|diagnostic\s){{0,3}}"
    r"(?:sensitivity|detect\w{3,7}|accuracy|visibility|specificity|(?:evaluation|assessment|visuali[sz]ation)\s(?:for|of\ssmall))"
    rf"|\bsensitivity\s(?:of|for|in|to)\b(?=[^.;\n]{{0,120}}\b{_SCARCE}\b)"
    rf"|\b(?:detection|visuali[sz]ation|identification|exclusion|(?:evaluation|assessment|judge?ment|appraisal|analysis)(?=\sof\s(?:an?\s|small\s|any\s)?(?:mass|lesion|nodul|calc|micro|distor|focal))|(?:perception))\sof\b(?=[^.;\n]{{0,120}}\b(?:is|are|be)\s{_SCARCE}\b)"
    rf"|\b(?:{_MODAL}\s)?(?:makes?|making|render(?:s|ing)?)\s(?=[^.;\n]{{0,80}}\b(?:difficult|hard(?:er)?|impossible|challenging)\b)"
    rf"|(?:\b(?:an?|some|any|small|smaller|subtle|underlying|occult|early|other)\s){{0,3}}\b{_NAMED}\w{{0,3}}\s"
    rf"(?:(?:may|might)\snot\s(?:[a-z]{{2,10}}ly\s)?be\s(?:visible|seen|apparent|detect\w{{2,4}}|identified|shown)|{_MODAL}\s"
    r"(?:[a-z]{2,10}ly\s|still\s|also\s){0,2}(?:(?:be|remain|go|lie|get)\s(?:[a-z]{2,10}ly\s)?|escape\s)"
    r"(?:detection|difficult|hard|impossible|hidden|obscured|missed|overlooked|masked|concealed|occult|undetected|invisible|unnoticed|unseen|undiscovered))\b"
)
"""From its beginning to the end of the statement."""

_DISCLAIMER = re.compile(
    r"\b(?:negative|normal|benign|unremarkable)\s(?:\w{1,12}\s){0,2}(?:mammogra\w{1,4}|report|imaging|x-ray|study|result|ultrasound)\s"
    r"(?:report\s|result\s|study\s|examination\s)?(?:does|do|should|must|can|will|need)\s?not\b"
    r"|\d\s?%\sof\s(?:all\s)?(?:breast\s)?(?:cancers?|malignanc|carcinomas?|lesions|tumou?rs)"
    r"|\bfalse[- ](?:negative|positive)|\b(?:should|must|do)\snot\s(?:ignore|disregard|neglect|delay|preclude|deter"
    r"|defer|dissuade)\b"
    r"|\bany\s(?:new\s|clinically\s|persistent\s|suspicious\s|dominant\s|palpable\s|other\s){1,3}[a-z]{3,14}\s"
    r"(?:should|must|requires?|needs?|warrants?|has\sto|will)\b"
    r"|\b(?:palpable|clinically\s\w{4,12}|an?\s(?:persistent|suspicious))\s[a-z]{3,14}\s(?:should|must|requires?|warrants?|needs?)\b"
    r"|\bmammogra\w{1,4}\s(?:does|do|can|cannot|may)\s?(?:not)?\s(?:detect|show|find|miss|exclude|reveal)\s(?:not\s)?(?:all|every|some)\b"
    r"|\b(?:cancers|carcinomas|malignancies)\s(?:are|is|may|can|cannot)\b[^.;\n]{0,40}\b(?:seen|detected|visible|missed|occult|identified)\b"
    r"|\b(?:one|two|three|some|\d{1,2})\s(?:in|out\sof)\s(?:every\s)?(?:ten|five|four|six|eight|twenty|a\shundred|\d{1,3})\s(?!mm|cm)[a-z]{4,}"
    r"|\b(?:an?|any)\s(?:mass|lump|nodule|swelling)\s(?:that|which)\s(?:is|can\sbe|you|she)\s(?:can\s)?(?:felt|feel|palp\w{3,6})\b[^.;\n]{0,40}\b(?:must|should"
    r"|needs?)\b"
    r"|\bself[- ]exam"
    r"|\b(?:be|being)\s(?:breast\s)?aware\sof\b|\blook\sout\sfor\b|\b(?:tell|ask|inform)\syour\s(?:gp|doctor|physician"
    r"|nurse)\b|\bwatch\s(?:out\s)?for\b|\byou\s(?:notice|find|discover|develop)\b|\b(?:if|should)\s(?:she|he|the\spatient)\s(?:notices?|finds?|feels?|discovers?|develops?|sees?|has\s(?:any|new|further))\b"
    r"|(?:\A|(?<=[.;:,\n])|(?<=[.;:,\n]\s)|\b(?:please|and|to|should|must)\s(?:also\s)?)report\s(?:any|all|new)\b"
    r"|\b(?:any|if|should\s(?:an?|any|you|she|there)|whenever|in\scase\sof)\b[^.;\n]{0,120}\b(?:contact|see|consult|call|visit"
    r"|return\sto|speak\sto|talk\sto|reported\sto|come\sback\sto|know)\s(?:to\s)?(?:us\b|the\sclinic|(?:your|a|the)\s"
    r"(?:own\s|family\s)?(?:gp|doctor|physician|nurse|surgery|clinician|clinic))"
    r"|\b(?:contact|see|consult|call|visit|return|speak\sto|come\sback|let\sus\sknow)\b[^.;\n]{0,40}?\b(?:for|about|with|if"
    r"|in\scase\sof)\s(?:(?:there|you)\s(?:is|are|have|get|see|feel)\s)?(?:any\b|(?:an?\s)?(?:new\s)?(?:lumps?|symptoms?|changes)\b)"
    r"|\b(?:women|ladies|patients|you|everyone)\s(?:(?:are|is)\s(?:[a-z]{4,12}ly\s)?(?:advised|encouraged|reminded|urged|asked|requested|instructed|told)\sto|should|must)\s"
    r"(?:(?:please|also|always|promptly|immediately)\s)?(?:report|tell|inform|contact|see|consult|watch|look|check|note|mention)\b"
    r"|\b(?:advise|remind|encourage|urge|ask|tell|instruct)\s(?:all\s)?(?:women|ladies|patients|you|everyone)\sto\s(?:report|tell|inform|contact|see|consult|watch|look|check|note|mention)\b"
    r"|\b(?:signs|symptoms)\s(?:of\sbreast\scancer\s)?(?:such\sas|include|to\slook\sfor)\b"
)
"""From the beginning of its statement to the full stop."""

_RELATIVE = re.compile(
    r"\b(?:(?:grand)?(?:mother|father)|sister|aunt|daughter|cousin|niece|relatives(?!\sto)|degree\srelative"
    r"|family\smembers?)s?\b"
    r"(?!\s(?:hospital|site|cent|mass|lesion|nodul|foc))(?=[^.;\n]{0,60}?\b(?:had|has|with|of|was|were|diagnosed"
    r"|operated|died|underwent|treated|at)\b|'s?\s(?:mammogra|breast|film|report|images))"
)
"""Of a relative's breasts, as far as the statement goes."""
_COMPLAINT = re.compile(
    r"\bc/o\b|(?<!\bwe\s)(?<!\bi\s)\b(?:worried|anxious|concerned)\s(?:about|by)\b"
    r"|\bcomplain\w{0,4}\s(?:of|about)\b|\bself[- ]detected\b"
    r"|\b(?:patient|woman|lady|female|she|who|years?[- ]old|y/?o)\b[^.;:\n]{0,40}?\b(?:presents|presented|presenting"
    r"|reports?|reported|feels?|felt|notic\w{1,3}|notes|describes?|mentions|referred\s(?:for|with|because\sof"
    r"|due\sto)"
    r"|with\s(?:an?\s|the\s)?(?:\w{1,12}\s){0,2}(?:palpable|lump|history))\b"
    r"|\bpalpable\s(?:\w{1,12}\s){0,2}(?:lump|mass|nodule|area|abnormality|finding)s?\b(?=[^.;:\n]{0,40}:)"
    r"|\b(?:patient|woman|lady|man|male|female)\swith\s(?:[\w-]{1,14}\s){0,5}lumps?\b"
    r"|\b(?:because\sof|on\saccount\sof|for)\s(?:an?|the|her|his)\s(?:[\w-]{1,14}\s){0,3}lumps?\b"
    r"|(?<!confirms\sthe\s)(?<!shows\sthe\s)(?<!confirm\sthe\s)\b(?:lump|mass|nodule|swelling|thickening|dimpling)s?\s(?:that\s|which\s)?(?:she|he|you|the\spatient)\s"
    r"(?:can\s|has\s|had\s)?(?:feel|felt|notic|describ|complain|report)\w{0,3}\b"
    r"|\b(?:site|area|region|location|place|correlates?|counterpart|equivalent|explanation)\s(?:of|to|for|with)\s(?:the\s|her\s|this"
    r"|an?\s|any\s){0,1}(?:(?:clinically\s)?(?:palpable|felt|palpated)\s\w{3,15}|(?:\w{2,12}\s)?lump)\b"
    r"|\b(?:tender|painful|sore)\s(?:[\w-]{1,14}\s){0,3}(?:lump|swelling|mass|nodule)s?\b"
    r"|\b(?:requisition|referral(?:\s(?:letter|form))?|request(?:\sform)?|referrer)\s(?:mentions|states|notes|says|speaks"
    r"|reports|describes|asks|names|queries)\b"
    r"|\b(?:the\spatient's|her|his|reported|symptomatic|bloody|spontaneous|serous|known)\s(?:[\w-]{1,14}\s){0,2}(?:nipple\s)?discharge\b"
    r"|\bp[2-5]\s(?:(?![mur]\d)[\w-]{1,14}\s){0,2}(?:lump|mass|nodul|swelling|lesion|thickening)\w{0,4}\b"
    r"|(?:\A|(?<=[.;\n])|(?<=[.;\n]\s))o/e\b|\b(?:on\s(?:clinical\s|physical\s)?(?:examination|palpation)|clinically)\b(?=[^.;:\n]{0,40}\b(?:lump|mass|nodul|swelling|thicken|dimpl|retract|discharge))"
    r"|\b(?:surgeon|clinician|gp|doctor|physician|nurse|examiner)\s(?:\w{3,10}ly\s)?(?:palpat|feel|felt|found|finds|detect|notic|note|suspect|describ|report|mark)\w{0,4}\b"
    r"|\b(?:lump|mass|nodule|swelling|thickening)\b(?![^.;:,\n]{0,60}\b(?:without|no|not|correlat\w{1,4}|or|nor)\b)(?=[^.;:,\n]{0,60}\b(?:clinically|on\s(?:clinical\s|physical\s)?(?:examination|palpation))\s?[.;\n])"
    r"|\b(?:asked|invited|brought|summoned|called|referred)\s(?:back|in|again)?\s?(?:for|because\sof|due\sto|with|on\saccount\sof|owing\sto|in\sview\sof|after|by\sreason\sof)\b"
    r"|\b(?:explain\w{0,3}|account\w{0,3}\sfor|(?:cause|explanation|reason)\s(?:of|for)|responsible\sfor|correspond\w{0,3}\s(?:to|with))\s(?:the|her|his|this|your)\s(?:[a-z]{4,12}\s)?(?:lump|swelling)s?\b"
    r"|(?:\A|(?<=[.;\n])|(?<=[.;\n]\s))\s?(?:(?:she|he|patient)\s)?(?:presents?|comes?|came|here|seen|returns?|returned|attend\w{0,4}|back)\s(?:today\s|now\s)?(?:for|to\s(?:evaluate|assess))\b"
    r"|\b(?:gp|doctor|surgeon|physician)\srefers?\s(?:with|for|because)\b"
    r"|\b(?:lump|mass|nodule|swelling|thickening|area)s?\b[^.;:,\n]{0,40}?\s(?:as\s)?per\s(?:the\s|her\s)?(?:patient|woman|history|request|requisition|clinician|gp|doctor|physician|surgeon|referr\w{2,4})\b"
    r"|\bclinical\s(?:concern|suspicion)\b|\bconcerns?\sabout\b"
    r"|\b(?:lump|mass|nodule|discharge|dimpling|thickening|retraction)\s(?:(?:is|was)\s)?(?:palpated|felt|noticed"
    r"|reported|described)\sby\s(?:the\s|a\s|her\s)?(?:patient|woman|gp|physician|clinician|doctor)\b"
    r"|\b(?:ticked|wrote|indicated|(?:she|he|who|patient|woman|lady)\smarked|answered|entered)\b(?=[^.;\n]{0,40}\b(?:lump|discharge|mass|nodul|retraction|form|questionnaire|sheet))|\b(?:questionnaire|(?:screening|intake|history|registration|patient)\s(?:form|sheet))\b"
    r"|\brecall(?:ed)?\sfrom\b|\bcall(?:ed)?[\s-]?back\s(?:for|because\sof|due\sto|with|on\saccount\sof|after)\b|\bscreening\srecall\s(?:for|because\sof|due\sto)\b"
    r"|\b(?:presenting|referred|recalled|attends|attended)\s(?:with|for|because\sof|due\sto|on\saccount\sof|owing\sto|in\sview\sof)\b"
    r"|(?<!scar\s)(?<!biopsy\s)\bmarkers?\b\s(?:\w{1,12}\s){0,3}(?:denot\w{1,3}|indicat\w{1,4}|mark\w{0,3}|plac(?:ed|ing)|over|overl\w{1,4}|at|on|correspond\w{0,3})\b"
)
"""To the end of its clause."""

_CONTRAST = re.compile(
    r"[;.\n](?!\d)|\bbut\b|\bhowever\b|\bnevertheless\b|\balthough\b|\bthere\s(?:is|are)\b|,\s(?=no\b|there\b)"
)
_FULL_STOP = re.compile(r"[.\n](?!\d)")
_CLAUSE = re.compile(
    r"[;,:.\n](?!\d)|\bbut\b|\bhowever\b|\band\s(?=no\b|mammogra|there\b)|\bshows?\b|\breveals?\b|\bdemonstrates?\b"
    r"|\bmammogra|\bno\b|\bwithout\b|\bis\b|\bare\b|\bcorresponds?\b|\brepresents?\b"
)
_TRIGGERS = re.compile(
    rf"\b{_MODAL}\s|sensitivity|detect|visibil|accuracy|mammogra|false|palpa|cancer|%|self|c/o|complain|present|report"
    r"|refer|recall|attend|marker|feels?\b|felt\b|notic|any\s|aware|your\s|look\sout|watch|symptom|signs|you\s|worr"
    r"|anxious|concern|clinical|discharge|call|tender|painful|sore|request|requis|because|account|o/e|\bp[2-5]\b|\bper\s|examination|surgeon|clinician|doctor|physician|\bgp\b|nurse|examiner|asked|invited|brought|ticked|wrote|indicated|marked|answered|entered|questionnaire|form|she\s|he\s|lump|one\s|two\s|three\s|some\s|for\s|consult|contact|if\s|woman|lady|\bm(?:an|ale)\s"
    r"|comes?\b|came\b|here\b|seen\b|return|back\b|limited|difficult|impaired|restricted|mother|father|sister|aunt|daughter|cousin|niece|relative|family"
)


_PARTED = re.compile(r",|\b(?:but|however|nevertheless|yet|although|though)\b")
_DENIED = re.compile(r"\b(?:no|neither|nor|without|negative\sfor|not\s(?:seen|visible|identified|evident))\b")
_CONDITION = re.compile(r"\b(?:if|when|should|whenever|a\snegative|does\snot|do\snot|may|might|can)\b")
_FARTHEST = 400
"""How many characters an aside may go on."""


def without_asides(report: ReportText) -> str:
    """Return the report's text with spaces in place of its asides, so that offsets stay the same."""
    text = report.text
    if not _TRIGGERS.search(text):
        return text
    spans = [_to(_CONTRAST, text, match) for match in _REMARK.finditer(text)]
    spans += [_to(_CONTRAST, text, match) for match in _RELATIVE.finditer(text)]
    spans += [_to(_CLAUSE, text, match) for match in _COMPLAINT.finditer(text)]
    for match in _DISCLAIMER.finditer(text):
        spans.append((_beginning(report, match.start()), _to(_FULL_STOP, text, match)[1]))
    pieces, done = [], 0
    for start, end in sorted(spans):
        if end > done:
            begin = max(start, done)
            pieces += [text[done:begin], " " * (end - begin)]
            done = end
    return "".join([*pieces, text[done:]])


def _beginning(report: ReportText, position: int) -> int:
    """Return where the statement around `position` begins: behind what was denied before, else with its sentence."""
    start = report.sentence_start(position)
    last = max((match.end() for match in _PARTED.finditer(report.text, start, position)), default=start)
    denied = last > start and _DENIED.search(report.text, start, last) is not None
    return last if denied and not _CONDITION.search(report.text, start, last) else start


def _to(stops: re.Pattern[str], text: str, match: re.Match[str]) -> tuple[int, int]:
    end = min(len(text), match.end() + _FARTHEST)
    stop = stops.search(text, match.end(), end)
    return match.start(), stop.start() if stop else end

"""What a report says of its findings: shape, margin, density of a mass, morphology and spread of calcification ...

The descriptors are those of the ACR BI-RADS Atlas (5th edition, 2013); "lobulated" is kept from the 4th.
"""

import re

from metrics.labels.mention import Mention
from metrics.labels.report_text import ReportText

_NOT = r"(?<!not\s)(?<!non-)(?<!non\s)(?<!no\s)"
_MARGIN_NOUN = r"(?:margins?|borders?|outlines?|contours?|edges?)"

_DESCRIPTORS: tuple[tuple[str, dict[str, tuple[str, str]]], ...] = (
    (
        rf"irregular(?:(?:\s?,\s?|\sand\s|\sor\s)[a-z-]{{3,15}})?\s{_MARGIN_NOUN}|ill[- ]?defined|indistinct"
        r"|poorly[- ]?defined|ill[- ]?circumscribed",
        {"mass": ("mass_margin", "indistinct")},
    ),
    (r"well[- ]?defined|(?:well[- ])?circumscribed|sharply[- ]defined", {"mass": ("mass_margin", "circumscribed")}),
    (r"obscured", {"mass": ("mass_margin", "obscured")}),
    (r"micro-?lobulated", {"mass": ("mass_margin", "microlobulated")}),
    (r"spiculat\w{1,4}|speculated|spicules|stellate", {"mass": ("mass_margin", "spiculated")}),
    (r"oval|ovoid", {"mass": ("mass_shape", "oval")}),
    (r"round(?:ed)?", {"mass": ("mass_shape", "round"), "calcification": ("calc_morph", "benign")}),
    (r"irregular", {"mass": ("mass_shape", "irregular")}),
    (r"(?:macro-?)?lobulated|lobular", {"mass": ("mass_shape", "lobulated")}),
    (r"high[- ]dens(?:ity|e)|hyper-?dense", {"mass": ("mass_density", "high")}),
    (r"dense(?=\s(?:\w{1,12}\s)?(?:mass|opacit|nodul|lesion|tumo))", {"mass": ("mass_density", "high")}),
    (r"(?:equal|iso)[- ]?dens(?:ity|e)", {"mass": ("mass_density", "equal")}),
    (r"low[- ]dens(?:ity|e)|hypo-?dense", {"mass": ("mass_density", "low")}),
    (r"fat[- ](?:containing|density)|radio-?lucent", {"mass": ("mass_density", "fat")}),
    (r"amorphous", {"calcification": ("calc_morph", "amorphous")}),
    (r"coarse,?\sheterogen\w{1,6}", {"calcification": ("calc_morph", "coarse_heterogeneous")}),
    (r"(?:fine[- ])?pleomorphic", {"calcification": ("calc_morph", "fine_pleomorphic")}),
    (
        r"fine[- ]linear(?:[- ](?:or\s|and\s)?branching)?|branching",
        {"calcification": ("calc_morph", "fine_linear")},
    ),
    (
        r"benign(?:-|\s)?(?:looking|appearing)?|bening",
        {"calcification": ("calc_morph", "benign"), "lymph_node": ("node_type", "benign")},
    ),
    (
        r"pop-?\s?corn|vascular|rim|egg-?shell|dystrophic|coarse|punctate|milk\sof\scalcium|suture|rod-?like|macro(?=-?\s?calc)",
        {"calcification": ("calc_morph", "benign")},
    ),
    (r"diffuse(?:ly)?|scattered", {"calcification": ("calc_dist", "diffuse")}),
    (r"regional", {"calcification": ("calc_dist", "regional")}),
    (r"grouped|clustered|(?:clusters?|groups?)(?=\sof)", {"calcification": ("calc_dist", "grouped")}),
    (r"linear", {"calcification": ("calc_dist", "linear")}),
    (r"segmental", {"calcification": ("calc_dist", "segmental")}),
    (r"focal", {"asymmetry": ("asym_type", "focal")}),
    (r"global", {"asymmetry": ("asym_type", "global")}),
    (r"developing", {"asymmetry": ("asym_type", "developing")}),
    (
        r"enlarged|patholog\w{1,5}|suspicious|abnormal|metasta\w{1,5}",
        {"lymph_node": ("node_type", "abnormal")},
    ),
    (
        r"(?:loss\sof|without|absen\w{1,2}|no|lost|effaced|obliterated|lacking|replaced)\s(?:of\s|an?\s|the\s|their\s|its\s)?(?:normal\s|central\s)?"
        r"(?:fatty\s)?hil\w{1,3}|fatty\shil\w{1,3}\s(?:is\s|are\s)?(?:lost|absent|effaced|obliterated|replaced|not\s)|cortical\sthickening"
        r"|thick(?:ened)?\scort\w{2,3}",
        {"lymph_node": ("node_type", "abnormal")},
    ),
    (r"reactive|fatty\shil\w{1,3}", {"lymph_node": ("node_type", "benign")}),
    (r"intra-?mammary", {"lymph_node": ("node_type", "intramammary")}),
)
_PATTERN = re.compile(
    rf"{_NOT}\b(?:"
    + "|".join(f"(?P<d{index}>{pattern})" for index, (pattern, _) in enumerate(_DESCRIPTORS))
    + r")(?![a-z])|(?P<macro>(?<![a-z])macro(?=-?\s?calc))"
)
_DENIAL = re.compile(
    r"\b(?:no|not|without|neither|nor|absence\sof|lack\sof|lacks|lacking|rather\sthan|instead\sof|free\sof|devoid\sof|denied|never|"
    r"isn't|aren't|fails?\sto\sshow)\b(?!\s(?:only|(?:\w{1,12}\s)?(?:change|increase)))"
)
_SCOPE = re.compile(
    r"[;\n]|\.(?!\d)|\b(?:but|however|although|though|whereas|while|except|other\sthan|apart\sfrom|aside\sfrom|besides|save)\b|\b(?:and|which|that|it|they|but)\s(?:is|are|has|have|shows?|appears?|"
    r"demonstrates?|with)\b|\bwith\b|\bthere\s(?:is|are)\b|\bnor\s(?:[a-z-]{2,20}\s?){1,3},"
)
"""Where what was denied before no longer is."""
_DENIED_AFTER = re.compile(
    rf"\s?{_MARGIN_NOUN}?\s?(?:(?:is|are|was|were)\s)?(?:absent|lacking|(?:not|nowhere)\s(?:\w{{2,12}}ly\s)?(?:seen|present|identified|noted|"
    r"visible|found|detected|evident|observed|demonstrated))\b"
)
_ADJACENT = re.compile(
    rf"[\s-]{{0,2}}(?:(?!(?:and|or|with|of|in|at|to|near|by|on|is|are|from|adjacent|{_MARGIN_NOUN})\b)[a-z-]{{2,20}}\s){{0,2}}"
)
"""Between an adjective and the noun that it stands before."""
_NOT_OF_THE_FINDING = re.compile(
    r"(?:bi-?rads|category|impression|conclusion|assessment|opinion|biops\w{1,3}|histolog\w{1,5}|patholog\w{1,5}|results?|diagnos\w{1,4}|overall)"
    r"\b[^.;\n]{0,40}$"
)
_OF_SOMETHING_ELSE = re.compile(
    r"\s?(?:(?:result|finding|histolog|patholog|biops|outcome|diagnos|disease|changes?\b|process|category|assessment|a?etiolog|entity|"
    r"condition|mammogra|study|examination|breast))"
)
"""Around "benign", where it is the verdict of the report or of a biopsy and describes no finding."""
_CONTINUES = re.compile(
    r"\s?(?:[-\d.)]{0,3}\s?)?(?:(?:the|its|their|of|with|has|having)\s){0,2}(?:it\b|they\b|these\b|this\b|margins?\b|borders?\b|contours?\b|"
    r"outlines?\b|edges?\b|shape\b|density\b|distribution\b|morphology\b|appearances?\b|"
    r"(?:ill|well|irregular|spiculat|speculat|round|oval|lobulat|circumscribed|indistinct|obscured)\w{0,6}\b)"
)
"""How a sentence begins that says more of what the one before names."""
_MORE_FIELDS = re.compile(r"\s?(?:distribution|morphology|margins?|shape|density|type)\s?[:=]")
"""Behind a semicolon: one more field about the same finding."""
_FAR = 240
_DEFAULTS = {"asymmetry": ("asym_type", "asymmetry"), "lymph_node": ("node_type", "unspecified")}
_ORDER = ("mass_shape", "mass_margin", "mass_density", "calc_morph", "calc_dist", "asym_type", "node_type")


def read_attributes(report: ReportText, text: str, sentences: list[list[Mention]]) -> dict[str, tuple[str, ...]]:
    """Return by attribute the values used, in text order, of findings that are present or uncertain.

    A word describes the nearest finding to its right in the sentence, else the nearest to its left; a word that
    can't describe the right one ("spiculated margins and calcification") goes to the left one, unless it stands right
    before it ("round lymph node"). What is denied ("without spiculated margins") counts for nothing.

    Args:
        report: the report.
        text: its text without asides.
        sentences: the mentions of findings by sentence.
    """
    values: dict[str, dict[str, None]] = {}
    for index, mentions in enumerate(sentences):
        following = sentences[index + 1][0].start if index + 1 < len(sentences) else len(text)
        _read_sentence(text, mentions, _extent(report, text, mentions, following), values)
    return {name: tuple(values[name]) for name in _ORDER if name in values}


def _read_sentence(
    text: str, mentions: list[Mention], extent: tuple[int, int], values: dict[str, dict[str, None]]
) -> None:
    described: set[int] = set()
    right = 0
    for match in _PATTERN.finditer(text, *extent):
        name = match.lastgroup
        uses = {"calcification": ("calc_morph", "benign")} if name == "macro" else _DESCRIPTORS[int(str(name)[1:])][1]
        while right < len(mentions) and mentions[right].end <= match.start():
            right += 1
        index = _described(text, match, mentions, right, uses)
        if index is None or mentions[index].polarity not in ("present", "uncertain"):
            continue
        if _denied(text, match, mentions, index, index == right, extent[0]):
            continue
        attribute, value = uses[mentions[index].kind]
        values.setdefault(attribute, {})[value] = None
        described.add(index)
    for index, mention in enumerate(mentions):
        if index not in described and mention.kind in _DEFAULTS and mention.polarity in ("present", "uncertain"):
            attribute, value = _DEFAULTS[mention.kind]
            values.setdefault(attribute, {})[value] = None


def _described(
    text: str, match: re.Match[str], mentions: list[Mention], right: int, uses: dict[str, tuple[str, str]]
) -> int | None:
    """Return the index of the finding that the word describes, or None."""
    if match[0].startswith("benign") and _OF_SOMETHING_ELSE.match(text, match.end()):
        return None
    if right < len(mentions):
        adjacent = mentions[right].start > match.end() and _ADJACENT.fullmatch(text, match.end(), mentions[right].start)
        if mentions[right].kind in uses:
            verdict = match[0].startswith("benign") and not adjacent
            low = max(0, match.start() - 60)
            return None if verdict and _NOT_OF_THE_FINDING.search(text, low, match.start()) else right
        if adjacent:
            return None
    if right == 0 or mentions[right - 1].kind not in uses:
        return None
    between = mentions[right - 1].end
    if match[0].startswith("benign") and _NOT_OF_THE_FINDING.search(text, between, match.start()):
        return None
    return right - 1


def _denied(
    text: str, match: re.Match[str], mentions: list[Mention], index: int, ahead: bool, sentence_from: int
) -> bool:
    """Return whether the word is denied of the finding: "no spiculations", "irregular margins are absent"."""
    if _DENIED_AFTER.match(text, match.end()):
        return True
    low = mentions[index].end if not ahead else mentions[index - 1].end if index else sentence_from
    before = text[max(low, match.start() - 80) : match.start()]
    for stop in _SCOPE.finditer(before):
        if not before.startswith("without", stop.start()):
            before = " " * stop.end() + before[stop.end() :]
    cues = list(_DENIAL.finditer(before))
    return bool(cues) and not (ahead and "," in before[cues[-1].end() :])


def _extent(report: ReportText, text: str, mentions: list[Mention], following: int) -> tuple[int, int]:
    """Return the sentence around the mentions, and what follows it and goes on about them."""
    first, last = mentions[0], mentions[-1]
    begin = max(report.sentence_start(first.start), first.start - _FAR)
    end = report.sentence_end(last.end - 1)
    while (
        end < min(following, last.end + _FAR)
        and (text[end - 1] not in ";\n" or _MORE_FIELDS.match(text, end))
        and _CONTINUES.match(text, end)
    ):
        after = report.sentence_end(end)
        if after <= end or after > following:
            break
        end = after
    return begin, min(end, last.end + _FAR, len(text))

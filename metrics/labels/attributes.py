"""What a report says of its findings: shape, margin, density of a mass, morphology and spread of calcification ...

The descriptors are those of the ACR BI-RADS Atlas (5th edition, 2013); "lobulated" is kept from the 4th.
"""

import re

from metrics.labels.findings import Mention

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
    (r"grouped|clustered|clusters?(?=\sof)", {"calcification": ("calc_dist", "grouped")}),
    (r"linear", {"calcification": ("calc_dist", "linear")}),
    (r"segmental", {"calcification": ("calc_dist", "segmental")}),
    (r"focal", {"asymmetry": ("asym_type", "focal")}),
    (r"global", {"asymmetry": ("asym_type", "global")}),
    (r"developing", {"asymmetry": ("asym_type", "developing")}),
    (
        r"enlarged|patholog\w{1,5}|suspicious|abnormal|metasta\w{1,5}",
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
_DEFAULTS = {"asymmetry": ("asym_type", "asymmetry"), "lymph_node": ("node_type", "unspecified")}
_ORDER = ("mass_shape", "mass_margin", "mass_density", "calc_morph", "calc_dist", "asym_type", "node_type")


def read_attributes(text: str, sentences: list[list[Mention]]) -> dict[str, tuple[str, ...]]:
    """Return by attribute the values used, in text order, of findings that are present or uncertain.

    A word describes the nearest finding to its right in the sentence, else the nearest to its left; a word that
    can't describe the right one ("spiculated ... calcification") goes to the left one.
    """
    values: dict[str, dict[str, None]] = {}
    for mentions in sentences:
        _read_sentence(text, mentions, values)
    return {name: tuple(values[name]) for name in _ORDER if name in values}


def _read_sentence(text: str, mentions: list[Mention], values: dict[str, dict[str, None]]) -> None:
    described: set[int] = set()
    start, end = _extent(text, mentions)
    right = 0
    for match in _PATTERN.finditer(text, start, end):
        name = match.lastgroup
        uses = {"calcification": ("calc_morph", "benign")} if name == "macro" else _DESCRIPTORS[int(str(name)[1:])][1]
        while right < len(mentions) and mentions[right].end <= match.start():
            right += 1
        for index in (right, right - 1):
            if not 0 <= index < len(mentions) or mentions[index].kind not in uses:
                continue
            if mentions[index].polarity in ("present", "uncertain"):
                attribute, value = uses[mentions[index].kind]
                values.setdefault(attribute, {})[value] = None
                described.add(index)
            break
    for index, mention in enumerate(mentions):
        if index not in described and mention.kind in _DEFAULTS and mention.polarity in ("present", "uncertain"):
            attribute, value = _DEFAULTS[mention.kind]
            values.setdefault(attribute, {})[value] = None


def _extent(text: str, mentions: list[Mention]) -> tuple[int, int]:
    """Return the sentence around the mentions, as far as 240 characters before the first and after the last."""
    first, last = mentions[0], mentions[-1]
    before = max(text.rfind(mark, max(0, first.start - 240), first.start) for mark in (".", ";", "\n"))
    after = [text.find(mark, last.end, last.end + 240) for mark in (";", "\n")]
    stops = [stop for stop in after if stop >= 0]
    return max(before + 1, first.start - 240, 0), min([*stops, last.end + 240, len(text)])

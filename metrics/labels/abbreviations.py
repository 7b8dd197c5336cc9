"""Words that radiologists cut short, written out: "no susp. calcs or arch. dist.", "asym", "nodes neg", "skin wnl".

A full stop behind a word that stands before its noun ("arch. distortion") belongs to the word and ends no sentence;
behind any other ("margins irreg.") it stays.
"""

import re

_NOUN = r"(?:mass|nodul|lesion|opac|margin|border|contour|outline|edge|shape)"
_FINDING = r"(?:mass|lesion|nodul|calc|micro|ln|lymph|node|adenop|abn|asym|dist|change|enlarg|find)"
_VALUE = r"(?:y|n|yes|no|none|nil|absent|present|0|1|\+|-)(?![a-z0-9])"
_BEFORE_A_NOUN = {
    r"arch(?:it(?:ect)?)?(?=\.?[\s-]?dist)": "architectural",
    r"susp(?:ic)?": "suspicious",
    rf"sig(?:nif)?(?=\.?\s(?:\w{{1,15}}\s){{0,2}}{_FINDING})": "significant",
    rf"irreg(?=\.?\s{_NOUN})": "irregular",
    rf"spic(?:ul)?(?=\.?\s{_NOUN})": "spiculated",
    r"prob": "probable",
    r"poss": "possible",
    r"indet": "indeterminate",
    r"bilat": "bilateral",
    r"ax(?:ill?)?(?=\.?\s(?:nodes?|lns?|lymph|adenop|lad))": "axillary",
    r"circ(?=\.?\s(?:mass|nodul|lesion|margin|oval|round))": "circumscribed",
    r"het(?:er(?:o(?:g(?:en)?)?)?)?(?=\.?\sdens)": "heterogeneously",
    r"extr?(?=\.?\sdens)": "extremely",
    r"scatt?(?=\.?\s(?:fg|fibro|calc|micro))": "scattered",
    r"pleo(?:morph)?(?=\.?\s(?:calc|micro))": "pleomorphic",
    r"as+ym+(?=\.?\s(?:dens|tissue|opac))": "asymmetric",
}
_ANYWHERE = {
    r"(?<=architectural )dist(?:ort)?": "distortion",
    r"(?:(?<=[:,;] )|(?<=/)|(?<=no )|(?<=or )|(?<=nor ))dist(?=\s?(?:[.,;/]|\Z))": "distortion",
    rf"ad(?=\s?(?:[:=]\s?)?(?:[+-]\s?(?:[.,;/|]|\Z)|(?:[:=(-]\s?){_VALUE}))": "architectural distortion",
    rf"dist(?=\s?[:=]\s?{_VALUE})": "distortion",
    r"(?:(?<=no )|(?<=or )|(?<=nor )|(?<=/)|(?<=/ )|(?<=, )|(?<=\] )|(?<=[☐☒☑□■] ))ad(?=\s?(?:[.,;/\[(☐☒☑□■]|\Z|in\b"
    r"|or\b))": "architectural distortion",
    r"(?:(?<=no )|(?<=suspicious )|(?<=grouped )|(?<=clustered ))mc": "microcalcification",
    r"ad(?=\s(?:rt?|lt?)\s)": "architectural distortion",
    r"nip(?=\s?[/,.:]|\s(?:nl|retr|inv|normal|ok))": "nipple",
    r"calcif": "calcification",
    r"microcalcif|(?:m|mu|μ)-?calc(?:if)?": "microcalcification",
    r"(?:m|mu|μ)-?calcs": "microcalcifications",
    r"as+ym+": "asymmetry",
    r"irreg": "irregular",
    r"spic(?:ul)?": "spiculated",
    r"(?:(?<=skin )|(?<=cutaneous ))thick(?=\s?(?:[.,;:+=()-]|\Z))": "thickening",
    r"(?:(?<=nipple )|(?<=skin )|(?<=nac ))retr(?:act)?": "retraction",
    r"neg": "negative",
    r"abn(?:l|orm)?": "abnormal",
    r"wnl": "within normal limits",
    r"n(?:l|ml|orm)": "normal",
    r"(?:(?<=no )|(?<=axillary )|(?<=significant )|(?<=suspicious )|(?<=enlarged ))lad": "lymphadenopathy",
    r"alns?": "axillary nodes",
    r"imlns?": "intramammary node",
    r"(?<=scattered )fgt?": "fibroglandular tissue",
    r"b9": "benign",
    # Short of a letter; a dose in mAs has a number beside it.
    r"(?<!\d )mas(?!\s?[:=]?\s?\d)": "mass",
    r"nipel|niple|nippel": "nipple",
    r"nodul(?:us)?": "nodule",
    r"nodul[si]": "nodules",
}


def _pattern(words: dict[str, str]) -> str:
    return "|".join(f"(?P<w{number}>{word})" for number, word in enumerate(words))


_STOPPED = re.compile(rf"(?<![a-z0-9'-])(?:{_pattern(_BEFORE_A_NOUN)})(?![a-z'])(?:\.(?=\s?[a-zμ]))?")
_SHORT = re.compile(rf"(?<![a-z0-9'.-])(?:{_pattern(_ANYWHERE)})(?![a-z0-9'])")
_WITH = re.compile(r"(?<![a-z])w/(?P<out>o\b)?\s?")
_STOPPED_WORDS, _SHORT_WORDS = tuple(_BEFORE_A_NOUN.values()), tuple(_ANYWHERE.values())


def written_out(text: str) -> str:
    """Return `text`, in lower case, with the words above written out."""
    text = _WITH.sub(lambda match: "without " if match["out"] else "with ", text)
    text = _STOPPED.sub(lambda match: _STOPPED_WORDS[int(str(match.lastgroup)[1:])], text)
    return _SHORT.sub(lambda match: _SHORT_WORDS[int(str(match.lastgroup)[1:])], text)

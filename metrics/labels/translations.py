"""Words of reports that were translated, or of another country's habit, brought to those of the ACR's lexicon.

"Ganglion" (node), "microcalcinates", "violation of architectonics", "nipple introflexed", "FAD" (focal asymmetric
density), "BI-RADS C3". One table, one pass; the rest of the labeler then knows one name of each thing.
"""

import re

_OF_TISSUE = r"(?:(?:local|the|breast|glandular|parenchymal|tissue|gland)\s){0,3}"
_WRONG = (
    r"(?:violations?|disorders?|breach(?:es)?|ruptures?|breakdown|torsions?|twisting|disorgani[sz]ations?|anarchy|irregularit(?:y|ies)"
    r"|modifications?|distorsions?|deviations?|perturbations?|subversions?|disturbances?|deformations?|alterations?)"
)
_DISTURBED = (
    r"(?:twisted|distorted|disturbed|disrupted|disorgani[sz]ed|"
    r"disordered|deformed|perturbed|altered|subverted|violated|broken)"
)
_WORDS = {
    r"(?:lymph(?:o|atic)?[\s-]{0,2})?gangli(?:on(?:s|ar|ic)?|a)(?!\s(?:cyst|block|impar))": "node",
    r"lymph[\s-]?glands?|lymphatic\s(?:glands?|nodes?)|lymph(?:o|a)?nod(?:es?|i|uli|us|ules?|uls?)"
    r"|lymphonodes?|lymphoglandul\w{1,4}": "lymph nodes",
    r"lymph(?:o|a)?nod(?:opath|omegal)(?:y|ies)|nodomegaly|nodopathy|hyperplastic\snodes"
    r"|adenomegalies": "lymphadenopathy",
    r"(?:micro|macro)?-?\s?(?:calcinat(?:es?|ions?|s)|calcinos[ie]s|petrificat(?:es?|ions?)|petrifications?|chalk(?:\sdeposits?)?|lime(?:\sdeposits?)?"
    r"|calcium\s(?:salts?|inclusions?|grains?|granules?|accumulations?|spots?|dots?)|calculations|calcics?|calcific)"
    r"(?!\s(?:tend|aort|valv|athero|arter))": "calcifications",
    r"micro-?ca(?:s|l)?|mca": "microcalcifications",
    r"fads?": "focal asymmetry",
    rf"(?:{_WRONG}\sof\s|{_WRONG}\sin\s){_OF_TISSUE}(?:architectonics?|architecture|structur(?:e|es"
    rf"|al)(?!\sof))": "architectural distortion",
    rf"(?:architectonic|structural|architectural|texture)\s{_WRONG}": "architectural distortion",
    rf"{_DISTURBED}\s(?:(?:breast|tissue|gland|glandular)\s)?(?:architectonics|architecture"
    rf"|structure)": "architectural distortion",
    rf"(?:(?:breast|tissue|gland|glandular)\s)?(?:architectonics|structure)s?\s(?:(?:is|are|was"
    rf"|looks?|appears?)\s)?{_DISTURBED}": "architectural distortion",
    r"architectonics?": "architecture",
    r"(?:(?:tumou?r(?:ous|al)?|tumou?r-?\s?like|neoplastic|mass|nodular)[\s-])(?:nodes?|nodosit(?:y|ies))": "mass",
    r"nodal\s(?=formation|image|mass|opacit|lesion)": "nodular ",
    r"nodosit(?:y|ies)|nodulations?|noduli": "nodules",
    r"(?:(?<=no )|(?<=without )|(?<=nor )|(?<=or )|(?<=any ))(?:focal|nodular"
    r"|circumscribed)\s(?:changes?|alterations?|shadows?)": "focal lesion",
    r"(?<=\A)(?:focal|nodular)\s(?:changes?|alterations?)|(?:(?<=\. )|(?<=; )|(?<=: )"
    r"|(?<=\n))(?:focal|nodular)\s(?:changes?|alterations?)": "focal lesions",
    r"(?:volume|expansive|expansile|tumou?r(?:al|ous)?|tumou?r-?\s?like|dense|hyperdense|isodense|spiculated|lobulated|circumscribed|well-defined"
    r"|irregular|stellate|mass)[\s-](?:formation|process|image)(?=s?\b)": "nodular formation",
    r"introflex\w{1,4}|introver(?:ted|sion)|inflex(?:ed|ion)|retroflex\w{2,4}|inturned|ingested"
    r"|invers(?:ed|e)|umbilicated|incarnated": "inverted",
    r"d/t": "due to",
    r"int\.?(?=\s(?:change|growth|increase|decrease|progress))": "interval",
    r"opere(?=\s(?:right|left|breast))|operated\s?-?(?=right|left|breast)": "operated",
}
_PATTERN = re.compile(
    "(?<![a-z0-9-])(?:" + "|".join(f"(?P<w{number}>{word})" for number, word in enumerate(_WORDS)) + ")(?![a-z0-9])"
)
_REPLACED = tuple(_WORDS.values())
_CATEGORY = re.compile(r"(?<=rads)(?P<gap>[\s:(-]{1,3})(?:c|cat\.?)(?=[0-6][abc]?(?![a-z0-9]))")
_CATEGORY_BEFORE = re.compile(
    r"(?<![a-z0-9])(?:c|cat\.?\s?)(?P<value>[0-6][abc]?)\s?[(,]?\s?(?:acc\.?\s(?:to\s)?)?(?P<name>bi[\s.-]?rads)\)?(?!\s?[:=]?\s?[0-6])"
)
"""As Korean reports write a category: "BI-RADS C3", "C1 (BI-RADS)"."""


def _plain(match: re.Match[str]) -> str:
    word = _REPLACED[int(str(match.lastgroup)[1:])]
    # What was plural stays so, and so does the number of the verb that follows.
    return f"{word}s" if word in ("node", "mass", "nodular formation") and match[0].endswith(("s", "ia")) else word


def in_plain_words(text: str) -> str:
    """Return `text`, in lower case, with other countries' words for findings replaced by those of the lexicon."""
    text = _PATTERN.sub(_plain, text)
    if "rads" in text:
        text = _CATEGORY.sub(r"\g<gap>", text)
        text = _CATEGORY_BEFORE.sub(r"\g<name> \g<value>", text)
    return text

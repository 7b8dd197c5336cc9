"""The labeler's vocabulary of breast density: letters, old types, shares of glandular tissue, and the ACR's words.

The words are those of the ACR BI-RADS Atlas (5th edition, 2013), and of its 4th edition where reports still use them.
"""

import re

from metrics.labels.lexicon import BIRADS_NAME

_NO_WORD_AFTER_A = (
    "acc|type|class|grade|level|pattern|category|by|after|per|as|"
    "breast|density|with|and|or|to|on|in|bi|findings|composition|right|left"
)


def _letter(name: str) -> str:
    """Return a density letter; an "a" that is an article ("composition a mass") is none."""
    return rf"(?P<{name}>[b-d](?![a-z0-9']|/l)|a(?![a-z0-9'])(?! (?!{_NO_WORD_AFTER_A})[a-z]| \d))"


_KIND = "type|group|density|category|class|grade|composition|pattern|letter|score|parenchyma|tissue"
DENSITY_LETTER = re.compile(
    rf"(?:\bacr[\s:=(/-]{{0,3}}(?:(?:19|20)\d\d[\s:=,)(-]{{1,3}})?(?:(?:breast|{BIRADS_NAME})\s)?(?:(?:{_KIND})[\s:=(-]{{1,3}}){{0,2}}"
    rf"|(?:densit(?:y|ies)|composition|{BIRADS_NAME}|\b(?:dens|b\.?p?d|comp)\.?(?=[\s:=-]{{1,3}}(?:acr\s)?[a-d](?:\s?[.,;:)|/\n]|\Z)))[\s:=({{\[,-]{{0,3}}"
    rf"(?:(?:of|the|both|mammary|glands?|tissue|as|assessed|rated|graded|classified|categori[sz]ed|classification|level|scored?|r/l|according|to|corresponds|has|not|changed|unchanged|still|again|same|now|today|currently|remains?|is|are|of|acr|breast|breasts|parenchyma|right|left|rt|lt|[rl]|{_KIND}"
    rf"|{BIRADS_NAME})[\s:=(),-]{{1,3}}){{0,5}}"
    r"|(?:\A|(?<=[.;,\n(]\s)|(?<=[.;,\n(]))\s?(?:breast\s|parenchymal\s)?pattern\s(?=[a-d]\)?\s?(?:[.,;)\n]|\Z))"
    r"|\b(?:gland|breast|densit|parenchyma|tissue|composition|background)\w{0,7}\s(?:(?:type|density|tissue|pattern|composition|structure)\s){0,2}(?:(?:is|are|was|of|belongs\sto|belong\sto|shows?|presents?|as|the)\s){1,3}"
    r"(?=[a-d][\s-](?:type|class|category|grade|level|pattern)\b)"
    r"|\b(?:vdg|vbd|quantra|volpara|densitas)[\s:]{1,2}(?:(?:grade|category|score|class)\s)?(?:[1-4]\s)?\(?"
    r"|(?:\A|(?<=[.;,\n|]\s)|(?<=[.;,\n|]))\s?(?:acr\s)?(?=[a-d]\sdensity\s?(?:[.,;\n]|\Z|bilat|breasts?\b|on\b|in\b|both\b))"
    r"|\b(?:(?:mammary|breast|parenchymal?|(?:fibro-?)?glandular|tissue|mammographic|volumetric|volpara|vbd)[\s,]{1,2}){1,2}(?:pattern|type|class|grade|tissue\stype|tissue\spattern)"
    r"[\s:=(-]{1,3}(?:(?:is|acr|density|grade)\s){0,2}"
    r"|\b(?:fat|fatty|adipose|gland|tissue|stroma|parenchyma|involut\w{2,3}|breasts?|mammae|density|dense|replacement|fatty\sreplaced)"
    r"(?:[\s,:]{1,2}(?:of|corresponding\sto|as\sper|by|is|are|with|the|bilaterally)){0,3}[\s,:;(-]{1,3}(?:acr\s)?(?:pattern|type|class|category|grade)[\s:(-]{1,2}(?=[a-d]\)?\s?(?:[.,;:)\n]|\Z))"
    r"|(?:\A|(?<=[.;\n]\s)|(?<=[.;\n]))\s?(?:tissue|pattern|parenchyma)\s?(?:type\s?)?[:(=]\s?(?=[a-d]\s?(?:[).,;:]|\Z))"
    r"|(?<![a-z])(?:category|cat\.?)[\s:(-]{0,2}"
    r"|(?<![a-z])(?:type|class|grade)[\s:-]{0,2}(?=[a-d],? \(?(?:breast |breasts|densit|parenchym|glandular|fibrogl"
    r"|tissue|"
    r"(?:according to|acc\.?(?: to)?|as per|per|of|by|in|after) (?:the )?(?:acr|bi-?rads))))"
    + _letter("first")
    + r"(?:\s?(?:on|in)?\s?(?:the )?(?:right|left)?(?: breast)?\s?(?:/|-|,|;|\bto\b|\bor\b|\band\b)\s?"
    rf"(?:acr[\s-]?)?(?:(?:density|category|type|right|left|rt|lt|[rl]|breast"
    rf"|on the)[\s:-]{{1,3}}){{0,3}}{_letter('second')})?"
)
_STRUCTURE = (
    r"(?:(?:breast|parenchymal?|fibro-?glandular|glandular|mammary|tissue)\s(?:composition|structure|tissue|parenchyma)"
    r"|(?:composition|structure)\sof\s(?:the|both)\s(?:breasts?(?:\stissue)?|mammary\sglands?|parenchyma|(?:fibro-?)?glandular\stissue))"
    r"[\s:,=(-]{1,3}(?:(?:is|of|corresponds\sto|according\sto)\s){0,2}(?:acr|type|grade|class|group)"
)
"""What is typed: "breast composition type 2", "breast structure ACR III"."""
DENSITY_NUMBER = re.compile(
    r"\b(?:density(?<!high.density)(?<!low.density)(?<!equal.density)(?<!fat.density)|acr[\s:-]{0,2}type"
    rf"|{_STRUCTURE}"
    r"|breast type|(?:breast|parenchymal?|glandular|tissue)\s?[:,-]?\s(?:pattern|type|grade|class)"
    r"|(?:parenchyma|breasts?|tissue|pattern)\s?\(\s?(?:acr\s)?(?:type|grade|class"
    r"|category))[\s:=(-]{0,3}"
    r"(?:(?:is|of|type|category|grade|class|score|acr|pattern)[\s:=(-]{1,3}){0,3}"
    r"(?P<number>iv|i{1,3}|[1-4])(?!\.?\d|[a-z%'])"
    r"(?!\s?-?\s?(?:mm|cm|mass|lesion|opacit|nodul|calc|micro|macro|views|x\s?\d))"
)
_ABOUT = r"(?:(?:about|approximately|approx\.?|around|roughly|ca\.?|circa|some|estimated at)\s|~\s?)?"
_GLAND = r"(?:fibro[- ]?)?(?:gland|dens|parenchym)"
DENSITY_ACR_NUMBER = re.compile(
    rf"(?:\b(?:parenchyma\w{{0,2}}|composition|tissue|(?<!left\s)(?<!right\s)breasts?|breasts?(?!\s?:)|glands?|glandular|content|share)[\s:]{{1,2}}"
    rf"(?:{_ABOUT}\d{{1,3}}\s?(?:-\s?\d{{1,3}}\s?)?%\s?(?:of\s(?:the\s|both\s)?breasts?\s)?)?"
    r"\(?(?:(?:is|are|of|type)\s){0,2}acr[\s:-]{0,3}(?P<behind>iv|i{1,3}|[1-4])"
    r"(?![\da-z.])|\b(?:(?:dense|fatty|fibro-?glandular|glandular)\s(?:breasts?|tissue)|parenchyma|composition)\s?[,(:-]\s?\(?(?:type\s)?acr[\s:-]{0,3}"
    r"(?P<listed>iv|i{1,3}|[1-4](?=\s?(?:[.,;)\n]|\Z)))(?![a-z\d])|\bacr[\s:-]{0,3}(?P<ahead>iv|i{1,3}|[1-4])\s(?=density|parenchyma|breast\s(?:density|tissue|composition)|composition|tissue)"
    r"|\b(?:involut\w{2,3}|parenchyma\w{0,2})[\s:,]{1,2}(?:(?:stage|type|grade|is|of)\s){0,2}acr[\s:-]{0,3}(?P<staged>iv|i{1,3}|[1-4])(?![\da-z]|\.\d))"
)
"""An old type of the ACR beside a word that says of what."""
DENSITY_TYPE = re.compile(
    r"\b(?:type|grade|class|pattern|category)\s?(?P<number>iv|i{1,3}|[1-4])(?:\s?[,(:-]\s?\(?(?:\d{1,2}\s?%?\s?(?:-|to)|[<>])\s?\d{1,3}\s?%"
    r"|\s(?:of\s|acr\s)?(?:the\s)?"
    r"(?:(?:mammographic|fibro-?glandular|glandular|breast|parenchymal?|tissue)\s)?(?:parenchyma\w{0,2}|glandular\stissue"
    r"|breast\s(?:tissue|composition)|(?:breast\s|parenchymal\s|tissue\s)?densit(?:y|ies))\b)"
)
"""The same before the word, or before its share: "type III parenchyma", "type 3 (51-75 %)"."""
DENSITY_SHARE_TYPE = re.compile(
    r"\d\s?%\)?(?:\s(?:of|the|both|each|breasts?|gland\w{0,5}|fibro-?glandular|tissue|parenchyma|dense)){0,6}"
    r"[\s,;:(-]{1,3}(?:acr\s|density\s)?(?:type|pattern|grade|class)\s(?P<number>iv|i{1,3}|[1-4])(?!\.?\d|[a-z])"
)
"""The same behind the share: "51-75 % of the breast, type 3"."""
DENSITY_ENCLOSED = re.compile(
    r"\b(?:dense|fatty|adipose|fibro-?glandular|scattered|hetero\w{5,12}|inhomogeneous|mixed|minimal|fat)(?:\s(?:tissue|structure|parenchyma|breasts?|pattern|glands?))?"
    r"(?:\s\((?P<letter>[a-d])\)|\s?[,:-]\s(?:acr\s)?(?P<behind>[a-d])(?=\s?(?:[.,;)\n]|\Z)))"
    r"|(?<![a-z0-9-])(?P<ahead>[b-d])-type\s(?:density|parenchyma|breasts?|tissue)\b"
)
"""A letter in brackets behind the words for it: "dense (c)"."""
DENSITY_SHARE = re.compile(
    r"(?:(?P<least>\d{1,2})\s?%?\s?(?:-|to|and)\s?(?P<most>\d{1,3})|(?P<below>less than|below|under|<"
    r"|up to)\s?(?P<under>\d{1,2})"
    r"|(?P<above>more than|over|above|>|greater than|at least)\s?(?P<beyond>\d{1,2}))\s?%\s?"
    rf"(?:(?:of|the|breast|breasts|tissue|is|are|volume)\s){{0,4}}{_GLAND}"
    rf"|{_GLAND}\w{{0,8}}[\s:]{{1,2}}(?:(?:tissue|parenchyma|component|share|content|proportion|fraction"
    rf"|percentage)\s?)?"
    r"(?:is\s|of\s|occupies\s|occupying\s|constitut(?:es|ing)\s|involving\s|represents\s"
    r"|makes up\s|comprises\s|accounts for\s|:\s?)?"
    rf"{_ABOUT}"
    r"(?:(?P<least2>\d{1,2})\s?%?\s?(?:-|to)\s?(?P<most2>\d{1,3})"
    r"|(?P<below2>less than|below|under|<)\s?(?P<under2>\d{1,2})|(?P<above2>more than|over|above"
    r"|>)\s?(?P<beyond2>\d{1,2})|(?P<single>\d{1,2}))\s?%"
)
"""How much of the breast is glandular, in percent: the quarters of the 4th edition."""
DENSITY_WORDS = (
    (
        "A",
        re.compile(
            r"(?<!not )\b(?:entirely|completely|totally|wholly) (?:(?:composed |made up "
            r"|consisting )?of )?(?:fat(?:ty)?|involuted|adipose)\b(?! necrosis)"
            r"|\b(?:entirely|completely|totally|wholly) replaced by (?:fat|adipose)"
            r"|\b(?:composed|consist\w{0,3}|made up) (?:almost )?(?:entirely|completely|wholly"
            r"|totally) of (?:fat|adipose)"
            r"|\bcomplete (?:fatty )?involution\b"
        ),
    ),
    (
        "B",
        re.compile(
            r"(?<!no )(?<!not )\bscattered (?:(?:areas?|islands?|patches|foci|regions?) of )?(?:residual )?"
            r"fibro[- ]?glandular(?! and)"
        ),
    ),
    ("C", re.compile(r"(?<!not )\bhetero-?\s?gen(?:e|i)?(?:o|e)?us(?:ly)? dense?\b(?! (?:mass|opacit|lesion|nodul))")),
    ("D", re.compile(r"(?<!not )\bextremely dense(?! (?:mass|opacit|lesion|nodul|calcif))")),
)
_ACR = r"(?:(?:acr|density|category|cat\.?|type|class|grade|composition|a|bi-?rads|level)[\s:-]{1,3}){0,2}"
_ROSE = (
    r"\b(?:densit\w{1,3}|composition|parenchyma\w{0,2}|breasts?|involution|tissue|acr)\b[^.;\n]{0,80}?\b"
    rf"(?:from|was)\s{_ACR}(?:[a-d]|[1-4]|iv|i{{1,3}})(?:\s?\([^)\n]{{1,12}}\))?[\s,]{{1,2}}(?:(?:and|is|are)\s){{0,2}}(?:to|now|today)\s(?:(?:is|an?)\s)?"
)
DENSITY_BEFORE = re.compile(
    rf"(?P<rose>{_ROSE})(?=density\s|{_ACR}(?:[a-d]|[1-4]|iv|i{{1,3}})(?![a-z0-9]))"
    r"|\(?\b(?:previous(?:ly)?|prior|former(?:ly)?|earlier|last\s(?:year|time|study|exam)|before|was|had\sbeen)[\s:(]{1,2}(?:(?:was|as|at|an?)\s)?"
    rf"{_ACR}[a-d](?=\s?(?:[.,;)\n]|\Z))"
    r"|(?<=[a-d1-4]\s)\(\s?[a-d1-4]\s(?:in|on|at)\s[^)\n]{1,20}\)"
)
"""What the density was before: "from c to b", "previously c", "b (c in 2019)"."""
DENSITY_HINT = re.compile(
    r"fibro[- ]?fatty|fatty[- ]replaced|(?:predominantly|mostly|mainly) fat|fibro[- ]?glandular|dense breast|"
    r"breasts? (?:is|are|appears?) (?:\w{1,12} )?dense"
)

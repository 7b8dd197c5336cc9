"""The labeler's vocabulary of BI-RADS categories and breast density: patterns over normalised text.

The words are those of the ACR BI-RADS Atlas (5th edition, 2013), of its 4th edition where reports still use them,
and of the DMID reports. Every repeat is bounded, so no pattern can take more than linear time.
"""

import re

# The name BI-RADS, and a bare "category" ------------------------------------------------------------------------

BIRADS_NAME = r"bi[\s.-]?rads"
BIRADS_SPELLING = re.compile(rf"{BIRADS_NAME}(?:'s)?|b\.i\.r\.a\.d\.s\.?|breast imaging.{{1,60}}")
BIRADS_OR_CATEGORY = re.compile(
    r"(?P<token>(?:bi[\s.-]?rads|b\.i\.r\.a\.d\.s\.(?=\s)|breast imaging[ -]reporting (?:and|&) data system"
    r"|(?<![a-z0-9])(?:"
    r"b[\s.-]{0,3}i[\s.-]{0,3}r[\s.]{0,3}a[\s.]{0,3}d(?:[\s.]{0,3}s)?"
    r"|bi[\s.-]{0,2}(?:raids?|rds|rdas|ards?|radds?|rrads?|rades|radas)|birds|birdas|biards"
    r"|br(?=[\s:-]{0,2}(?:cat(?:egory|\.)?\s)?[0-6][abc]?(?![a-z0-9]|[:.]\d|\s?(?:mm|cm|o'?\s?c|x\s?\d|-\s?\d|/\s?\d)))"
    r"))(?:'s)?(?![a-z]))"
    r"|(?P<bare>(?<![a-z])(?:category|cat\.?)(?:\s(?:is|of))?[\s:(=-]{0,3}(?=[0-9a-z]))"
    r"|(?P<now>(?:\b(?:now|currently|today)\s(?:an?\s|is\s|it\sis\s)?|->\s?)(?=[0-6][abc]?(?![a-z0-9.,:]|\s?(?:mm|cm|x\s?\d|o'?\s?c|mass|nod|calc|les))))"
)
FILLER = re.compile(
    r"(?:\s?\((?:acr\s?,?\s?)?(?:(?:19|20)\d\d|[45]th ed\w{0,6}|(?:fourth|fifth) edition|acr|atlas)[^()\n]{0,20}\)"
    r"|\)\s?[:=-]|[\s:=\-(\['|>{]|(?:final|overall|assessment|category|categories|cat\.?|score|classification|class|grade|type"
    r"|is|of|rating|code|value|level|result|impression|acr|mammography|mammogram|equals?|us|mg|scoring|grading"
    r"|categori[sz]ation|(?:classified|graded|rated|categori[sz]ed|assigned|scored) as)(?![a-z])"
    r"|(?:negative|benign|probably benign|suspicious|highly suggestive of malignancy"
    r"|incomplete)[\s,:(-]{1,3}(?=(?:category|class)\b)"
    r"|(?:(?:was|is|has been|changed|upgraded|downgraded|raised|lowered|revised|increased"
    r"|decreased)\s){1,3}from\s(?:bi-?rads\s)?"
    r"[0-6iv]{1,3}[abc]?\sto\s){0,16}+"
)
BARE_CATEGORY_AFTER = re.compile(
    r"(?:assessment|impression|conclusion|final|overall|edition|atlas|lexicon|\b(?:19|20)\d\d)[\s:,.(-]{0,4}"
    r"(?:(?:is|was|of|an?|the|acr|assessment|as|right|left|rt|lt|both|breasts?|side|r|l)[\s:-]{1,2}){0,5}$"
)
BARE_CATEGORY_OF = re.compile(
    r"(?:[0-6]|iv|v|vi|i{1,3})(?:[ -]?[abc])?\s?(?:,\s?|\()?(?:according to|as per|per|of|by|in|on|after|acc\. to)"
    r" (?:the )?(?:acr[ -]?)?bi[\s.-]?rads"
)
"""Behind "category": "4B according to BI-RADS"."""
BARE_CATEGORY_WHOLE = re.compile(r"(?:[0-6]|iv|v|vi|i{1,3})(?:[ -]?[abc])?\s?(?:[.,;:)(\n-]|\Z)")

# Its value ------------------------------------------------------------------------------------------------------

CATEGORY_VALUE = re.compile(
    r"(?P<number>\d{1,12}(?:\.\d{1,4})?)|(?P<word>zero|one|two|three|four|five|six)(?![a-z])"
    r"|(?P<roman>vi|iv|iii|ii|i|v)(?=[abc]?(?![a-z0-9']))|(?P<letter_o>o)(?![a-z'])"
)
_UNIT = r"(?:mm|cm|views?|months?|weeks?|years?|days?|hours?|masses|o'?\s?clock|x\s?\d|%|(?:-\s?)?(?:month|week|year))"
YEAR_OR_ORDINAL = re.compile(
    rf"(?:19|20)\d\d(?!\d)|\d{{1,3}}\s?(?:st|nd|rd|th)(?![a-z])|\d{{1,4}}(?:\.\d{{1,3}})?\s?-?\s?{_UNIT}"
)
NOT_A_CATEGORY = re.compile(rf"\s?-?\s?{_UNIT}(?![a-z])|\s?(?:st|nd|rd|th)(?![a-z])|/\d{{1,2}}/\d")
ATTACHED_LETTER = re.compile(r"-?(?P<letter>[a-wyz])(?![a-z0-9'])")
_WORDS_AFTER_4_A = "and|or|to|with|in|on|is|for|category|suspicio|low|findings|impression|breast composition|bi"
SEPARATE_LETTER = re.compile(
    rf"[ ./-](?P<letter>[bc](?![a-z0-9']|/l)|a(?![a-z0-9'])(?! (?!{_WORDS_AFTER_4_A})[a-z]))"
    r"|\s?\(\s?(?P<enclosed>[abc])\s?\)"
)
SAME_AGAIN = re.compile(r"\s?[(\[,:/-]?\s?4\s?(?P<letter>[abc])\)?(?![a-z0-9'])")
_SUSPECTED = (
    r"low|moderate|intermediate|high|suspicious|suspicion|abnormality|for|of|malignancy|malignant|findings?|lesion|mass|"
    r"sub-?category|category|class|4|with|to|an?|level|concern|likelihood|risk|biopsy|should|be|considered|i\.?e\.?"
)
REFINED = re.compile(
    rf"[\s,:;(\[-]{{1,3}}(?:(?:{_SUSPECTED})[\s,:;()\[-]{{1,3}}){{1,8}}4\s?(?P<letter>[abc])[)\]]?(?![a-z0-9'])"
    rf"|[\s,:;(\[-]{{1,3}}(?:(?:{_SUSPECTED})[\s,:;()\[-]{{1,3}}){{0,8}}(?:sub-?category|sub-?group|category)\s"
    r"(?P<named>[abc])[)\]]?(?![a-z0-9'])"
)
"""Behind "4": words of suspicion and then its letter, as in "4, low suspicion (4A)"."""
LIST_SEPARATOR = re.compile(r"\s?(?:,\s?(?:and\b|or\b|&)?|and\b|or\b|to\b|[/&+;-])\s?")
BARE_LETTER = re.compile(r"(?P<letter>[bc](?![a-z0-9'])|a(?![a-z0-9'])(?! [a-z]))")
LIST_ITEM = re.compile(r"(?:[0-6]|vi|iv|iii|ii)(?!\d)")
LIST_ITEM_END = re.compile(
    r"\s?(?:\Z|[\n.,;:)\]}/&+|>-]|(?:and|or|to|respectively|categor(?:y|ies)|findings?|impression|assessment|"
    r"conclusion|recommendations?|(?:breast )?composition|lesions (?:require|need|should|warrant))\b)"
)

# What surrounds a mention ---------------------------------------------------------------------------------------

CONTEXT = 240
"""How many characters before and after a mention are read for its context."""

_CLAUSE = re.compile(
    r"[,;\n]|\((?![^)]{0,240}\))|\b(?:but|however|now|current(?:ly)?|final|upgraded|downgraded|today)\b"
)


def last_clause(text: str) -> str:
    """Return the last clause of `text`, a word such as "now" or "final" that opens it included."""
    start = 0
    for match in _CLAUSE.finditer(text):
        start = match.start() if match[0].isalpha() else match.end()
    return text[start:]


JOINED = re.compile(r"\s?(?:or|and|/|,|nor)\s?")
FROM = re.compile(r"\bfrom\s?(?:an?\s)?$")
OVERALL = re.compile(r"\b(?:overall|final|impression|assessment)\b")
OPEN_BRACKET = re.compile(r"\([^)]{0,240}$")
CLOSING_SECTIONS = ("impression", "impressions", "assessment", "conclusion", "conclusions", "opinion")
HISTORY_SECTIONS = ("history", "clinical history", "comparison", "indication", "indications", "technique")

HEDGE_BEFORE = re.compile(
    r"(?:likely|probabl[ey]|possibl[ey]|favou?r(?:s|ed|ing)?|suspect(?:ed)?|perhaps|presumably|\?)\s?(?:an?\s)?\(?$"
)
HEDGE_AFTER = re.compile(r"\s?\)?\s?(?:\?|likely\b|probably\b|possibly\b|favou?red)")

_ADVERB = r"(?:(?:entirely|completely|definitely|fully|confidently)\s)?"
NOT_ASSIGNED_BEFORE = re.compile(
    rf"\b(?:(?:cannot|can not|can't|could not|unable to|difficult to|not)\s{_ADVERB}|to\s)"
    r"(?:be\s)?(?:exclude|rule out|ruled out)\b"
)
NOT_ASSIGNED_AFTER = re.compile(
    r"\s?\)?\s?(?:(?:lesion|category|finding|disease)\s)?(?:is\s|was\s)?(?:cannot|can not|can't|could not|not)\s"
    rf"(?:be\s)?{_ADVERB}(?:excluded|ruled out)"
)
NEGATED_BEFORE = re.compile(
    r"(?:\bnot|n't|\brather than|\binstead of|\bno longer)\b(?!\s(?:seen|identified|noted|visuali|suspicio|signific|"
    r"appreciated|present|changed|detected|evident|enlarged|involved|definite))[^:]{0,80}$"
    r"|\bno(?:\s(?:evidence of|suspicion (?:of|for)|features of))?\s?(?:an?\s)?$|\bwithout (?:an? )?$"
)
NEGATED_AFTER = re.compile(
    r"\s?(?:(?:category|lesions?)\s)?(?:(?:is|was|has been)\s)?"
    r"(?:excluded|ruled out|not (?:assigned|given|applicable|met|justified|warranted|appropriate|indicated))"
)
CONDITIONAL_BEFORE = re.compile(
    r"\b(?:would|unless|in case of|were (?:it|this|that|they|the|these)|should (?:it|this|that|the|they)|"
    r"(?:could|may|might|can) be (?:upgraded|downgraded|changed))\b"
)
IF_BEFORE = re.compile(r"\b(?:if|unless)\b|^\s?should (?:it|this|these|they|the|an?|any)\b|\bin the event\b")
CONDITIONAL_AFTER = re.compile(r"\s?,?\s?(?:only )?(?:if|unless|were|provided|in case)\b")
GENERIC_AFTER = re.compile(
    r"(?:\s?(?:and|or|to|/|-|,)\s?[0-6][abc]?)?\s"
    r"(?:lesions|findings|masses|cases|categories|mammograms|abnormalities|assessments|patients)\s"
    r"(?:require|need|should|carry|warrant|undergo|include|usually|typically|generally|must|may|can|have|refer|mean|"
    r"are(?! (?:seen|noted|present|identified)))"
)
COMPARED = re.compile(
    r"(?:\bcompar\w{1,7} (?:to|with)|\bsince|\b(?:unchanged|stable) (?:from|since|compared to|compared with)|"
    r"\brelative to) (?:the |an? )?(?:prior|previous|last|earlier|old)\b(?: (?!bi)[a-z]{1,15}){0,2}"
)
HISTORY_BEFORE = re.compile(
    r"\b(?:previous(?:ly)?|prior|earlier|last|formerly|former|initial(?:ly)?|past|history of|"
    r"(?<!year )(?<!years )(?<!year-)old)\b|\bfrom\s?(?:an?\s)?$|\bwas\s?(?:an?\s|at\s)?$"
)
HISTORY_AFTER = re.compile(
    r"\s?(?:previously|earlier|formerly|before\b|(?:on|at|in) (?:the )?(?:prior|previous|last|earlier)|"
    r"last (?:year|time|study|exam)|->|"
    r",?\s?(?:(?:is|was|has been|now)\s){0,2}(?:upgraded|downgraded|changed|revised|increased|converted) to\b)"
)
_YEAR = r"(?:19|20)\d\d(?!\d)"
YEAR_BEFORE = re.compile(
    rf"\b(?:in|on|from|dated|of) (?:[a-z]{{3,9}} )?{_YEAR}"
    rf"|\b{_YEAR} (?:exam|mammo|study|report|film|screen|image|assess)\w{{0,8}}\b"
)
YEAR_AFTER = re.compile(
    r"\s?\)?\s?(?:(?:lesion|finding|mass|category|assessment|result)s? )?(?:(?:in|on|from|dated"
    rf"|of) (?:[a-z]{{3,9}} )?{_YEAR}|\({_YEAR}\))"
)
NOW = re.compile(r"\b(?:now|current(?:ly)?|final|today|present(?:ly)?)\b")
BOTH_SIDES = re.compile(r"\b(?:both|bilateral(?:ly)?)\b")
BOTH_SIDES_AFTER = re.compile(r"\s?\)?\s?[(,-]?\s?(?:(?:in|on|for|of)\s)?(?:both|bilateral(?:ly)?)\b")
SIDE_AFTER = re.compile(
    r"\s?\)?\s?[,(-]?\s?(?:(?:for|in|on|of)\s(?:the\s)?)?(?P<side>right|left|rt|lt)(?:\s(?:breast|side))?\s?(?:[.;,)\n]|\Z|and\b)"
)
ACR_DIGIT = re.compile(
    r"\bacr[\s:-]{0,3}(?:(?:category|cat\.?|class|grade)[\s:-]{0,2})?(?:[0-6]|iv|vi|v|i{1,3})(?!\.?[\d]|[a-z%])"
)

DESCRIPTORS = (
    ("6", re.compile(r"(?:known|biopsy[ -]proven|proven) (?:\w{1,12} )?(?:malignan|cancer|carcinoma)")),
    ("5", re.compile(r"highly suggestive of malignan|suggest(?:s|ive of|ing)? (?:a )?malignan")),
    ("4", re.compile(r"(?<!non-)\bsuspicio\w{1,6}")),
    ("0", re.compile(r"\bincomplete\b|additional imaging|additional views|further (?:imaging )?evaluation")),
    ("3", re.compile(r"\bprobably (?:an? )?benign")),
    ("2", re.compile(r"\bbenign")),
    ("1", re.compile(r"\bnegative\b(?! for)|\bnormal (?:mammogram|study|examination)")),
)
"""The ACR's words for each category, the gravest first; "3" is tried before the "2" that it contains."""

DESCRIPTOR_DENIED = re.compile(r"\b(?:no|not|without|nor)\b[^.;\n]{0,80}$")

# Density --------------------------------------------------------------------------------------------------------

_NO_WORD_AFTER_A = "breast|density|with|and|or|to|on|in|bi|findings|composition|right|left"


def _letter(name: str) -> str:
    """Return a density letter; an "a" that is an article ("composition a mass") is none."""
    return rf"(?P<{name}>[b-d](?![a-z0-9']|/l)|a(?![a-z0-9'])(?! (?!{_NO_WORD_AFTER_A})[a-z]))"


_KIND = "type|density|category|class|grade|composition|pattern|letter|score|parenchyma|tissue"
DENSITY_LETTER = re.compile(
    rf"(?:\bacr[\s:=(-]{{0,3}}(?:(?:19|20)\d\d[\s:=,)(-]{{1,3}})?(?:(?:breast|{BIRADS_NAME})\s)?(?:(?:{_KIND})[\s:=(-]{{1,3}}){{0,2}}"
    rf"|(?:density|composition|{BIRADS_NAME})[\s:=({{-]{{0,3}}"
    rf"(?:(?:is|are|of|acr|breast|breasts|parenchyma|right|left|rt|lt|{_KIND}|{BIRADS_NAME})[\s:=(-]{{1,3}}){{0,5}}"
    r"|(?<![a-z])(?:category|cat\.?)[\s:(-]{0,2}"
    r"|(?<![a-z])(?:type|class|grade)[\s:-]{0,2}(?=[a-d],? \(?(?:breast |breasts|densit|parenchym|glandular|fibrogl"
    r"|tissue|"
    r"(?:according to|as per|per|of|by|in) (?:the )?(?:acr|bi-?rads))))"
    + _letter("first")
    + r"(?:\s?(?:on|in)?\s?(?:the )?(?:right|left)?(?: breast)?\s?(?:/|-|,|;|\bto\b|\bor\b|\band\b)\s?"
    rf"(?:acr[\s-]?)?(?:(?:density|category|type|right|left|breast|on the)[\s:]{{1,2}}){{0,3}}{_letter('second')})?"
)
DENSITY_NUMBER = re.compile(
    r"\b(?:density(?<!high.density)(?<!low.density)(?<!equal.density)(?<!fat.density)|acr[\s:-]{0,2}type"
    r"|breast type|(?:breast|parenchymal?|glandular|tissue)\s(?:pattern|type|grade|class))[\s:=(-]{0,3}"
    r"(?:(?:is|of|type|category|grade|class|score|acr|pattern)[\s:=(-]{1,3}){0,3}"
    r"(?P<number>iv|i{1,3}|[1-4])(?!\.?\d|[a-z%'])"
    r"(?!\s?-?\s?(?:mm|cm|mass|lesion|opacit|nodul|calc|micro|macro|views|x\s?\d))"
)
_GLAND = r"(?:fibro[- ]?)?(?:gland|dens|parenchym)"
DENSITY_ACR_NUMBER = re.compile(
    r"(?:\b(?:parenchyma\w{0,2}|composition|tissue|breasts?|glands?|glandular)\s\(?(?:(?:is|are|of|type)\s){0,2}acr[\s:-]{0,3}(?P<behind>iv|i{1,3}|[1-4])"
    r"(?![\da-z.])|\bacr[\s:-]{0,3}(?P<ahead>iv|i{1,3}|[1-4])\s(?=density|parenchyma|breast\s(?:density|tissue|composition)|composition|tissue))"
)
"""An old type of the ACR beside a word that says of what."""
DENSITY_TYPE = re.compile(
    r"\b(?:type|grade|class|pattern|category)\s?(?P<number>iv|i{1,3}|[1-4])\s(?:of\s|acr\s)?(?:the\s)?"
    r"(?:(?:mammographic|fibro-?glandular|glandular|breast)\s)?(?:parenchyma\w{0,2}|glandular\stissue|breast\s(?:tissue|composition))\b"
)
"""The same before the word: "type III parenchyma"."""
DENSITY_ENCLOSED = re.compile(r"\b(?:dense|fatty|fibro-?glandular(?:\stissue)?)\s\((?P<letter>[a-d])\)")
"""A letter in brackets behind the words for it: "dense (c)"."""
DENSITY_SHARE = re.compile(
    r"(?:(?P<least>\d{1,2})\s?%?\s?(?:-|to|and)\s?(?P<most>\d{1,3})|(?P<below>less than|below|under|<"
    r"|up to)\s?(?P<under>\d{1,2})"
    r"|(?P<above>more than|over|above|>|greater than|at least)\s?(?P<beyond>\d{1,2}))\s?%\s?"
    rf"(?:(?:of|the|breast|breasts|tissue|is|are|volume)\s){{0,4}}{_GLAND}"
    rf"|{_GLAND}\w{{0,8}}\s(?:tissue\s|parenchyma\s|component\s|share\s)?(?:is\s|of\s|occupies\s|constitutes\s"
    r"|represents\s|makes up\s|comprises\s|accounts for\s|:\s?)?"
    r"(?:about\s|approximately\s)?(?:(?P<least2>\d{1,2})\s?%?\s?(?:-|to)\s?(?P<most2>\d{1,3})"
    r"|(?P<below2>less than|below|under|<)\s?(?P<under2>\d{1,2})|(?P<above2>more than|over|above"
    r"|>)\s?(?P<beyond2>\d{1,2}))\s?%"
)
"""How much of the breast is glandular, in percent: the quarters of the 4th edition."""
DENSITY_WORDS = (
    ("A", re.compile(r"(?<!not )\b(?:entirely|completely|totally|wholly) (?:fat(?:ty)?|involuted)\b(?! necrosis)")),
    (
        "B",
        re.compile(
            r"(?<!no )(?<!not )\bscattered (?:(?:areas?|islands?|patches|foci|regions?) of )?(?:residual )?"
            r"fibro[- ]?glandular(?! and)"
        ),
    ),
    ("C", re.compile(r"(?<!not )\bhetero-?\s?gen(?:e|i)?(?:o|e)?us(?:ly)? dense(?! (?:mass|opacit|lesion|nodul))")),
    ("D", re.compile(r"(?<!not )\bextremely dense(?! (?:mass|opacit|lesion|nodul|calcif))")),
)
DENSITY_HINT = re.compile(
    r"fibro[- ]?fatty|fatty[- ]replaced|(?:predominantly|mostly|mainly) fat|fibro[- ]?glandular|dense breast|"
    r"breasts? (?:is|are|appears?) (?:\w{1,12} )?dense"
)

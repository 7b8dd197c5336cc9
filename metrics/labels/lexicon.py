"""The labeler's vocabulary of BI-RADS categories: patterns over normalised text.

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
    r"|bi[\s.-]{0,2}(?:raids?|rds|rdas|ards?|radds?|rrads?|rades|radas)|b[\s.-]?rads|birds|birdas|biards|(?:by|bye|buy|bie)[\s.-]{1,2}(?:rads?|raids|radds)"
    r"|b/?r(?=[\s:-]{0,2}(?:cat(?:egory|\.)?\s)?[0-6][abc]?(?![a-z0-9]|[:.]\d|\s?(?:mm|cm|o'?\s?c|x\s?\d|-\s?\d|/\s?\d)))"
    r"))(?:'s)?(?![a-z]))"
    r"|(?P<bare>(?<![a-z])(?:category|cat\.?)(?:\s(?:is|of|now|was|has been|(?:(?:down|up)graded|changed|corrected"
    r"|amended|revised) to)){0,3}[\s:(=-]{0,3}(?=[0-9a-z]))"
    r"|(?P<assessed>(?<![a-z])(?:assessment|impression|conclusion|opinion)(?![a-z]))"
    r"|(?P<now>(?:\b(?:now|currently|today)\s(?:an?\s|is\s|it\sis\s)?|->\s?)(?=[0-6][abc]?(?![a-z0-9.,:]|\s?(?:mm|cm|x\s?\d|o'?\s?c|mass|nod|calc|les))))"
)
FILLER = re.compile(
    r"(?:\s?\((?:acr\s?,?\s?)?(?:(?:19|20)\d\d|[45]th ed\w{0,6}|(?:fourth|fifth) edition|acr|atlas)[^()\n]{0,20}\)"
    r"|\)\s?[:=-]|[\s:=\-(\['|>{]|(?:final|overall|assessment|category|categories|categ\.?|cat\.?|score"
    r"|classification|class|grade|type|group|stage|number|conclusion|(?:19|20)\d\d(?=[\s:(]{1,3}(?:[0-6]|zero|one|two|three|four|five|six|iv|v|i{1,3}))"
    r"|according to(?: the)? acr|now(?=[\s:(]{1,3}(?:[0-6]|(?:zero|one|two|three|four|five|six|iv|v|i{1,3})\b))"
    r"|should|must|be|reads?|remains?|stays?|(?:corrected|amended|changed|revised|updated) to"
    r"|(?:by|per|for each|of each) (?:breast|side)|is|of|rating|code|value|level|result|impression"
    r"|acr|mammography|mammogram|equals?|us|mg|scoring|grading"
    r"|categori[sz]ation|(?:classified|graded|rated|categori[sz]ed|assigned|scored) as)(?![a-z])"
    r"|(?:negative|benign|probably benign|suspicious|highly suggestive of malignancy"
    r"|incomplete)(?:\s(?:findings?|abnormality|mammogram|changes?))?[\s,:(-]{1,3}(?=(?:category|class)\b|(?<=\()[0-6][abc]?\s?\))|[a-d]\s?/\s?(?=[0-6][abc]?\b)"
    r"|(?:(?:was|is|has been|changed|upgraded|downgraded|raised|lowered|revised|increased|amended|corrected"
    r"|modified|converted"
    r"|decreased)\s){1,3}from\s(?:bi-?rads\s)?"
    r"[0-6iv]{1,3}[abc]?\sto\s){0,16}+"
)
BARE_CATEGORY_AFTER = re.compile(
    r"(?:assessment|impression|conclusion|final|overall|edition|atlas|lexicon|\b(?:19|20)\d\d)[\s:,.(-]{0,4}"
    r"(?:(?:is|was|of|an?|the|acr|assessment|as|right|left|rt|lt|both|breasts?|side|r|l)[\s:-]{1,2}){0,5}$"
)
_WORDS_OF_1_TO_6 = (
    r"(?:incomplete|(?:negative|normal)|benign|(?:probably|likely) benign|(?:low |moderate |high )?suspici\w{2,4}"
    r"|highly suggestive|(?:known|biopsy|proven))"
)
ASSESSED = re.compile(
    r"(?:\s(?:category|code|score|is|was|of|for|the|(?:right|left|both)(?:\sbreasts?)?"
    r"|(?:micro)?calcifications?|mass|lesion|nodule|asymmetry|distortion|findings?|\(acr\))){0,5}\s?[:=(-]?\s?"
    rf"(?:{_WORDS_OF_1_TO_6}(?:[\s-](?:findings?|abnormality|mammogram|malignan\w{{2,3}}|of|biopsy|proven|for"
    rf"|study)){{0,4}}\s?[:,(-]\s?)?"
)
"""Behind "assessment", what may stand before a category without the name BI-RADS."""
ASSESSED_SIDE = re.compile(
    r"(?:right|left|rt|lt|[rl])(?:\sbreast)?\s?[:=-]?\s?(?:[0-6]|iv|v|i{1,3})[abc]?(?:\s?[,;/&.]|\s?[(-]\s?[a-z]"
    r"|\s(?:and|[rl])\b|\Z)"
)
ASSESSED_VALUE = re.compile(
    r"(?P<value>[0-6]|vi|iv|v|i{1,3}|zero|one|two|three|four|five|six)(?:\s?-?[abc])?(?P<end>\s?(?:[,:/-](?!\s?\d)"
    r"|/\s?(?=4[abc])|[;)(\n]|\Z|\.(?!\d))"
    rf"|\s(?:{_WORDS_OF_1_TO_6}(?!\s(?:\w{{3,12}}\s)?(?:masses|nodules|lesions|calcif|opacities|nodes))|both|bilateral"
    rf"|on|in the (?:right|left))\b)"
)
"""A category that is all that is said, or has the ACR's words behind it."""
NUMBERED = re.compile(r"1\s?[.):-]\s?[a-z][^\n]{0,400}?(?:[.;]\s?|\n)2\s?[.):-]|1\s?[.):-][^\n]{0,400}\n\s?2\s?[.):-]")
"""A list whose first number is no category."""
OF_THIS_CATEGORY = {
    number: re.compile(rf"[\s,:(-]{{1,3}}(?:{words})")
    for number, words in {
        "0": "incomplete|needs? additional|additional",
        "1": "negative|normal",
        "2": "benign",
        "3": "(?:probably|likely) benign",
        "4": "(?:low |moderate |high )?suspici",
        "5": "highly sugg",
        "6": "known|biopsy|proven",
    }.items()
}
"""The ACR's words right behind a category: "impression: 2 - benign"."""
OTHER_CATEGORY = re.compile(
    r"\b(?:acr|densit\w{1,3}|dense|composition|parenchym\w{1,3}|risk|triage|priority|asa|quality|urgency)\b"
)
"""Before "category": it isn't that of an assessment."""
BARE_CATEGORY_OF = re.compile(
    r"(?:[0-6]|iv|v|vi|i{1,3})(?:[ -]?[abc])?\s?(?:,\s?|\()?(?:according to|as per|per|of|by|in|on|after|acc\. to)"
    r" (?:the )?(?:acr[ -]?)?bi[\s.-]?rads"
)
"""Behind "category": "4B according to BI-RADS"."""
BARE_CATEGORY_WHOLE = re.compile(
    r"(?:[0-6]|iv|v|vi|i{1,3}|zero|one|two|three|four|five|six)(?:[ -]?[abc])?\s?"
    r"(?:[.,;:)(\n-]|\Z|(?:both|bilateral(?:ly)?|(?:on|in) (?:the |both )?(?:right|left|sides|breasts)"
    r"|\(?bi[\s.-]?rads)\b)"
)

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
    r"|\b(?:disregard|ignore|erroneous|wrong|mistaken|incorrect)(?:ly)?\b[^:;.]{0,60}$"
    r"|\bno(?:\s(?:evidence of|suspicion (?:of|for)|features of))?\s?(?:an?\s)?$|\bwithout (?:an? )?$"
)
NEGATED_AFTER = re.compile(
    r"\s?(?:(?:category|lesions?)\s)?(?:(?:is|was|has been)\s)?"
    r"(?:excluded|ruled out|not (?:assigned|given|applicable|met|justified|warranted|appropriate|indicated))"
)
CONDITIONAL_BEFORE = re.compile(
    r"\b(?:(?<!\bi )(?<!\bwe )would|would have|unless|in case of|were (?:it|this|that|they|the|these)"
    r"|should (?:it|this|that|the|they)|"
    r"(?:could|may|might|can) be (?:upgraded|downgraded|changed)|(?:patients|women|people"
    r"|those) (?:with|who (?:have|had|receive)))\b"
)
IF_BEFORE = re.compile(r"\b(?:if|unless)\b|^\s?should (?:it|this|these|they|the|an?|any)\b|\bin the event\b")
CONDITIONAL_AFTER = re.compile(r"\s?,?\s?(?:only )?(?:if|unless|were|provided|in case)\b")
UNREAL_BEFORE = re.compile(r"^\s?\(?(?:had|were) ")
WOULD_AFTER = re.compile(r"\s?\)?\s?(?:(?:category|assessment) )?would\b")
"""Around a category: "had it been new, BI-RADS 4 would be given"."""
UNREAL_AFTER = re.compile(
    r"\s?\)?\s?(?:(?:category|assessment) )?(?:(?:would|could|might) (?:[a-z]{4,9} )?have\b"
    r"|would\b[^.;\n]{0,60}?\b(?:(?:had|were) (?:the|it|this|that|these|they|there)|if|unless)\b)"
)
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
    r"\s?(?:previously|earlier|formerly|before\b|elsewhere\b|(?:in|at|by) (?:the |an )?(?:outside|other|referring)\b"
    r"|(?:on|at|in) (?:the )?(?:prior|previous|last|earlier)|"
    r"last (?:year|time|study|exam)|->|lesions? (?:of|from|in|on) the (?:outside|other|referring"
    r"|previous|prior|external|first)|"
    r",?\s?(?:(?:is|was|has been|now)\s){0,2}(?:upgraded|downgraded|changed|revised|increased|converted) to\b)"
)
OF_THE_COMPARED = re.compile(r"\bcompar\w{1,7} (?:to|with)\b[^.;,]{0,60}\(\s?(?:acr )?$")
"""Before a category in brackets: "compared with the exam of 03/2022 (BI-RADS 4)"."""
_REVISED = (
    r"(?:(?:down|up)-?graded|changed|revised|reduced|raised|lowered|converted|reclassified|re-?categori[sz]ed|amended"
    r"|corrected|re-?graded|lifted|increased|decreased)"
)
REVISED = re.compile(
    r"bi[\s.-]?rads(?:(?!bi[\s.-]?rads|\b(?:left|right|may|could|can|would|should|might|if|contralateral|other)\b)"
    r"[^\n]){4,200}?\b"
    rf"{_REVISED} (?:now )?to (?:an? |the )?(?:(?:benign|negative|category|final),? )?(?:bi[\s.-]?rads|category|cat\.?)"
)
"""A category that a later one replaces: "evaluated as BI-RADS 3 ...; the category is changed to BI-RADS 1"."""
_YEAR = r"(?:(?:19|20)\d\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-](?:\d\d){1,2}(?!\d)|\d{1,2}[./-](?:19|20)\d\d(?!\d))"
YEAR_BEFORE = re.compile(
    rf"\b(?:in|on|from|dated|of) (?:[a-z]{{3,9}} )?{_YEAR}"
    rf"|\b{_YEAR} (?:exam|mammo|study|report|film|screen|image|assess)\w{{0,8}}\b"
)
YEAR_AFTER = re.compile(
    r"\s?\)?\s?(?:(?:lesion|finding|mass|category|assessment|result)s? )?(?:(?:in|on|from|dated"
    rf"|of) (?:[a-z]{{3,9}} )?{_YEAR}|\({_YEAR}\)|at screening\b)"
)
NOW = re.compile(
    r"\b(?:now|current(?:ly)?|final|today|present(?:ly)?"
    r"|after (?:(?:additional|supplementary|further) (?:views|imaging|work-?up)|ultrasound|assessment))\b"
)
SIDE_HEADING = re.compile(r"(?:\A|(?<=[.;\n])|(?<=[.;\n]\s))\s?(?P<side>right|left)\sbreast\s?(?::|-\s|\n)")
OF_THE_WHOLE = re.compile(
    r"\b(?:overall|final|impression|assessment|conclusion|opinion|summary|both|bilateral|combined|result|diagnosis)\b|\n(?=\s?bi[\s.-]?rads)"
)
"""Between such a heading and a category that is of the whole report."""
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

"""Values of fields that need no sentence: "mass shape: n/a", "nodes: not imaged", "number of masses: 0", "M=1, C=0".

Each is written as the plain field that it means, or left out where it states nothing.
"""

import re

from metrics.labels.field_names import FINDING, NO, YES

_END = r"(?=\s?(?:[.,;|/\n)\]]|\Z))"
_NOT_APPLICABLE = r"(?:n\.?\s?/\s?a\.?|n\.a\.|not\sapplicable|not\srelevant)"
_GROUPS = r"(?:\s(?:clusters?|groups?|foci|findings?))?"
_DESCRIBED = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING}){_GROUPS}\s(?:characteristics?|shape|margins?|size|density|morphology|distribution|extent|descriptors?|features|type|form|diameter|location"
    rf"|details?|description)\s?[:=]\s?(?:{_NOT_APPLICABLE}|none|nil|--?){_END}"
)
_INAPPLICABLE = re.compile(rf"(?<![a-z-])(?P<name>{FINDING})\s?[:=]\s?{_NOT_APPLICABLE}{_END}")
_UNSEEN = re.compile(
    rf"(?<![a-z-])(?:{FINDING})\s?[:=]\s?(?:(?:(?:was|were|is|are)\s)?not\s(?:imaged|included|evaluated|assessed|examined|covered|evaluable|assessable|performed"
    rf"|available|recorded|stated|documented|done|reported|commented(?:\son)?|scanned|in\s(?:the\s)?field(?:\sof\sview)?)|unassessed|(?:outside|beyond|out\sof)\sthe\s(?:image|film|field(?:\sof\sview)?)s?|not?\s(?:statement|comment|information))(?:\s(?:in|on|by|with|at|for|due\sto|because\sof)\s[^.,;|/\n()]{{2,40}})?{_END}"
)
_NUMBER = re.compile(
    rf"\b(?:(?:total\s)?number|count|no\.?|#)\sof\s(?P<name>{FINDING}){_GROUPS}\s?[:=-]\s?(?P<none>0|none|nil|zero)?(?P<some>[1-9]\d?|one|two|three|four|five|several|multiple)?{_END}"
)
_ASKED = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})\s?\?\s?(?=(?:an?\s|yes[,:]?\s)?(?:few|some|several|one|two|three|single|benign|vascular|scattered|multiple|coarse|round|punctate|present|seen|stable|unchanged)\b)"
)
_PRESENT = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})\s(?:present|seen|identified|visible|detected|noted)\s?\?\s?(?P<said>{NO}|{YES})(?![a-z])"
)
_QUESTION = re.compile(
    rf"\bquestion\s?:\s?(?:(?:is|are)\sthere\s)?(?:(?:an?|any)\s)?(?P<name>{FINDING})\s?\?\s?(?:answer|reply|response|result)\s?:\s?(?P<said>{NO}|{YES})(?![a-z])"
)
_NONE = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})[ ]?(?:[:=|\t]|-{{1,2}}(?=[ ])|(?:\.|\s\.){{3,60}})\s?(?:(?:no"
    rf"|nil)\s(?:evidence|abnormalit(?:y|ies)|findings?)|nothing(?:\s(?:seen|found|abnormal))?|none(?:\s(?:seen|identified|noted|present|found|detected))?"
    rf"|-ve|neg(?:ative)?|no|n(?!\s?/\s?a)|nil|0|no\ssuspicious){_END}(?!\s?/)"
)
_MARK = r"\s?[=:-]?\s?(?P<{}>[01+-]|yes|no|y|n)(?![a-z0-9+]|\s?mm)"
_LETTERS = re.compile(
    rf"(?<![a-z0-9])m{_MARK.format('m')}\s?[,;/|]?\s?c{_MARK.format('c')}(?:\s?[,;/|]?\s?(?:ad|d|architectural\sdistortion){_MARK.format('d')})?(?:\s?[,;/|]?\s?a(?:s|sym)?{_MARK.format('a')})?"
)
_SIGNED = re.compile(rf"(?:\A|(?<=[\s,;/]))(?P<sign>[+-])\s?(?P<name>{FINDING})(?![a-z-])(?=\s?(?:[.,;/+-]|\Z|\s))")
_SIGNS = {"+": "present", "-": "none"}
_NAMES = {"m": "mass", "c": "calcification", "d": "distortion", "a": "asymmetry"}
_IS_ANATOMY = re.compile(
    r"skin|nipples?|nac|pectoral(?:is)?(?:\smuscles?)?|axillae?|(?:axillary\s)?(?:lymph\s?)?nodes?|lns?"
)
"""Of what is always there "none" says that nothing is wrong."""
_MAY_HAVE = re.compile(r"[:=?|\t-]|\.\s?\.\s?\.")
_MAY_BE_LETTERS = re.compile(r"(?<![a-z0-9])m\s?[=:+-]")


def plainly(text: str) -> str:
    """Return `text`, in lower case, with such fields written as plain ones."""
    if not _MAY_HAVE.search(text):
        return text
    text = _NONE.sub(
        lambda match: f"{match['name']}: {'normal' if _IS_ANATOMY.fullmatch(match['name']) else 'none'}", text
    )
    text = _DESCRIBED.sub(r"\g<name>: none", text)
    text = _INAPPLICABLE.sub(r"\g<name>: none", text)
    text = _UNSEEN.sub(" ", text)
    text = _PRESENT.sub(r"\g<name>: \g<said>", text)
    text = _NUMBER.sub(_of_number, text)
    text = _ASKED.sub(r"\g<name>: ", text)
    return _QUESTION.sub(lambda match: f"findings: {match['name']}: {match['said']}", text)


def _of_signs(line: str) -> str:
    """Write signs before names as values behind them, in a line that has both: "-mass -calc +asymmetry"."""
    signs = {match["sign"] for match in _SIGNED.finditer(line)}
    return _SIGNED.sub(lambda match: f"; {match['name']}: {_SIGNS[match['sign']]}", line) if len(signs) > 1 else line


def with_names(text: str) -> str:
    """Return `text`, in lower case, with names of findings in place of their first letters: "m=1, c=0"."""
    if "+" in text and "-" in text:
        text = "\n".join(_of_signs(line) for line in text.split("\n"))
    return _LETTERS.sub(_of_letters, text) if _MAY_BE_LETTERS.search(text) else text


def _of_number(match: re.Match[str]) -> str:
    if match["none"]:
        return f"{match['name']}: none"
    return f"{match['name']}: present" if match["some"] else match[0]


def _of_letters(match: re.Match[str]) -> str:
    return "; ".join(
        f"{name}: {'present' if match[letter] in ('1', '+', 'yes', 'y') else 'none'}"
        for letter, name in _NAMES.items()
        if match[letter]
    )

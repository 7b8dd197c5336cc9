"""What a form prints to explain itself: choices in brackets, keys of its codes, scales of categories.

None of it states anything of the patient; a key of codes ("0 = no, 1 = yes") says how to read the values behind it.
"""

import re

from metrics.labels.field_names import FINDING, NO, YES

_CHOICE = r"[a-z0-9][a-z0-9 +-]{0,24}?"
_SIDES = r"\s?(?:right|rt|re|r|left|lt|li|l)\s?[/,&|]"
_CHOICES = re.compile(
    rf"\s?(?:\((?!{_SIDES})|[\[{{<](?!{_SIDES}))\s?(?:{_CHOICE}(?:\s?[/,|;]\s?{_CHOICE}){{1,9}}|[a01]\s?(?:-|to|\.{{2,3}})\s?[d56])"
    r"\s?[)\]}>](?=\s?[:=])"
    rf"|\s?[(\[{{<]\s?(?:a\s?[/,|-]\s?b\s?[/,|-]\s?c\s?[/,|-]\s?d|a\s?(?:-|to)\s?d|[01]\s?(?:-|to|\.{{2,3}})\s?[56]"
    rf"|{YES}\s?[/|]\s?{NO}|{NO}\s?[/|]\s?{YES})\s?[)\]}}>]|\s\(?y(?:es)?\s?/\s?no?\)?(?=\s?:)"
)
"""Behind the name of a field, what there is to choose from: "mass [none/describe]: none", "BI-RADS (0-6) 2"."""

_CODE = r"(?<![a-z0-9])(?:[0-9]|(?![rl])[a-z](?![a-z])|[+-])"
_MEANT = (
    rf"(?:{NO}|{YES}|not\s(?:seen|present)|normal|abnormal|benign|suspicious|uncertain|possible|unknown|n/?a)(?![a-z])"
)


def _key(meaning: str) -> str:
    item = rf"{_CODE}\s?{meaning}\s?{_MEANT}"
    return rf"{item}(?:(?:\s?[,;/|]\s?(?:and\s)?|\sand\s){item}){{1,5}}"


_KEY = re.compile(
    rf"(?:(?:\b(?:coding|codes?|key|legend|coded(?:\sas)?)\s?:?\s?)[(\[]?\s?{_key('(?:[=:-]|is|means|for)')}"
    rf"|[(\[]?\s?{_key('(?:=|means)')})\s?[)\]]?\s?[:;.,]?"
)
_KEY_ITEM = re.compile(rf"(?P<code>{_CODE})\s?(?:[=:-]|is|means|for)\s?(?P<meant>{_MEANT})")

_OF_THE_ACR = (
    r"(?:incomplete|needs?|additional|negative|normal|benign|(?:probably|likely)\sbenign|(?:low|moderate|intermediate|high)"
    r"|suspicious|highly|known|malignan|proven|biopsy)"
)
_WORDS = r"(?:[ -]?[a-z]{1,24}){0,8}+"
_CATEGORY = r"(?:(?:bi[\s.-]?rads|category|cat\.?)\s)?[0-6][abc]?"
_MARK = r"[ ]?(?:[=:.,(-]|\))?[ ]?"
_STEP = rf"{_CATEGORY}{_MARK}(?:is\s|means\s)?{_OF_THE_ACR}{_WORDS}"
_STEP_BEHIND = rf"{_OF_THE_ACR}{_WORDS}\s?\(\s?{_CATEGORY}\s?\)"
_DENSITY = r"(?:almost|entirely|fatty|scattered|heterogen\w{0,8}|extremely|mostly|predominantly)"
_STEP_OF_DENSITY = rf"(?<![a-z0-9])[a-d]{_MARK}{_DENSITY}{_WORDS}"
_BETWEEN = r"[\s,;./()|-]{1,4}(?:(?:and|or)\s)?"
_SCALE = re.compile(
    rf"(?<![a-z0-9.])(?:{_STEP}(?:{_BETWEEN}{_STEP}){{3,9}}|{_STEP_BEHIND}(?:{_BETWEEN}{_STEP_BEHIND}){{3,9}})"
    rf"|{_STEP_OF_DENSITY}(?:{_BETWEEN}{_STEP_OF_DENSITY}){{2,3}}"
)
"""All categories in a row, each with its words: "0 incomplete, 1 negative, 2 benign, 3 probably benign ..."."""


def without_legends(text: str) -> str:
    """Return `text`, in lower case, without choices and scales, and codes written as what their key says."""
    if any(mark in text for mark in "([/{<"):
        text = _CHOICES.sub(" ", text)
    text = _SCALE.sub(" ", text)
    key = _KEY.search(text)
    if key is None:
        return text
    meant = {item["code"]: item["meant"] for item in _KEY_ITEM.finditer(key[0])}
    codes = "|".join(map(re.escape, meant))
    coded = re.compile(rf"(?<![a-z-])(?P<name>{FINDING})\s?[:=-]?\s?(?P<code>{codes})(?![a-z0-9%]|\.\d|\s?(?:mm|cm))")
    return coded.sub(
        lambda match: f"{match['name']}: {meant[match['code']]}", f"{text[: key.start()]} {text[key.end() :]}"
    )

"""Fields with a value for each side: "mass: no / yes" under "right / left", "calcs: R nil, L vascular".

They are written as two fields, "right mass: no; left mass: yes".
"""

import re

from metrics.labels.field_names import FINDING, NO, YES

_SIDE = r"(?:right|left|rt|lt|r|l)(?![a-z])\.?(?:\s(?:breast|side)\b)?"
_WORD = (
    rf"(?:{NO}|{YES}|normal|unremarkable|enlarged|thickened|retracted|inverted|clear|few|some|several|multiple|single"
    rf"|one|two|coarse|"
    r"scattered|vascular|benign|stable|punctate|suspicious|small|large|grouped|clustered|\d{1,2}[abc]?)(?![a-z0-9])"
)
"""How a value begins."""
_FIRST, _SECOND = r"[^\n;,/:.]{1,60}?", r"[^\n;,/:.]{1,60}"
_OPENED = re.compile(
    r"(?P<line>(?:^|(?<=\n))\s?(?P<one>right|rt|re|r|left|lt|li|l)\s?/\s?(?P<other>right|rt|re|r|left|lt|li"
    r"|l)\s?[:-]\s?)(?P<rest>[^\n]+)"
)
"""A line whose values are of both sides, in this order."""
_SLASHED = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING}|bi[\s.-]?rads)\s?(?P<legend>\(?\s?(?P<one>right|rt|r|left|lt"
    rf"|l)\s?/\s?(?P<other>right|rt|r|left|lt|l)\s?\)?\s?)?"
    rf"(?::|-)\s?(?P<first>{_WORD}[^\n;/:]{{0,40}}?|[+-])\s?/\s?(?P<second>{_WORD}|[+-](?![a-z0-9+]))(?!\s?(?:mm|cm|x\s?\d))"
)
_NAMES_SLASHED = re.compile(
    rf"(?<![a-z-])(?P<one>{FINDING})\s?/\s?(?P<other>{FINDING})\s?:\s?(?P<first>{_WORD})\s?/\s?(?P<second>{_WORD})"
)
"""Two names and a value of each: "skin / nipple: normal / retracted"."""
_SIDES_FIRST = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})(?:\s?:|\s-)?\s\(?(?P<one>{_SIDE})\)?(?:\s?[:=-]\s?"
    rf"|\s(?={_WORD}))(?P<first>{_FIRST})"
    rf"\s?(?:[,;/]|(?<=\s)(?={_SIDE}(?:\s?[:=-]\s?|\s){_WORD})"
    rf"|\.(?=\s?{_SIDE}\s?[:=-]\s?{_WORD}))\s?\(?(?P<other>{_SIDE})\)?(?:\s?[:=-]\s?"
    rf"|\s(?={_WORD}))(?P<second>{_SECOND})"
)
_SIDES_LAST = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})\s?:\s?(?P<first>{_WORD}[^\n;,/:.]{{0,30}}?)\s\(?(?:(?:on"
    rf"|in)\s(?:the\s)?)?(?P<one>{_SIDE})\)?"
    rf"\s?[,;/]\s?(?P<second>{_WORD}[^\n;,/:.]{{0,30}}?)\s\(?(?:(?:on"
    rf"|in)\s(?:the\s)?)?(?P<other>{_SIDE})\)?(?=\s?(?:[.,;\n]|\Z))"
)
_SIDE_NAMED = re.compile(r"\b(?:right|left|rt|lt|[rl])\b")


def by_side(text: str) -> str:
    """Return `text`, in lower case, with a field for each side where one has a value for each."""
    if "/" in text:
        text = _OPENED.sub(_of_a_line, text)
        text = _NAMES_SLASHED.sub(
            lambda match: f"{match['one']}: {match['first']}; {match['other']}: {match['second']}", text
        )
        text = _SLASHED.sub(lambda match: _apart(match, match["one"], match["other"]), text)
    if _SIDE_NAMED.search(text):
        text = _SIDES_FIRST.sub(lambda match: _apart(match, match["one"], match["other"]), text)
        text = _SIDES_LAST.sub(lambda match: _apart(match, match["one"], match["other"]), text)
    return text


def _of_a_line(line: re.Match[str]) -> str:
    return _SLASHED.sub(lambda match: _apart(match, line["one"], line["other"]), line["rest"])


def _apart(match: re.Match[str], one: str | None, other: str | None) -> str:
    """Write both values as fields of their own; unchanged where both are of one side."""
    if one and other and one[0] == other[0]:
        return match[0]
    name = match["name"]
    if name.startswith("bi") and not (one and other):
        return match[0]
    sides = [("right" if side[0] == "r" else "left") if side else "" for side in (one, other)]
    if name.startswith("bi"):
        return f"{name}: {sides[0]} {match['first']}, {sides[1]} {match['second']}"
    return "; ".join(
        f"{f'{side} breast ' if side else ''}{name}: {match[value].strip()}"
        for side, value in zip(sides, ("first", "second"), strict=True)
    )

"""What divides names from values in forms, and one field from the next, brought to "name: value; name: value".

Arrows, waves, rows of dashes, brackets of every kind, counts, commas of a table without lines, nothing at all.
"""

import re

from metrics.labels.field_names import FINDING, NO, OTHER, YES

_NAME = rf"(?:{FINDING}|{OTHER}|birads)"
_VALUE = rf"(?:{NO}|{YES}|not\s(?:seen|present|identified)|neg|pos|grouped|none\s(?:seen|detected)|[+-])(?![a-z0-9])"
_BULLET = re.compile(r"(?:\A|(?<=\n))\s?[•◦‣·▪●○■◆-]\s(?=[a-z])")
_DIVIDED = re.compile(
    rf"(?<![a-z-])(?P<name>{_NAME})\s?(?:=>|->|~|-{{2,10}}(?=\s)|,?\s?\(?n\)?\s?[:=]|\scount\s?[:=]?)\s?(?=[a-z0-9+-])"
)
_APART = re.compile(rf"\s[~&]\s(?={_NAME}\s?(?:[:=~?-]|\b))")
_ENCLOSED = re.compile(
    rf"(?<![a-z-])(?P<name>{_NAME})\s?(?:\{{\s?(?P<curly>[^{{}}<>\n]{{1,40}}?)\s?\}}|<\s?(?P<angle>(?!/)[^{{}}<>\n]{{1,40}}?)\s?>)[\s,;]{{0,2}}(?!/)"
)
_WHOLE_ENCLOSED = re.compile(rf"\(\s?(?P<name>{FINDING})\s?[:=]?\s(?P<value>{_VALUE})\s?\)[\s,;]{{0,2}}")
_ASKED = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})\s?\?\s?(?=(?:{NO}|{YES})\s?(?:[.,;|/\n]|\Z))|(?P<rated>bi-?rads)\s?[?,]\s(?=[0-6][abc]?\s?(?:[.;|/\n]|\Z))"
)
_CODED = re.compile(rf"(?<![a-z-])(?P<value>{FINDING}\s?[:=]\s?(?:{NO}|{YES}))\s?\(\s?[01]\s?\)")
_NONE = re.compile(
    rf"(?<![a-z-])(?P<name>(?!skin|nipp|nac|pect|axill|mamil|areol|lymph|node|ln){FINDING})\s?[:=]\s?(?:undetected|unseen|not\sdetected|unremarkable|normal|clear|0\s?(?:mm|cm))(?=\s?(?:[.,;|/\n]|\Z))"
)
_SAID_FIRST = re.compile(rf"(?P<start>\A|[.;\n]\s?)(?P<said>yes|no)\s-\s(?={FINDING})")
_LETTERED = re.compile(rf"(?:\A|(?<=\n))\s?(?P<letter>[ox])\s(?={FINDING}\s?(?:\n|\Z))")
_LEAST = 3
"""As many such dividers make a form of a text."""


def divided(text: str) -> str:
    """Return `text`, in lower case, with other dividers written as colons and semicolons."""
    text = _BULLET.sub("", text)
    text = _of_commas(text)
    letters = {match["letter"] for match in _LETTERED.finditer(text)}
    if letters == {"o", "x"}:
        text = _LETTERED.sub(lambda match: "[x] " if match["letter"] == "x" else "[ ] ", text)
    if len(_DIVIDED.findall(text)) >= _LEAST:
        text = _DIVIDED.sub(r"\g<name>: ", text)
    if len(_APART.findall(text)) >= _LEAST:
        text = _APART.sub("; ", text)
    if len(_ENCLOSED.findall(text)) >= _LEAST:
        text = _ENCLOSED.sub(lambda match: f"{match['name']}: {match['curly'] or match['angle']}; ", text)
    text = _WHOLE_ENCLOSED.sub(r"\g<name>: \g<value>; ", text)
    text = _CODED.sub(r"\g<value>", text)
    text = _ASKED.sub(lambda match: f"{match['name'] or match['rated']}: ", text)
    text = _NONE.sub(r"\g<name>: none", text)
    return _SAID_FIRST.sub(r"\g<start>\g<said>: ", text)


def _of_commas(text: str) -> str:
    """Write a line of names and the line of values below it, both divided by commas or semicolons, as fields."""
    lines = text.split("\n")
    for index in range(len(lines) - 1):
        for mark in ",;":
            names, values = ([cell.strip() for cell in line.split(mark)] for line in lines[index : index + 2])
            if len(names) >= _LEAST and len(names) == len(values) and all(re.fullmatch(_NAME, name) for name in names):
                lines[index] = "; ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
                lines[index + 1] = ""
    return "\n".join(lines)

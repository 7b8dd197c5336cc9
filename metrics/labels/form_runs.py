"""Fields one behind the other, whatever divides them: "MASS: N CALC: Y (vascular)", "mass n calc y", "Mass: [none]".

A value of one letter, digit or sign is told from other text by what follows: the name of the next field, a mark, or the
end. Without a colon it takes a row of them, each once, from where a statement begins to where it ends.
"""

import re

from metrics.labels.field_names import FINDING, NO, OTHER, YES

_NAME = rf"(?:{FINDING}|{OTHER})"
_NO = (
    rf"(?:n\s?/\s?a(?![a-z])|{NO}(?!\s?/\s?a(?![a-z]))|neg|-ve|-(?![a-z0-9+-])|normal|clear"
    r"|not\s(?:seen|present|identified))"
)
_YES = rf"(?:{YES}|pos|\+ve|\+(?![a-z0-9+-]))"
_SAID = rf"(?:(?P<no>{_NO})|(?P<yes>{_YES}))(?![a-z0-9])"
_ASIDE = r"(?P<aside>[ ]?\([^()\n]{1,60}\)(?!\s?[,;/]\s?[a-z]{1,12}\s\())?"
_OF_BOTH_SIDES = rf"(?![ \t]?[/|][ \t]?(?:{_NO}|{_YES})(?![a-z0-9]))"
_STOP = r"\s?(?:[,;|/\n]|\.(?!\d)|\Z)"
_NEXT = rf"[\s,;/|.]{{0,3}}(?<![a-z0-9]){_NAME}\s?[:=?]"

_BRACKETED = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})(?P<divider>\s?[:=])\s?\[\s?(?!(?:{_NO}|{_YES})\s?\])(?P<value>[a-z0-9+-][^\[\]\n/|]{{1,60}}?)\s?\](?!\s?[:=])[\s,;]{{0,2}}"
)
_FIELD = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})(?:\s?[:=?]\s?)\[?{_SAID}\]?{_ASIDE}{_OF_BOTH_SIDES}(?:(?={_STOP})|(?P<unparted>(?={_NEXT})))"
)
_COUNTED = (
    r"(?:(?:[2-9]|[1-9]\d|[1-9]\d?(?=\s[gcfa])|one|two|three|four|five)(?:\s(?:groups?|clusters?|foci|areas?))?"
    r"|few|several|multiple|some|single)"
)
_UNMARKED = re.compile(
    rf"(?P<name>{FINDING})(?:\s?[:=?]\s?|[ ]-{{1,2}}[ ]|[ \t])\[?(?:(?P<counted>{_COUNTED})(?![a-z0-9])|{_SAID})\]?"
    rf"{_ASIDE}{_OF_BOTH_SIDES}"
    rf"(?P<between>\s?[,;/|.][ \n]?|\s|\Z)(?!\d)"
)
_BEGINS = re.compile(rf"(?:\A|(?<=[.;:|\n])|(?<=[.;:|]\s))(?={FINDING}[ \t])")
_OTHER = re.compile(OTHER)
_MAY_HAVE = re.compile(rf"(?<![a-z0-9])(?:{NO}|{YES}|normal|clear|neg|pos|[+-]|[+-]ve)(?![a-z0-9])|\[")
_ALWAYS_THERE = re.compile(r"skin|nipples?|nac|mamillae?|areolae?|pectoral(?:is)?(?:\smuscles?)?")
_NODES = re.compile(r"axillae?|(?:axillary\s|lymph\s){0,2}nodes?|lns?")
_LEAST = 2
"""As many fields without a colon make a row."""


def in_fields(text: str) -> str:
    """Return `text`, in lower case, with each of such fields in a statement of its own, a colon before its value."""
    if not _MAY_HAVE.search(text):
        return text
    text = _BRACKETED.sub(r"\g<name>: \g<value>; ", text)
    pieces, done = [], 0
    for begins in _BEGINS.finditer(text):
        if begins.end() >= done and (row := _row(text, begins.end())):
            pieces += [text[done : begins.end()], "".join(f"{_plainly(field)}; " for field in row)]
            done = row[-1].end()
    text = "".join([*pieces, text[done:]])
    return _FIELD.sub(lambda field: _plainly(field) + ("" if field["unparted"] is None else "; "), text)


def _row(text: str, start: int) -> list[re.Match[str]]:
    """Return the fields that stand in a row from `start` on; none where it ends in the middle of a statement."""
    row: list[re.Match[str]] = []
    names: set[str] = set()
    while field := _UNMARKED.match(text, start):
        if field["name"] in names:
            return []
        names.add(field["name"])
        row.append(field)
        start = field.end()
    ends = bool(row) and (row[-1]["between"] != " " or _OTHER.match(text, start))
    said = any(field["no"] or field["yes"] for field in row)
    return row if ends and said and len(row) >= _LEAST else []


def _plainly(field: re.Match[str]) -> str:
    name, aside = field["name"], field["aside"] or ""
    if field["no"]:
        value = "normal" if _ALWAYS_THERE.fullmatch(name) or _NODES.fullmatch(name) else "none"
    elif field["yes"]:
        value = "abnormal" if _ALWAYS_THERE.fullmatch(name) else "present"
    else:
        value = field["counted"]
    return f"{name}: {value}{aside}"

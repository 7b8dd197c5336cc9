"""Shapes of forms that are no list of names and values, written as one: tags, questions with answers, tables of sides.

"<mass>absent</mass>", "Item: mass. Answer: no.", "[describe mass]", "✗ mass", "M: none | Ca: none", a table with the
columns "right" and "left", statements by date of which the last one holds.
"""

import re

from metrics.labels.field_names import FINDING, NO, OTHER, YES
from metrics.labels.form_dividers import divided

_TAG = re.compile(r"<\s?(?P<name>[a-z][a-z /-]{1,30})\s?>\s?(?P<value>[^<>\n]{0,200}?)\s?</\s?(?P=name)\s?>")
_ANSWER = re.compile(
    r"(?:(?<![a-z])(?:(?:item|field|parameter|feature|element|variable|q)\s?\d{0,2}\s?[:.)]\s?"
    r"|q\d{1,2}\s))(?P<name>[a-z][a-z /-]{1,30}?)\s?[.;,?|-]?\s?"
    r"(?<![a-z])(?:answer|value|response|result|reply|status|a)\s?\d{0,2}\s?[:.)]\s?"
)
_TO_FILL_IN = re.compile(
    r"[\[{<]\s?(?:please\s)?(?:describe|insert|select|enter|specify|free\stext|choose|type|fill|delete|dictate|state|list|add|none/|pick|give|template)\b[^\[\]{}<>\n]{0,80}[\]}>]"
)
_CROSS = r"(?:✗|✘|❌|☓|✖)"
_CROSSED = re.compile(rf"{_CROSS}\s?(?P<name>{FINDING})(?![a-z-])")
_CROSSED_BEHIND = re.compile(rf"(?<![a-z-])(?P<name>{FINDING})\s?:?\s?{_CROSS}")
_MARK_BEHIND = re.compile(rf"(?<![a-z-])(?:{FINDING})\s?:?\s?(?:{_CROSS}|[✓✔])")
_ANY_MARK = re.compile(rf"{_CROSS}|[✓✔]")
_SIGNED_PLACE = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})(?P<place>(?:\s(?!no\b|not\b|and\b|or\b)[a-z0-9:.'-]{{1,12}}){{1,5}})\s\((?P<sign>[+-])\)[\s,;]{{0,2}}"
)
_TICKED = re.compile(
    r"(?P<name>bi[\s.-]?rads\s?[:=]?\s?)(?P<boxes>(?:\[\s?[x✓✔]?\s?\]\s?[0-6][abc]?[\s,/|]{0,3}){2,10})"
)
_THE_TICKED = re.compile(r"\[\s?[x✓✔]\s?\]\s?([0-6][abc]?)")
_MANY = re.compile(
    rf"(?<![a-z-])(?P<names>{FINDING}(?:\s?/\s?{FINDING}){{2,6}})\s?[:=]\s?(?P<values>[^/\n]{{1,40}}(?:/[^/\n]{{1,40}}?){{2,6}})(?=[.;\n]|\Z)"
)
_SEEN_FIELD = re.compile(
    rf"(?<![a-z-])(?P<name>{FINDING})\s(?:(?:seen|present|identified|found|noted|visible|detected)|(?:groups?|clusters?|foci)(?=\s?[:=]\s?\d))\s?(?P<divider>[:=])"
)
_DASHED = re.compile(rf"(?<![a-z-])(?P<name>{FINDING})\s-\s(?:not\sapplicable|n/a|n\.a\.)(?=\s?(?:[.,;|/\n]|\Z))")
_NORMAL_LETTER = re.compile(
    r"(?P<name>\b(?:skin|nipples?|nac|muscles?|pectoral(?:is)?|nodes|axillae?)[ ])n(?=\s?(?:[.,;/\n]|\Z))"
)
_SHORT = {
    "m": "mass",
    "ma": "mass",
    "ca": "calcification",
    "c": "calcification",
    "mc": "microcalcification",
    "as": "asymmetry",
    "asy": "asymmetry",
    "d": "distortion",
    "ad": "distortion",
    "architectural distortion": "distortion",
    "asymmetry": "asymmetry",
    "microcalcification": "microcalcification",
    "calcification": "calcification",
    "mass": "mass",
    "ln": "lymph nodes",
}
_SAID = rf"(?:{NO}|{YES}|not\sseen|nothing|[+-]|\([+-]\)|\d{{1,2}}\s?mm)(?![a-z0-9])"
_SHORT_NAMES = "|".join(sorted(_SHORT, key=len, reverse=True))
_SHORT_FIELD = re.compile(
    rf"(?:\A|(?<=[|;/,\n])|(?<=[|;/,\n:)]\s))(?P<name>{_SHORT_NAMES})\s?(?:[:=]\s?|(?=\([+-]\)))(?={_SAID})"
)
_DATED = re.compile(
    r"(?:\A|(?<=[.;\n])|(?<=[.;\n]\s))\s?(?:(?:date|year|in|on|study|exam|mammogram|mg)\s(?:of\s)?)?(?:\d{1,2}[./-]){0,2}(?P<year>(?:19|20)\d\d)\s?(?::|-\s)"
)
_MAY_HAVE = re.compile(r"[<\[{✗✘❌☓✖:|(=~&?\n,]|->|--|\b(?:count|yes|no)\b|(?:skin|nipples?|nac|muscles?|nodes)\s?n\b")
_SIDES = {"right": "right", "rt": "right", "r": "right", "left": "left", "lt": "left", "l": "left"}


def reshaped(text: str) -> str:
    """Return `text`, in lower case, with such forms written as names with a colon and their values."""
    if not _MAY_HAVE.search(text):
        return text
    text = divided(text)
    text = _TAG.sub(r"\g<name>: \g<value>; ", text)
    text = _TO_FILL_IN.sub(" ", text)
    text = _ANSWER.sub(r"\g<name>: ", text)
    first = _first_name(text)
    behind = _MARK_BEHIND.match(text, first) and not _ANY_MARK.search(text, 0, first)
    crossed = _CROSSED_BEHIND if behind else _CROSSED
    text = crossed.sub(r"; \g<name>: none; ", text)
    text = _SEEN_FIELD.sub(r"\g<name>\g<divider>", text)
    text = _SIGNED_PLACE.sub(_of_sign, text)
    text = _TICKED.sub(_of_ticked, text)
    text = _MANY.sub(_of_many, text)
    text = _DASHED.sub(r"\g<name>: none", text)
    text = _NORMAL_LETTER.sub(r"\g<name>normal", text)
    named = {match["name"] for match in _SHORT_FIELD.finditer(text)}
    if len(named) > 1 and len({_SHORT[name] for name in named}) > 1:
        text = _SHORT_FIELD.sub(lambda match: f"{_SHORT[match['name']]}: ", text)
    return _of_sides(_latest(text))


def _of_sign(match: re.Match[str]) -> str:
    said = f"present,{match['place']}" if match["sign"] == "+" else "none"
    return f"{match['name']}: {said}; "


def _of_ticked(match: re.Match[str]) -> str:
    ticked = _THE_TICKED.search(match["boxes"])
    return f"{match['name']}{ticked[1]} " if ticked else match[0]


def _of_many(match: re.Match[str]) -> str:
    """Write names in a row and their values in a row as fields: "mass / distortion / nodes: none / present / none"."""
    names, values = match["names"].split("/"), match["values"].split("/")
    if len(names) != len(values):
        return match[0]
    return "; ".join(f"{name.strip()}: {value.strip()}" for name, value in zip(names, values, strict=True))


def _first_name(text: str) -> int:
    """Return where the first name of a finding stands, the length of the text without one."""
    first = re.search(rf"(?<![a-z-])(?:{FINDING})(?![a-z-])", text)
    return first.start() if first else len(text)


def _latest(text: str) -> str:
    """Return `text` without what statements with a year before them say of older years."""
    dated = list(_DATED.finditer(text))
    newest = max((int(match["year"]) for match in dated), default=0)
    if len({match["year"] for match in dated}) < 2:
        return text
    pieces, done = [], 0
    for match, following in zip(dated, [*dated[1:], None], strict=True):
        if int(match["year"]) < newest and following is not None:
            pieces.append(text[done : match.start()])
            done = following.start()
    return "".join([*pieces, text[done:]])


def _of_sides(text: str) -> str:
    """Write the rows of a table whose columns are the breasts as a field for each: "skin | normal | thickened"."""
    if "|" not in text and "\t" not in text:
        return text
    written: list[str] = []
    sides: list[str] = []
    for line in text.split("\n"):
        cells = [cell.strip() for cell in re.split(r"[|\t]", line.strip("|\t "))]
        heads = [_SIDES.get(cell.removesuffix(" breast")) for cell in cells[1:]]
        if len(cells) == 3 and None not in heads and heads[0] != heads[1] and not re.fullmatch(FINDING, cells[0]):
            sides = [str(head) for head in heads]
        elif sides and len(cells) == 3 and cells[0] and not cells[0].strip("-: "):
            continue
        elif sides and len(cells) == 3 and re.fullmatch(rf"(?:{FINDING}|{OTHER})", cells[0]):
            written.append(_of_both(cells[0], sides, cells[1:]))
        else:
            sides = sides if len(cells) == 3 else []
            written.append(line)
    return "\n".join(written)


def _of_both(name: str, sides: list[str], values: list[str]) -> str:
    """Write one row; a category stays one field, with both sides in it."""
    if name.startswith("bi"):
        return f"{name}: {sides[0]} {values[0]}, {sides[1]} {values[1]}"
    return "; ".join(f"{side} breast {name}: {value}" for side, value in zip(sides, values, strict=True))

"""Reports written as fields ("Masses: No / Calcifications: Yes"): one spelling of their dividers and values.

What divides fields is a bar, a slash, a tab, a new line or nothing at all; what states a value is a colon, an equals
sign, a question mark, brackets, a box or a plus or minus. `as_lines` writes all of them as "masses: no; calcifications:
yes". Names of fields are those of the ACR's reporting system (BI-RADS Atlas, 5th edition, 2013) and of templates.
"""

import re

_FINDING = (
    r"(?:(?:suspicious|dominant|focal|architectural|axillary|intra-?mammary|lymph|skin|nipple|"
    r"associated|any|other)\s){0,2}"
    r"(?:mass(?:es)?(?:/nodules?|/lesions?)?|nodules?|lesions?|lumps?|opacit(?:y|ies)|(?:micro|macro)?-?calc(?:s|ifications?)?"
    r"|asymmetr(?:y|ies)|(?:arch\.?\s)?distortions?|(?:lymph\s?)?nodes?|lymphadenopathy|adenopathy|(?:lymphadenopath|adenopath)ies"
    r"|skin\s?(?:/|and|&|,)\s?nipples?|nipples?\s?(?:/|and|&|,)\s?skin|skin|nipples?|thickening|retraction"
    r"|pectoral(?:is)?(?:\smuscles?)?|axillae?|axillary\snodes?)"
)
_OTHER = (
    r"(?:(?:breast|tissue|parenchymal|overall|final|acr|clinical|(?:right|left|rt|lt)(?:\sbreast)?)\s){0,2}"
    r"(?:density|composition|bi[\s.-]?rads(?:\scategory|\sscore)?|assessment|impressions?|conclusions?|opinion|findings?|recommendations?"
    r"|comparison|technique|indications?|history|associated\sfeatures|(?:right|left|rt|lt|both)(?:\sbreasts?)?|breast"
    r"|location|size|shape|margins?|side|quadrant|laterality)"
)
_END = r"(?=\s?(?:\Z|[|/,.;\n\t)\]}]|(?<=\t)))"
_NO = r"(?:no|none|absent|nil|negative|n|false|0)"
_YES = r"(?:yes|present|y|true|positive)"

_NAME = re.compile(rf"\s{{0,2}}(?:{_FINDING}|{_OTHER})\s{{0,2}}")
_FINDING_NAME = re.compile(rf"\s{{0,2}}(?:{_FINDING})\s{{0,2}}")
_VALUE_LINE = re.compile(
    r"\s{0,2}(?!(?:seen|noted|identified|is|are|was|were|and|or|in|at|of|with|which|but)\b)[a-z0-9+-][^\n:|]{0,200}"
)
_OPEN_END = re.compile(r"(?:\b(?:or|and|no|of|the|an?|with|without|any|in)|,)\s?$")
"""The end of a line that goes on in the next: what stands there is no heading."""
_SHORT_VALUE = (
    r"(?:no|none|nil|absent|present|yes|normal|negative|unremarkable"
    r"|not\s(?:seen|present|identified)|[a-d]|[0-6][abc]?)"
)

# "mass (no)", "mass [x]", "mass = n", "mass? no", "mass -": the value after the name of a finding.
_MARKED = re.compile(
    rf"(?<![a-z-])(?P<name>{_FINDING})(?:"
    rf"\s?[(\[]\s?(?:(?P<no>{_NO}|-)|(?P<yes>{_YES}|\+|x|✓|✔))\s?[)\]]"
    r"|\s?:?\s?(?P<empty>\[\s?\])|\s?:?\s?(?P<crossed>\[\s?x\s?\])"
    rf"|\s?[:=?-]\s?(?P<said>(?P<said_no>{_NO})|{_YES}){_END}"
    rf"|\s?(?:(?P<minus>-)|(?P<plus>\+{{1,3}})|(?P<double>-ve|\+ve)){_END}"
    rf"|\s(?:(?P<bare_no>no)(?!\.\s?\d)|(?P<bare_yes>yes)){_END}"
    r"|\s?=\s?(?=[a-z]))"
)
# The name of a field that begins after the value of another one, whatever stands between.
_NEXT = re.compile(rf"(?P<divider>[\s/|,-]{{1,4}})(?P<name>(?:{_FINDING}|{_OTHER})\s?)\Z")
_FIELD_BEFORE = re.compile(r"[a-z)]\s?:\s?[^\s:;.\n][^:;.\n]{0,160}$")
_JOINED = re.compile(
    r"(?:\b(?:and|or|nor|of|(?<!: )(?<!:)no|the|a|an|with|without|for|in|previous(?:ly)?|prior|last|old|former"
    r"|earlier|final|overall|"
    r"assessment|impression|category|acr|breasts?|architectural|lymph|axillary|skin|suspicious|right|left|rt|lt)|[,/&(])$"
)
_LEGEND = re.compile(
    r"\s?\(\s?(?:a\s?[/,|-]\s?b\s?[/,|-]\s?c\s?[/,|-]\s?d|a\s?(?:-|to)\s?d|[01]\s?(?:-|to)\s?[56])\s?\)"
)
"""What a printed form offers to choose from: "(a/b/c/d)", "(0-6)"."""
_LEADER = re.compile(r"(?<=[a-z)])\s?(?:\.{3,60}|(?:\s\.){3,60})\s?(?=[a-z0-9])")
"""Dots that lead from a name to its value."""
_MAY_HAVE_FIELDS = re.compile(r"[|:=\n\[(+?]|\s-|\.\.|\byes\b|\bno\s?(?:[.,;/]|\Z)")


def as_lines(text: str) -> str:
    """Return normalised text with each field in a statement of its own, a colon before its value.

    Args:
        text: in lower case, with tabs and line ends as written.
    """
    if not _MAY_HAVE_FIELDS.search(text) and "\t" not in text:
        return text
    text = _LEADER.sub(": ", _LEGEND.sub(" ", text))
    text = "\n".join(_of_cells(line) for line in text.split("\n"))
    text = _of_headings(text)
    text = _MARKED.sub(_plainly, text)
    if text.count(":") > 1:
        text = _parted(text)
    return text


def _of_cells(line: str) -> str:
    """Write a line of cells as fields; a cell that is only a name takes the next one as its value."""
    if "|" not in line:
        name, tab, value = line.partition("\t")
        if tab and _NAME.fullmatch(name) and re.fullmatch(rf"\s?{_SHORT_VALUE}\s?\.?", value):
            return f"{name}: {value}"
        return line
    cells = [cell.strip() for cell in line.split("|") if cell.strip()]
    parts = []
    for index, cell in enumerate(cells):
        names_the_next = _NAME.fullmatch(cell) is not None and index + 1 < len(cells)
        parts.append(f"{cell}: " if names_the_next and not cell.endswith(":") else f"{cell}; ")
    return "".join(parts).strip()


def _of_headings(text: str) -> str:
    """Write a heading on a line of its own, the name of a finding, together with its value on the next line."""
    lines = text.split("\n")
    joined: list[str] = []
    for line in lines:
        if (
            joined
            and _FINDING_NAME.fullmatch(joined[-1].rstrip(": "))
            and _VALUE_LINE.fullmatch(line)
            and not (len(joined) > 1 and _OPEN_END.search(joined[-2]))
            and not _NAME.fullmatch(line.rstrip(": "))
        ):
            joined[-1] = f"{joined[-1].rstrip(': ')}: {line.strip()}"
        else:
            joined.append(line)
    return "\n".join(joined)


def _plainly(match: re.Match[str]) -> str:
    if (
        match["no"]
        or match["empty"]
        or match["said_no"]
        or match["bare_no"]
        or match["minus"]
        or match["double"] == "-ve"
    ):
        return f"{match['name']}: none"
    if match["yes"] or match["crossed"] or match["said"] or match["bare_yes"] or match["plus"] or match["double"]:
        return f"{match['name']}: present"
    return f"{match['name']}: "


def _parted(text: str) -> str:
    """End a field where the name of the next one begins."""
    pieces, done = [], 0
    previous = text.find(":")
    while (colon := text.find(":", previous + 1)) >= 0:
        between = text[previous + 1 : colon]
        match = None if ";" in between else _NEXT.search(text, max(previous + 1, colon - 60), colon)
        previous = colon
        if match is None:
            continue
        before = text[max(0, match.start() - 200) : match.start()]
        if _FIELD_BEFORE.search(before) and not _JOINED.search(before.rstrip(" ")):
            pieces += [text[done : match.start()], "\n" if "\n" in match["divider"] else "; ", match["name"]]
            done = colon
    return "".join([*pieces, text[done:]])

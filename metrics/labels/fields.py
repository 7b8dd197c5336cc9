"""Reports written as fields ("Masses: No / Calcifications: Yes"): one spelling of their dividers and values.

What divides fields is a bar, a slash, a tab, a new line or nothing at all; what states a value is a colon, an equals
sign, a question mark, brackets, a box or a plus or minus. `as_lines` writes all of them as "masses: no; calcifications:
yes". Names of fields are those of the ACR's reporting system (BI-RADS Atlas, 5th edition, 2013) and of templates.
"""

import re

from metrics.labels.boxes import as_options
from metrics.labels.field_names import FINDING, NO, OTHER, YES
from metrics.labels.form_runs import in_fields
from metrics.labels.form_shapes import reshaped
from metrics.labels.form_values import plainly, with_names
from metrics.labels.legends import without_legends
from metrics.labels.side_fields import by_side

_END = r"(?=\s?(?:\Z|[|/,.;\n\t)\]}]|(?<=\t)|(?<=\s)(?:q\.?\s?)?\d{1,2}\.?\s?[.):]?\s[a-z]))"

_NAME = re.compile(rf"\s{{0,2}}(?:{FINDING}|{OTHER})\s{{0,2}}")
_FINDING_NAME = re.compile(rf"\s{{0,2}}(?:{FINDING})\s{{0,2}}")
_IS_A_FIELD = re.compile(
    rf"(?:{FINDING}|(?:overall|final|acr|breast)\s|bi-?rads|density|composition|impression)\b|.{{0,40}}[:=]|{NO}\Z"
    rf"|{YES}\Z"
)
"""A cell that begins a field of its own, or is the value of the one before."""
_SIDE_CELL = re.compile(
    rf"(?:^|\s?/{{1,2}}\s?|\n|;\s?)(?P<side>(?:right|left|rt|lt)(?:\sbreast)?)\s?/\s?(?={FINDING}\s?:)"
)
"""A side that heads the fields behind it: "right breast / mass: none / calcification: none"."""
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
    rf"(?<![a-z-])(?P<name>{FINDING})(?:"
    rf"\s?:?\s?[(\[]\s?(?:(?P<no>{NO}|-{{1,2}})|(?P<yes>{YES}|\+{{1,3}}|x|✓|✔))\s?[)\]]"
    r"|\s?:?\s?(?P<empty>\[\s?\])|\s?:?\s?(?P<crossed>\[\s?x\s?\])"
    rf"|\s?\?\s?(?P<answered>(?P<answered_no>{NO})|{YES})(?=\s?[-,(:]|\s{FINDING}\s?[?:])"
    rf"|\s?[:=?-]\s?(?P<said>(?P<said_no>{NO})|{YES}){_END}"
    rf"|\s?[:=]?\s?(?:(?P<minus>-)|(?P<plus>\+{{1,3}})|(?P<double>-ve|\+ve)){_END}"
    rf"|[ \t]{{1,2}}(?:(?P<bare_no>no(?!\.\s?\d)|n(?!/a\b)|negative|nil)|(?P<bare_yes>yes|y|positive))(?:{_END}"
    rf"|(?=[ ](?:{FINDING})[ ](?:yes|no)\b))"
    r"|\s?=\s?(?=[a-z]))"
)
# The name of a field that begins after the value of another one, whatever stands between.
_NEXT = re.compile(rf"(?P<divider>[\s/|,-]{{1,4}})(?P<name>(?:{FINDING}|{OTHER})\s?)\Z")
_FIELD_BEFORE = re.compile(r"[a-z)]\s?:\s?[^\s:;.\n](?:[^:;.\n]|\.(?=\d)){0,160}$")
_RATED = re.compile(r":\s?bi[\s.-]?rads\b")
"""What rates all that stands before: "thickening of the adjacent skin: BI-RADS 5" is no field."""
_JOINED = re.compile(
    r"(?:\b(?:and|or|nor|of|(?<!: )(?<!:)no|the|a|an|with|without|for|in|previous(?:ly)?|prior|last|old|former"
    r"|earlier|final|overall|"
    r"assessment|impression|category|acr|breasts?|architectural|lymph|axillary|skin|suspicious|right|left|rt|lt)|[,/&(])$"
)
_LAST_OF_A_LINE = re.compile(
    rf"(?:\A|(?<=\n)|(?<=[.;-]\s))(?P<name>{FINDING})\s?:\s?\n\s?(?=[a-z0-9])(?!(?:{FINDING}|{OTHER})\s?:)"
)
"""A name with its value on the next line."""
_SPOKEN_HEADING = re.compile(
    rf"(?:\A|(?<=[.\n])|(?<=[.\n]\s))(?P<name>(?={FINDING}\.)(?:[a-z-]{{4,15}}\s)?(?P<stem>[a-z-]{{4,20}}?)(?:es|s|ies|y)?)\."
    r"(?=\s?(?:none\b|(?:there\s(?:is|are)\s)?no\s(?:[a-z-]{2,15}\s){0,4}?(?P=stem)))"
)
"""A name with a full stop, then what it is of: "masses. no suspicious masses. calcifications. none."."""
_LEADER = re.compile(r"(?<=[a-z)])\s?(?:\.{3,60}|(?:\s\.){3,60})\s?(?=[a-z0-9])")
"""Dots that lead from a name to its value."""
_MAY_HAVE_FIELDS = re.compile(r"[|:=\n\[(+?]|\s-|\.\.|\byes\b|\b(?:no|n|y|nil|negative|positive)\s?(?:[.,;/]|\Z)")
_ANATOMY = re.compile(
    r"skin|nipples?|nac|mamillae?|areolae?|pectoral(?:is)?(?:\smuscles?)?|skin\s?(?:/|and|&|,)\s?(?:nipples?|nac)"
    r"|(?:nipples?|nac)\s?(?:/|and|&|,)\s?skin"
)
"""Names of what is always there: of them "no" says that nothing is wrong."""


def as_lines(text: str) -> str:
    """Return normalised text with each field in a statement of its own, a colon before its value.

    Args:
        text: in lower case, with tabs and line ends as written.
    """
    text = in_fields(reshaped(text))
    text = _LAST_OF_A_LINE.sub(r"\g<name>: ", text)
    text = _SPOKEN_HEADING.sub(r"\g<name>:", text)
    text = as_options(plainly(without_legends(with_names(text))))
    if not _MAY_HAVE_FIELDS.search(text) and "\t" not in text:
        return text
    text = by_side(_LEADER.sub(": ", text))
    text = _SIDE_CELL.sub(r"\n\g<side>: ", text)
    text = "\n".join(_of_cells(line) for line in _of_columns(text.split("\n")))
    text = _of_headings(text)
    text = _MARKED.sub(_plainly, text)
    if text.count(":") > 1:
        text = _parted(text)
    return text


def _of_columns(lines: list[str]) -> list[str]:
    """Write a line that names columns, and the line of their values below it, as a line of fields each."""
    written: list[str] = []
    for line in lines:
        names, values = (_cells(written[-1]) if written else []), _cells(line)
        named = len(names) > 1 and all(map(_NAME.fullmatch, names)) and not any(map(_NAME.fullmatch, values))
        if named and len(names) == len(values):
            written[-1] = "; ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
        else:
            written.append(line)
    return written


def _cells(line: str) -> list[str]:
    """Return the cells of a line that bars or tabs divide."""
    return [cell.strip() for cell in re.split(r"[|\t]", line.strip("|\t ")) if cell.strip()]


def _of_cells(line: str) -> str:
    """Write a line of cells as fields; a cell that is only a name takes the next one as its value.

    Of a row about one finding ("mass | right | 14 mm | irregular") the cells behind its name describe it.
    """
    if "|" not in line:
        name, tab, value = line.partition("\t")
        if tab and _NAME.fullmatch(name) and re.fullmatch(rf"\s?{_SHORT_VALUE}\s?\.?", value):
            return f"{name}: {value}"
        return line
    cells = [cell.strip() for cell in line.split("|") if cell.strip()]
    if len(cells) > 2 and _FINDING_NAME.fullmatch(cells[0]) and not any(map(_IS_A_FIELD.match, cells[1:])):
        return f"{cells[0]}: {', '.join(cells[1:])}"
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
        or match["answered_no"]
        or match["bare_no"]
        or match["minus"]
        or match["double"] == "-ve"
    ):
        return f"{match['name']}: {'normal' if _ANATOMY.fullmatch(match['name']) else 'none'}"
    if (
        match["yes"]
        or match["crossed"]
        or match["said"]
        or match["answered"]
        or match["bare_yes"]
        or match["plus"]
        or match["double"]
    ):
        return f"{match['name']}: {'abnormal' if _ANATOMY.fullmatch(match['name']) else 'present'}"
    return f"{match['name']}: "


def _parted(text: str) -> str:
    """End a field where the name of the next one begins."""
    pieces, done = [], 0
    previous = text.find(":")
    while (colon := text.find(":", previous + 1)) >= 0:
        between = text[previous + 1 : colon]
        rated = _RATED.match(text, colon)
        match = None if ";" in between or rated else _NEXT.search(text, max(previous + 1, colon - 60), colon)
        previous = colon
        if match is None:
            continue
        before = text[max(0, match.start() - 200) : match.start()]
        if _FIELD_BEFORE.search(before) and not _JOINED.search(before.rstrip(" ")):
            pieces += [text[done : match.start()], "\n" if "\n" in match["divider"] else "; ", match["name"]]
            done = colon
    return "".join([*pieces, text[done:]])

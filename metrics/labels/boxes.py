"""Forms with boxes to tick ("[ ] mass [x] calcification", "mass ☑", "density: [ ] a [x] b"), written as fields.

Boxes stand before what they are of, or behind it; where the first one of a line stands says which. What isn't ticked is
left out, and a finding that isn't ticked is "none".
"""

import re

from metrics.labels.field_names import FINDING, NO, OTHER, YES

_BOX = re.compile(r"(?P<ticked>\[\s?[x✓✔+]\s?\]|\(\s?[x✓✔]\s?\)|[☑☒■✅✓✔])|\[\s?\]|\(\s\)|[☐□▢❏]")
_NAME_BEFORE = re.compile(rf"(?:^|[^a-z-])(?:{FINDING})\s?(?P<colon>:?)\s?\Z")
_DIGIT_BEFORE = re.compile(r"(?:^|[\s:])(?:[0-6][abc]?|[a-d])\s?\Z")
_FIELD_FOLLOWS = re.compile(rf"\s?(?:\Z|[;,|.]|(?:{FINDING}|{OTHER})\s?:)")
_OPTION_END = re.compile(
    rf"[;|]|\.(?=\s|\Z)|\s(?=(?:{FINDING}|{OTHER})\s?:)|\s(?=bi[\s.-]?rads\b|density\b|assessment\b|composition\b)"
)
_VALUE = (
    rf"(?:{NO}|{YES}|normal|abnormal|unremarkable|benign|suspicious|enlarged|thickened|retracted|inverted|oval|round"
    rf"|irregular|right|left|both)"
    r"(?![a-z])"
)
_IS_A_VALUE = re.compile(rf"\s?{_VALUE}")
_VALUE_THEN_NAME = re.compile(rf"(\s?{_VALUE}\s)(?={FINDING}\s?:?\s?\Z)")
"""Of what stands behind a box the last part names the next field: "[x] yes  calc [ ] yes"."""
_NAME_LENGTH = 60
"""How many characters before a box are read for a name."""
_FINDING_OPTION = re.compile(rf"\s?(?P<name>{FINDING})(?![a-z])")


def as_options(text: str) -> str:
    """Return `text`, in lower case, with boxes replaced by what they say."""
    if not _BOX.search(text):
        return text
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    boxes = list(_BOX.finditer(line))
    if not boxes:
        return line
    before = line[: boxes[0].start()]
    ends = [*(box.start() for box in boxes[1:]), len(line)]
    behind = [line[box.end() : end] for box, end in zip(boxes, ends, strict=True)]
    if (
        not any(box["ticked"] for box in boxes)
        and not before.strip()
        and len(boxes) == 1
        and not _FINDING_OPTION.match(behind[0])
    ):
        return line
    name = _NAME_BEFORE.search(before[-_NAME_LENGTH:])
    if name and (_FIELD_FOLLOWS.match(behind[0]) if name["colon"] else not _IS_A_VALUE.match(behind[0])):
        return _boxes_behind(before, boxes, behind)
    if _DIGIT_BEFORE.search(before[-_NAME_LENGTH:]):
        return _digits_before(before, boxes, behind)
    return _boxes_before(before, boxes, behind)


def _boxes_behind(before: str, boxes: list[re.Match[str]], behind: list[str]) -> str:
    """Write each box as a mark behind its name: "mass [x] calcification [ ]"."""
    return before + "".join(
        f"{'[x]' if box['ticked'] else '[ ]'}{text}" for box, text in zip(boxes, behind, strict=True)
    )


def _digits_before(before: str, boxes: list[re.Match[str]], behind: list[str]) -> str:
    """Keep the category whose box is ticked, of "BI-RADS 0 ☐ 1 ☐ 2 ☒"."""
    kept = ""
    for box, text in zip(boxes, [before, *behind], strict=False):
        option = _DIGIT_BEFORE.search(text)
        kept += text if box["ticked"] or option is None else text[: option.start()]
    return f"{kept} {behind[-1]}"


def _boxes_before(before: str, boxes: list[re.Match[str]], behind: list[str]) -> str:
    """Write what is ticked as it stands, and of the rest that findings are none."""
    pieces, end, valued = [before], before, False
    for box, text in zip(boxes, behind, strict=True):
        name = _NAME_BEFORE.search(end.rstrip())
        of_one_finding = name is not None and bool(name["colon"] or _IS_A_VALUE.match(text))
        valued = of_one_finding or (valued and _IS_A_VALUE.match(text) is not None)
        written = ": " if name and of_one_finding and not name["colon"] else ""
        written += _ticked(text, of_one_finding, valued) if box["ticked"] else _not_ticked(text, of_one_finding, valued)
        pieces.append(written)
        end = (end + written)[-_NAME_LENGTH:]
    return "".join(pieces)


def _ticked(text: str, of_one_finding: bool, valued: bool) -> str:
    """Write what stands behind a ticked box: a value of the finding named before it, or a statement of its own."""
    text = _with_next_name_apart(text, valued)
    return f"{' ' if of_one_finding or not _FINDING_OPTION.match(text) else '; '}{text.strip()} "


def _not_ticked(text: str, of_one_finding: bool, valued: bool) -> str:
    """Leave out what stands behind a box that isn't ticked, up to where something else begins."""
    text = _with_next_name_apart(text, valued)
    end = _OPTION_END.search(text)
    rest = text[end.start() :] if end else ""
    finding = None if of_one_finding else _FINDING_OPTION.match(text)
    return f"; {finding['name']}: none; {rest}" if finding else rest


def _with_next_name_apart(text: str, valued: bool) -> str:
    named = _VALUE_THEN_NAME.match(text) if valued else None
    return f"{named[1]}; {text[named.end() :]}" if named else text

"""Punctuation that was spoken and typed as words: "no mass comma no calcification period"."""

import re

_DICTATED = re.compile(
    r"\b(?:full stop|comma(?!-)|semicolon|new line|next line|new paragraph|next paragraph|(?:open|close) (?:bracket"
    r"|paren\w{0,8}))\b|\bperiod\s?(?:\Z|\n)"
)
"""What nobody writes who types the marks themselves."""
_MEANT_AS_WORD = 2
"""As many full stops by name say that a text was dictated, wherever they stand."""
_A_TIME = (
    r"(?<!\bup )(?<!(?<!\bfour )\ba )(?<!\bthe )(?<!\btime )(?<!\bmenstrual )(?<!\bthis )(?<!\bthat )"
    r"(?<!\bmonth )(?<!\byear )"
    r"(?<!\bweek )(?<!\bshort )(?<!\blong )(?<!\binterval )(?<!\bsurveillance )(?<!\bobservation )(?<!\bsame )(?<!-up )"
)
_PERIOD = re.compile(rf"{_A_TIME}\bperiod\b(?! of\b)")
_BOWEL = r"(?!\s(?:cancer|carcinoma|ca\b|tumou?r|resection|surgery|polyp|malignan))(?<!\bof colon)(?<!\bthe colon)"
_MARKS = (
    (re.compile(r"(?<=\d) point (?=\d)"), "."),
    (re.compile(rf"\s?(?:\bfull stop\b|{_A_TIME}\bperiod\b(?! of\b))"), "."),
    (re.compile(r"\s?\bcomma\b(?![- ]shaped)"), ","),
    (re.compile(r"\s?\bsemicolon\b"), ";"),
    (re.compile(rf"\s?\bcolon\b{_BOWEL}"), ":"),
    (re.compile(r"\s?\bquestion mark\b"), "?"),
    (
        re.compile(
            r"(?:\A|(?<=[.\n]) ?)question (?=[a-z-]{4,14} (?:(?:at|in|on|left|right|upper|lower|by)\b"
            r"|[a-z]{3,11} o'? ?clock))"
        ),
        " possible ",
    ),
    (re.compile(r"\bquestion real\b"), "?"),
    (re.compile(r"\bopen (?:bracket|paren\w{0,8})\s?"), "("),
    (re.compile(r"\s?\bclose (?:bracket|paren\w{0,8})"), ")"),
    (re.compile(r"\s?\b(?:new|next) (?:line|paragraph)\b\s?"), "\n"),
)


def with_marks(text: str) -> str:
    """Return `text`, in lower case, with marks in place of their names, if it was dictated."""
    periods = len(_PERIOD.findall(text)) if "period" in text else 0
    if not _DICTATED.search(text) and periods < (_MEANT_AS_WORD if "." in text or "," in text else 1):
        return text
    for name, mark in _MARKS:
        text = name.sub(mark, text)
    return text

"""What a dictated report takes back while it is spoken: "mass in the left breast, scratch that, asymmetry".

What stands before such words is left out as far as what follows replaces it: the statement, where another finding,
category or "normal" follows, else the words right before.
"""

import re

from metrics.labels.field_names import FINDING

_CUE = re.compile(
    r"(?P<lead>[\s,;.(-]{1,3})(?:(?:and|no|oh|well|uh|um|sorry|pardon|wait|actually|please)[\s,]{1,2}){0,3}"
    r"(?:(?:scratch|strike|delete|ignore|disregard|cancel|erase|forget|remove)\s(?:that|this|it|the\s(?:last|previous)(?:\s[a-z]{3,10})?)(?:\slast)?"
    r"|(?:let\sme\s)?(?:correct(?:ion)?)(?:\s(?:that|myself|it))?(?=\s?[,:;.-])|(?<=\bno\s)correction\b|i\s(?:mean|meant|beg\syour\spardon)|i\sbeg\syour\spardon|my\smistake|make\sthat|no\swait|change\sthat(?:\sto)?"
    r"|sorry|pardon\sme|i\sshould\ssay|(?<=[,;.-]\s)(?:that|this|it)\sshould\s(?:read|say)|(?<=[,;.-]\s)that\sshould\sbe)\b[\s,:;.)-]{0,3}"
)
_REPLACES = re.compile(
    rf"[^.;\n]{{0,60}}?\b(?:{FINDING}|bi[\s.-]?rads|category|normal|unremarkable|negative|clear|nothing|none|clips?|cysts?|scar)\b"
)
_BIRADS = re.compile(r"\bbi[\s.-]?rads\b|\bcategory\b")
_STOP = re.compile(r"[.;:\n](?!\d)|\b(?:left|right)\sbreast\s?:")
_SIDE = re.compile(
    r"(?:(?:in|on)\s)?(?:the\s)?(?:left|right|lt|rt)\b(?!\sbreast\s?:)(?=\s?[,.;]|\sbreast|\sside|\s\d|\sat\b|\Z)"
)
_SIDE_AT_END = re.compile(r"(?:(?:in|on)\s)?(?:the\s)?(?:left|right|lt|rt)(?:\s(?:breast|side))?\s?\Z")
"""Of a side that is put right, nothing else is taken back: "mass at 9:00 right, correction, left"."""
_LAST_WORDS = re.compile(r"(?:(?:on|in|at)\s(?:the\s)?)?(?:[a-z0-9'-]{1,20}\s?){1,2}\Z")
_READ_AS = re.compile(
    r"\bfor\s(?:the\sword\s)?(?P<wrong>[a-z-]{3,20})\s(?:please\s)?read\s(?=[a-z])|\bthe\sword\s[a-z-]{3,20}\s(?=[^.;\n]{0,40}\b(?:error|mistake|wrong|incorrect|slip|typo)\b)"
)
_MAY_CORRECT = re.compile(
    r"scratch|strike|delete|ignore|disregard|cancel|erase|forget|remove|correct|i mean|pardon|mistake|make that"
    r"|no wait|change that|sorry|should (?:say|be|read)|please read|the word"
)


def without_corrections(text: str) -> str:
    """Return `text`, in lower case, without what it takes back itself."""
    if not _MAY_CORRECT.search(text):
        return text
    text = _READ_AS.sub(" ", text)
    done = 0
    while cue := _CUE.search(text, done):
        before, behind = text[: cue.start()], text[cue.end() :]
        kept = _kept(before, behind)
        text = f"{kept} {behind}"
        done = len(kept)
    return text


def _kept(before: str, behind: str) -> str:
    """Return what is left of the text before the words that take something back."""
    side = _SIDE_AT_END.search(before, max(0, len(before) - 30)) if _SIDE.match(behind) else None
    if side:
        return before[: side.start()]
    if _REPLACES.match(behind):
        stops = [stop.end() for stop in _STOP.finditer(before, max(0, len(before) - 300))]
        start = stops[-1] if stops else max(0, len(before) - 300) if len(before) > 300 else 0
        named = list(_BIRADS.finditer(before, start))
        if named and _BIRADS.match(behind):
            start = named[-1].start()
        return before[:start]
    last = _LAST_WORDS.search(before, max(0, len(before) - 30))
    return before[: last.start()] if last and not behind[:1].isspace() and behind else before

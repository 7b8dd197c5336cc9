"""Where a report says its findings are: side, quadrant, clock position; and how large."""

import re
from bisect import bisect_right
from typing import Literal

from metrics.labels.findings import merge
from metrics.labels.mention import Mention, Polarity
from metrics.labels.report_text import ReportText

Side = Literal["left", "right"]

_PLACE = (
    r"(?:breasts?|axilla\w{0,3}|side[ds]?|nipples?|mlo|cc|mammogra\w{1,4}|upper|lower|outer|inner|retroareolar|"
    r"subareolar|uoq|uiq|loq|liq|bi-?rads)"
)
_LEFT_RIGHT = r"(?:left|right|lt|rt)"
_SIDE = re.compile(
    r"(?P<both>\bbilateral(?:ly)?\b|\bb/l\b|\bboth\s(?:the\s)?(?:breasts?|sides?|axilla\w{0,3}|nipples?)\b)"
    rf"|\b(?P<compared>{_LEFT_RIGHT})\s?(?:[><=]|(?:greater|more|larger|worse|less|smaller)\sthan|than|vs)\s?"
    rf"(?:the\s)?(?P<other>{_LEFT_RIGHT})\b"
    rf"|\b(?P<named>{_LEFT_RIGHT})(?=\.?[\s-]?{_PLACE}\b|\s?:)"
    r"|\b(?P<letter>[lr])(?=\.?\s?(?:breast|axilla)|\s?:|(?:mlo|cc)\b)"
    rf"|(?:(?<=breast)|(?<=axilla)|(?<=side)|(?<=nipple)|(?<=mlo)|(?<=cc))\s?[-:(]?\s?(?P<after>{_LEFT_RIGHT})\b"
    rf"|\bon\sthe\s(?P<bare>{_LEFT_RIGHT})(?=\s?(?:[,;.)\n]|\Z|(?:there|and|with|at|in|is|are|was|were|but|shows?)\b))"
    rf"|\b(?P<coordinated>{_LEFT_RIGHT})(?=\s(?:and|or)\s{_LEFT_RIGHT}\s{_PLACE}\b)"
)
_ANY_SIDE = re.compile(r"left|right|bilat|both|b/l|[lr]t|\b[lr]\b|[lr](?:mlo|cc)")
_NAMES: dict[str, Side] = {"left": "left", "lt": "left", "l": "left", "right": "right", "rt": "right", "r": "right"}
_HEADING = re.compile(
    r"\s?[-\d.)]{0,3}\s?(?:(?P<side>left|right|lt|rt)\.?(?:\sbreast)?|(?P<both>bilateral|both\sbreasts))\s?(?::|-\s|\Z)"
)
_BREAK = re.compile(r"[,(]|\bbut\b|\band\b|\bwhile\b|\bwhereas\b|\bhowever\b")


def read_sides(report: ReportText) -> list[tuple[int, frozenset[Side]]]:
    """Read (offset, sides) of every mention of a side; a bare "left" counts by a breast, view, colon or comparison."""
    sides: list[tuple[int, frozenset[Side]]] = []
    if not _ANY_SIDE.search(report.text):
        return sides
    for match in _SIDE.finditer(report.text):
        if match["both"]:
            sides.append((match.start(), frozenset({"left", "right"})))
            continue
        words = (
            match["compared"],
            match["other"],
            match["named"],
            match["letter"],
            match["after"],
            match["bare"],
            match["coordinated"],
        )
        sides.append((match.start(), frozenset(_NAMES[word] for word in words if word)))
    return sides


def findings_by_side(
    report: ReportText, sentences: list[list[Mention]], sides: list[tuple[int, frozenset[Side]]]
) -> dict[str, dict[str, Polarity]]:
    """Return by side the findings stated for it.

    A finding's side is the one named in its own clause, else the nearest before it in its sentence, else after it,
    else that of the heading it stands under ("Right breast:").
    """
    if not sides:
        return {}
    positions = [position for position, _ in sides]
    headings = _headings(report)
    heading_positions = [position for position, _ in headings]
    by_side: dict[Side, list[Mention]] = {"left": [], "right": []}
    for mentions in sentences:
        start = report.sentence_start(mentions[0].start)
        end = report.sentence_end(mentions[-1].start)
        breaks = [start, *(match.end() for match in _BREAK.finditer(report.text, start, end)), end]
        for mention in mentions:
            for side in _side_of(mention, start, end, breaks, positions, sides) or _under(
                heading_positions, headings, mention
            ):
                by_side[side].append(mention)
    return {side: findings for side in ("left", "right") if (findings := merge(by_side[side]))}


def _side_of(
    mention: Mention,
    start: int,
    end: int,
    breaks: list[int],
    positions: list[int],
    sides: list[tuple[int, frozenset[Side]]],
) -> frozenset[Side]:
    index = bisect_right(breaks, mention.start)
    clause = (breaks[index - 1], breaks[min(index, len(breaks) - 1)])
    place = bisect_right(positions, mention.start)
    before = place - 1 if place else None
    after = place if place < len(positions) else None
    for span in (clause, (start, end)):
        for candidate in (before, after):
            if candidate is not None and span[0] <= positions[candidate] < span[1]:
                return sides[candidate][1]
    return frozenset()


def _under(positions: list[int], headings: list[tuple[int, frozenset[Side]]], mention: Mention) -> frozenset[Side]:
    above = bisect_right(positions, mention.start)
    return headings[above - 1][1] if above else frozenset()


def _headings(report: ReportText) -> list[tuple[int, frozenset[Side]]]:
    """Return where a part about one breast begins ("Right breast:"), and where a section ends it."""
    headings: list[tuple[int, frozenset[Side]]] = [(position, frozenset()) for position in report.section_starts]
    for start, end in report.sentences:
        match = _HEADING.match(report.text, start, end)
        if match:
            sides: frozenset[Side] = (
                frozenset({"left", "right"}) if match["both"] else frozenset({_NAMES[match["side"]]})
            )
            headings.append((start, sides))
    return sorted(headings, key=lambda item: (item[0], len(item[1])))


_DIRECTION = r"(?:upper|lower|outer|inner|central|superior|inferior|lateral|medial)"
_QUADRANT = re.compile(
    rf"\b(?P<short>u[oi]q|l[oi]q)\b|\b(?P<combined>(?:upper|lower|superior|inferior)[\s-]?(?:outer|inner|lateral|medial)"
    r"|(?:outer|inner)[\s-](?:upper|lower)|super(?:o|io)-?(?:lateral|medial)|infer(?:o|io)-?(?:lateral|medial))\b"
    rf"|\b(?P<list>{_DIRECTION}(?:(?:[\s,/&-]|and\b|or\b|the\b|partial\b){{1,5}}{_DIRECTION}){{0,4}})"
    r"(?=(?:\sthe)?[\s-](?:quadrant|half|peri-?areolar|aspect|region|part|portion))"
    r"|\b(?P<areolar>(?:retro|sub)-?\s?areolar)\b|\b(?P<around>peri-?\s?areolar)\b|\b(?P<tail>axillary\stail)\b"
)
_CANON = {
    "superior": "upper",
    "inferior": "lower",
    "lateral": "outer",
    "medial": "inner",
}
_SHORT = {"u": "upper", "l": "lower", "o": "outer", "i": "inner"}
_ANY_DIRECTION = re.compile(_DIRECTION)


def read_quadrants(text: str) -> tuple[str, ...]:
    """Read quadrants and regions named, sorted: "upper outer", DMID's "upper", "retroareolar", "axillary tail" ..."""
    quadrants: set[str] = set()
    for match in _QUADRANT.finditer(text):
        if match["short"]:
            quadrants.add(f"{_SHORT[match['short'][0]]} {_SHORT[match['short'][1]]}")
        elif match["combined"]:
            quadrants.add(_combined(match["combined"]))
        elif match["list"]:
            quadrants |= {_CANON.get(word, word) for word in _ANY_DIRECTION.findall(match["list"])}
        else:
            quadrants.add("retroareolar" if match["areolar"] else "periareolar" if match["around"] else "axillary tail")
    return tuple(sorted(quadrants))


def _combined(words: str) -> str:
    vertical = "upper" if "upper" in words or words.startswith("super") else "lower"
    horizontal = "outer" if "outer" in words or "lateral" in words else "inner"
    return f"{vertical} {horizontal}"

"""BI-RADS categories of both breasts under one name: "BIRADS 1 (right), 4A (left)", "BI-RADS Right: 2 Left: 4C"."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from metrics.labels import lexicon
from metrics.labels.birads_values import Values, parse_category

_NAMES = {
    **dict.fromkeys(("right", "rt", "r", "rb", "re", "rechts", "der", "dcha", "derecha", "dir", "direita"), "right"),
    **dict.fromkeys(("left", "lt", "l", "lb", "li", "links", "izq", "izda", "izquierda", "esq", "esquerda"), "left"),
}
"""Also as they are left standing in translations from German, Spanish and Portuguese."""
_ABROAD = r"rb|lb|re|rechts|li|links|der|dcha|derecha|izq|izda|izquierda|dir|direita|esq|esquerda"
_FAR = 1000
"""How many characters before a category may say that it is of the whole report."""
_ITEMS = 12
"""The most sides and categories that are read after one name."""
_SIDE = re.compile(
    rf"(?P<word>right|left|rt|lt|{_ABROAD})(?![a-z])\.?|(?P<both>both|bilateral(?:ly)?)(?![a-z])"
    r"|(?P<letter>[rl])(?=\s?[)\].:=-]|\s?\d|\s(?:breast|side|iv|v|vi|i{1,3})\b)"
)
_NO_CATEGORY = re.compile(
    r"[\s:=-]{0,3}(?:n\.?\s?/?\s?a(?![a-z])\.?|not applicable|none(?![a-z])|-(?=\s?[,;/]))(?:\s?\([^()\n]{1,40}\))?"
)
"""Behind the side of a breast that has none: "right N/A (mastectomy), left 1"."""
_GLUE = re.compile(
    r"[\s:=,;./()\[\]|&>-]|(?:and|on|in|for|of|the|is|are|breasts?|sides?|sided|category|categories|cat|score|with|final|"
    r"assessment|at|as|"
    r"should|must|be|reads?|remains?|stays?|now|(?:has been |was )?(?:corrected|amended|changed|revised"
    r"|updated) to)(?![a-z])"
)
_DESCRIBED = (
    r"negative|benign|probably|suspicious|suspicion|low|moderate|high|highly|suggestive|malignancy|incomplete|findings?|"
    r"abnormality|normal|known"
)
_WORDS_OF_A_CATEGORY = re.compile(rf"(?:{_DESCRIBED})(?![a-z])")
_VALUE_END = re.compile(
    rf"\s?(?:\Z|[\n.,;:)(\]\[}}/&+|>-]|[rl](?=\d)|(?:and|or|on|in|for|of|with|right|left|rt|lt|r|l|{_ABROAD}|both|category|final|overall|bi-?rads|"
    rf"impression|recommendations?|findings?|{_DESCRIBED})\b)"
)
_COLON = re.compile(r"\s?(?:breasts?|sides?)?\s?[)\]]?\s?[:=-]")
_BEFORE = re.compile(
    r"\b(?:(?P<side>right|left|rt|lt|r|l)|(?P<both>both|bilateral))\.?\s?[)\]]?\s?(?:breasts?|sides?)?[\s:=,-]{0,3}"
    r"(?:(?:is|are|acr|final|overall|assessment|category|impression)[\s:-]{1,2}){0,3}$"
)


@dataclass(frozen=True, slots=True)
class SideCategory:
    """The category of one breast, "right" or "left", or of "both"; `end` is where it ends in the text."""

    side: str
    value: str
    end: int


@dataclass(frozen=True, slots=True)
class _Item:
    """A side or a category.

    Attributes:
        side: None of a category.
        value: None of a side.
        end: where it ends.
        opens: a colon or a dash follows the side: what comes next is said of it.
    """

    side: str | None
    value: str | None
    end: int
    opens: bool = False


_RIGHT_AND_LEFT = re.compile(
    r"[\s:(\[-]{0,3}(?:(?P<first>right|rt|re|r)\s?[/&,]\s?(?:left|lt|li|l)|(?:left|lt|li|l)\s?[/&,]\s?(?:right|rt|re"
    r"|r))\s?[)\]]?\s?[:=-]?\s?"
)
_SLASH = re.compile(r"\s?[/&,]\s?")


def _read_listed(text: str, value_at: int) -> list[SideCategory]:
    """Return both categories of "BI-RADS (right/left): 2/4A"."""
    sides = _RIGHT_AND_LEFT.match(text, value_at)
    if sides is None:
        return []
    names = ("right", "left") if sides["first"] else ("left", "right")
    read = Values([], sides.end(), set(), set())
    one = parse_category(text, sides.end(), read)
    slash = _SLASH.match(text, read.end) if one else None
    other = parse_category(text, slash.end(), read) if slash else None
    if one is None or other is None or not _VALUE_END.match(text, read.end):
        return []
    return [SideCategory(names[0], one, read.end), SideCategory(names[1], other, read.end)]


def read_sides(text: str, start: int, value_at: int) -> list[SideCategory]:
    """Return the categories of the breasts named together after one name of BI-RADS; nothing where they aren't.

    Args:
        text: normalised.
        start: where the name begins; a side right before it counts as the first.
        value_at: where a category or a side may stand.
    """
    listed = _read_listed(text, value_at)
    if listed:
        return listed
    items = _items(text, value_at)
    if not any(item.side for item in items):
        return []
    before = _BEFORE.search(text, max(0, start - 60), start)
    first_is_before = before is not None and bool(items) and items[0].value is not None
    if before and first_is_before:
        items.insert(0, _Item("both" if before["both"] else _NAMES[before["side"]], None, start, opens=True))
    pairs = _pairs(items)
    enough = len(pairs) > 1 or (len(pairs) == 1 and not first_is_before and items[0].side is not None)
    return pairs if enough else []


def _items(text: str, position: int) -> list[_Item]:
    """Read sides and categories from `position` on, as far as nothing else is said."""
    items: list[_Item] = []
    for _ in range(_ITEMS * 6):
        side = _SIDE.match(text, position)
        if side:
            name = "both" if side["both"] else _NAMES[side["word"] or side["letter"]]
            position = side.end()
            none = _NO_CATEGORY.match(text, position)
            if none:
                position = none.end()
                continue
            opens = _COLON.match(text, position) is not None
            if items and items[-1].side and items[-1].side != name:
                items[-1] = _Item("both", None, position, opens)
            else:
                items.append(_Item(name, None, position, opens))
        elif glue := (_GLUE.match(text, position) or (bool(items) and _WORDS_OF_A_CATEGORY.match(text, position))):
            position = glue.end()
        else:
            read = Values([], position, set(), set())
            value = parse_category(text, position, read)
            if value is None or not _VALUE_END.match(text, read.end) or (items and items[-1].value):
                break
            position = read.end
            items.append(_Item(None, value, position))
        if len(items) == _ITEMS:
            break
    return items


def _pairs(items: list[_Item]) -> list[SideCategory]:
    """Pair sides with categories: each side before its category, or each after it; a first category may be both's."""
    if items and items[0].value and (len(items) % 2 or any(item.opens for item in items[:-1])):
        items = items[1:]
    pairs = []
    for one, other in zip(items[::2], items[1::2], strict=False):
        side, value = one.side or other.side, one.value or other.value
        if side is None or value is None:
            return []
        pairs.append(SideCategory(side, value, max(one.end, other.end)))
    return pairs


@lru_cache(maxsize=4)
def _headings_of_sides(text: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return where headings of sides end, and their sides, of a report that has a part for each breast; else none."""
    headings = [(found.end(), found["side"]) for found in lexicon.SIDE_HEADING.finditer(text)]
    if len({side for _, side in headings}) < len(("left", "right")):
        return (), ()
    return tuple(end for end, _ in headings), tuple(side for _, side in headings)


def side_above(text: str, start: int) -> str | None:
    """Return the side under whose heading a category stands, of a report that has a part for each breast."""
    ends, sides = _headings_of_sides(text)
    above = bisect_right(ends, start) - 1
    if above < 0 or lexicon.OF_THE_WHOLE.search(text, max(ends[above], start - _FAR), start):
        return None
    return sides[above]

"""A BI-RADS category as it is written: a number, a word or a Roman numeral, with a letter, in a list or a range."""

from dataclasses import dataclass

from metrics.labels import lexicon

_WORDS = {"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"}
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6"}


@dataclass(slots=True)
class Values:
    """What is read of one statement: its categories, where it ends, what is odd, and what is no category."""

    values: list[str]
    end: int
    flags: set[str]
    rejected: set[str]


def parse_values(text: str, position: int) -> Values:
    """Parse a category, or a list or range of them, at `position`."""
    result = Values([], position, set(), set())
    first = parse_category(text, position, result)
    if first is None:
        return result
    result.values.append(first)
    for _ in range(8):
        repeated = lexicon.SAME_AGAIN.match(text, result.end)
        if repeated and result.values[-1] == "4":
            result.values[-1] = f"4{repeated['letter'].upper()}"
            result.end = repeated.end()
            continue
        refined = lexicon.REFINED.match(text, result.end) if result.values[-1] == "4" else None
        if refined:
            result.values[-1] = f"4{(refined['letter'] or refined['named']).upper()}"
            result.end = refined.end()
            continue
        joined = lexicon.LIST_SEPARATOR.match(text, result.end)
        if joined is None:
            break
        letter = lexicon.BARE_LETTER.match(text, joined.end())
        if letter and result.values[-1][0] == "4":
            result.values.append(f"4{letter['letter'].upper()}")
            result.end = letter.end()
            continue
        if lexicon.LIST_ITEM.match(text, joined.end()) is None:
            break
        item = Values([], joined.end(), set(), set())
        category = parse_category(text, joined.end(), item)
        if category is None or not (len(category) == 2 or lexicon.LIST_ITEM_END.match(text, item.end)):
            break
        result.values.append(category)
        result.end = item.end
        result.flags |= item.flags
    if len(set(result.values)) > 1:
        result.flags.add("range")
    return result


def parse_category(text: str, position: int, result: Values) -> str | None:
    """Return the category at `position`, moving the end of `result` behind it; None where there is none."""
    match = lexicon.CATEGORY_VALUE.match(text, position)
    if match is None:
        return None
    if match["number"]:
        if match["number"] not in _WORDS.values():
            if not lexicon.YEAR_OR_ORDINAL.match(text, position):
                result.rejected.add("invalid_birads")
            return None
        if lexicon.NOT_A_CATEGORY.match(text, match.end()):
            return None
        digit = match["number"]
    elif match["letter_o"]:
        digit = "0"
        result.flags.add("letter_o")
    else:
        digit = _WORDS.get(match["word"] or "") or _ROMAN[match["roman"]]
    result.end = match.end()
    attached = lexicon.ATTACHED_LETTER.match(text, result.end)
    if attached:
        result.end = attached.end()
        if digit == "4" and attached["letter"] in "abc":
            return f"4{attached['letter'].upper()}"
        result.flags.add("invalid_subcategory")
        return digit
    apart = lexicon.SEPARATE_LETTER.match(text, result.end) if digit == "4" else None
    if apart:
        result.end = apart.end()
        return f"4{(apart['letter'] or apart['enclosed']).upper()}"
    return digit

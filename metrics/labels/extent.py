"""Where on the clock a report says its findings are, and how large they are in millimetres."""

import re

_MINUTES = r"(?::(?P<{0}>00|15|30|45))"
_CLOCK = re.compile(
    r"(?<![\d.:/])(?:(?P<first>\d{1,2})(?::(?P<first_minutes>\d\d))?(?:\s?o'?\s?clock)?\s?(?:-|to|and|/)\s?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minutes>\d\d))?\s{0,6}-?'?\s?o\s?'?\s?-?c(?:lock|k)\b"
)
_AS_TIME = re.compile(
    rf"(?<![\d.:/])(?:(?P<first>\d{{1,2}}){_MINUTES.format('first_minutes')}\s?(?:-|to|and|/)\s?)?"
    rf"(?P<hour>\d{{1,2}}){_MINUTES.format('minutes')}(?![\d:])"
    r"(?!\s?(?:am|pm|a\.m|p\.m|h\b|hrs|hours?|gmt|est|on\s\d))"
)
_MAY_BE_TIME = re.compile(r"\d:[0134]")
_MAY_BE_PLACED = re.compile(r"@|\bposition|axis|radi|clock|meridian")
_TIME_OF_DAY = re.compile(
    r"(?:\btime|\bsigned|\bdictated|\bperformed|\bcompleted|\bdate[d]?|\btranscribed|\bcalled|\bphone\w{0,2}|\bdiscussed|\breported"
    r"|\d{4}|\d[/.-]\d{1,4},?)[^.;\n]{0,12}$"
)
_PLACED = re.compile(
    r"(?:\bat|\bin|\bnear|@|\baround|\bof)\s?(?:the\s)?(?P<hour>\d{1,2})\s?(?:-\s?)?(?=(?:position|axis|radian|radius|meridian)\b)"
    r"|\bclock[\s-](?:position|face)[\s:]{0,2}(?:of\s)?(?P<hour2>\d{1,2})(?!\s?(?:mm|cm|o'?\s?c|:))"
    r"|@\s?(?P<hour3>\d{1,2})(?!\s?(?:mm|cm|o'?\s?c|:|\d))"
)


_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_HOUR_WORD = re.compile(rf"\b(?:{'|'.join(_HOURS)})(?=[\s-]{{0,3}}o\s?'?\s?-?cl?)")


def read_clock(text: str) -> tuple[float, ...]:
    """Read clock positions from 1 to 12 in text order; half hours as .5; whole hours are ints.

    "3 o'clock", "at 3:00" and "the 3 position"; a time of day ("at 10:30 am") is none.
    """
    found: list[tuple[int, float]] = []
    if "clock" in text or "o'c" in text:
        text = _HOUR_WORD.sub(lambda match: f"{_HOURS.index(match[0]) + 1:<{len(match[0])}}", text)
        found += [one for match in _CLOCK.finditer(text) for one in _hours(match)]
    if _MAY_BE_TIME.search(text):
        found += [
            one
            for match in _AS_TIME.finditer(text)
            if not _TIME_OF_DAY.search(text, max(0, match.start() - 40), match.start())
            for one in _hours(match)
        ]
    for match in _PLACED.finditer(text) if _MAY_BE_PLACED.search(text) else ():
        hour = match["hour"] or match["hour2"] or match["hour3"]
        if 1 <= int(hour) <= 12:
            found.append((match.start(), int(hour)))
    return tuple(dict.fromkeys(hour for _, hour in sorted(found)))


def _hours(match: re.Match[str]) -> list[tuple[int, float]]:
    hours: list[tuple[int, float]] = []
    for name in ("first", "hour"):
        hour = match[name]
        minutes = match["first_minutes" if name == "first" else "minutes"]
        if hour and 1 <= int(hour) <= 12:
            part = round(int(minutes) / 60, 2) if minutes and int(minutes) else 0
            hours.append((match.start(name), int(hour) + part))
    return hours


_NUMBER = r"(?:\d{1,3}\s)?[1-7]/[2348](?![\d.,])|\d{1,4}(?:[.,]\d{1,3})?"
_UNIT = r"mms?|cms?|millimet(?:er|re)s?|centimet(?:er|re)s?"
_SIZE = re.compile(
    rf"(?<![\d.,/])(?P<sizes>(?:{_NUMBER})(?:\s?-?(?:{_UNIT})?\s?(?:[x×*/]|by\b|-|to\b|and\b|or\b)\s?(?:{_NUMBER})){{0,3}})"
    rf"\s?-?(?P<unit>{_UNIT})\b"
)
_EACH = re.compile(rf"(?P<number>{_NUMBER})(?:\s?-?(?P<unit>{_UNIT})\b)?")
_DISTANCE = re.compile(
    r"\s?(?:away\s|deep\s|posterior\s|behind\s|superficial\s|lateral\s|medial\s|superior\s|inferior\s)?(?:from|to|behind|of)?\s?(?:the\s)?"
    r"(?:nipple|skin(?!\sthick)|areola|chest\swall|pectoral|axilla)|\s?(?:fn|cfn)\b|\s?(?:in\s)?(?:depth|distance)\b"
    r"|\s?(?:thick\s)?(?:slices?|tomo\w{0,9}|compression)\b"
)
_NO_SIZE = re.compile(
    r"(?:\b(?:compress\w{1,4}|slice|breast)\s(?:breast\s)?thickness|\bdepth|\bdistance(?:\sfrom\s(?:the\s)?nipple)?|\bn\s?\+|\bfn"
    r"|(?<!defined\s)\bmargins?)\s?(?:of|is|was|:|=)?\s?(?:about\s|approximately\s)?$"
    r"|\b(?:previously|formerly|prior|earlier|was|were|had\sbeen|from|last\s(?:year|time))\s(?:measur\w{2,3}\s)?(?:about\s|approximately\s)?$"
)
"""Before a length that is none of a finding now: the compressed breast's, a distance, or an earlier size."""


def read_sizes(text: str) -> tuple[float, ...]:
    """Read sizes in millimetres in text order, also "1 1/2 cm" and "0,8 x 1,4 cm".

    Distances from the nipple, the skin or the chest wall, the thickness of the compressed breast, and what a finding
    measured earlier are none.
    """
    sizes: list[float] = []
    if "mm" not in text and "cm" not in text and "met" not in text:
        return ()
    for match in _SIZE.finditer(text):
        if _DISTANCE.match(text, match.end()):
            continue
        numbers = list(_EACH.finditer(match["sizes"]))
        if _NO_SIZE.search(text, max(0, match.start() - 50), match.start()):
            if " to " not in match["sizes"]:
                continue
            numbers = numbers[-1:]
        values = [one["unit"] or "" for one in numbers]
        for index, one in enumerate(numbers):
            unit = next((unit for unit in values[index:] if unit), match["unit"])
            in_centimetres = unit.startswith("c")
            # "5/8 mm" are two sides; a fraction is of a centimetre.
            parts = [one["number"]] if in_centimetres or " " in one["number"] else one["number"].split("/")
            sizes += [round(_value(part) * (10.0 if in_centimetres else 1.0), 3) for part in parts]
    return tuple(sizes)


def _value(number: str) -> float:
    whole, _, fraction = number.rpartition(" ")
    if "/" in fraction:
        part, of = (int(digits) for digits in fraction.split("/"))
        return (int(whole) if whole else 0) + (part / of if of else 0)
    return float(number.replace(",", "."))

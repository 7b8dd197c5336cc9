"""BI-RADS categories in the text of a report: every mention, which of them hold, and which one is the report's.

Categories are "0", "1", "2", "3", "4", "4A", "4B", "4C", "5", "6" (ACR BI-RADS Atlas, 5th edition, 2013).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from metrics.labels import lexicon
from metrics.labels.birads_sides import read_sides, side_above
from metrics.labels.birads_values import Values, parse_values
from metrics.labels.report_text import ReportText
from metrics.labels.sides import SIDE_WORD, side_of

CATEGORIES = ("0", "1", "2", "3", "4", "4A", "4B", "4C", "5", "6")

HIERARCHY = ("1", "2", "3", "6", "0", "4", "4A", "4B", "4C", "5")
"""Lowest to highest concern: the order by which the ACR merges assessments (BI-RADS, 5th edition, its FAQ)."""

BIRADS_SCALE = ("1", "2", "3", "4A", "4B", "4C", "5")
"""The degrees of suspicion, the least first: the scale of kappa, and what phantoms have. 0 (incomplete) and 6 (known
cancer) are none and stand outside."""


def highest(categories: Iterable[str]) -> str | None:
    """Return the category of highest concern by the ACR's hierarchy, or None of none."""
    return max(categories, key=HIERARCHY.index, default=None)


_SINCE_THEN = ("now", "currently", "today", "->")
"""Before the category that followed an earlier one: "BI-RADS 0 previously, now 2"."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One statement of a category, such as "BIRADS: 3, 4a".

    Attributes:
        start, end: character offsets in the normalised text.
        values: the categories it names, in text order; several in a list or range.
        header: written as a field ("BIRADS: 4a"), not in passing.
        direct: called overall, final, impression or assessment in its own clause.
        section: it stands in a section impression, assessment, conclusion or opinion.
        side: "left", "right", "both" or None.
        fate: "holds", "history", "negated", "uncertain", "conditional" or "generic".
        flags: what is odd about the spelling.
    """

    start: int
    end: int
    values: tuple[str, ...]
    header: bool
    direct: bool
    section: bool
    side: str | None
    fate: str
    flags: frozenset[str]

    @property
    def value(self) -> str:
        """Return the highest of its categories."""
        return max(self.values, key=HIERARCHY.index)

    @property
    def of_the_report(self) -> bool:
        """Return whether it speaks of the whole report, not of one breast."""
        return self.side in (None, "both")


@dataclass(frozen=True)
class Assessment:
    """What a report says of its BI-RADS category.

    Attributes:
        category: the category that wins, or None.
        categories: every category of every mention that holds, distinct, in text order.
        header: every category that the report's winning header field states, in text order; empty without one.
        by_side: side to the highest category stated for it.
        flags: oddities met.
    """

    category: str | None = None
    categories: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    by_side: dict[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()


def assess(report: ReportText) -> Assessment:
    """Read the category: an overall or header statement first (the last one), else the highest that holds."""
    mentions, flags = read_mentions(report)
    holding = [mention for mention in mentions if mention.fate == "holds"]
    for mention in holding:
        flags |= mention.flags
    if any(mention.fate == "uncertain" for mention in mentions):
        flags.add("uncertain_birads")
    if mentions and not holding and any(mention.fate == "history" for mention in mentions):
        flags.add("history_only")
    if len({mention.value for mention in holding}) > 1:
        flags.add("birads_conflict")
    headers = [mention for mention in holding if mention.header and mention.of_the_report]
    by_side: dict[str, str] = {}
    for mention in holding:
        for side in _sides(mention.side):
            by_side[side] = highest([mention.value, by_side.get(side, mention.value)]) or mention.value
    return Assessment(
        category=_winner(holding),
        categories=tuple(dict.fromkeys(value for mention in holding for value in mention.values)),
        header=tuple(dict.fromkeys(headers[-1].values)) if headers else (),
        by_side=dict(sorted(by_side.items())),
        flags=frozenset(flags),
    )


def _sides(side: str | None) -> tuple[str, ...]:
    return () if side is None else ("left", "right") if side == "both" else (side,)


def _winner(holding: list[Mention]) -> str | None:
    overall = [mention for mention in holding if (mention.header or mention.direct) and mention.of_the_report]
    if overall:
        return overall[-1].value
    closing = [mention for mention in holding if mention.section]
    return highest(mention.value for mention in closing or holding)


def read_mentions(report: ReportText) -> tuple[list[Mention], set[str]]:
    """Read every statement of a category in text order, and flags of what was seen but is no category."""
    flags: set[str] = set()
    mentions: list[Mention] = []
    last_now = max((match.start() for match in lexicon.NOW.finditer(report.text)), default=-1)
    consumed = 0
    for start, value_at, typo, token in _candidates(report):
        if start < consumed:
            continue
        previous = mentions[-1] if mentions else None
        if report.text.startswith(_SINCE_THEN, start) and (previous is None or previous.fate != "history"):
            continue
        pairs = read_sides(report.text, start, value_at)
        if pairs:
            consumed = pairs[-1].end
            stated = Values([pairs[0].value], consumed, set(), set())
            first = _mention(report, start, value_at, stated, typo, token, previous, last_now)
            mentions += [replace(first, values=(pair.value,), side=pair.side) for pair in pairs]
            continue
        parsed = parse_values(report.text, value_at)
        flags |= parsed.rejected
        if not parsed.values:
            continue
        consumed = parsed.end
        mentions.append(_mention(report, start, value_at, parsed, typo, token, previous, last_now))
    if lexicon.ACR_DIGIT.search(report.text):
        flags.add("acr_digit")
    return mentions, flags


def _candidates(report: ReportText) -> Iterator[tuple[int, int, bool, bool]]:
    """Yield (start, where a value may stand, misspelt, written with the name BI-RADS), in text order."""
    text = report.text
    for match in lexicon.BIRADS_OR_CATEGORY.finditer(text):
        start = match.start()
        if match["assessed"]:
            value_at = _assessed(text, match)
            if value_at is not None:
                yield value_at, value_at, False, False
        elif match["now"]:
            yield start, match.end(), False, True
        elif match["bare"] is None:
            typo = lexicon.BIRADS_SPELLING.fullmatch(match["token"]) is None
            filled = lexicon.FILLER.match(text, match.end())
            yield start, filled.end() if filled else match.end(), typo, True
        elif _stands_alone(report, start, match.end()):
            yield start, match.end(), False, False


def _assessed(text: str, match: re.Match[str]) -> int | None:
    """Return where a category stands behind "assessment" without the name BI-RADS: "assessment: 2 - benign"."""
    between = lexicon.ASSESSED.match(text, match.end())
    at = between.end() if between else match.end()
    value = lexicon.ASSESSED_VALUE.match(text, at)
    words = lexicon.OF_THIS_CATEGORY.get(value["value"]) if value else None
    if value and words and words.match(text, value.start("end")):
        return at
    # An impression may be a list of findings: there the ACR's words have to agree with the number.
    if match[0] != "assessment":
        return None
    listed = value is None or lexicon.NUMBERED.match(text, at)
    return at if not listed or lexicon.ASSESSED_SIDE.match(text, at) else None


def _stands_alone(report: ReportText, start: int, value_at: int) -> bool:
    """Return whether a bare "category N" is a whole sentence, or follows "assessment", "impression", "edition" ..."""
    sentence = report.sentence_start(start)
    before = report.text[max(sentence, start - 60) : start]
    if lexicon.BARE_CATEGORY_AFTER.search(before) or lexicon.BARE_CATEGORY_OF.match(report.text, value_at):
        return True
    if lexicon.ASSESSED_SIDE.match(report.text, value_at):
        return True
    if lexicon.OTHER_CATEGORY.search(before):
        return False
    return lexicon.BARE_CATEGORY_WHOLE.match(report.text, value_at) is not None


def _mention(
    report: ReportText,
    start: int,
    value_at: int,
    parsed: Values,
    typo: bool,
    token: bool,
    previous: Mention | None,
    last_now: int,
) -> Mention:
    text = report.text
    sentence_start, sentence_end = report.sentence_start(start), report.sentence_end(parsed.end)
    sentence_before = text[max(sentence_start, start - lexicon.CONTEXT) : start]
    since_previous = text[max(sentence_start, start - lexicon.CONTEXT, previous.end if previous else 0) : start]
    clause_before = lexicon.last_clause(since_previous)
    after = text[parsed.end : min(sentence_end, parsed.end + lexicon.CONTEXT)]
    filler = text[start:value_at]
    values = list(parsed.values)
    flags = set(parsed.flags)
    if len(values) > 1 and lexicon.FROM.search(clause_before):
        values, flags = values[-1:], flags - {"range"}
        fate = "holds"
    elif previous and lexicon.JOINED.fullmatch(text, previous.end, start):
        fate = previous.fate
    else:
        fate = _fate(report, clause_before, sentence_before, after, start, last_now > parsed.end)
    if typo:
        flags.add("typo")
    if lexicon.HEDGE_BEFORE.search(clause_before) or lexicon.HEDGE_AFTER.match(after):
        flags.add("hedged_birads")
    direct = bool(lexicon.OVERALL.search(clause_before) or lexicon.OVERALL.search(filler))
    return Mention(
        start=start,
        end=parsed.end,
        values=tuple(values),
        header=token and (":" in filler or "=" in filler) and not lexicon.OPEN_BRACKET.search(sentence_before),
        direct=direct,
        section=report.section(start).endswith(lexicon.CLOSING_SECTIONS),
        side=_side(clause_before, sentence_before, after) or side_above(text, start),
        fate=fate,
        flags=frozenset(flags),
    )


def _side(clause_before: str, sentence_before: str, after: str) -> str | None:
    if lexicon.BOTH_SIDES.search(clause_before):
        return "both"
    if lexicon.OVERALL.search(clause_before) and not SIDE_WORD.search(clause_before + after):
        return None
    right_after = lexicon.SIDE_AFTER.match(after)
    if right_after and not SIDE_WORD.search(clause_before):
        return "right" if right_after["side"][0] == "r" else "left"
    return side_of(sentence_before, after) or ("both" if lexicon.BOTH_SIDES_AFTER.match(after) else None)


def _fate(report: ReportText, clause_before: str, sentence_before: str, after: str, start: int, newer: bool) -> str:
    if lexicon.NOT_ASSIGNED_AFTER.match(after) or lexicon.NOT_ASSIGNED_BEFORE.search(clause_before):
        return "uncertain"
    if lexicon.NEGATED_BEFORE.search(clause_before) or lexicon.NEGATED_AFTER.match(after):
        return "negated"
    if (
        lexicon.CONDITIONAL_BEFORE.search(clause_before)
        or lexicon.IF_BEFORE.search(sentence_before)
        or lexicon.CONDITIONAL_AFTER.match(after)
        or lexicon.UNREAL_AFTER.match(after)
        or (lexicon.UNREAL_BEFORE.search(sentence_before) and lexicon.WOULD_AFTER.match(after))
    ):
        return "conditional"
    if lexicon.GENERIC_AFTER.match(after):
        return "generic"
    compared = lexicon.COMPARED.sub(" ", clause_before)
    if (
        lexicon.HISTORY_BEFORE.search(compared)
        or lexicon.HISTORY_AFTER.match(after)
        or lexicon.OF_THE_COMPARED.search(sentence_before)
        or lexicon.REVISED.match(report.text, start)
    ):
        return "history"
    if report.section(start) in lexicon.HISTORY_SECTIONS:
        return "history"
    dated = lexicon.YEAR_AFTER.match(after) or lexicon.YEAR_BEFORE.search(clause_before)
    if dated and newer:
        return "history"
    return "holds"


def descriptor(report: ReportText) -> str | None:
    """Return the category whose words the report uses ("probably benign": "3"); a guess, never scored as a category."""
    for category, pattern in lexicon.DESCRIPTORS:
        for match in pattern.finditer(report.text):
            before = max(0, match.start() - lexicon.CONTEXT)
            if not lexicon.DESCRIPTOR_DENIED.search(report.text, before, match.start()):
                return category
    return None

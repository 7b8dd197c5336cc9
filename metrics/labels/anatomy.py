"""What is said of skin, nipple, pectoral muscle and nodes that are only named: normal, or with an abnormality."""

import re

from metrics.labels import finding_lexicon as lexicon
from metrics.labels.kinds import ANATOMY, KINDS
from metrics.labels.mention import Mention, Polarity

_IS_NOT = re.compile(r"\s(?:is|are)\snot(?=\s?(?:[.,;\n]|\Z))")
"""Behind anatomy of which the contrary is said: "the nipple is normal, the skin is not"."""


def resolve_anatomy(text: str, mentions: list[Mention]) -> None:
    """Give skin, nipple and pectoral muscle (and "normal" nodes) the polarity of what is said of them."""
    groups = _anatomy_groups(text, mentions)
    told = _last_told(mentions)
    taken: set[int] = set()
    before = {}
    for first, _ in groups:
        if (
            first > 0
            and _describes(text, mentions[first - 1], mentions[first])
            and not _in_a_row(text, mentions, first)
        ):
            before[first] = first - 1
            taken.add(first - 1)
    for first, last in groups:
        index = before.get(first)
        if index is None:
            index = _described_after(text, mentions, last, taken)
        if index is None:
            likewise = lexicon.LIKEWISE.search(text, max(0, mentions[first].start - 20), mentions[first].start)
            index = _described_before(mentions, first, told[first], set() if likewise else taken)
        if index is not None:
            taken.add(index)
        _settle(text, mentions, first, last, None if index is None else mentions[index])
    named = {mention.kind for mention in mentions}
    for mention in mentions:
        if mention.kind == "abnormal" and lexicon.SKIN_ONLY.match(text, mention.start):
            peau = text.startswith("peau", mention.start)
            if named.isdisjoint(("skin",) if peau else ANATOMY):
                mention.kind = "skin"


def _anatomy_groups(text: str, mentions: list[Mention]) -> list[tuple[int, int]]:
    """Return (first, last) index of each run of anatomy joined by commas and "and"."""
    groups: list[tuple[int, int]] = []
    for index, mention in enumerate(mentions):
        eligible = (mention.kind in ANATOMY and not mention.lesion) or _plain_node(text, mention)
        if not eligible:
            continue
        if groups and groups[-1][1] == index - 1:
            previous = mentions[index - 1]
            if lexicon.GROUPED.fullmatch(text, previous.end, mention.start) and not _only_a_place(
                text, previous, mention
            ):
                groups[-1] = (groups[-1][0], index)
                continue
        groups.append((index, index))
    return groups


def _only_a_place(text: str, anatomy: Mention, following: Mention) -> bool:
    """Return whether a list doesn't go on behind a place: "a mass near the nipple, skin dimpled"."""
    comma = text[anatomy.end : following.start].strip() in (",", ", the")
    return comma and lexicon.A_LANDMARK.search(text, max(0, anatomy.start - 40), anatomy.start) is not None


def _plain_node(text: str, mention: Mention) -> bool:
    if mention.kind != "lymph_node" or text.endswith(("y", "ies"), mention.start, mention.end):
        return False
    if text.startswith("intra", mention.start) or text.endswith(("intramammary ", "intra-mammary "), 0, mention.start):
        return False
    return lexicon.NODE_DESCRIBED.search(text, max(0, mention.start - 50), mention.start) is None


def _describes(text: str, word: Mention, anatomy: Mention) -> bool:
    return word.kind in ("normal", "abnormal") and bool(lexicon.BEFORE_ANATOMY.fullmatch(text, word.end, anatomy.start))


def _in_a_row(text: str, mentions: list[Mention], first: int) -> bool:
    """Return whether each word stands behind its anatomy, without marks: "skin normal nipples normal"."""
    row = mentions[max(0, first - 2) : first + 2]
    ends = [one.end for one in row]
    touching = all(one.start - end <= 1 for one, end in zip(row[1:], ends, strict=False))
    kinds = [one.kind in ("normal", "abnormal") for one in row]
    return touching and kinds == [False, True, False, True] and row[0].kind in ANATOMY


def _described_after(text: str, mentions: list[Mention], last: int, taken: set[int]) -> int | None:
    """Return the first describing word after the group, before any other finding, in the same statement.

    A finding that only says where ("the skin over the mass is thickened") doesn't end the statement.
    """
    for index in range(last + 1, len(mentions)):
        mention = mentions[index]
        if index == last + 1 and lexicon.PLACED.fullmatch(text, mentions[last].end, mention.start):
            continue
        if mention.kind in KINDS:
            return None
        if mention.clause != mentions[last].clause and not lexicon.OF_IT.match(text, mention.end):
            return None
        if index not in taken:
            return index
    return None


def _last_told(mentions: list[Mention]) -> list[int]:
    """Return for each mention the index of the last describing word or anatomy before it, or -1."""
    told, last = [], -1
    for index, mention in enumerate(mentions):
        told.append(last)
        if mention.kind in (*ANATOMY, "normal", "abnormal"):
            last = index
    return told


def _described_before(mentions: list[Mention], first: int, index: int, taken: set[int]) -> int | None:
    """Return `index`, the last one told before the group, if it's a free word that describes in the same statement."""
    if index < 0 or index in taken or mentions[index].clause != mentions[first].clause:
        return None
    return None if mentions[index].kind in ANATOMY else index


def _settle(text: str, mentions: list[Mention], first: int, last: int, word: Mention | None) -> None:
    for mention in mentions[first : last + 1]:
        node = mention.kind == "lymph_node"
        contrary = _IS_NOT.match(text, mentions[last].end) if word is None else None
        told = next((one for one in reversed(mentions[:first]) if one.kind in ("normal", "abnormal")), None)
        if contrary and told and not node:
            mention.polarity = "present" if said_by(told) == "absent" else "absent"
        elif word is None:
            known = node and not lexicon.UNASSESSED.match(text, mention.end)
            mention.polarity = mention.polarity if known else None
        elif not (node and word.kind == "abnormal"):
            mention.polarity = said_by(word)


def said_by(word: Mention) -> Polarity | None:
    """Return what "normal", "abnormal" or their like say of the anatomy that they describe."""
    if word.kind == "abnormal":
        return word.polarity
    return "present" if word.denied else "absent"

"""What is said of skin, nipple, pectoral muscle and nodes that are only named: normal, or with an abnormality."""

from metrics.labels import finding_lexicon as lexicon
from metrics.labels.mention import Mention, Polarity


def resolve_anatomy(text: str, mentions: list[Mention]) -> None:
    """Give skin, nipple and pectoral muscle (and "normal" nodes) the polarity of what is said of them."""
    groups = _anatomy_groups(text, mentions)
    taken: set[int] = set()
    before = {}
    for first, _ in groups:
        if first > 0 and _describes(text, mentions[first - 1], mentions[first]):
            before[first] = first - 1
            taken.add(first - 1)
    for first, last in groups:
        index = before.get(first)
        if index is None:
            index = _described_after(text, mentions, last, taken)
        if index is None:
            index = _described_before(mentions, first, taken)
        if index is not None:
            taken.add(index)
        _settle(text, mentions, first, last, None if index is None else mentions[index])


def _anatomy_groups(text: str, mentions: list[Mention]) -> list[tuple[int, int]]:
    """Return (first, last) index of each run of anatomy joined by commas and "and"."""
    groups: list[tuple[int, int]] = []
    for index, mention in enumerate(mentions):
        eligible = mention.kind in lexicon.ANATOMY or _plain_node(text, mention)
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


def _described_after(text: str, mentions: list[Mention], last: int, taken: set[int]) -> int | None:
    """Return the first describing word after the group, before any other finding, in the same statement.

    A finding that only says where ("the skin over the mass is thickened") doesn't end the statement.
    """
    for index in range(last + 1, len(mentions)):
        mention = mentions[index]
        if index == last + 1 and lexicon.PLACED.fullmatch(text, mentions[last].end, mention.start):
            continue
        if mention.kind in lexicon.KINDS:
            return None
        if mention.clause != mentions[last].clause and not lexicon.OF_IT.match(text, mention.end):
            return None
        if index not in taken:
            return index
    return None


def _described_before(mentions: list[Mention], first: int, taken: set[int]) -> int | None:
    for index in range(first - 1, -1, -1):
        mention = mentions[index]
        if mention.clause != mentions[first].clause or mention.kind in lexicon.ANATOMY:
            return None
        if mention.kind in ("normal", "abnormal"):
            return None if index in taken else index
    return None


def _settle(text: str, mentions: list[Mention], first: int, last: int, word: Mention | None) -> None:
    for mention in mentions[first : last + 1]:
        node = mention.kind == "lymph_node"
        if word is None:
            known = node and not lexicon.UNASSESSED.match(text, mention.end)
            mention.polarity = mention.polarity if known else None
        elif not (node and word.kind == "abnormal"):
            mention.polarity = said_by(word)


def said_by(word: Mention) -> Polarity | None:
    """Return what "normal", "abnormal" or their like say of the anatomy that they describe."""
    if word.kind == "abnormal":
        return word.polarity
    return "present" if word.denied else "absent"

"""What stands behind a finding and settles it: that it isn't seen, is doubtful, was looked for in vain, or holds."""

import re

from metrics.labels import finding_lexicon as lexicon
from metrics.labels.kinds import ANATOMY, KINDS
from metrics.labels.mention import Mention
from metrics.labels.some_of_them import is_of_one_side, is_of_some
from metrics.labels.statement import State, of_a_property

_FEW = 2
"""As many words before "resolved" and its like are no subject that it is said of."""


def doubt_before(state: State, match: re.Match[str]) -> None:
    """Doubt what stands before, unless it is only the diagnosis of it: "calcifications, DCIS cannot be excluded"."""
    if of_a_property(state, match.start()) or (state.negated and match[0].startswith("or ")):
        state.verb = True
        return
    relative = state.text.endswith(("that ", "which ", "as "), 0, match.start())
    postposed = relative or lexicon.POSTPOSED.fullmatch(match[0]) is not None
    if not (state.negated and postposed) and not state.of_diagnosis(match.start()):
        first = state.clause_from
        state.doubted |= not state.reach_back("uncertain")
        state.questioned = first if postposed or "?" in match[0] else len(state.mentions)
    state.verb = True


def deny_before(state: State, event: str, match: re.Match[str]) -> None:
    """Deny what stands before; where nothing does, what follows ("not seen: masses") or what was named last."""
    if _denies_something_else(state, event, match):
        return
    gone = lexicon.GOES_AWAY.match(match[0]) is not None
    if not state.names_any() and lexicon.IT_IS.search(state.text, max(0, match.start() - 60), match.start()):
        _deny_last(state)
        return
    nowhere = match[0].startswith(("nowhere", "on ", "in ", "at ")) or match[0] == "neither"
    veins = [
        one for one in state.mentions[state.clause_from :] if one.kind == "calcification" and one.polarity == "present"
    ]
    reached = state.reach_back("absent", gone, last=nowhere) or state.settle_questioned("absent")
    if lexicon.VESSELS.search(match[0]):
        for one in veins:
            one.polarity, one.gone = "present", False
    if match[0].endswith("to normal") and state.mentions and state.mentions[-1].kind in ANATOMY:
        state.mentions.append(Mention("normal", match.start(), match.end(), "present", state.clause))
    if not reached and event == "absent_after" and not _gone(state, match.start()):
        # "Due to overlapping tissue ..." denies nothing of what follows.
        others_before = len(state.text[max(state.clause_at, match.start() - 60) : match.start()].split()) > _FEW
        state.negated |= lexicon.EXPLAINS.search(match[0]) is None and not (others_before and gone)
    state.verb |= reached or bool(state.mentions)


def _denies_something_else(state: State, event: str, match: re.Match[str]) -> bool:
    """Return whether something else is denied: a diagnosis, a property, the other side, or a part of what was named."""
    excluded = "excluded" in match[0] or "ruled" in match[0]
    neither = excluded and state.text.rfind("neither", max(state.clause_at, match.start() - 120), match.start()) >= 0
    if neither:
        state.reach_back("uncertain")
    whether = match[0].startswith(("can", "could")) and lexicon.WHETHER.search(
        state.text, max(0, match.start() - 120), match.start()
    )
    denied = lexicon.NOT_THE_CASE.search(state.text, state.clause_at, match.start())
    if denied and lexicon.GOES_AWAY.match(match[0]) and state.reach_back("present"):
        state.verb = True
        return True
    if neither or whether or (excluded and state.of_diagnosis(match.start())):
        state.verb = True
        return True
    if match[0].startswith("there") and lexicon.ELSEWHERE.search(state.text, max(0, match.start() - 30), match.start()):
        return True
    if of_a_property(state, match.start()) or hindered(state, match.start()):
        return True
    of_all = event != "absent_after" or match[0].startswith(("none", "nil", "neither"))
    if of_all or not _of_some(state, match):
        return False
    state.verb = True
    return True


def _of_some(state: State, match: re.Match[str]) -> bool:
    named = next((one for one in reversed(state.mentions) if one.kind in KINDS), None)
    if named is None:
        return False
    return is_of_some(state.text, state.clause_at, named, match.start()) or is_of_one_side(
        state.text, named, match.start(), match.end()
    )


def hindered(state: State, position: int) -> bool:
    """Return whether what stands before `position` is there and only hard to see: "obscured due to dense tissue"."""
    return lexicon.HINDERED.search(state.text, max(state.clause_at, position - 40), position) is not None


def _gone(state: State, position: int) -> bool:
    """Return whether what is gone is what was named last ("a mass, which has resolved"), and take it for absent."""
    if not state.mentions or not lexicon.GONE_OF_THE_LAST.fullmatch(state.text, state.clause_at, position):
        return False
    _deny_last(state)
    return True


def _deny_last(state: State) -> None:
    last = next((one for one in reversed(state.mentions) if one.kind in KINDS), None)
    if last is not None and last.polarity is not None:
        last.polarity = "absent"


def searched_in_vain(state: State) -> None:
    """Deny what was looked for and not found, before ("I looked for a mass and found none") or behind."""
    named = [one for one in state.mentions[state.clause_from :] if one.kind in KINDS]
    named = named or [one for one in state.mentions[-1:] if one.kind in KINDS]
    for mention in named:
        mention.polarity = "absent"
    if not named:
        state.negated, state.asked = True, False
    state.verb |= bool(named)


def settle_last(state: State, event: str | None, match: re.Match[str]) -> bool:
    """Take up what settles the finding named last: that it can't be assessed, came again, or holds; else False."""
    last = state.mentions[-1] if state.mentions else None
    if event == "unassessed" and last and lexicon.ITS_PROPERTY.fullmatch(state.text, last.end, match.start()):
        state.verb = True
    elif event == "unassessed":
        known = last and lexicon.KNOWN_ONE.search(state.text, max(0, last.start - 40), last.start)
        if not known or "question" in match[0]:
            state.unassess()
    elif event == "again":
        if last and not state.negated:
            last.polarity = "present"
    elif event == "holds":
        doubted = last is not None and "doubt" in state.text[max(state.clause_at, last.start - 60) : last.start]
        if last and last.polarity == "uncertain" and not (state.doubted or doubted):
            last.polarity = "present"
        state.verb = True
    else:
        return False
    return True

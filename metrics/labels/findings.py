"""Findings in the text of a report, each with its polarity: present, absent or uncertain.

A sentence is read once from left to right. Cues of negation and doubt before a finding reach forward over lists
until the statement ends; cues after it ("is not seen") reach back to where the statement began. The rules are in the
manner of NegEx and ConText (Chapman et al. 2001; Harkema et al. 2009), with the vocabulary of mammography.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from metrics.labels import finding_lexicon as lexicon
from metrics.labels.anatomy import resolve_anatomy
from metrics.labels.mention import Mention, Polarity
from metrics.labels.report_text import UNASKED_SECTIONS, ReportText
from metrics.labels.sides import SIDE_WORD

_OF_WHAT_IS_THERE = re.compile(r"\s(?:in|of|within|about)\s(?:the|this|these)\s(?!breasts?|left|right|axilla)")
_CATEGORY_BEFORE = re.compile(
    r"\b(?:bi[\s.-]?rads|category)\s(?:category\s)?[0-6iv]{1,3}[abc]?(?:\s(?:or|and|to)\s[0-6iv]{1,3}[abc]?)?\s\Z"
)
_SIGNS = ("calcification", "architectural_distortion", "asymmetry")
_SUBJECT = 3
"""The most words that a denied subject has."""
_WEIGHT: dict[Polarity, int] = {"absent": 0, "uncertain": 1, "present": 2}


def read_findings(report: ReportText, text: str) -> list[list[Mention]]:
    """Read the mentions of each sentence, in text order; anatomy carries the polarity of its own abnormality.

    Args:
        report: the report.
        text: its text without asides (`asides.py`).
    """
    sentences: list[list[Mention]] = []
    for start, end in report.sentences:
        mentions = _mentions(text[start:end])
        if not mentions and sentences and lexicon.IT_IS_GONE.match(text, start, end):
            last = sentences[-1][-1]
            if report.sentence_end(last.start) == start and last.polarity and last.kind not in lexicon.ANATOMY:
                last.polarity = "absent"
        if mentions and report.section(start + mentions[0].start) not in UNASKED_SECTIONS:
            sentences.append([replace(one, start=start + one.start, end=start + one.end) for one in mentions])
    return sentences


@lru_cache(maxsize=16384)
def _mentions(sentence: str) -> tuple[Mention, ...]:
    """Return the mentions of kinds of findings in a sentence; reports say much in the same words."""
    mentions = _read_sentence(sentence, 0, len(sentence))
    resolve_anatomy(sentence, mentions)
    return tuple(mention for mention in mentions if mention.kind in lexicon.KINDS)


def merge(mentions: Iterable[Mention]) -> dict[str, Polarity]:
    """Return each kind's polarity over all mentions: present beats uncertain beats absent."""
    merged: dict[str, Polarity] = {}
    for mention in mentions:
        if mention.polarity is None:
            continue
        known = merged.get(mention.kind)
        if known is None or _WEIGHT[mention.polarity] > _WEIGHT[known]:
            merged[mention.kind] = mention.polarity
    return {kind: merged[kind] for kind in lexicon.KINDS if kind in merged}


@dataclass(slots=True)
class _State:
    """Where the reading of a sentence stands."""

    text: str
    end: int
    mentions: list[Mention] = field(default_factory=list)
    clause: int = 0
    clause_from: int = 0
    clause_at: int = 0
    negated: bool = False
    doubted: bool = False
    asked: bool = False
    verb: bool = False
    verb_before: bool = False
    denied_at: int = -1
    commas: int = 0
    outside: list[tuple[bool, bool, bool]] = field(default_factory=list)

    def new_clause(self, at: int = 0) -> None:
        self.clause += 1
        self.clause_at = at
        self.clause_from = len(self.mentions)
        self.negated = self.doubted = self.asked = self.verb = self.verb_before = False
        self.commas = 0

    def polarity(self) -> Polarity | None:
        if self.asked:
            return None
        return "absent" if self.negated else "uncertain" if self.doubted else "present"

    def reach_back(self, polarity: Polarity) -> bool:
        """Give `polarity` to every mention of the statement so far; False when there is none."""
        reached = self.mentions[self.clause_from :]
        for mention in reached:
            if mention.polarity is not None:
                mention.polarity = polarity
        self.clause_from = len(self.mentions) if reached else self.clause_from
        return bool(reached)


def _read_sentence(text: str, start: int, end: int) -> list[Mention]:
    state = _State(text, end)
    last_negation = -9
    for match in lexicon.EVENTS.finditer(text, start, end):
        event = match.lastgroup
        if event == "mass" and _names_a_diagnosis(state, match):
            continue
        if event in lexicon.KINDS or event == "abnormal":
            polarity = "present" if _is_presupposed(state, match) else state.polarity()
            state.mentions.append(Mention(str(event), match.start(), match.end(), polarity, state.clause))
            general = event in lexicon.KINDS and event not in lexicon.ANATOMY
            if general and not lexicon.ALTERNATIVE.match(text, match.end(), end):
                state.doubted = False
        elif event in ("normal", "harmless"):
            denied = 0 <= match.start() - last_negation <= 1
            state.mentions.append(Mention("normal", match.start(), match.end(), "present", state.clause, denied))
        elif event == "negation":
            last_negation = state.denied_at = match.end()
            state.negated, state.doubted, state.asked = True, False, False
            named = len(state.mentions) > state.clause_from
            state.verb, state.verb_before = False, (state.verb and named) or state.verb_before
        elif not _qualify(state, event, match):
            _punctuate(state, event, match)
    return state.mentions


def _names_a_diagnosis(state: _State, match: re.Match[str]) -> bool:
    """Return whether "lesion" only names what calcification, distortion or asymmetry is taken for, or a category."""
    if match[0] == "lesions" and _CATEGORY_BEFORE.search(state.text, max(0, match.start() - 60), match.start()):
        return True
    return (
        match[0].startswith("lesion")
        and any(mention.kind in _SIGNS for mention in state.mentions)
        and not any(mention.kind == "mass" and mention.polarity != "absent" for mention in state.mentions)
        and lexicon.A_DIAGNOSIS.search(state.text, max(0, match.start() - 80), match.start()) is not None
    )


def _is_presupposed(state: _State, match: re.Match[str]) -> bool:
    """Return whether something else was denied of this finding: "no calcification in the mass"."""
    return (
        state.negated
        and match.lastgroup not in (*lexicon.ANATOMY, "abnormal", "lymph_node")
        and any(mention.kind in lexicon.KINDS for mention in state.mentions[state.clause_from :])
        and lexicon.OF_THE_ONE_THERE.search(state.text, max(0, match.start() - 60), match.start()) is not None
    )


def _qualify(state: _State, event: str | None, match: re.Match[str]) -> bool:
    """Take up what denies, doubts or asks for what stands before or behind it; return False for any other event."""
    if event in ("absent_after", "absent_mark"):
        if not state.reach_back("absent") and event == "absent_after" and not _gone(state, match.start()):
            state.negated = True
        state.verb = True
    elif event in ("uncertain_after", "doubted"):
        state.reach_back("uncertain")
        state.verb = True
    elif event in ("uncertain_before", "doubt"):
        state.doubted, state.negated = True, False
    elif event == "versus":
        if state.mentions and state.mentions[-1].polarity == "present":
            state.mentions[-1].polarity = "uncertain"
        state.doubted = True
    elif event == "purpose":
        state.asked = True
    elif event == "verb":
        state.verb = True
    else:
        return _compare(state, event, match)
    return True


def _compare(state: _State, event: str | None, match: re.Match[str]) -> bool:
    """Take up comparisons with what isn't there, how it was, or what had gone; return False for any other event."""
    text, last = state.text, state.mentions[-1] if state.mentions else None
    if event == "than":
        before = lexicon.PREFERRED.search(text, max(state.clause_at, match.start() - 120), match.start())
        state.negated |= before is not None
    elif event == "neutral":
        if last and last.kind in lexicon.ANATOMY and lexicon.NO_CHANGE.match(text, match.start()):
            state.mentions.append(Mention("normal", match.start(), match.end(), "present", state.clause))
    elif event == "again":
        if last and not state.negated:
            last.polarity = "present"
    else:
        return False
    return True


def _punctuate(state: _State, event: str | None, match: re.Match[str]) -> None:
    """Take up what ends or suspends a statement: commas, conjunctions, "but", "with", brackets."""
    if event in ("stop", "shows"):
        _stop(state, event, match)
    elif event in ("pause", "dash"):
        if state.verb and event == "dash":
            state.new_clause(match.end())
        state.negated = state.doubted = state.asked = False
    elif event in ("comma", "conjunction", "ampersand") or (event == "slash" and match[0] != "/"):
        _join(state, event, match.end())
    elif event == "diagnosis":
        state.doubted = False
        if _OF_WHAT_IS_THERE.match(state.text, match.end(), state.end):
            state.negated = False
    elif event == "open":
        state.outside.append((state.negated, state.doubted, state.asked))
    elif event == "close" and state.outside:
        state.negated, state.doubted, state.asked = state.outside.pop()


def _stop(state: _State, event: str, match: re.Match[str]) -> None:
    """End the statement, unless what follows is still said of its subject."""
    of_anatomy = bool(state.mentions) and state.mentions[-1].kind in lexicon.ANATOMY
    if (event == "shows" and of_anatomy) or (match[0] == "which" and _of_anatomy(state, match.start())):
        state.verb = True
    elif event == "stop" or not _denied_subject(state, match.start()):
        if event == "stop" and state.negated and _excepts(state, match):
            state.mentions[-1].polarity = "present"
        state.new_clause(match.start())


def _excepts(state: _State, match: re.Match[str]) -> bool:
    """Return whether some of the kind named last are there after all: "no calcification other than vascular"."""
    if not state.mentions or match[0].startswith(("but", "how", "alth", "tho", "wh", "des", "there")):
        return False
    excepted = lexicon.EXCEPTED.match(state.text, match.end(), state.end)
    if excepted is None or state.mentions[-1].kind not in lexicon.KINDS or state.mentions[-1].kind in lexicon.ANATOMY:
        return False
    following = (event.lastgroup for event in lexicon.EVENTS.finditer(state.text, excepted.start(), excepted.end()))
    return not any(event in lexicon.KINDS for event in following)


def _join(state: _State, event: str | None, position: int) -> None:
    """Take up a comma, "and" or a slash that ends before `position`: a list goes on there, or a statement begins."""
    comma = event == "comma"
    state.doubted = False
    state.commas += comma
    ended = (state.verb and not _predicate_follows(state, position)) or (comma and state.asked)
    if state.negated and not ended:
        ended = _affirms(state, position, comma or event == "slash") or _is_elsewhere(state, position)
        ended |= state.verb_before and not _goes_on(state, position, comma)
    if ended:
        state.new_clause(position)


def _denied_subject(state: _State, position: int) -> bool:
    """Return whether what "shows" stands behind is denied itself: "neither view shows a mass"."""
    between = state.text[state.denied_at : position]
    return state.negated and len(between.split()) <= _SUBJECT and "," not in between


def _of_anatomy(state: _State, position: int) -> bool:
    """Return whether "which" goes on about anatomy right before it: "the pectoral muscle, which is not invaded"."""
    last = state.mentions[-1] if state.mentions else None
    return last is not None and last.kind in lexicon.ANATOMY and not state.text[last.end : position].strip(" ,")


def _gone(state: _State, position: int) -> bool:
    """Return whether what is gone is what was named last ("a mass, which has resolved"), and take it for absent."""
    if not state.mentions or not lexicon.GONE_OF_THE_LAST.fullmatch(state.text, state.clause_at, position):
        return False
    last = state.mentions[-1]
    if last.polarity is not None:
        last.polarity = "absent"
    return True


def _predicate_follows(state: _State, position: int) -> bool:
    """Return whether "and" goes on with what is said of anatomy: "appear symmetric and normal"."""
    if not state.mentions or state.mentions[-1].kind not in (*lexicon.ANATOMY, "normal", "abnormal"):
        return False
    following = lexicon.EVENTS.match(state.text, position + 1, state.end)
    return following is not None and following.lastgroup in ("normal", "abnormal")


def _goes_on(state: _State, position: int, comma: bool) -> bool:
    """Return whether a list that is denied after a verb ("has no mass, calcification or distortion") goes on."""
    if comma:
        return lexicon.LIST_GOES_ON.match(state.text, position, state.end) is not None
    following = lexicon.EVENTS.match(state.text, position + 1, state.end)
    return following is not None and following.lastgroup in lexicon.KINDS


def _is_elsewhere(state: _State, position: int) -> bool:
    """Return whether what follows is of the other side: "no mass on the left, calcification ..."."""
    before = SIDE_WORD.findall(state.text, max(0, state.denied_at), position)
    after = SIDE_WORD.search(state.text, position, min(state.end, position + 100))
    return bool(before) and after is not None and after["side"][0] != before[-1][0]


def _affirms(state: _State, position: int, comma: bool) -> bool:
    """Return whether what follows a comma or "and" in a negated list states something instead of denying on."""
    if lexicon.NEW_STATEMENT.match(state.text, position, state.end):
        return True
    if lexicon.NEW_SUBJECT.match(state.text, position, state.end):
        return True
    if not comma or state.commas > 1:
        return False
    stop = state.text.find(",", position, min(state.end, position + 200))
    if stop >= 0:
        return False
    rest = state.text[position : min(state.end, position + 200)]
    return lexicon.FINITE.search(rest) is not None and lexicon.LISTED.search(rest) is None

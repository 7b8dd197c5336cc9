"""Findings in the text of a report, each with its polarity: present, absent or uncertain.

A sentence is read once from left to right. Cues of negation and doubt before a finding reach forward over lists
until the statement ends; cues after it ("is not seen") reach back to where the statement began. The rules are in the
manner of NegEx and ConText (Chapman et al. 2001; Harkema et al. 2009), with the vocabulary of mammography.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from metrics.labels import finding_lexicon as lexicon
from metrics.labels.anatomy import resolve_anatomy
from metrics.labels.headings import settle_headings
from metrics.labels.kinds import ANATOMY, KINDS
from metrics.labels.mention import Mention, Polarity
from metrics.labels.report_text import UNASKED_SECTIONS, ReportText
from metrics.labels.said_behind import deny_before, doubt_before, hindered, searched_in_vain, settle_last
from metrics.labels.some_of_them import REMNANT, others
from metrics.labels.statement import (
    State,
    affirms,
    before_a_noun,
    begins_unmarked,
    denied_subject,
    ends_exception,
    excepts,
    goes_on,
    is_elsewhere,
    is_presupposed,
    names_a_diagnosis,
    of_anatomy,
    predicate_follows,
    seen_all_the_same,
)
from metrics.labels.taken_back import end_of_recall, settle_before, take_back
from metrics.labels.verdicts import overrule, settle_in_sentence, settle_recalled, settle_suspected

_OF_WHAT_IS_THERE = re.compile(
    r"(?:\spotential)?\s(?:in|of|within|about)\s(?:the|this|these)\s(?!breasts?|left|right|axilla)"
)
_TOLD_APART = re.compile(r"[,:]\s?[^,:]{3,40}\Z")
"""Between a finding and "versus": only its diagnosis is told from something else ("distortion, scar versus")."""
_WEIGHT: dict[Polarity, int] = {"absent": 0, "uncertain": 1, "present": 2}


def read_findings(report: ReportText, text: str) -> list[list[Mention]]:
    """Read the mentions of each sentence, in text order; anatomy carries the polarity of its own abnormality.

    Args:
        report: the report.
        text: its text without asides (`asides.py`).
    """
    sentences: list[list[Mention]] = []
    recalled: list[Mention] = []
    for start, end in report.sentences:
        mentions = _placed(text[start:end], start)
        if mentions:
            recalled = []
            settle_in_sentence(text, start, end, mentions)
            mentions = mentions + others(text, mentions[-1].end - 1, end, mentions, start)
            if report.section(mentions[0].start) not in UNASKED_SECTIONS:
                if sentences:
                    take_back(text, start, mentions, sentences[-1])
                    heard_from = report.sentence_start(sentences[-1][0].start)
                    overrule(text, start, mentions, heard_from, sentences[-1])
                    if all(one.polarity == "absent" for one in mentions):
                        settle_suspected(text, start, end, heard_from, sentences[-1])
                sentences.append(mentions)
            continue
        behind = end_of_recall(report.text, text, start, end)
        if behind >= 0:
            recalled = _placed(report.text[start:end], start)
        if recalled:
            at = max(start, behind)
            if settle_before(text, at, end, recalled, True) or settle_recalled(text, at, end, recalled):
                sentences.append(recalled)
                recalled = []
        elif sentences:
            _settle_by(report, text, start, end, sentences)
    return sentences


def _settle_by(report: ReportText, text: str, start: int, end: int, sentences: list[list[Mention]]) -> None:
    """Take up what a sentence that names no finding says of those that the last one names."""
    before = sentences[-1]
    heard_from = report.sentence_start(before[0].start)
    adjacent = report.sentence_end(before[-1].start) == start
    more = others(text, start, end, before, heard_from) if adjacent else []
    if more:
        sentences.append(more)
    elif not settle_before(text, start, end, before, adjacent):
        settle_suspected(text, start, end, heard_from, before)


def _placed(sentence: str, start: int) -> list[Mention]:
    """Return the mentions of the sentence that begins at `start` of its text, placed in that text."""
    return [replace(one, start=start + one.start, end=start + one.end) for one in _mentions(sentence)]


@lru_cache(maxsize=16384)
def _mentions(sentence: str) -> tuple[Mention, ...]:
    """Return the mentions of kinds of findings in a sentence; reports say much in the same words."""
    mentions = _read_sentence(sentence, 0, len(sentence))
    resolve_anatomy(sentence, mentions)
    settle_headings(sentence, mentions)
    return tuple(mention for mention in mentions if mention.kind in KINDS)


def merge(mentions: Iterable[Mention]) -> dict[str, Polarity]:
    """Return each kind's polarity over all mentions: present beats uncertain beats absent.

    A lesion of the skin counts where nothing else is said of the skin ("mole at 6 o'clock. No skin thickening").
    """
    merged: dict[str, Polarity] = {}
    for mention in sorted(mentions, key=lambda one: one.lesion):
        if mention.polarity is None or (mention.lesion and mention.kind in merged):
            continue
        known = merged.get(mention.kind)
        if known is None or _WEIGHT[mention.polarity] > _WEIGHT[known]:
            merged[mention.kind] = mention.polarity
    return {kind: merged[kind] for kind in KINDS if kind in merged}


def _read_sentence(text: str, start: int, end: int) -> list[Mention]:
    state = State(text, end)
    for match in lexicon.EVENTS.finditer(text, start, end):
        event = match.lastgroup
        if event == "mass" and names_a_diagnosis(state, match):
            continue
        if event in KINDS or event == "abnormal":
            _name(state, str(event), match)
        elif event == "of_skin":
            skin = Mention("skin", match.start(), match.end(), state.polarity(), state.clause, lesion=True)
            state.mentions.append(skin)
        elif event == "undistorted":
            there: Polarity = "present" if _just_denied(state, match) else "absent"
            state.mentions.append(Mention("architectural_distortion", match.start(), match.end(), there, state.clause))
        elif event in ("normal", "harmless"):
            denied = _just_denied(state, match)
            state.mentions.append(Mention("normal", match.start(), match.end(), "present", state.clause, denied))
        elif event in ("negation", "explained"):
            _deny_on(state, match)
        elif not _qualify(state, event, match):
            _punctuate(state, event, match)
    return state.mentions


def _name(state: State, event: str, match: re.Match[str]) -> None:
    """Take up a finding, or a word that says that something is wrong, with what the cues before say of it."""
    polarity = "present" if is_presupposed(state, match) else state.polarity()
    low = max(0, match.start() - 30)
    if polarity == "absent" and lexicon.A_TRUE_ONE.search(state.text, low, match.start()):
        state.deny_kind(event)
    state.mentions.append(Mention(event, match.start(), match.end(), polarity, state.clause))
    general = event in KINDS and event not in ANATOMY
    if general and not lexicon.ALTERNATIVE.match(state.text, match.end(), state.end):
        state.doubted = False


def _just_denied(state: State, match: re.Match[str]) -> bool:
    """Return whether a denial ends right before this word: "not normal"."""
    return state.denied_at >= 0 and 0 <= match.start() - state.denied_at <= 1


def _deny_on(state: State, match: re.Match[str]) -> None:
    """Deny what follows."""
    _find_nothing_wrong(state, match)
    state.denied_from, state.denied_at = match.start(), match.end()
    state.negated, state.doubted, state.asked = True, False, False
    named = len(state.mentions) > state.clause_from
    state.verb, state.verb_before = False, (state.verb and named) or state.verb_before


def _qualify(state: State, event: str | None, match: re.Match[str]) -> bool:
    """Take up what denies, doubts or asks for what stands before or behind it; return False for any other event."""
    if event in ("absent_after", "absent_mark"):
        deny_before(state, event, match)
    elif event == "in_vain":
        searched_in_vain(state)
    elif event in ("uncertain_after", "doubted"):
        doubt_before(state, match)
    elif event in ("uncertain_before", "doubt"):
        state.doubted, state.negated = True, False
    elif event == "versus":
        last = state.mentions[-1] if state.mentions else None
        # "Distortion, radial scar vs. cancer" doubts the diagnosis only.
        told = last is not None and _TOLD_APART.search(state.text, last.end, match.start())
        if last and last.polarity == "present" and last.end > state.diagnosed_at and not told:
            last.polarity = "uncertain"
        state.doubted = True
    elif event == "purpose":
        state.asked = True
    elif event == "verb":
        # Before any finding "visible" and the like only describe it.
        state.verb |= len(state.mentions) > state.clause_from or not lexicon.DESCRIBING.fullmatch(match[0])
        if lexicon.UNCHANGED.fullmatch(match[0]) and not before_a_noun(state, match.end()):
            _find_normal(state, match)
    else:
        return _compare(state, event, match)
    return True


def _find_normal(state: State, match: re.Match[str], nodes: bool = False) -> None:
    """Take what says that nothing changed for "normal" where it stands right behind anatomy, or `nodes`."""
    last = state.mentions[-1] if state.mentions else None
    if last is None or last.kind not in (*ANATOMY, *(("lymph_node",) if nodes else ())):
        return
    if not lexicon.A_PLACE.search(state.text, max(state.clause_at, last.start - 40), last.start):
        state.mentions.append(Mention("normal", match.start(), match.end(), "present", state.clause))


def _find_nothing_wrong(state: State, match: re.Match[str]) -> None:
    """Take "without findings" behind anatomy for "normal"."""
    nothing = lexicon.NOTHING_WRONG.match(state.text, match.end(), state.end)
    if match[0].startswith("free") or nothing:
        _find_normal(state, match, nodes=nothing is not None)


def _compare(state: State, event: str | None, match: re.Match[str]) -> bool:
    """Take up comparisons with what isn't there, how it was, or what had gone; return False for any other event."""
    if event == "than":
        before = lexicon.PREFERRED.search(state.text, max(state.clause_at, match.start() - 120), match.start())
        state.negated |= before is not None
    elif event == "tissue":
        if not hindered(state, match.start()):
            state.deny_kind("mass")
        state.verb = True
    elif event == "neutral":
        if lexicon.NO_CHANGE.match(state.text, match.start()):
            _find_normal(state, match)
    else:
        return settle_last(state, event, match)
    return True


def _punctuate(state: State, event: str | None, match: re.Match[str]) -> None:
    """Take up what ends or suspends a statement: commas, conjunctions, "but", "with", brackets."""
    if event in ("stop", "shows", "onset", "side"):
        _stop(state, event, match)
    elif event in ("pause", "dash"):
        if state.verb and event == "dash":
            state.new_clause(match.end())
        state.negated = state.doubted = state.asked = False
    elif event in ("comma", "conjunction", "ampersand") or (event == "slash" and match[0] != "/"):
        _join(state, event, match.end())
    elif event == "diagnosis":
        state.diagnosed_at = match.end()
        state.doubted &= lexicon.ALTERNATIVE.match(state.text, match.end(), state.end) is not None
        if _OF_WHAT_IS_THERE.match(state.text, match.end(), state.end):
            state.negated = False
    elif event == "open":
        state.outside.append((state.negated, state.doubted, state.asked))
    elif event == "close" and state.outside:
        state.negated, state.doubted, state.asked = state.outside.pop()


def _stop(state: State, event: str, match: re.Match[str]) -> None:
    """End the statement, unless what follows is still said of its subject."""
    if event in ("onset", "side"):
        if begins_unmarked(state, event, match):
            state.new_clause(match.start())
        return
    after_anatomy = bool(state.mentions) and state.mentions[-1].kind in ANATOMY
    if (event == "shows" and after_anatomy) or (match[0] == "which" and of_anatomy(state, match.start())):
        state.verb = True
    elif event == "stop" or not denied_subject(state, match.start()):
        if event == "stop" and _leaves_some(state, match):
            state.mentions[-1].polarity = "present"
        if event == "stop" and state.negated and (excepts(state, match) or seen_all_the_same(state, match)):
            state.mentions[-1].polarity = "present"
        state.new_clause(match.start())


def _leaves_some(state: State, match: re.Match[str]) -> bool:
    """Return whether something is left of what went away: "gone save for two specks"."""
    last = state.mentions[-1] if state.mentions else None
    left = REMNANT.match(state.text, match.end(), state.end)
    return left is not None and last is not None and last.polarity == "absent" and last.kind not in ANATOMY


def _join(state: State, event: str | None, position: int) -> None:
    """Take up a comma, "and" or a slash that ends before `position`: a list goes on there, or a statement begins."""
    comma = event == "comma"
    if comma and state.text.startswith(" which", position) and of_anatomy(state, position - 1):
        return
    state.doubted = False
    state.commas += comma
    state.comma_from = len(state.mentions) if comma else state.comma_from
    if comma and ends_exception(state, position):
        state.new_clause(position)
        return
    ended = (state.verb and not predicate_follows(state, position)) or (comma and state.asked)
    if state.negated and not ended:
        ended = affirms(state, position, comma or event == "slash") or is_elsewhere(state, position)
        ended |= state.verb_before and not goes_on(state, position, comma)
    if ended:
        state.new_clause(position)

"""Where the reading of a sentence stands, and what the words around a place in it say; `findings.py` reads with it."""

import re
from dataclasses import dataclass, field

from metrics.labels import denial_reach
from metrics.labels import finding_lexicon as lexicon
from metrics.labels.kinds import ANATOMY, KINDS
from metrics.labels.mention import Mention, Polarity
from metrics.labels.sides import SIDE_WORD

_CATEGORY_BEFORE = re.compile(
    r"\b(?:bi[\s.-]?rads|category)\s(?:category\s)?[0-6iv]{1,3}[abc]?(?:\s(?:or|and|to)\s[0-6iv]{1,3}[abc]?)?\s\Z"
)
_SIGNS = ("calcification", "architectural_distortion", "asymmetry")
_JOINED = re.compile(r"(?:\s?,\s?or|\s?or|\sand)\b|\s?/")
_NEAR = 60
_SUBJECT = 3
"""The most words that a denied subject has."""


@dataclass(slots=True)
class State:
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
    denied_from: int = -1
    diagnosed_at: int = -1
    questioned: int = 0
    heading: str = ""
    commas: int = 0
    comma_from: int = 0
    outside: list[tuple[bool, bool, bool]] = field(default_factory=list)

    def new_clause(self, at: int = 0) -> None:
        """Begin a statement at `at`, in which nothing is denied or doubted yet."""
        self.clause += 1
        self.clause_at = at
        self.clause_from = len(self.mentions)
        self.negated = self.doubted = self.asked = self.verb = self.verb_before = False
        self.commas = 0
        self.questioned = len(self.mentions)

    def polarity(self) -> Polarity | None:
        """Return what the cues before say of a finding named here."""
        if self.asked:
            return None
        return "absent" if self.negated else "uncertain" if self.doubted else "present"

    def deny_kind(self, kind: str) -> None:
        """Take what the statement called by this kind so far for none."""
        for mention in self.mentions[self.clause_from :]:
            if mention.kind == kind and mention.polarity is not None:
                mention.polarity = "absent"

    def reach_back(self, polarity: Polarity, gone: bool = False, last: bool = False) -> bool:
        """Give `polarity` to every mention of the statement, or since its last comma; False when there is none."""
        reached = self.mentions[max(self.clause_from, self.comma_from if last else 0) :]
        for mention in reached:
            if mention.polarity is not None:
                mention.polarity, mention.gone = polarity, gone
        self.clause_from = len(self.mentions) if reached else self.clause_from
        return bool(reached)

    def names_any(self) -> bool:
        """Return whether the statement has named a finding or anatomy so far."""
        return any(mention.kind in KINDS for mention in self.mentions[self.clause_from :])

    def unassess(self) -> None:
        """Take what the statement named so far for nothing: "calcifications cannot be assessed"."""
        for mention in self.mentions[self.clause_from :]:
            mention.polarity = None

    def settle_questioned(self, polarity: Polarity) -> bool:
        """Give `polarity` to what was only said to be questioned, suspected or possible; False when nothing was."""
        reached = self.mentions[self.questioned : self.clause_from]
        for mention in reached:
            if mention.polarity == "uncertain":
                mention.polarity = polarity
        self.questioned = len(self.mentions)
        return bool(reached)

    def of_diagnosis(self, position: int) -> bool:
        """Return whether what `position` stands behind is a diagnosis, and no finding was named since."""
        if not self.clause_at < self.diagnosed_at >= position - _NEAR or "," in self.text[self.diagnosed_at : position]:
            return False
        if not self.mentions:
            return True
        end = self.mentions[-1].end
        return end <= self.diagnosed_at and not _JOINED.match(self.text, end)


def names_a_diagnosis(state: State, match: re.Match[str]) -> bool:
    """Return whether "lesion" only names what calcification, distortion or asymmetry is taken for, or a category."""
    in_plural = match[0] == "lesions" or (match[0] == "lesion" and state.negated)
    if in_plural and _CATEGORY_BEFORE.search(state.text, max(0, match.start() - 60), match.start()):
        return True
    return (
        match[0].startswith("lesion")
        and lexicon.A_DIAGNOSIS.search(state.text, max(0, match.start() - 80), match.start()) is not None
        and any(mention.kind in _SIGNS for mention in state.mentions)
        and not any(mention.kind == "mass" and mention.polarity != "absent" for mention in state.mentions)
    )


def _general(match: re.Match[str]) -> bool:
    """Return whether a finding is neither anatomy nor said of it, nor a node."""
    return match.lastgroup not in (*ANATOMY, "abnormal", "lymph_node")


def is_presupposed(state: State, match: re.Match[str]) -> bool:
    """Return whether something else was denied of this finding: "no calcification in the mass", "no cause of it"."""
    if state.negated and lexicon.PROPERTY_OF.search(
        state.text, max(state.denied_at, match.start() - 60, 0), match.start()
    ):
        return True
    if state.asked and lexicon.IF_THE.search(state.text, max(0, match.start() - 60), match.start()):
        return True
    if (
        state.negated
        and match.lastgroup == "abnormal"
        and lexicon.BEHIND_THE.search(state.text, max(state.denied_at, match.start() - 20, 0), match.start())
    ):
        return match[0].endswith("ed") and len(state.mentions) > state.clause_from
    if (
        state.negated
        and _general(match)
        and (
            denial_reach.DENIED_OF_THE.fullmatch(state.text, max(state.denied_from, 0), match.start())
            or (
                denial_reach.BEHIND_A_DENIAL.fullmatch(state.text, max(state.denied_at, 0), match.start())
                and denial_reach.GOES_ON_AS_SUBJECT.match(state.text, match.end(), state.end)
            )
        )
    ):
        return True
    before = max(state.denied_at, match.start() - 80, 0)
    if state.negated and lexicon.EXPLAINED_BY_NOTHING.search(state.text, before, match.start()):
        return True
    return (
        state.negated
        and _general(match)
        and any(mention.kind in KINDS for mention in state.mentions[state.clause_from :])
        and lexicon.OF_THE_ONE_THERE.search(state.text, max(0, match.start() - 60), match.start()) is not None
    )


def of_a_property(state: State, position: int) -> bool:
    """Return whether what is denied is something of a finding: "the borders of the mass are not seen"."""
    if state.mentions and lexicon.ITS_PROPERTY.fullmatch(state.text, state.mentions[-1].end, position):
        return True
    if len(state.mentions) <= state.clause_from:
        return False
    first = state.mentions[state.clause_from].start
    return lexicon.PROPERTY_OF.search(state.text, max(state.clause_at, first - 80), first) is not None


def excepts(state: State, match: re.Match[str]) -> bool:
    """Return whether some of the kind named last are there after all: "no calcification other than vascular"."""
    if match[0] == "but" and not lexicon.BUT_ONES.match(state.text, match.end(), state.end):
        return False
    if not state.mentions or match[0].startswith(("how", "alth", "tho", "wh", "des", "there")):
        return False
    excepted = lexicon.EXCEPTED.match(state.text, match.end(), state.end)
    if excepted is None or state.mentions[-1].kind not in KINDS or state.mentions[-1].kind in ANATOMY:
        return False
    following = (event.lastgroup for event in lexicon.EVENTS.finditer(state.text, excepted.start(), excepted.end()))
    return not any(event in KINDS for event in following)


def seen_all_the_same(state: State, match: re.Match[str]) -> bool:
    """Return whether what one method doesn't show is there: "fails to show the mass, which is seen on US"."""
    if match[0] != "which" or not state.mentions or state.mentions[-1].kind not in KINDS:
        return False
    last = state.mentions[-1]
    known = lexicon.KNOWN_ONE.search(state.text, max(0, last.start - 40), last.start)
    return known is not None and denial_reach.IS_SEEN.match(state.text, match.end(), state.end) is not None


def ends_exception(state: State, position: int) -> bool:
    """Return whether a comma ends the exception that a statement began with: "except for a cyst, the breasts ..."."""
    return (
        denial_reach.LEADING_EXCEPTION.match(state.text, state.clause_at, state.end) is not None
        and denial_reach.SUBJECT_OF_ITS_OWN.match(state.text, position, state.end) is not None
    )


def denied_subject(state: State, position: int) -> bool:
    """Return whether what "shows" stands behind is denied itself: "neither view shows a mass"."""
    between = state.text[state.denied_at : position]
    return state.negated and len(between.split()) <= _SUBJECT and "," not in between


def of_anatomy(state: State, position: int) -> bool:
    """Return whether "which" goes on about anatomy right before it: "the pectoral muscle, which is not invaded"."""
    last = state.mentions[-1] if state.mentions else None
    return last is not None and last.kind in ANATOMY and not state.text[last.end : position].strip(" ,")


def predicate_follows(state: State, position: int) -> bool:
    """Return whether "and" goes on with what is said of anatomy: "appear symmetric and normal"."""
    if not state.mentions or state.mentions[-1].kind not in (*ANATOMY, "lymph_node", "normal", "abnormal"):
        return False
    said = lexicon.NOW_APPEARS.match(state.text, position, state.end)
    following = lexicon.EVENTS.match(state.text, said.end() if said else position + 1, state.end)
    return following is not None and following.lastgroup in ("normal", "abnormal")


def before_a_noun(state: State, position: int) -> bool:
    """Return whether "stable" and its like describe what follows: "skin: stable mild thickening"."""
    following = lexicon.EVENTS.search(state.text, position, min(state.end, position + 60))
    return following is not None and following.lastgroup in (*KINDS, "abnormal")


def goes_on(state: State, position: int, comma: bool) -> bool:
    """Return whether a list that is denied after a verb ("has no mass, calcification or distortion") goes on."""
    if comma:
        return denial_reach.LIST_GOES_ON.match(state.text, position, state.end) is not None
    following = lexicon.EVENTS.match(state.text, position + 1, state.end)
    return following is not None and following.lastgroup in KINDS


def is_elsewhere(state: State, position: int) -> bool:
    """Return whether what follows is of the other side: "no mass on the left, calcification ..."."""
    before = SIDE_WORD.findall(state.text, max(0, state.denied_at), position)
    after = SIDE_WORD.search(state.text, position, min(state.end, position + 100))
    return bool(before) and after is not None and after["side"][0] != before[-1][0]


def begins_unmarked(state: State, event: str, match: re.Match[str]) -> bool:
    """Return whether a statement begins without a mark: "no mass few calcifications", "... right breast ..."."""
    named = bool(state.mentions) and state.mentions[-1].start > state.denied_at
    if event == "onset":
        return state.negated and named
    heading, state.heading = state.heading, match[0][0]
    if match.start() <= 1:
        return False
    return heading not in ("", match[0][0]) and not state.text[state.clause_at : match.start()].endswith((":", ": "))


def affirms(state: State, position: int, comma: bool) -> bool:
    """Return whether what follows a comma or "and" in a negated list states something instead of denying on."""
    if denial_reach.NEW_STATEMENT.match(state.text, position, state.end):
        return True
    if denial_reach.NEW_SUBJECT.match(state.text, position, state.end):
        return True
    if denial_reach.AS_BEFORE.match(state.text, position, state.end) or denial_reach.OF_ITS_OWN.match(
        state.text, position, state.end
    ):
        return True
    if denial_reach.DISTORTS.match(state.text, position) and denial_reach.WITHOUT_A_CENTRE.search(
        state.text, state.clause_at, position
    ):
        return True
    if not comma or state.commas > 1:
        return False
    stop = state.text.find(",", position, min(state.end, position + 200))
    if stop >= 0:
        return False
    rest = state.text[position : min(state.end, position + 200)]
    return denial_reach.FINITE.search(rest) is not None and denial_reach.LISTED.search(rest) is None

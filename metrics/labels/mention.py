"""One naming of a kind of finding in a sentence, with its polarity."""

from dataclasses import dataclass
from typing import Literal

Polarity = Literal["present", "absent", "uncertain"]


@dataclass(slots=True)
class Mention:
    """One naming of a kind of finding, or one describing word ("normal", "abnormal").

    Attributes:
        kind: one of `KINDS`, or "normal" or "abnormal".
        start, end: character offsets in the normalised text.
        polarity: what the cues around it say; None when it is only asked for ("to rule out a mass") or has no say.
        clause: the number of its statement within the sentence.
        denied: whether a describing word is denied ("not normal").
        lesion: whether it is a lesion of the skin, which counts where nothing else is said of the skin.
        gone: whether it is absent because it was taken for something else, or went away.
    """

    kind: str
    start: int
    end: int
    polarity: Polarity | None
    clause: int
    denied: bool = False
    lesion: bool = False
    gone: bool = False

"""Guesses of how a report goes on, from reports that are known: many tokens are checked at a time instead of written.

Reports of one hospital repeat each other, and what a model learnt from them repeats them too. So the tokens that
followed the same words before are put to the model at once, and those that it would have written itself stay: the text
is the same, and takes a forward pass for each guess that is wrong, not for each token. This is speculative decoding
(Leviathan et al. 2023) with texts in place of a smaller model, as in REST (He et al. 2024) and in transformers' prompt
lookup.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from backbones.errors import UserError

if TYPE_CHECKING:
    from backbones.base import Backbone

MOST = 8
"""Tokens that are guessed at a time at most."""
CONTEXTS = (8, 3, 1)
"""How many tokens a guess follows, the longest that is known first. A text that is shorter is known from its start."""


class Drafts:
    """What followed which tokens: at first in known texts, then in what is written. What was seen last counts.

    Args:
        known: token ids of texts, each with the token that ends it.
        end: that token.
    """

    def __init__(self, known: Iterable[Sequence[int]], end: int) -> None:
        self.end = end
        self._next: dict[int, dict[tuple[int, ...], int]] = {length: {} for length in CONTEXTS}
        for text in known:
            for place in range(len(text)):
                self._learn(text[max(0, place - CONTEXTS[0]) : place], text[place])

    @classmethod
    def of(cls, backbone: "Backbone", known: Iterable[str]) -> Self:
        """Return guesses from known reports, but those that the backbone's tokenizer can't write."""
        texts = []
        for report in dict.fromkeys(known):
            with suppress(UserError):
                texts.append(backbone.report_tokens(report))
        return cls(texts, backbone.end)

    def guess(self, text: Sequence[int], most: int) -> list[int]:
        """Return tokens that may follow a text, at most so many, and none behind the one that ends it."""
        recent = list(text[-CONTEXTS[0] :])
        guessed: list[int] = []
        while len(guessed) < most:
            for length, seen in self._next.items():
                token = seen.get(tuple(recent[-length:]))
                if token is not None:
                    break
            else:
                break
            guessed.append(token)
            if token == self.end:
                break
            recent.append(token)
        return guessed

    def learn(self, text: Sequence[int]) -> None:
        """Remember that a text's last token followed those before it."""
        self._learn(text[-CONTEXTS[0] - 1 : -1], text[-1])

    def _learn(self, before: Sequence[int], token: int) -> None:
        for length, seen in self._next.items():
            seen[tuple(before[-length:])] = token

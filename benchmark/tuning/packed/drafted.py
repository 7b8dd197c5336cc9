"""The decoding loop that checks guesses: see `benchmark.tuning.packed.drafts`.

Each pass takes a row's last token and the guesses that follow it. Guesses are right as far as each is what the model
gives after the one before; the model's own next token comes after them. Keys and values of wrong guesses stay where
they are in the cache and are masked out, as the padding of a shorter prompt is, so positions go on by what was written.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from backbones.private.generation import GenerationState, guessed_inputs, select_rows
from benchmark.tuning.packed.drafts import CONTEXTS, MOST, Drafts
from benchmark.tuning.packed.layers import PackedLayers
from benchmark.tuning.packed.rows import staying

ROOM = 64
"""Tokens of wrong guesses that the cache has room for; behind them, tokens are written one by one."""


class DraftedWriting:
    """What is written by rows that are ordered by trial, the same number each, after their first token.

    Args:
        model: with the pack's layers installed.
        layers: of the pack; None where there are no adapters, and all rows are of one trial.
        drafts: guesses; what is written is learnt.
        limit: tokens of a report at most.
    """

    def __init__(self, model: PreTrainedModel, layers: PackedLayers | None, drafts: Drafts, limit: int) -> None:
        self.model = model
        self.layers = layers
        self.drafts = drafts
        self.limit = limit

    def __call__(self, first: Tensor, state: GenerationState) -> list[list[int]]:
        """Return the token ids of each row, the one that ends it among them.

        Args:
            first: each row's first token, [rows].
            state: of `generate` after it was chosen: keys and values of the prompt, with room for `limit` and `ROOM`
                tokens more; mask over all of them, [rows, prompt]; positions of the first tokens, [..., rows, 1].
        """
        texts = [[token] for token in first.tolist()]
        rows, trials = list(range(len(texts))), len(self.layers.stacks) if self.layers else 1
        width, room = MOST, self.limit + ROOM
        while going := [place for place, row in enumerate(rows) if self._goes_on(texts[row])]:
            left = self.limit - min(len(texts[rows[place]]) for place in going)
            # A pass for each token that is left always has room.
            width = max(0, min(width, left - 1, room - left))
            guesses = [[self.drafts.end] * width for _ in rows]
            made: dict[tuple[int, ...], list[int]] = {}  # many rows stand at the same words
            for place in going:
                recent = tuple(texts[rows[place]][-CONTEXTS[0] :])
                if recent not in made:
                    made[recent] = self.drafts.guess(recent, width)
                guesses[place][: len(made[recent])] = made[recent]
            last = torch.tensor([[texts[row][-1], *guess] for row, guess in zip(rows, guesses, strict=True)])
            chosen = self._pass(last.to(first.device), state)
            room -= width + 1
            right = [0] * len(rows)
            for place in going:
                right[place] = self._add(texts[rows[place]], guesses[place], chosen[place])
            _go_on(state, torch.tensor(right, device=first.device), width)
            width = min(MOST, max(1, -(-2 * sum(right) // len(going))))
            still = torch.tensor([self._goes_on(texts[row]) for row in rows])
            if still.any() and (stay := staying(still.view(trials, -1))):
                kept, active = stay
                rows = [rows[place] for place in kept.tolist()]
                state = select_rows(state, kept.to(first.device))
                if self.layers and len(active) < trials:
                    self.layers.keep(active)
                    trials = len(active)
        return texts

    def _goes_on(self, text: Sequence[int]) -> bool:
        return text[-1] != self.drafts.end and len(text) < self.limit

    def _pass(self, tokens: Tensor, state: GenerationState) -> list[list[int]]:
        """Return the token that the model gives after each of these, [rows, tokens]."""
        outputs = self.model(**guessed_inputs(self.model, tokens, state), return_dict=True)
        # A token at a time, in 32-bit numbers: as `generate` decides ties, and without a second copy of all logits.
        columns = range(-tokens.shape[1], 0)
        return torch.stack([outputs.logits[:, at].float().argmax(dim=-1) for at in columns], dim=1).tolist()

    def _add(self, text: list[int], guess: Sequence[int], chosen: Sequence[int]) -> int:
        """Add the guesses that are right and the token after them; return how many were."""
        right = 0
        for token, guessed in zip(chosen, [*guess, None], strict=True):
            text.append(token)
            if token != guessed or not self._goes_on(text):
                break
            right += 1
        self.drafts.learn(text)
        return right


def _go_on(state: GenerationState, right: Tensor, width: int) -> None:
    """Mask the guesses that were wrong, and go on behind those that were right.

    Args:
        state: after a pass of `width` guesses; its mask covers them.
        right: guesses that were, [rows].
        width: guesses of a row.
    """
    mask = state["attention_mask"]
    mask[:, mask.shape[1] - width :] = (torch.arange(width, device=right.device) < right[:, None]).to(mask.dtype)
    state["position_ids"] = state["position_ids"] + (right + 1)[:, None]

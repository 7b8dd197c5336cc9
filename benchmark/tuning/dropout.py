"""Dropout for a pack: each trial draws the masks that it would draw alone."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor
from torch.nn import functional

from benchmark.tuning.protocol import Piece


class Streams:
    """A stream of random numbers a trial, and masks drawn from it in the order that peft's layers ask for them.

    A mask's values depend on the number and order of the values drawn and on the device's way of drawing them, so
    each is drawn by PyTorch's own dropout, on a tensor of the shape that the trial's batch has when it runs alone.

    Args:
        probability: of a zero.
        device: where masks are needed.
    """

    def __init__(self, probability: float, device: torch.device) -> None:
        self.probability = probability
        self.device = device
        self.states: list[Tensor] = []
        self.sizes: list[tuple[int, int]] = []
        self.first = 0
        self.before: dict[str, list[Tensor]] = {}

    def seed(self, seeds: Sequence[int]) -> None:
        """Begin an optimiser step: the seed of each trial's stream."""
        self.states = []
        with self._fork():
            for seed in seeds:
                torch.manual_seed(seed)
                self.states.append(self._state())

    def begin(self, sizes: Sequence[tuple[int, int]]) -> None:
        """Begin a micro-batch: (rows, tokens) that each trial's batch has when it runs alone."""
        self.sizes = list(sizes)
        self.first = 0
        self.before = {}

    def go_on(self, first: int) -> None:
        """Go on with the same micro-batch from its row `first`, where not all rows go through the model at once."""
        self.first = first

    def draw(self, layer: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return factors for an input of all trials, [trials · rows, tokens, in]: 0, or 1 / (1 − probability).

        Masks are drawn for the whole micro-batch, of which the input holds the rows from `first` on. Rows and tokens
        that only fill up the pack get zeros. A layer that asks again within a micro-batch, because
        its activations are computed anew for the backward pass, gets the same mask again.
        """
        again = layer in self.before
        states = self.before.setdefault(layer, list(self.states))
        factors = torch.zeros(len(self.states), shape[0] // len(self.states), *shape[1:], dtype=dtype,
                              device=self.device)  # fmt: skip
        with self._fork():
            for trial, (rows, tokens) in enumerate(self.sizes):
                if rows == 0:
                    continue
                self._set(states[trial])
                ones = torch.ones(rows, tokens, shape[-1], dtype=dtype, device=self.device)
                mask = functional.dropout(ones, self.probability)[self.first :][: factors.shape[1], : shape[1]]
                factors[trial, : mask.shape[0], : mask.shape[1]] = mask
                if not again:
                    self.states[trial] = self._state()
        return factors.view(shape)

    def _fork(self) -> AbstractContextManager[None]:
        """Let the caller's own random numbers go on as if nothing had been drawn."""
        return torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else [])

    def _state(self) -> Tensor:
        return torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else torch.get_rng_state()

    def _set(self, state: Tensor) -> None:
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state, self.device)
        else:
            torch.set_rng_state(state)


def masked(piece: Piece, lengths: Sequence[int], prompt: int) -> tuple[int, int]:
    """Return rows and tokens of the batch that dropout's masks are drawn for, of a trial alone.

    Args:
        piece: of the trial's step.
        lengths: tokens of each report.
        prompt: tokens of the prompt.
    """
    return len(piece.micro_batch), prompt + max((lengths[i] for i in piece.micro_batch), default=0)

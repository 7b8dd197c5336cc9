"""Dropout for a pack: each trial draws the masks that it would draw alone."""

from collections.abc import Container, Sequence
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
        probabilities: of a zero, of each trial; 0 where it has no dropout, and draws nothing.
        device: where masks are needed.
        adapted: names of the layers that each trial adapts; None where all of them adapt all.
    """

    def __init__(
        self,
        probabilities: Sequence[float],
        device: torch.device,
        adapted: Sequence[Container[str]] | None = None,
    ) -> None:
        self.probabilities = list(probabilities)
        self.device = device
        self.adapted = adapted
        self.states: list[Tensor] = []
        self.sizes: list[tuple[int, int]] = []
        self.first = 0
        self.before: dict[str, list[Tensor]] = {}

    def seed(self, seeds: Sequence[int]) -> None:
        """Begin an optimiser step: the seed of each trial's stream."""
        self.states = []
        with self.forked():
            for seed in seeds:
                torch.manual_seed(seed)
                self.states.append(self.state())

    def begin(self, sizes: Sequence[tuple[int, int]]) -> None:
        """Begin a micro-batch: (rows, tokens) that each trial's batch has when it runs alone."""
        self.sizes = list(sizes)
        self.first = 0
        self.before = {}

    def go_on(self, first: int) -> None:
        """Go on with the same micro-batch from its row `first`, where not all rows go through the model at once."""
        self.first = first

    def mask(self, layer: str, shape: tuple[int, ...], dtype: torch.dtype) -> "Mask":
        """Return the mask of an input of all trials, [trials · rows, tokens, in].

        A layer that asks again within a micro-batch, because its activations are computed anew for the backward pass,
        gets the same mask again.
        """
        again = layer in self.before
        states = self.before.setdefault(layer, list(self.states))
        drawing = [self.draws(trial, layer) for trial in range(len(states))]
        return Mask(self, states, drawing, self.sizes, self.first, shape, dtype, again)

    def draws(self, trial: int, layer: str) -> bool:
        """Return whether a trial alone would draw a mask for the named layer."""
        adapts = self.adapted is None or layer in self.adapted[trial]
        return adapts and self.probabilities[trial] > 0

    def forked(self) -> AbstractContextManager[None]:
        """Let the caller's own random numbers go on as if nothing had been drawn."""
        return torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else [])

    def state(self) -> Tensor:
        """Return the state of the device's generator."""
        return torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else torch.get_rng_state()

    def set_state(self, state: Tensor) -> None:
        """Put the device's generator into a state."""
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state, self.device)
        else:
            torch.set_rng_state(state)


class Mask:
    """Dropout's factors for one input: drawn anew, and alike, each time they are asked for.

    So that the backward pass can have them without their being kept: what is kept is each stream's state.

    Args:
        streams: that they are drawn from, which the first drawing moves on.
        states: of each trial's stream before it.
        drawing: which trials draw; those that don't, see their input as it is.
        sizes: (rows, tokens) of each trial's micro-batch.
        first: row of the micro-batch that the input begins with.
        shape: of the input.
        dtype: that they are drawn in.
        moved: whether the streams have moved on already.
    """

    def __init__(
        self,
        streams: Streams,
        states: Sequence[Tensor],
        drawing: Sequence[bool],
        sizes: Sequence[tuple[int, int]],
        first: int,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        moved: bool,
    ) -> None:
        self.streams = streams
        self.states = states
        self.drawing = drawing
        self.sizes = sizes
        self.first = first
        self.shape = shape
        self.dtype = dtype
        self.moved = moved

    def times(self, *pairs: tuple[Tensor, Tensor]) -> None:
        """Multiply tensors of the input's shape by the factors, 0 or 1 / (1 − probability), which are drawn once.

        They are drawn for the whole micro-batch, of which the input holds the rows from `first` on. Rows and tokens
        that only fill up the pack get zeros. A trial's are drawn at a time, so that no more of them is in memory: in 32
        bits all would be twice the widest input. A product is rounded once, to the format of what it goes into.

        Args:
            pairs: each tensor, and where its product goes; that may be the tensor itself, and has no gaps.
        """
        shape = (len(self.states), self.shape[0] // len(self.states), *self.shape[1:])
        parts = [(x.reshape(shape), into.view(shape)) for x, into in pairs]
        with self.streams.forked():
            for trial, draws in enumerate(self.drawing):
                if not draws:
                    for x, into in parts:
                        into[trial].copy_(x[trial])
                    continue
                part = self._drawn(trial)[self.first :][: shape[1], : shape[2]]
                rows, tokens = part.shape[:2]
                for x, into in parts:
                    torch.mul(x[trial, :rows, :tokens], part, out=into[trial, :rows, :tokens])
                    into[trial, rows:].zero_()
                    into[trial, :rows, tokens:].zero_()
            self.moved = True

    def _drawn(self, trial: int) -> Tensor:
        """Return factors of a trial's whole micro-batch; where it has no rows, nothing is drawn."""
        rows, tokens = self.sizes[trial]
        streams = self.streams
        if rows == 0:
            return torch.empty(0, tokens, self.shape[-1], dtype=self.dtype, device=streams.device)
        streams.set_state(self.states[trial])
        ones = torch.ones(rows, tokens, self.shape[-1], dtype=self.dtype, device=streams.device)
        mask = functional.dropout(ones, streams.probabilities[trial])
        if not self.moved:
            streams.states[trial] = streams.state()
        return mask


def masked(piece: Piece, lengths: Sequence[int], prompt: int) -> tuple[int, int]:
    """Return rows and tokens of the batch that dropout's masks are drawn for, of a trial alone.

    Args:
        piece: of the trial's step.
        lengths: tokens of each report.
        prompt: tokens of the prompt.
    """
    return len(piece.micro_batch), prompt + max((lengths[i] for i in piece.micro_batch), default=0)

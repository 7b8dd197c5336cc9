"""The adapters of a pack as stacks: one tensor a module for all trials, zero-padded to a common rank.

A trial's parameters lie in one row of a flat buffer, its gradients in a row of another, so that clipping and AdamW
touch each trial by one operation, whatever the number of modules.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

SMALL = 8
"""Ranks up to here are padded to a common rank: a product that thin takes no longer for it."""


@dataclass(frozen=True)
class Band:
    """Neighbouring trials of a pack that are padded to one rank.

    Attributes:
        first, last: the trials, as a half-open range.
        rank: what they are padded to.
    """

    first: int
    last: int
    rank: int

    @property
    def trials(self) -> slice:
        """For indexing a dimension of trials."""
        return slice(self.first, self.last)


def bands(ranks: Sequence[int]) -> list[Band]:
    """Return trials of ascending rank in bands: padded at most to twice their rank, or to 8.

    More bands would save padding and cost launches.
    """
    if list(ranks) != sorted(ranks):
        raise ValueError("trials of a pack have to come in ascending rank")
    result: list[Band] = []
    last = len(ranks)
    while last:
        rank = ranks[last - 1]
        first = last
        while first and (2 * ranks[first - 1] >= rank or rank <= SMALL):
            first -= 1
        result.append(Band(first, last, rank))
        last = first
    return result[::-1]


class Stacks:
    """A and B of every module for all trials of a pack.

    Args:
        shapes: module → (in, out).
        ranks: of each trial, ascending.
        scales: what B A is multiplied by, of each trial.
        adapted: modules that each trial adapts; None where all of them adapt all. The others' A and B are 0, and stay
            so: their gradients vanish.
        dtype, device: of the parameters.
        trained: whether gradients are wanted.

    Attributes:
        down: module → one [trials, rank, in] leaf a band: LoRA's A.
        up: module → one [trials, rank, out] leaf a band: LoRA's B, transposed, so that padding is the last rows.
        flat, gradients: one [trials, parameters] buffer a band, which the leaves and their gradients are views of.
        scales: [trials, 1, 1].
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, int]],
        ranks: Sequence[int],
        scales: Sequence[float],
        *,
        dtype: torch.dtype,
        device: torch.device,
        trained: bool = True,
        adapted: Sequence[Container[str]] | None = None,
    ) -> None:
        self.shapes = dict(shapes)
        self.ranks = list(ranks)
        self.bands = bands(ranks)
        self.scales = torch.tensor(scales, dtype=dtype, device=device).view(-1, 1, 1)
        self.trained = trained
        self.adapted = adapted
        self.down: dict[str, list[nn.Parameter]] = {name: [] for name in shapes}
        self.up: dict[str, list[nn.Parameter]] = {name: [] for name in shapes}
        width = sum(inputs + outputs for inputs, outputs in shapes.values())
        self.flat = [torch.zeros(b.last - b.first, b.rank * width, dtype=dtype, device=device) for b in self.bands]
        self.gradients = [torch.zeros_like(flat) for flat in self.flat] if trained else []
        for number, band in enumerate(self.bands):
            for name, down, up in self._parts(self.flat[number], band):
                self.down[name].append(nn.Parameter(down, requires_grad=trained))
                self.up[name].append(nn.Parameter(up, requires_grad=trained))
            if trained:
                for name, down, up in self._parts(self.gradients[number], band):
                    self.down[name][number].grad = down
                    self.up[name][number].grad = up

    def __len__(self) -> int:
        return len(self.ranks)

    def _parts(self, flat: Tensor, band: Band) -> list[tuple[str, Tensor, Tensor]]:
        """Return (module, A [trials, rank, in], B transposed [trials, rank, out]), views of a flat buffer."""
        parts, start = [], 0
        for name, (inputs, outputs) in self.shapes.items():
            middle, end = start + band.rank * inputs, start + band.rank * (inputs + outputs)
            down = flat[:, start:middle].unflatten(1, (band.rank, inputs))
            up = flat[:, middle:end].unflatten(1, (band.rank, outputs))
            parts.append((name, down, up))
            start = end
        return parts

    def place(self, trial: int) -> tuple[int, int]:
        """Return the band of a trial, and its row there."""
        number = next(n for n, band in enumerate(self.bands) if trial < band.last)
        return number, trial - self.bands[number].first

    def weights(self, trial: int, flat: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
        """Return a trial's own A [rank, in] and B [out, rank] under peft's names, without padding, as views.

        Modules that the trial doesn't adapt are left out.

        Args:
            trial: its place in the pack.
            flat: buffers laid out like the parameters, e.g. AdamW's moments; None for the parameters.
        """
        number, row = self.place(trial)
        rank = self.ranks[trial]
        weights = {}
        for name, down, up in self._parts((self.flat if flat is None else flat)[number], self.bands[number]):
            if self.adapted is not None and name not in self.adapted[trial]:
                continue
            weights[f"{name}.lora_A.weight"] = down[row, :rank]
            weights[f"{name}.lora_B.weight"] = up[row, :rank].T
        return weights

    @torch.no_grad()
    def fill(self, trial: int, weights: Mapping[str, Tensor], flat: Sequence[Tensor] | None = None) -> None:
        """Copy a trial's weights into its place; see `weights`."""
        for name, place in self.weights(trial, flat).items():
            place.copy_(weights[name])

    def padding(self, trial: int) -> Tensor:
        """Return everything of a trial that is padding, modules that it doesn't adapt among it, as one vector."""
        number, row = self.place(trial)
        parts = self._parts(self.flat[number], self.bands[number])
        own = [self.ranks[trial] if self.adapted is None or name in self.adapted[trial] else 0 for name, *_ in parts]
        pairs = zip(parts, own, strict=True)
        return torch.cat([part[row, first:].flatten() for (_, *pair), first in pairs for part in pair])

    def selected(self, trials: Sequence[int]) -> Self:
        """Return new stacks of some of the trials, in the same order, to write with."""
        chosen = type(self)(
            self.shapes,
            [self.ranks[t] for t in trials],
            [float(self.scales[t]) for t in trials],
            dtype=self.flat[0].dtype,
            device=self.flat[0].device,
            trained=False,
            adapted=None if self.adapted is None else [self.adapted[t] for t in trials],
        )
        for place, trial in enumerate(trials):
            chosen.fill(place, self.weights(trial))
        return chosen

"""Which rows of a batch stay in it while others have ended."""

from collections.abc import Sequence

import torch
from torch import Tensor

SHARE = 0.85
"""Rows that have ended leave the batch as soon as it shrinks to this share of itself: leaving copies the cache."""


def staying(going: Tensor, active: Sequence[int], width: int) -> Tensor:
    """Return rows that stay in the batch: of each active trial those that go on, filled up to `width` with ended ones.

    Args:
        going: which rows go on, [trials, rows].
        active: trials with any such row.
        width: rows that each of them keeps.
    """
    rows = torch.argsort((~going[list(active)]).to(torch.uint8), dim=1, stable=True)[:, :width]
    starts = torch.tensor(active, device=going.device)[:, None] * going.shape[1]
    return (rows.sort(dim=1).values + starts).flatten()

"""Which rows of a batch stay in it while others have ended."""

import torch
from torch import Tensor

SHARE = 0.85
"""Rows that have ended leave the batch as soon as it shrinks to this share of itself: leaving copies the cache."""


def staying(going: Tensor) -> tuple[Tensor, list[int]] | None:
    """Return the rows that stay in the batch, and the trials that they are of; None where all stay.

    Of each trial with rows that go on these stay, filled up with ended ones to as many as the trial has that has most.

    Args:
        going: which rows go on, [trials, rows]; at least one.
    """
    active = going.any(dim=1).nonzero().flatten().tolist()
    width = int(going.sum(dim=1).max())
    if len(active) * width > SHARE * going.numel():
        return None
    rows = torch.argsort((~going[active]).to(torch.uint8), dim=1, stable=True)[:, :width]
    starts = torch.tensor(active, device=going.device)[:, None] * going.shape[1]
    return (rows.sort(dim=1).values + starts).flatten(), active

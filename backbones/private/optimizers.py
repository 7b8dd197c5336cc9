"""The state of torch's AdamW."""

from collections.abc import Mapping

import torch
from torch import Tensor


def adamw_state(steps: int, first: Tensor, second: Tensor, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Return the state that AdamW keeps of a parameter after some steps.

    Args:
        steps: taken.
        first, second: the moments; used as they are, not copied.
        device: of the count of steps: the parameter's where the optimiser is fused.
    """
    return {"step": torch.tensor(float(steps), device=device), "exp_avg": first, "exp_avg_sq": second}


def adamw_moments(state: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the first and the second moment of a parameter's state."""
    return state["exp_avg"], state["exp_avg_sq"]

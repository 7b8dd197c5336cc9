"""AdamW over a pack: learning rate, decay, clipping and moments are a trial's own.

Each trial is one flat parameter of PyTorch's own fused AdamW, so a step of it is one operation a trial.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from backbones.private.optimizers import adamw_state
from benchmark.tuning.packed.stacks import Stacks


class PackedAdamW:
    """`torch.optim.AdamW` (arXiv 1711.05101) with one parameter group a trial.

    Args:
        stacks: whose parameters and gradients.
        decays: weight decay of each trial.
        clippings: the norm that each trial's gradient is clipped to; 0 for none.
        steps: steps already taken.

    Attributes:
        first, second: the moments, laid out like `stacks.flat`.
    """

    def __init__(self, stacks: Stacks, decays: Sequence[float], clippings: Sequence[float], *, steps: int = 0) -> None:
        self.stacks = stacks
        self.first = [torch.zeros_like(flat) for flat in stacks.flat]
        self.second = [torch.zeros_like(flat) for flat in stacks.flat]
        norms = [clipping or float("inf") for clipping in clippings]
        self.clippings = torch.tensor(norms, dtype=stacks.scales.dtype, device=stacks.scales.device)
        groups = []
        for trial, decay in enumerate(decays):
            band, row = stacks.place(trial)
            parameter = nn.Parameter(stacks.flat[band][row])
            parameter.grad = stacks.gradients[band][row]
            groups.append({"params": [parameter], "weight_decay": decay})
        self.optimizer = torch.optim.AdamW(groups, fused=True)
        for trial, group in enumerate(self.optimizer.param_groups):
            band, row = stacks.place(trial)
            # All state exists from the start: no step takes memory that the first did not.
            self.optimizer.state[group["params"][0]] = adamw_state(
                steps, self.first[band][row], self.second[band][row], stacks.scales.device
            )

    @torch.no_grad()
    def step(self, rates: Sequence[float]) -> Tensor:
        """Clip each trial's gradient, take a step at each trial's learning rate, and clear the gradients.

        Returns:
            The norm of each trial's gradient before clipping, [trials].
        """
        # Summed in float64: over a trial's one long row, float32 loses two digits that plain peft keeps, whose norm is
        # that of each tensor's norm.
        rows = [torch.linalg.vector_norm(gradient, dim=1, dtype=torch.float64) for gradient in self.stacks.gradients]
        norms = torch.cat(rows).to(self.clippings.dtype)
        shares = (self.clippings / (norms + 1e-6)).clamp(max=1.0)
        for band, gradient in zip(self.stacks.bands, self.stacks.gradients, strict=True):
            gradient.mul_(shares[band.trials, None])
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.optimizer.step()
        for gradient in self.stacks.gradients:
            gradient.zero_()
        return norms

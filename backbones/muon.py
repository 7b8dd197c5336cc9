"""Muon: momentum made orthogonal, for the weight matrices of small models.

Keller Jordan and others, "Muon: An optimizer for hidden layers in neural networks" (2024),
https://kellerjordan.github.io/posts/muon/. `torch.optim.Muon` computes in bfloat16, one matrix at a time, which a CPU
is slow at; this one computes in the matrices' own format, all matrices of a shape together.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration, as published: singular values end near 1, between about 0.7 and 1.2, after 5 steps."""
STEPS = 5


def orthogonal(matrices: Tensor) -> Tensor:
    """Return each matrix with its singular values brought near 1, by five steps of Newton and Schulz.

    Args:
        matrices: [n, rows, columns].
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    result = matrices.mT if tall else matrices
    result = result / result.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(STEPS):
        squared = result @ result.mT
        result = a * result + torch.baddbmm(b * squared, squared, squared, alpha=c) @ result
    return result.mT if tall else result


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal; an update of a matrix has the same size whatever its gradient.

    Args:
        parameters: matrices, [rows, columns] each.
        lr: learning rate; an update is scaled by √max(1, rows / columns), as published.
        momentum: of the running sum of gradients.
        weight_decay: decoupled, as in AdamW.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change every matrix that has a gradient."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape].append(parameter)
            for shape, parameters in alike.items():
                gradients = torch.stack([p.grad for p in parameters if p.grad is not None])
                sums = torch.stack([self.state[p].setdefault("sum", torch.zeros_like(p)) for p in parameters])
                sums.lerp_(gradients, 1 - group["momentum"])
                updates = orthogonal(gradients.lerp(sums, group["momentum"]))
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                for parameter, total, update in zip(parameters, sums, updates, strict=True):
                    self.state[parameter]["sum"] = total
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update, alpha=-group["lr"] * scale)

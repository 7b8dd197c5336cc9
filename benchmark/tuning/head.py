"""Head and cross-entropy in one, a part of the rows at a time, so that all logits are never held.

A row's loss depends on its own hidden state alone. So its gradient by that state can be computed while the row's logits
are there, and be multiplied in the backward pass by the one number that comes from above. What is kept is of the hidden
states' shape; a vocabulary of 262,144 makes logits a hundred times as wide.

How many rows are a part is a compromise. Each part reads the whole head (MedGemma's 1.3 GB), which few rows don't pay
for: Liger's kernel for the same, whose parts are 8 rows for MedGemma's reports, took 90 ms a trial and step on an H100
for what as one product takes 10. From some 300 rows on, arithmetic takes as long as reading.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from backbones.base import IGNORED
from backbones.private.heads import bound_of

PART_BYTES = 2**29
"""Of two of the tensors that are computed of a part of the rows, in 32-bit numbers: logits, and their logarithms of
probabilities."""


def rows_at_once(vocabulary: int) -> int:
    """Return how many rows are a part."""
    return max(1, PART_BYTES // (8 * vocabulary))


def part_of(text: Any) -> int:
    """Return the bytes that a part takes of a decoder of this configuration."""
    return scratch(text.vocab_size, capped=bound_of(text) is not None)


def scratch(vocabulary: int, *, capped: bool) -> int:
    """Return the bytes that a part takes while it is computed; where logits are `capped`, one more tensor is held."""
    return rows_at_once(vocabulary) * vocabulary * 4 * (3 if capped else 2)


class HeadLoss(torch.autograd.Function):
    """The cross-entropy of each row of hidden states with a frozen head, in float32."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, softcap: float | None
    ) -> Tensor:
        """Return the loss of each row.

        Args:
            ctx: autograd's.
            states: [rows, hidden], in the head's format.
            weight, bias: the head's, [vocabulary, hidden] and [vocabulary].
            targets: [rows]; rows whose target is `IGNORED` have a loss of 0.
            softcap: a bound that logits are squeezed into; None for none.
        """
        gradient = torch.empty_like(states) if ctx.needs_input_grad[0] else None
        losses = states.new_empty(len(states), dtype=torch.float32)
        size = rows_at_once(len(weight))
        for start in range(0, len(states), size):
            part = slice(start, start + size)
            into = None if gradient is None else gradient[part]
            losses[part] = _part(states[part], weight, bias, targets[part], softcap, into)
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Return the gradient by the hidden states; none by the frozen head."""
        [by_states] = ctx.saved_tensors
        # Multiplied in 32 bits: rounded to 16 the factor is off by up to 0.4 %, for all rows of a trial alike.
        back = torch.mul(by_states, gradient.unsqueeze(1), out=torch.empty_like(by_states))
        return back, None, None, None, None


def _part(
    states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, softcap: float | None, into: Tensor | None
) -> Tensor:
    """Return the losses of a part; put their gradients by the hidden states `into` a tensor, where one is given.

    Of a logit it is its probability, less 1 where it is the target's; times that of the bound where there is one.
    """
    logits = functional.linear(states, weight, bias).float()
    squeezed = None
    if softcap is not None:
        squeezed = logits.div_(softcap).tanh_()
        logits = squeezed * softcap
    logarithms = functional.log_softmax(logits, dim=-1)
    del logits
    learned = targets != IGNORED
    places = torch.where(learned, targets, 0).unsqueeze(1)
    chosen = logarithms.gather(1, places)
    if into is not None:
        by_logits = logarithms.exp_()
        by_logits.scatter_(1, places, chosen.exp() - 1)
        if squeezed is not None:
            by_logits.mul_(squeezed.square_().neg_().add_(1))
        torch.mm(by_logits.to(weight.dtype), weight, out=into)
        into.mul_(learned.unsqueeze(1))
    return torch.where(learned, -chosen.squeeze(1), 0.0)

"""Muon: PyTorch's own, which rounds to bfloat16, and the singular values are the references."""

import pytest
import torch
from torch import nn

from backbones.muon import Muon, orthogonal

pytestmark = pytest.mark.numeric

SHAPES = ((64, 64), (64, 64), (96, 48), (48, 96))


def test_singular_values_end_near_one() -> None:
    torch.manual_seed(0)
    for rows, columns in SHAPES:
        left, _, right = torch.linalg.svd(torch.randn(rows, columns), full_matrices=False)
        matrix = left @ torch.diag(torch.linspace(0.1, 1, min(rows, columns))) @ right
        values = torch.linalg.svdvals(orthogonal(matrix[None]))
        assert values.min() > 0.65
        assert values.max() < 1.25


def test_singular_vectors_stay() -> None:
    torch.manual_seed(1)
    matrix = torch.randn(1, 48, 96, dtype=torch.float64)
    left, _, right = torch.linalg.svd(matrix[0], full_matrices=False)
    turned = left.mT @ orthogonal(matrix)[0] @ right.mT
    torch.testing.assert_close(turned, torch.diag(turned.diagonal()), rtol=0, atol=1e-9)


def test_steps_are_those_of_pytorch() -> None:
    torch.manual_seed(2)
    start = [torch.randn(shape) for shape in SHAPES]
    ours, theirs = ([nn.Parameter(matrix.clone()) for matrix in start] for _ in range(2))
    optimizers = (
        Muon(ours, lr=0.02, momentum=0.9, weight_decay=0.02),
        torch.optim.Muon(theirs, lr=0.02, momentum=0.9, weight_decay=0.02),
    )
    for _ in range(5):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    for one, other, before in zip(ours, theirs, start, strict=True):
        # bfloat16 has eight bits: half a percent a step.
        assert (one - other).norm() < 0.03 * (one - before).norm()

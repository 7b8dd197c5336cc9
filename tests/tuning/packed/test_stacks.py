"""Stacks, AdamW over them, and norms, against PyTorch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from benchmark.tuning.norms import RootMeanSquareNorm
from benchmark.tuning.packed.optimizer import PackedAdamW
from benchmark.tuning.packed.stacks import SMALL, Stacks, bands

pytestmark = pytest.mark.numeric

SHAPES = {"a": (5, 7), "b": (7, 3)}
RANKS = [2, 3, 8, 20]


@given(st.lists(st.integers(1, 128), min_size=1, max_size=20).map(sorted))
def test_bands_hold_every_trial_once_and_pad_little(ranks: list[int]) -> None:
    padded = bands(ranks)
    assert [place for band in padded for place in range(band.first, band.last)] == list(range(len(ranks)))
    for band in padded:
        for rank in ranks[band.trials]:
            assert rank <= band.rank <= max(2 * rank, SMALL)


def test_bands_refuse_ranks_out_of_order() -> None:
    with pytest.raises(ValueError, match="ascending"):
        bands([4, 2])


def random_stacks() -> tuple[Stacks, list[dict[str, torch.Tensor]]]:
    stacks = Stacks(SHAPES, RANKS, [1.0] * len(RANKS), dtype=torch.float64, device=torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    weights = [
        {k: torch.randn(v.shape, generator=generator, dtype=v.dtype) for k, v in stacks.weights(t).items()}
        for t in range(len(RANKS))
    ]
    for place, values in enumerate(weights):
        stacks.fill(place, values)
    return stacks, weights


def test_each_trial_steps_as_adamw_steps_alone() -> None:
    stacks, weights = random_stacks()
    rates, decays, clips = [1e-3, 2e-3, 5e-4, 1e-2], [0.0, 0.1, 0.01, 0.3], [1.0, 0.5, 0.0, 2.0]
    packed = PackedAdamW(stacks, decays, clips)
    alone = []
    for values, rate, decay in zip(weights, rates, decays, strict=True):
        parameters = {k: nn.Parameter(v.clone()) for k, v in values.items()}
        alone.append((parameters, torch.optim.AdamW(parameters.values(), lr=rate, weight_decay=decay)))
    generator = torch.Generator().manual_seed(1)
    for step in range(30):
        factor = 0.5 + step / 30
        norms = []
        for place, (parameters, optimizer) in enumerate(alone):
            drawn = {k: torch.randn(p.shape, generator=generator, dtype=p.dtype) for k, p in parameters.items()}
            stacks.fill(place, drawn, stacks.gradients)
            for key, parameter in parameters.items():
                parameter.grad = drawn[key]
            norms.append(nn.utils.clip_grad_norm_(parameters.values(), clips[place] or float("inf")))
            optimizer.param_groups[0]["lr"] = factor * rates[place]
            optimizer.step()
        torch.testing.assert_close(packed.step([factor * r for r in rates]), torch.stack(norms), rtol=1e-14, atol=0)
        assert all(gradient.count_nonzero() == 0 for gradient in stacks.gradients)
    for place, (parameters, _) in enumerate(alone):
        for key, value in stacks.weights(place).items():
            torch.testing.assert_close(value, parameters[key].detach(), rtol=1e-15, atol=1e-15)
        assert stacks.padding(place).count_nonzero() == 0


def test_leaves_and_their_gradients_are_views_of_the_flat_buffers() -> None:
    stacks, weights = random_stacks()
    place = 1
    band, row = stacks.place(place)
    leaf = stacks.down["b"][band]
    torch.testing.assert_close(leaf[row, : RANKS[place]].detach(), weights[place]["b.lora_A.weight"])
    assert leaf.grad is not None
    leaf.grad.fill_(1.0)
    assert stacks.gradients[band].count_nonzero() == leaf.numel()


def test_kept_trials_keep_their_weights() -> None:
    stacks, weights = random_stacks()
    some = stacks.selected([1, 3])
    assert some.ranks == [3, 20]
    for place, trial in enumerate((1, 3)):
        for key, value in some.weights(place).items():
            assert torch.equal(value, weights[trial][key])


def test_norm_and_its_gradient_are_pytorchs() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 4, 16, generator=generator, dtype=torch.float64, requires_grad=True)
    scale = torch.randn(16, generator=generator, dtype=torch.float64)
    mine, theirs = RootMeanSquareNorm.apply(x, scale, 1e-6), nn.functional.rms_norm(x, (16,), scale, 1e-6)
    torch.testing.assert_close(mine, theirs, rtol=1e-14, atol=1e-14)
    g = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    [ours], [wanted] = torch.autograd.grad(mine, x, g), torch.autograd.grad(theirs, x, g)
    torch.testing.assert_close(ours, wanted, rtol=1e-12, atol=1e-13)

"""Head and cross-entropy in one, a part of the rows at a time, beside torch's own."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from short_trials import FAMILIES, REPORTS, trial
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from backbones.base import IGNORED, Backbone
from benchmark.tuning import head, losses
from benchmark.tuning.head import HeadLoss, rows_at_once, scratch
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.protocol import Piece, training
from benchmark.tuning.snapshots import Snapshot

pytestmark = pytest.mark.numeric

VOCABULARY, HIDDEN = 50, 8


@given(
    rows=st.integers(1, 12),
    part=st.integers(1, 12),
    softcap=st.sampled_from([None, 3.0]),
    bias=st.booleans(),
    seed=st.integers(0, 999),
)
def test_losses_and_gradients_are_torchs(rows: int, part: int, softcap: float | None, bias: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(rows, HIDDEN, generator=generator).requires_grad_()
    weight = torch.randn(VOCABULARY, HIDDEN, generator=generator)
    added = torch.randn(VOCABULARY, generator=generator) if bias else None
    targets = torch.randint(0, VOCABULARY, (rows,), generator=generator)
    targets[torch.rand(rows, generator=generator) < 0.3] = IGNORED
    above = torch.rand(rows, generator=generator)

    logits = functional.linear(states, weight, added)
    if softcap is not None:
        logits = softcap * torch.tanh(logits / softcap)
    wanted = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none")
    [by_torch] = torch.autograd.grad(wanted, states, above)

    before, head.PART_BYTES = head.PART_BYTES, part * 8 * VOCABULARY
    try:
        assert rows_at_once(VOCABULARY) == part
        ours = HeadLoss.apply(states, weight, added, targets, softcap)
        [by_us] = torch.autograd.grad(ours, states, above)
    finally:
        head.PART_BYTES = before
    torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(by_us, by_torch, rtol=1e-4, atol=1e-5)


def test_in_bfloat16_a_gradient_is_right_on_average() -> None:
    """A factor rounded to 16 bits would shift all of a trial's gradients alike; 1 / 744 by 0.2 %."""
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(64, 32, generator=generator).bfloat16().requires_grad_()
    weight = torch.randn(400, 32, generator=generator).bfloat16()
    targets = torch.randint(0, 400, (64,), generator=generator)
    [ours] = torch.autograd.grad(HeadLoss.apply(states, weight, None, targets, None).sum() / 744, states)
    wide = states.detach().double().requires_grad_()
    exact = functional.cross_entropy(wide @ weight.double().T, targets, reduction="sum") / 744
    [wanted] = torch.autograd.grad(exact, wide)
    along = (ours.double() * wanted).sum() / wanted.square().sum()
    assert float(along) == pytest.approx(1, abs=5e-4)


def test_without_gradients_none_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    products: list[int] = []
    plain = torch.mm

    def counted(*args: Any, **kwargs: Any) -> torch.Tensor:
        products.append(1)
        return plain(*args, **kwargs)

    monkeypatch.setattr(torch, "mm", counted)
    states, weight = torch.randn(3, HIDDEN), torch.randn(VOCABULARY, HIDDEN)
    HeadLoss.apply(states, weight, None, torch.tensor([0, 1, IGNORED]), None)
    assert not products
    HeadLoss.apply(states.requires_grad_(), weight, None, torch.tensor([0, 1, IGNORED]), None)
    assert products


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pack_learns_the_same_by_parts(
    family: str, load: Callable[..., Backbone], pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load(family)
    config = backbone.model.config.get_text_config()
    monkeypatch.setattr(head, "PART_BYTES", 7 * 8 * config.vocab_size)
    if family == "paligemma2-3b":
        config.final_logit_softcapping = 5.0  # low enough to matter
    data = TrainingSet(REPORTS, backbone.encode_images(list(pictures)))
    results = []
    for parts in (False, True):
        # Batches of three of five reports: trials differ in rows, so that some rows have no labels.
        snapshots = [Snapshot(trial(r, 8, seed, batch_size=3)) for r, seed in ((2, 0), (4, 1))]
        pack = PackTraining(backbone, snapshots, data, merge=True)
        way = losses.by_parts() if parts else losses.by_head()
        try:
            with way, training(backbone, pack.protocol), pack.layers.installed():
                assert losses.in_parts(pack.model) is parts
                for stack in pack.stacks.flat:
                    torch.nn.init.normal_(stack, std=0.05, generator=torch.Generator().manual_seed(1))
                loss = pack.forward(pack.part([Piece.whole([0, 1, 2]), Piece.whole([3, 4])]))
                (loss * torch.tensor([0.5, 2.0])).sum().backward()
            results.append((loss.detach(), [gradient.clone() for gradient in pack.stacks.gradients]))
        finally:
            pack.close()
    (plain, gradients), (fused, others) = results
    torch.testing.assert_close(fused, plain, rtol=1e-5, atol=1e-5)
    for one, other in zip(gradients, others, strict=True):
        assert one.abs().max() > 1e-3
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-5)


def test_on_a_cpu_the_models_own_head_computes_it(load: Callable[..., Backbone]) -> None:
    assert not losses.in_parts(load("medgemma-4b-it").model)


def test_a_head_whose_logits_are_scaled_is_left_alone(load: Callable[..., Backbone]) -> None:
    backbone = load("llava-med-7b")
    with losses.by_parts():
        assert losses.in_parts(backbone.model)
        with losses.by_head():
            assert not losses.in_parts(backbone.model)
        backbone.model.config.get_text_config().logit_scale = 0.5
        assert not losses.in_parts(backbone.model)


def test_a_part_of_medgemmas_rows_takes_under_a_gigabyte() -> None:
    assert rows_at_once(262_208) == 255
    assert scratch(262_208, capped=True) < 1e9


@pytest.mark.parametrize("capped", [False, True])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_part_takes_what_is_planned(dtype: torch.dtype, capped: bool) -> None:
    """By the profiler's record of PyTorch's allocator; what is given back is next to nothing beside it."""
    vocabulary, hidden, rows = 4000, 8, 64
    states = torch.randn(rows, hidden).to(dtype).requires_grad_()
    weight, targets = torch.randn(vocabulary, hidden).to(dtype), torch.arange(rows)
    bound = 30.0 if capped else None
    HeadLoss.apply(states, weight, None, targets, bound)  # what libraries set aside once
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        HeadLoss.apply(states, weight, None, targets, bound)
    held = most = 0
    events = (e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]")
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    planned = scratch(vocabulary, capped=capped) / rows_at_once(vocabulary) * rows
    assert 0.9 * planned < most < 1.05 * planned

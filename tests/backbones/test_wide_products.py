"""Products of bfloat16 matrices made in 32 bits: beside exact products of the same numbers."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from backbones.private import wide_products as module
from backbones.private.wide_products import wide_products

HALF_ULP = 2.0**-8
"""The greatest relative error of rounding to bfloat16's 8 significant bits."""
SUMS = 1e-5
"""What sums in 32 bits may be off by, as a share of the sum of magnitudes."""
sizes = st.integers(1, 70)


@contextmanager
def always(block: int) -> Iterator[None]:
    """Let every product be made wide, within, in blocks of so many numbers."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (("BLOCK", block), ("FEW", 0), ("FEW_TRANSPOSED", 0)):
            patched.setattr(module, name, value)
        with wide_products():
            yield


def random(*shape: int, transposed: bool = False) -> Tensor:
    """Return random bfloat16 numbers, as a view of a transposed matrix on request."""
    if transposed:
        return random(*shape[:-2], shape[-1], shape[-2]).mT
    return torch.randn(shape).bfloat16()


def rounded_once(made: Tensor, exact: Tensor, magnitudes: Tensor) -> bool:
    """Return whether numbers are exact ones, rounded once, but for the order of 32-bit sums."""
    assert made.dtype == torch.bfloat16
    return bool(((made.double() - exact).abs() <= HALF_ULP * exact.abs() + SUMS * magnitudes + 1e-30).all())


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, sizes, st.booleans(), st.booleans(), st.sampled_from([40, 2000, 2**24]), st.integers(0, 2**31))
def test_a_product_is_the_exact_one_rounded_once(
    rows: int, inner: int, columns: int, first_t: bool, second_t: bool, block: int, seed: int
) -> None:
    torch.manual_seed(seed)
    first, second = random(rows, inner, transposed=first_t), random(inner, columns, transposed=second_t)
    exact, magnitudes = first.double() @ second.double(), first.double().abs() @ second.double().abs()
    with always(block):
        made = torch.mm(first, second)
        half, double, added = 0.5, 2.0, random(rows, columns)
        summed = torch.addmm(added, first, second, beta=half, alpha=double)
        in_place = added.clone().addmm_(first, second, beta=half, alpha=double)
        over_nothing = torch.full_like(added, torch.nan).addmm_(first, second, beta=0)
        biased = torch.addmm(added[0], first, second)
    assert rounded_once(made, exact, magnitudes)
    wanted, around = half * added.double() + double * exact, added.double().abs() + 2 * magnitudes
    assert rounded_once(summed, wanted, around)
    assert torch.equal(in_place, summed)
    assert torch.equal(over_nothing, made)
    assert rounded_once(biased, added[0].double() + exact, added[0].double().abs() + magnitudes)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), sizes, sizes, sizes, st.booleans(), st.sampled_from([3000, 2**24]), st.integers(0, 2**31))
def test_products_of_stacks_are_the_exact_ones_rounded_once(
    stack: int, rows: int, inner: int, columns: int, transposed: bool, block: int, seed: int
) -> None:
    torch.manual_seed(seed)
    first, second = random(stack, rows, inner), random(stack, inner, columns, transposed=transposed)
    exact, magnitudes = first.double() @ second.double(), first.double().abs() @ second.double().abs()
    added = random(stack, rows, columns)
    with always(block):
        made, summed = torch.bmm(first, second), torch.baddbmm(added, first, second, alpha=2.0)
        in_place = added.clone().baddbmm_(first, second, alpha=2.0)
        with torch.inference_mode():
            assert torch.equal(first @ second, made)
    assert rounded_once(made, exact, magnitudes)
    assert rounded_once(summed, added.double() + 2 * exact, added.double().abs() + 2 * magnitudes)
    assert torch.equal(in_place, summed)


def test_a_layer_and_its_gradients_are_those_of_bfloat16_within_its_rounding() -> None:
    torch.manual_seed(0)
    layer, inputs = nn.Linear(96, 64).bfloat16(), random(3, 40, 96).requires_grad_()
    asked = random(3, 40, 64)

    def through() -> list[Tensor]:
        found = torch.autograd.grad(layer(inputs), [inputs, layer.weight, layer.bias], asked)
        return [layer(inputs).detach(), *found]

    own = through()
    with wide_products():
        wide = through()
        with torch.inference_mode():
            untracked = layer(inputs)
    for one, other in zip(own, wide, strict=True):
        assert (one.double() - other.double()).norm() <= 0.01 * one.double().norm()
    assert torch.equal(untracked, wide[0])


def test_attention_and_its_gradients_are_those_of_bfloat16_within_its_rounding() -> None:
    torch.manual_seed(0)
    query, key, value = (random(2, 2, 48, 32).requires_grad_() for _ in range(3))

    def through() -> list[Tensor]:
        attended = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return [attended.detach(), *torch.autograd.grad(attended.float().square().sum(), [query, key, value])]

    own = through()
    with wide_products():
        wide = through()
    for one, other in zip(own, wide, strict=True):
        assert one.dtype == other.dtype
        assert (one.double() - other.double()).norm() <= 0.02 * one.double().norm()


def test_convolutions_keep_their_format_and_other_numbers_are_left_alone() -> None:
    torch.manual_seed(0)
    for layer, shape in ((nn.Conv2d(3, 8, 4, 4), (2, 3, 16, 16)), (nn.Conv3d(3, 8, 2, 2), (2, 3, 4, 8, 8))):
        pictures = torch.randn(shape)
        with torch.inference_mode():
            wanted = layer(pictures)
            with wide_products():
                assert torch.equal(layer(pictures), wanted)
                made = layer.bfloat16()(pictures.bfloat16())
        assert made.dtype == torch.bfloat16
        assert (made.double() - wanted.double()).norm() <= 0.02 * wanted.double().norm()
    single = torch.randn(40, 40)
    with wide_products():
        assert torch.equal(single @ single, torch.mm(single, single))
        assert (single @ single).dtype == torch.float32


def test_what_is_kept_for_the_backward_pass_stays_the_same() -> None:
    layer, inputs = nn.Linear(96, 64).bfloat16(), random(40, 96).requires_grad_()

    def kept() -> list[tuple[torch.Size, torch.dtype]]:
        seen: list[tuple[torch.Size, torch.dtype]] = []

        def note(tensor: Tensor) -> Tensor:
            seen.append((tensor.shape, tensor.dtype))
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            layer(inputs)
        return seen

    own = kept()
    with wide_products():
        assert kept() == own

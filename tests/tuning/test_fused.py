"""Norms and gated products in training: what the models' own compute, with less kept."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers.models.gemma2.modeling_gemma2 import Gemma2MLP, Gemma2RMSNorm
from transformers.models.gemma3.modeling_gemma3 import Gemma3MLP, Gemma3RMSNorm
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralMLP, MistralRMSNorm
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLRMSNorm, Qwen2MLP
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextMLP, Qwen3VLTextRMSNorm

from backbones.base import Backbone
from benchmark.tuning.dropout import Mask, Streams
from benchmark.tuning.fused import fused
from benchmark.tuning.gates import activation_of
from benchmark.tuning.norms import fused_norms, norm_of

NORMS = (Gemma2RMSNorm, Gemma3RMSNorm, LlamaRMSNorm, MistralRMSNorm, Qwen2_5_VLRMSNorm, Qwen3VLTextRMSNorm)
GATED: tuple[tuple[Any, str], ...] = (
    (Gemma2MLP, "gelu_pytorch_tanh"),
    (Gemma3MLP, "gelu_pytorch_tanh"),
    (LlamaMLP, "silu"),
    (MistralMLP, "silu"),
    (Qwen2MLP, "silu"),
    (Qwen3VLTextMLP, "silu"),
)


def random(*shape: int, dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_in_few_bits_is_the_models_own(norm: Any, dtype: torch.dtype) -> None:
    """Forward to the last bit; backward to the rounding that the own has: sums in float32, rounded."""
    own = norm(256).to(dtype).requires_grad_(False)
    own.weight.copy_(random(256, dtype=dtype, seed=1))
    compute, factor, eps = norm_of(own) or pytest.fail("it isn't recognised")
    x, gradient = random(8, 5, 256, dtype=dtype).requires_grad_(), random(8, 5, 256, dtype=dtype, seed=2)
    ours, theirs = compute(x, factor, eps), own(x)
    assert torch.equal(ours, theirs)
    [mine], [wanted] = torch.autograd.grad(ours, x, gradient), torch.autograd.grad(theirs, x, gradient)
    ulp = torch.finfo(dtype).eps
    torch.testing.assert_close(mine, wanted, rtol=ulp, atol=ulp * float(wanted.abs().max()) / 100)
    assert float((mine != wanted).float().mean()) < 0.01


@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_in_few_bits_keeps_its_input_alone(norm: Any) -> None:
    own = norm(256).bfloat16().requires_grad_(False)
    x = random(8, 256, dtype=torch.bfloat16).requires_grad_()
    sizes: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        sizes.append(tensor.nbytes)
        return tensor

    with fused_norms(own), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        own(x)
    assert sum(sizes) <= x.nbytes + 4 * (256 + 8), "x, the factor, and one number a row"


class OtherRMSNorm(nn.Module):
    """Calls itself an RMSNorm and is none."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8), requires_grad=False)
        self.eps = 1e-6

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_what_computes_something_else_is_left_alone(dtype: torch.dtype) -> None:
    assert norm_of(OtherRMSNorm().to(dtype).requires_grad_(False)) is None


def mlp(kind: Any, activation: str) -> Any:
    settings = SimpleNamespace(
        hidden_size=16, intermediate_size=48, hidden_act=activation, hidden_activation=activation, mlp_bias=False
    )
    return kind(settings).requires_grad_(False)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(("kind", "activation"), GATED)
def test_a_gated_product_is_the_models_own_to_the_last_bit(kind: Any, activation: str, dtype: torch.dtype) -> None:
    own = mlp(kind, activation).to(dtype)
    assert activation_of(own) is not None
    x, gradient = random(6, 16, dtype=dtype).requires_grad_(), random(6, 16, dtype=dtype, seed=1)
    theirs = own(x)
    [wanted] = torch.autograd.grad(theirs, x, gradient)
    with fused(own):
        ours = own(x)
        [mine] = torch.autograd.grad(ours, x, gradient)
    assert torch.equal(ours, theirs)
    assert torch.equal(mine, wanted)


def test_a_gated_product_of_another_kind_is_left_alone() -> None:
    class Scaled(LlamaMLP):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    assert activation_of(mlp(Scaled, "silu")) is None
    assert activation_of(mlp(LlamaMLP, "relu")) is None


@pytest.mark.parametrize("family", ["medgemma-4b-it", "llava-med-7b", "qwen2.5-vl-3b", "paligemma2-3b"])
def test_a_model_is_as_it_was_afterwards(family: str, load: Callable[..., Backbone]) -> None:
    model = load(family).model
    with fused(model):
        changed = [module for module in model.modules() if "forward" in vars(module)]
        assert len(changed) >= 2 * (2 + 1) + 1
    assert not any("forward" in vars(module) for module in model.modules())


def factors(mask: Mask) -> torch.Tensor:
    """What a mask makes of ones."""
    ones = torch.ones(mask.shape, dtype=mask.dtype)
    mask.times((ones, ones))
    return ones


def test_a_mask_is_drawn_again_as_it_was_and_moves_the_stream_once() -> None:
    def streams() -> Streams:
        made = Streams([0.3, 0.3], torch.device("cpu"))
        made.seed([5, 6])
        made.begin([(2, 3), (1, 4)])
        return made

    one, other = streams(), streams()
    first = one.mask("q", (4, 4, 8), torch.float32)
    drawn_first = factors(first)
    second = one.mask("k", (4, 4, 8), torch.float32)
    drawn = drawn_first, factors(second)
    one.begin([(1, 1), (1, 1)])  # the next micro-batch leaves masks of this one as they are
    factors(one.mask("q", (2, 1, 8), torch.float32))
    assert torch.equal(factors(second), drawn[1])
    assert torch.equal(factors(first), drawn[0])
    for name, wanted in zip(("q", "k"), drawn, strict=True):
        assert torch.equal(factors(other.mask(name, (4, 4, 8), torch.float32)), wanted)
    assert not torch.equal(*drawn)


def test_a_mask_multiplies_all_that_it_is_given_by_the_same_draw() -> None:
    """A trial's rows and tokens alone; of one without dropout all; what only fills up the pack is zero."""
    streams = Streams([0.5, 0.0, 0.5], torch.device("cpu"))
    streams.seed([5, 6, 7])
    streams.begin([(3, 4), (2, 3), (0, 0)])
    streams.go_on(1)
    mask = streams.mask("q", (6, 5, 8), torch.float32)
    x, narrow = torch.randn(6, 5, 8), torch.randn(5, 6, 8).bfloat16().transpose(0, 1)
    into, rounded, inside = torch.empty(6, 5, 8), torch.empty(6, 5, 8, dtype=torch.bfloat16), x.clone()
    mask.times((x, into), (narrow, rounded), (inside, inside))
    torch.manual_seed(5)
    alone = functional.dropout(torch.ones(3, 4, 8), 0.5)[1:]
    wanted = torch.zeros(6, 5, 8)
    wanted[:2, :4], wanted[2:4] = alone, 1
    assert torch.equal(into, x * wanted)
    assert torch.equal(inside, into)
    assert torch.equal(rounded, (narrow * wanted).bfloat16())

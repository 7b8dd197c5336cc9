"""Liger's norms are the models' own.

They are written for a GPU; Triton's interpreter runs them here, in a process that has it from its start.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from test_fused import NORMS, random

from backbones.base import Backbone
from benchmark.tuning import kernels, norms

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
pytest.importorskip("liger_kernel")


class Scalar(float):
    """A number as a compiled kernel sees it; the interpreter passes plain ones."""

    def to(self, dtype: object) -> "Scalar":
        return self


def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the kernels what the interpreter lacks: numbers that can be cast, and a function of the device's library."""
    import triton.language as tl
    from liger_kernel.ops import rms_norm

    forward, backward = rms_norm.rms_norm_forward, rms_norm.rms_norm_backward

    def forward_of(x: Any, weight: Any, eps: float, offset: float, *rest: Any) -> Any:
        return forward(x, weight, Scalar(eps), Scalar(offset), *rest)

    def backward_of(gradient: Any, x: Any, weight: Any, inverse: Any, offset: float, *rest: Any, **more: Any) -> Any:
        return backward(gradient, x, weight, inverse, Scalar(offset), *rest, **more)

    monkeypatch.setattr(rms_norm, "rms_norm_forward", forward_of)
    monkeypatch.setattr(rms_norm, "rms_norm_backward", backward_of)
    monkeypatch.setattr(rms_norm, "rsqrt", lambda x: 1 / tl.sqrt(x))


@pytest.mark.skipif(INTERPRETED, reason="this is the process that the test starts")
def test_by_interpreted_kernels() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-n0", "-k", "models_own", __file__],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert run.stdout.startswith("." * (len(NORMS) + 1)), run.stdout  # not skipped


@pytest.mark.skipif(not INTERPRETED, reason="Triton's interpreter has to be there from the start")
@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_is_the_models_own(norm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the rounding of 16 bits: sums are taken in another order. Rows of heads, too, which have gaps.

    In float16, since the interpreter has no bfloat16: it cuts its numbers off, and multiplies them as whole ones.
    """
    interpreted(monkeypatch)
    monkeypatch.setattr(kernels, "_run_on", lambda device: True)
    own = norm(256).half().requires_grad_(False)
    own.weight.copy_(random(256, dtype=torch.float16, seed=1))
    x = random(2, 5, 3, 256, dtype=torch.float16).transpose(1, 2).requires_grad_()
    above = random(2, 3, 5, 256, dtype=torch.float16, seed=2)
    theirs = own(x)
    [wanted] = torch.autograd.grad(theirs, x, above)
    kept = above.clone()
    with norms.fused_norms(own):
        ours = own(x)
        assert type(ours.grad_fn).__name__.startswith("LigerRMSNorm")
        [mine] = torch.autograd.grad(ours, x, above)
    ulp = torch.finfo(torch.float16).eps
    torch.testing.assert_close(ours, theirs, rtol=ulp, atol=ulp / 100)
    torch.testing.assert_close(mine, wanted, rtol=ulp, atol=ulp * float(wanted.abs().max()) / 100)
    assert torch.equal(above, kept), "the gradient from above is the residual stream's too"
    with kernels.left_out(), norms.fused_norms(own):
        assert type(own(x).grad_fn).__name__.startswith("RoundedNorm")
    with norms.fused_norms(own, by_kernels=False):
        assert type(own(x).grad_fn).__name__.startswith("RoundedNorm")


@pytest.mark.skipif(not INTERPRETED, reason="Triton's interpreter has to be there from the start")
def test_norms_of_many_narrow_rows_are_the_models_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of queries and keys: from 32,768 rows on, no wider than 256, another kernel computes them."""
    interpreted(monkeypatch)
    monkeypatch.setattr(kernels, "_run_on", lambda device: True)
    own = NORMS[1](8).half().requires_grad_(False)
    x = random(8 * 4096, 8, dtype=torch.float16).requires_grad_()
    theirs, above = own(x), random(8 * 4096, 8, dtype=torch.float16, seed=2)
    [wanted] = torch.autograd.grad(theirs, x, above)
    with norms.fused_norms(own) as by_kernels:
        assert by_kernels
        ours = own(x)
        [mine] = torch.autograd.grad(ours, x, above)
    ulp = torch.finfo(torch.float16).eps
    torch.testing.assert_close(ours, theirs, rtol=ulp, atol=ulp / 100)
    torch.testing.assert_close(mine, wanted, rtol=2 * ulp, atol=ulp * float(wanted.abs().max()) / 100)


def test_no_kernels_on_a_cpu(load: Callable[..., Backbone]) -> None:
    assert not kernels.used(load("medgemma-4b-it").device)

"""Liger's kernels give the losses and gradients of the model's own head.

They are written for a GPU; Triton's interpreter runs them here, in a process that has it from its start.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from short_trials import FAMILIES, REPORTS, trial

from backbones.base import Backbone
from benchmark.tuning import losses
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.protocol import Piece, training
from benchmark.tuning.snapshots import Snapshot

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
pytest.importorskip("liger_kernel")


class Cap(float):
    """A number as a compiled kernel sees it; the interpreter passes plain ones."""

    def to(self, dtype: object) -> "Cap":
        return self


@pytest.mark.skipif(INTERPRETED, reason="this is the process that the test starts")
@pytest.mark.long
def test_losses_and_gradients_by_interpreted_kernels() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-n0", "-k", "as_by_the_head", __file__],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert run.stdout.startswith("." * len(FAMILIES)), run.stdout  # not skipped


@pytest.mark.skipif(not INTERPRETED, reason="Triton's interpreter has to be there from the start")
@pytest.mark.parametrize("family", FAMILIES)
def test_as_by_the_head(
    family: str, load: Callable[..., Backbone], pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load(family)
    config = backbone.model.config.get_text_config()
    if family == "paligemma2-3b":
        import triton.language as tl
        from liger_kernel.ops import cross_entropy

        config.final_logit_softcapping = Cap(5.0)  # low enough to matter
        # The interpreter has no tanh of the device's library.
        monkeypatch.setattr(cross_entropy, "tanh", lambda x: 2 * tl.sigmoid(2 * x) - 1)
    data = TrainingSet(REPORTS, backbone.encode_images(list(pictures)))
    results = []
    for kernels in (False, True):
        monkeypatch.setattr(losses, "_kernels_run_on", lambda device, kernels=kernels: kernels)
        # Batches of three of five reports: trials differ in rows, so that some rows have no labels.
        snapshots = [Snapshot(trial(r, 8, seed, batch_size=3)) for r, seed in ((2, 0), (4, 1))]
        pack = PackTraining(backbone, snapshots, data, merge=True)
        try:
            assert losses.fuses(pack.model) is kernels
            with training(backbone, pack.protocol), pack.layers.installed():
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


def test_no_kernels_on_a_cpu(load: Callable[..., Backbone]) -> None:
    assert not losses.fuses(load("medgemma-4b-it").model)


def test_a_head_whose_logits_are_scaled_is_not_fused(
    load: Callable[..., Backbone], monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load("llava-med-7b")
    monkeypatch.setattr(losses, "_kernels_run_on", lambda device: True)
    assert losses.fuses(backbone.model)
    backbone.model.config.get_text_config().logit_scale = 0.5
    assert not losses.fuses(backbone.model)

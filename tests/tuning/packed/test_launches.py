"""How many operations a packed step dispatches: what a GPU would be launched for, which binds a step of few reports.

Counted on a processor, whose kernels are its own; what is counted are operations of PyTorch's dispatcher that make or
change numbers, and on a GPU each is a kernel at least. Views and empty memory are none.
"""

from collections.abc import Callable

import numpy as np
import pytest
from short_trials import REPORTS, trial

from backbones.base import Backbone
from backbones.private.operations import counted
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.norms import fused_norms
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.protocol import training
from benchmark.tuning.snapshots import Snapshot


def launches(backbone: Backbone, data: TrainingSet, ranks: list[int]) -> int:
    """Operations of a packed step, forward, backward and the optimiser's, of trials of these ranks."""
    trials = [trial(rank, 8, seed) for seed, rank in enumerate(sorted(ranks))]
    pack = PackTraining(backbone, [Snapshot(one) for one in trials], data, merge=False)
    try:
        with training(backbone, pack.protocol), fused_norms(backbone.model), pack.layers.installed():
            step = pack._on_host(0)
            with counted() as asked:
                pack._step(step)
    finally:
        pack.close()
    return asked.operations


@pytest.mark.parametrize("family", ["medgemma-4b-it"])
def test_a_step_of_more_trials_dispatches_hardly_more_operations(
    family: str, load: Callable[..., Backbone], pictures: np.ndarray
) -> None:
    backbone = load(family)
    data = TrainingSet(REPORTS, backbone.encode_images(list(pictures)))
    one, four, sixteen = (launches(backbone, data, [4] * number) for number in (1, 4, 16))
    print(f"{family}: {one} operations for a trial, {four} for 4, {sixteen} for 16")
    assert one > 100
    # A trial at a time would take 16 times as many.
    assert sixteen - four <= 12 * 0.05 * one

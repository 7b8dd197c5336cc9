"""What only a GPU shows, shown without one: where each tensor of a step is, and that the host waits for none.

A fake tensor has a device, a shape and a type, but no data: arithmetic between devices fails, and so does whatever
needs a value on the host.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from short_trials import FAMILIES, REPORTS, trial
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from backbones.base import Backbone
from benchmark.tuning import batches, kernels
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.norms import fused_norms
from benchmark.tuning.packed.training import PackTraining, Part
from benchmark.tuning.protocol import training
from benchmark.tuning.snapshots import Snapshot

aten = torch.ops.aten
Load = Callable[..., Backbone]

READ_BY_THE_HOST = {
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten.is_nonzero.default,
    aten._unique2.default,
}
GPU = torch.device("cuda:0")


class Watch(TorchDispatchMode):
    """Counts reads of values by the host, and copies between devices that wait for what is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[Any] = []
        self.waits: list[Any] = []
        self.copies = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in READ_BY_THE_HOST:
            self.reads.append(func)
        elsewhere = func is aten._to_copy.default and kwargs.get("device") not in (None, args[0].device)
        elsewhere |= func is aten.copy_.default and args[0].device != args[1].device
        if elsewhere:
            self.copies += 1
            if not (kwargs.get("non_blocking") or (func is aten.copy_.default and len(args) > 2 and args[2])):
                self.waits.append(func)
        return func(*args, **kwargs)


def on_gpu(module: nn.Module, mode: FakeTensorMode) -> None:
    """Put fake tensors of a GPU in place of a module's own; tensors shared by layers stay shared."""
    seen: dict[int, Tensor] = {}
    for layer in module.modules():
        for tensors in (layer._parameters, layer._buffers):
            for name, tensor in tensors.items():
                if tensor is None:
                    continue
                if id(tensor) not in seen:
                    fake = mode.from_tensor(tensor.detach())
                    with mode:
                        moved = fake.to(GPU)
                    seen[id(tensor)] = (
                        nn.Parameter(moved, tensor.requires_grad) if tensors is layer._parameters else moved
                    )
                tensors[name] = seen[id(tensor)]  # type: ignore[assignment]


def part_of(pack: PackTraining, mode: FakeTensorMode) -> Part:
    """The first micro-batch, made on the host; as fake tensors of the host."""
    [part, *_] = pack._on_host(0).parts
    for name, value in part.batch.text.items():
        part.batch.text[name] = mode.from_tensor(value)
    assert part.batch.features is not None
    return Part(part.pieces, batches.Batch(part.batch.text, mode.from_tensor(part.batch.features)))


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("family", [*FAMILIES, "smolvlm-2.2b"])
def test_a_forward_pass_stays_on_the_gpu(
    family: str, merge: bool, load: Load, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "_run_on", lambda device: False)  # fake tensors are none for Triton
    backbone, mode = load(family), FakeTensorMode()
    data = TrainingSet(REPORTS, backbone.encode_images(list(pictures)))
    trials = [trial(2, 4), trial(4, 16, seed=1), trial(4, 8)]
    pack = PackTraining(backbone, [Snapshot(t) for t in trials], data, merge=merge)
    part = part_of(pack, mode)
    on_gpu(pack.model, mode)
    with mode:
        stacks = type(pack.stacks)(
            pack.stacks.shapes, [t.rank for t in trials], [2.0] * 3, dtype=torch.float32, device=GPU, trained=True
        )
        pack.layers.stacks = stacks
        with Watch() as watch, training(backbone, pack.protocol), pack.layers.installed():
            loss = pack.forward(part)
    assert loss.shape == (3,)
    assert loss.device == GPU
    assert watch.copies >= 3  # tokens, labels and features at least
    assert watch.waits == []
    assert watch.reads == []


def test_the_check_notices_a_model_that_asks_the_host(load: Load, pictures: np.ndarray) -> None:
    """transformers' models count image tokens on the host where they are given features apart."""
    backbone, mode = load("medgemma-4b-it"), FakeTensorMode()
    text = backbone.encode_text(["Describe."] * 2, REPORTS[:2])
    features = [mode.from_tensor(f) for f in backbone.encode_images(list(pictures[:2]))]
    for name, value in text.items():
        text[name] = mode.from_tensor(value)
    on_gpu(backbone.model, mode)
    with mode, pytest.raises(DataDependentOutputException):
        backbone.model(**backbone.model_inputs(text, features))


@pytest.mark.parametrize("family", [*FAMILIES, "smolvlm-2.2b"])
def test_no_value_is_read_within_a_step(family: str, load: Load, pictures: np.ndarray) -> None:
    """Backward pass, clipping and optimiser too, which need data."""
    backbone = load(family)
    data = TrainingSet(REPORTS, backbone.encode_images(list(pictures)))
    pack = PackTraining(backbone, [Snapshot(trial(2, 4)), Snapshot(trial(4, 8, seed=1))], data, merge=True)
    with training(backbone, pack.protocol), fused_norms(backbone.model), pack.layers.installed():
        steps = [pack._on_host(number) for number in range(2)]
        with Watch() as watch:
            for step in steps:
                pack._step(step)
    assert watch.reads == []
    assert pack.step == 2
    pack._look()
    assert all(loss["loss"] > 0 for losses in pack.losses for loss in losses)


def test_the_check_notices_a_value_that_is_read() -> None:
    with Watch() as watch:
        bool(torch.ones(2).sum() > 1)
    assert watch.reads == [aten._local_scalar_dense.default]

"""What a report is counted to keep in training, against what autograd keeps of models with numbers."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from known import known
from peft import LoraConfig, get_peft_model
from saved import saved_bytes
from short_trials import FAMILIES, REPORTS, trial
from torch import Tensor, nn

from backbones.base import IGNORED, Backbone
from backbones.private.lora import lora_layers, lora_sizes
from backbones.private.masks import whole_rows
from backbones.registry import get
from backbones.structure import build
from benchmark.tuning.dropout import Streams
from benchmark.tuning.fused import fused
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.losses import report_losses
from benchmark.tuning.packed.engine import footprint
from benchmark.tuning.packed.kept import Pass, kept
from benchmark.tuning.packed.layers import PackedLayers
from benchmark.tuning.packed.stacks import Stacks
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.protocol import Piece, precision, training
from benchmark.tuning.snapshots import Snapshot

RANK = 8
LARGE = 50_000_000
"""Numbers of a matrix that is left without values: a vocabulary's."""


def two_layers(plugin: type[Backbone]) -> Any:
    """The published configuration at full width, with two layers of the decoder and one of the encoder."""
    config = deepcopy(known(plugin.full_configuration()))
    text, vision = config.get_text_config(), config.vision_config
    text.num_hidden_layers = 2
    if getattr(text, "layer_types", None):
        text.layer_types = list(dict.fromkeys(text.layer_types))[:2] * (3 - len(set(text.layer_types)))
    for name in ("num_hidden_layers", "depth"):
        if hasattr(vision, name):
            setattr(vision, name, 1)
    return config


def filled(model: nn.Module) -> nn.Module:
    """The model, which is on the meta device, with random weights in bfloat16, and adapters in float32."""
    tied: dict[int, Tensor] = {}

    def real(tensor: Tensor) -> Tensor:
        if id(tensor) not in tied:
            number = tensor.dtype if not isinstance(tensor, nn.Parameter) else torch.bfloat16
            number = torch.float32 if tensor.requires_grad else number
            values = torch.zeros(tensor.shape, dtype=number)
            if values.is_floating_point() and values.numel() < LARGE:
                values.uniform_(-0.02, 0.02)
            trained = tensor.requires_grad
            tied[id(tensor)] = nn.Parameter(values, trained) if isinstance(tensor, nn.Parameter) else values
        return tied[id(tensor)]

    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    tensors[name] = real(tensor)  # type: ignore[assignment]
    return model


def measured(plugin: type[Backbone], config: Any, forward: Pass) -> int:
    """Bytes that a packed forward pass of one report keeps, on a model with numbers."""
    model = build(config)
    lora = LoraConfig(r=RANK, lora_dropout=forward.dropout, target_modules=plugin.expression(model))
    with torch.device("meta"):
        tuned: Any = get_peft_model(model, lora, low_cpu_mem_usage=True)
    filled(model)
    processor: Any = SimpleNamespace(tokenizer=None)
    backbone = plugin(model, processor, source=Path(), fingerprint="")
    length = forward.prompt + forward.report
    labels = torch.full((1, length), IGNORED)
    labels[:, forward.prompt :] = 0
    inputs: Any = {"inputs_embeds": torch.randn(1, length, config.get_text_config().hidden_size).bfloat16()}
    inputs["labels"] = labels
    if plugin.token_types == "token_type_ids":
        inputs["token_type_ids"] = backbone.token_type_ids(torch.full((1, length), backbone.image_token), labels)
    mask = backbone.training_mask(inputs)
    if mask is not None:
        inputs["attention_mask"] = mask
    shapes = {name: lora_sizes(layer) for name, layer in lora_layers(tuned).items()}
    stacks = Stacks(shapes, [RANK], [1.0], dtype=torch.float32, device=torch.device("cpu"))
    streams = Streams([forward.dropout], torch.device("cpu"))
    streams.seed([0])
    streams.begin([(1, length)])
    layers = PackedLayers(tuned, stacks, merge=False, masks=streams.mask if forward.dropout else None)
    model.train()
    frozen = [*model.parameters(), *model.buffers(), *stacks.flat]
    with fused(model), precision(backbone), whole_rows(), layers.installed():
        return saved_bytes(lambda: report_losses(tuned, inputs.copy(), forward.prompt), frozen)


@pytest.mark.full_width
@pytest.mark.parametrize("dropout", [0.0, 0.05])
@pytest.mark.parametrize("name", ["medgemma-4b-it", "qwen2.5-vl-3b"])
def test_two_layers_at_full_width_keep_what_is_counted(
    name: str, dropout: float, one_thread: None, bfloat16_attention: None
) -> None:
    plugin = get(name)
    config = two_layers(plugin)
    forward = Pass(torch.bfloat16, plugin.checkpoint.image_tokens + 40, 60, dropout)
    counted = kept(plugin, config, forward)
    ours = counted.report(RANK) - 2 * counted.logits  # which the backward pass takes
    assert ours == pytest.approx(measured(plugin, config, forward), rel=0.05)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_miniature_s_report_keeps_what_is_counted(
    family: str, merge: bool, dropout: float, load: Callable[..., Backbone], pictures: np.ndarray
) -> None:
    backbone = load(family)
    one = trial(RANK, dropout=dropout)
    data = TrainingSet([REPORTS[1]], backbone.encode_images(list(pictures[:1])))
    counted = footprint(backbone, [one], data, merge=merge).kept
    pack = PackTraining(backbone, [Snapshot(one)], data, merge=merge)
    try:
        if pack.streams is not None:
            pack.streams.seed([0])
        frozen = [*backbone.model.parameters(), *backbone.model.buffers(), *pack.stacks.flat]
        with training(backbone, pack.protocol), fused(backbone.model), pack.layers.installed():
            saved = saved_bytes(lambda: pack.forward(pack.part([Piece.whole([0])])), frozen)
    finally:
        pack.close()
    assert counted.report(RANK) - 2 * counted.logits + counted.merged == pytest.approx(saved, rel=0.05)


def test_dropout_costs_the_packed_engine_nothing_and_plain_peft_much() -> None:
    plugin = get("medgemma-4b-it")
    config = known(plugin.full_configuration())

    def layer(dropout: float, packed: bool) -> float:
        return kept(plugin, config, Pass(torch.bfloat16, 296, 175, dropout, packed)).layer(RANK)

    assert layer(0.05, packed=True) == layer(0.0, packed=True)
    assert layer(0.05, packed=False) > 1.5 * layer(0.0, packed=False) > 2 * layer(0.05, packed=True)


def test_checkpointing_keeps_inputs_and_one_layer() -> None:
    plugin = get("medgemma-4b-it")
    counted = kept(plugin, known(plugin.full_configuration()), Pass(torch.bfloat16, 296, 175))
    inputs = 34 * 471 * 2560 * 2
    without_head = counted.report(RANK, checkpointing=True, head=False)
    assert without_head == pytest.approx(inputs + counted.layer(RANK), rel=0.05)
    assert counted.report(RANK) > counted.report(RANK, checkpointing=True) > without_head


def test_a_model_that_fake_tensors_cannot_run_is_assumed_to_keep_more_than_others_are_counted_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin = get("medgemma-4b-it")
    config = known(plugin.full_configuration())
    forward = Pass(torch.bfloat16, 296, 170, 0.05)
    counted = kept(plugin, config, forward)

    def reads(*_: object) -> None:
        torch.ones(1).sum().item()

    other: Any = type("Other", (plugin,), {"training_mask": reads})
    assumed = kept(other, config, forward)
    assert counted.assumed == ""
    assert "DataDependentOutputException" in assumed.assumed
    assert 1.1 < assumed.report(RANK) / counted.report(RANK) < 1.6

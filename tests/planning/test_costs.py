"""Costs by arithmetic, against published figures and torch's own count of operations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from known import known
from peft import LoraConfig, get_peft_model
from short_trials import trial
from stored_suite import MADE
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from backbones.contract import PROMPTS, REPORTS, examples
from backbones.private.inputs import ModelInputs
from backbones.registry import get
from backbones.structure import Structure, read, structure
from benchmark.forms.record import TrialRecord, UsedCheckpoint
from benchmark.forms.suite import Entry
from benchmark.planning import costs
from benchmark.planning.costs import (
    prompt_operations,
    training_operations,
    vision_operations,
    weights_in_memory,
    word_operations,
)
from benchmark.planning.devices import named
from benchmark.planning.rates import measured
from benchmark.results.store import TrialFolder, write_json
from benchmark.tuning.losses import report_losses

FAMILIES = ("medgemma-4b-it", "llava-med-7b", "qwen2.5-vl-3b", "qwen3-vl-4b", "paligemma2-3b", "smolvlm-2.2b")


def test_medgemmas_operations_are_the_published_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of a public analysis, LoRA left out.

    SigLIP 5.45 TFLOP an image; decoder 2.61 forward over 406 tokens; 5.44 to train a report of 110 tokens and 40 of
    prompt from cached features with the head on the report only.
    """
    shape = known(structure(get("medgemma-4b-it")))
    assert vision_operations(shape) / 1e12 == pytest.approx(5.45, rel=0.01)
    monkeypatch.setattr(costs, "REPORT_TOKENS", 110)
    decoder = 2 * shape.decoder_weights * 406
    assert decoder / 1e12 == pytest.approx(2.61, rel=0.01)
    without_lora = training_operations(shape, 0)
    assert without_lora / 1e12 == pytest.approx(5.44 + 0.15, rel=0.05)
    share = training_operations(shape, 64) / without_lora - 1
    assert share == pytest.approx(0.05, abs=0.02), "LoRA at rank 64 adds 5 %"


@pytest.fixture(scope="module")
def small(
    miniature: Callable[[str], Path],
) -> Callable[[str], tuple[Any, Structure, list[nn.Parameter], ModelInputs, int]]:
    """Family → backbone with an adapter, its structure, inputs of one report, and the prompt's length."""

    def make(name: str) -> tuple[Any, Structure, list[nn.Parameter], ModelInputs, int]:
        plugin = get(name)
        backbone = plugin.load(miniature(name))
        shape = read(plugin, backbone.model, backbone.model.config, 112, backbone.image_tokens)
        frozen = list(backbone.model.parameters())
        model = get_peft_model(backbone.model, LoraConfig(r=2, target_modules=backbone.targets()))
        text = backbone.training_text(PROMPTS[0], [REPORTS[0] * 4])
        inputs = backbone.training_inputs(text, backbone.encode_images([examples(1)[0].image])[0])
        return model, shape, frozen, inputs, len(backbone.prompt_tokens(PROMPTS[0]))

    return make


def sized(monkeypatch: pytest.MonkeyPatch, shape: Structure, start: int, length: int) -> None:
    """The arithmetic for a prompt and a report of these lengths."""
    monkeypatch.setattr(costs, "PROMPT_TOKENS", start - shape.image_tokens)
    monkeypatch.setattr(costs, "REPORT_TOKENS", length - start)


@pytest.mark.parametrize("name", FAMILIES)
def test_operations_of_training_are_those_that_torch_counts(
    name: str,
    small: Callable[[str], tuple[Any, Structure, list[nn.Parameter], ModelInputs, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, shape, _, inputs, start = small(name)
    model.base_model.model.set_attn_implementation("eager")  # torch's count knows no fused attention on a CPU
    sized(monkeypatch, shape, start, inputs["labels"].shape[1])
    with FlopCounterMode(display=False) as counter:
        report_losses(model, inputs.copy(), start).sum().backward()
    # The head's prompt positions, and the first layer's inputs, which need no gradient, make the difference.
    assert training_operations(shape, 2) == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_activation_checkpointing_costs_a_third_forward_pass() -> None:
    shape = known(structure(get("medgemma-4b-it")))
    once, again = (training_operations(shape, 0, checkpointing=again) for again in (False, True))
    # Decoder's weights × 2 × (256 image + 40 of prompt + 93 of report) tokens, and attention's scores and sums.
    forward = 2 * shape.decoder_weights * 389 + 4 * 34 * 389**2 * 2048
    assert again - once == pytest.approx(forward)


def test_operations_of_writing_are_those_that_torch_counts(
    small: Callable[[str], tuple[Any, Structure, list[nn.Parameter], ModelInputs, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, shape, _, inputs, start = small("qwen2.5-vl-3b")
    model.base_model.model.set_attn_implementation("eager")
    sized(monkeypatch, shape, start, start)
    prompt_inputs = {
        "inputs_embeds": inputs["inputs_embeds"][:, :start],
        "position_ids": inputs["position_ids"][..., :start],
    }
    with torch.no_grad(), model.disable_adapter(), FlopCounterMode(display=False) as counter:
        model(**prompt_inputs, logits_to_keep=1)
    head = 2 * shape.hidden * shape.vocabulary
    assert prompt_operations(shape) + head == pytest.approx(counter.get_total_flops(), rel=0.05)
    assert word_operations(shape) == pytest.approx(2 * shape.decoder_weights + head, rel=0.2)


def test_weights_in_memory() -> None:
    """4 bits and a scale for 64 weights, itself scaled in 8 bits (QLoRA: 0.127 bits a weight for the scales)."""
    scales = 8 * (costs.NF4_BYTES - 0.5)
    assert scales == pytest.approx(0.127, abs=0.001)
    shape = known(structure(get("medgemma-4b-it")))
    full, small = (weights_in_memory(shape, "bfloat16", quantization) for quantization in (None, "nf4"))
    assert full == 2 * shape.parameters
    unquantised = 2 * (shape.parameters - shape.decoder_weights)
    assert small == pytest.approx(unquantised + 4.127 / 8 * shape.decoder_weights, rel=0.001)


def test_a_measured_rate_is_operations_over_seconds(tmp_path: Path) -> None:
    shape = known(structure(get("medgemma-4b-it")))

    def write(
        name: str,
        *,
        seconds: float,
        gpu: str | None = "NVIDIA H100 80GB HBM3",
        parameters: int = shape.parameters,
        quantization: str | None = None,
    ) -> None:
        done = trial(8, batch_size=8).model_copy(update={"backbone": "medgemma-4b-it", "quantization": quantization})
        record = TrialRecord(
            **MADE | {"id": done.id, "trial": done, "seconds": {"train": seconds}, "gpu": gpu},
            checkpoint=UsedCheckpoint(
                kind="hub", miniature=False, hub_id=None, revision=None, licence=None, parameters=parameters
            ),
        )
        folder = TrialFolder(tmp_path / name)
        write_json(folder.trial, record)
        folder.write_losses([{"step": number, "loss": 2.0} for number in range(10)])

    def rate(quantization: Literal["nf4"] | None = None, *, on: str = "H100") -> float | None:
        entry = Entry(name="medgemma-4b-it", quantization=quantization)
        return measured(tmp_path, entry, shape, named(on))

    assert rate() is None
    write("fast", seconds=10.0)
    expected = 10 * 8 * training_operations(shape, 8) / 10.0
    assert rate() == pytest.approx(expected)
    write("elsewhere", seconds=1.0, gpu="NVIDIA L4")
    write("miniature", seconds=1.0, parameters=400_000)
    write("in four bits", seconds=20.0, quantization="nf4")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "trial.json").write_text("{}")
    assert rate() == pytest.approx(expected)
    assert rate("nf4") == pytest.approx(expected / 2)
    assert rate(on="L4") == pytest.approx(expected * 10), "that of another card"
    assert rate(on="H100 PCIe") is None
    assert rate(on="cpu") is None

"""Trials that can't be packed: DoRA, starts taken out of the base, and a vision encoder that is tuned."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel, get_peft_model
from safetensors.torch import load_file
from short_trials import REPORTS, Run, trial, written

from backbones.base import Backbone
from backbones.private.lora import lora_layers
from benchmark.forms.suite import Trial
from benchmark.results.store import Store
from benchmark.tuning.adapters import taken_out
from benchmark.tuning.features import encoded_anew
from benchmark.tuning.generation import greedy
from benchmark.tuning.interface import Picture, TrainingSet
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.protocol import lora_config
from benchmark.tuning.sequential import Sequential

pytestmark = pytest.mark.numeric

Load = Callable[..., Backbone]
Train = Callable[..., Run]

TAKEN: tuple[dict[str, str], ...] = (
    {"initialisation": "pissa"},
    {"initialisation": "olora"},
    {"initialisation": "olora", "scaling": "rslora"},
    {"initialisation": "pissa", "targets": "mlp"},
)


def at(rank: int = 4, **further: object) -> Trial:
    return trial(rank, learning_rate=5e-3).model_copy(update=further)


def weights_of(backbone: Backbone) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in backbone.model.state_dict().items()}


def trained_weights(model: PeftModel) -> dict[str, torch.Tensor]:
    """Each adapted layer's weight with its adapter merged into it, in float64."""
    merged = {}
    layers: dict[str, Any] = {**lora_layers(model)}
    for name, layer in layers.items():
        if "default" in layer.lora_A:
            base = layer.get_base_layer().weight.detach().double()
            merged[name] = base + layer.get_delta_weight("default").detach().double()
    return merged


@pytest.mark.parametrize("further", TAKEN, ids=lambda further: "-".join(further.values()))
def test_a_start_taken_out_of_the_base_is_stored_as_an_adapter_of_the_base_as_it_was(
    further: dict[str, str], load: Load, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, one = load("qwen2.5-vl-3b"), at(4, **further)
    before = weights_of(backbone)
    trained: dict[str, torch.Tensor] = {}
    saved = PeftModel.save_pretrained

    def noted(model: PeftModel, *args: Any, **options: Any) -> None:
        trained.update(trained_weights(model))
        saved(model, *args, **options)

    monkeypatch.setattr(PeftModel, "save_pretrained", noted)
    run = train(Packed(), backbone, [one, at(2)])
    after = weights_of(backbone)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    with taken_out(backbone):
        model = PeftModel.from_pretrained(backbone.model, str(run.folders[one.id].adapter))
        config: Any = model.peft_config["default"]
        assert (config.r, config.init_lora_weights) == (8, True)
        reloaded = trained_weights(model)
    assert reloaded.keys() == trained.keys()
    for name, weight in reloaded.items():
        assert float((weight - trained[name]).abs().max()) < 1e-5
        base = before[f"{name.removeprefix('base_model.model.')}.weight"].double()
        assert float((weight - base).abs().max()) > 1e-4


def test_what_can_not_be_packed_trains_and_writes_beside_what_can(
    load: Load, train: Train, pictures: np.ndarray
) -> None:
    backbone = load("medgemma-4b-it")
    trials = [at(2), at(variant="dora"), at(4), at(initialisation="pissa")]
    run = train(Packed(), backbone, trials)
    assert [run.outcomes[t.id].trained_together for t in trials] == [2, None, 2, None]
    texts = written(Packed(), backbone, trials, run, pictures)
    assert [*texts] != []
    assert texts == written(Sequential(), backbone, trials, run, pictures)
    stored = json.loads((run.folders[trials[1].id].adapter / "adapter_config.json").read_text())
    assert stored["use_dora"] is True
    magnitudes = [n for n in load_file(run.folders[trials[1].id].adapter / "adapter_model.safetensors") if "magn" in n]
    assert len(magnitudes) > 0


def shown(pictures: np.ndarray) -> Sequence[Picture]:
    return [partial(pictures.__getitem__, place) for place in range(len(pictures))]


@pytest.mark.parametrize("family", ["llava-med-7b", "qwen2.5-vl-3b"])
def test_a_tuned_vision_encoder_learns_by_the_gradients_that_pixels_give(
    family: str, load: Load, pictures: np.ndarray
) -> None:
    """The gradient by way of `training_inputs` is that of the model's own forward pass over pixels and text."""
    backbone, one = load(family), at(targets="vision+decoder")
    with taken_out(backbone):
        torch.manual_seed(0)
        model = get_peft_model(backbone.model, lora_config(backbone, one))
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02)
        vision = [name for name, p in model.named_parameters() if p.requires_grad and "language_model" not in name]
        assert len(vision) >= 8
        assert not any("projector" in name or "merger" in name for name in vision)
        pixels = backbone.feature_inputs(list(pictures[:2]))

        def gradients(inputs: Any) -> dict[str, torch.Tensor]:
            model.zero_grad()
            model(**inputs).loss.backward()
            return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}

        ours = gradients(
            backbone.training_inputs(
                backbone.training_text("Describe.", REPORTS[:2]), torch.cat([*backbone.encode_pixels(pixels)])
            )
        )
        text = backbone.encode_text(["Describe."] * 2, REPORTS[:2])
        theirs = gradients({**text, **pixels})
    assert ours.keys() == theirs.keys()
    vision = [name for name in vision if name in theirs]  # LLaVA reads its encoder's last layer but one
    scale = max(float(theirs[name].abs().max()) for name in vision)
    assert scale > 0
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in vision) < 1e-3 * scale


def test_a_tuned_vision_encoder_needs_no_features_and_changes_what_is_seen(
    load: Load, pictures: np.ndarray, tmp_path: Any
) -> None:
    backbone, one = load("llava-med-7b"), at(targets="vision+decoder")
    folders = {one.id: Store(tmp_path).of(one)}
    images = shown(pictures)
    data = TrainingSet(REPORTS, [], pictures=images)
    engine = Packed()
    outcome = engine.train(backbone, [one], folders, data, lambda *_: None)[one.id]
    assert outcome.failure is None
    frozen = backbone.encode_images(list(pictures))
    [(_, reports)] = engine.generate(backbone, [one], folders, [], pictures=[*images, images[0]])
    with taken_out(backbone):
        model = PeftModel.from_pretrained(backbone.model, str(folders[one.id].adapter))
        tuned = encoded_anew(backbone, images)
        expected = greedy(backbone, model, one.protocol, tuned)
    assert reports == [*expected, expected[0]]
    assert all(float((a - b).abs().max()) > 1e-6 for a, b in zip(tuned, frozen, strict=True))
    again = backbone.encode_images(list(pictures))
    assert all(torch.equal(a, b) for a, b in zip(again, frozen, strict=True))

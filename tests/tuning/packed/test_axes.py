"""Axes that pack, against plain peft in float64: rate, dropout, scaling, targets and starts, mixed in one pack."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from peft import PeftModel
from safetensors.torch import load_file
from short_trials import REPORTS, Run, all_in_float64, trial, written

from backbones.base import Backbone
from backbones.private.lora import lora_layers
from benchmark.forms.grid import Initialisation, Scaling, Targets
from benchmark.forms.suite import Trial
from benchmark.tuning.adapters import taken_out
from benchmark.tuning.interface import TrainingSet
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.sequential import Sequential
from benchmark.tuning.snapshots import Snapshot

pytestmark = pytest.mark.numeric

Load = Callable[..., Backbone]
Train = Callable[..., Run]

PARITY = 1e-10
"""Greatest difference of losses and of adapters' weights after three steps in float64."""
STEPS = 3


def at(
    rank: int,
    alpha: int = 8,
    seed: int = 0,
    *,
    scaling: Scaling = "classic",
    targets: Targets = "all",
    initialisation: Initialisation = "default",
    **protocol: Any,
) -> Trial:
    """A trial at a point of further axes."""
    plain = trial(rank, alpha, seed, dtype="float64", steps=STEPS, **protocol)
    further = {"scaling": scaling, "targets": targets, "initialisation": initialisation}
    return plain.model_copy(update=further)


def compare(backbone: Backbone, trials: Sequence[Trial], train: Train) -> Run:
    """Assert that packing trains what plain peft trains, and stores it as peft does; return what was packed."""
    with all_in_float64(backbone.model):
        alone, packed = train(Sequential(), backbone, trials), train(Packed(largest=len(trials)), backbone, trials)
    assert {outcome.trained_together for outcome in packed.outcomes.values()} == {len(trials)}
    assert packed.distance(alone) < PARITY
    for one in trials:
        ours, theirs = (run.folders[one.id].adapter for run in (packed, alone))
        weights, expected = (load_file(folder / "adapter_model.safetensors") for folder in (ours, theirs))
        assert weights.keys() == expected.keys()
        assert max(float((weights[name] - expected[name]).abs().max()) for name in expected) < PARITY
        assert configuration(ours) == configuration(theirs)
    return packed


def configuration(adapter: Any) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((adapter / "adapter_config.json").read_text())
    return stored


AXES: dict[str, list[dict[str, Any]]] = {
    "learning_rate": [{"learning_rate": rate} for rate in (1e-5, 2e-4, 1e-3)],
    "dropout": [{"dropout": dropout} for dropout in (0.0, 0.1, 0.5)],
    "scaling": [{"scaling": "rslora"}, {"scaling": "classic"}],
    "targets": [{"targets": "mlp"}, {"targets": "attention"}, {"targets": "all"}],
    "initialisation": [{"initialisation": start} for start in ("gaussian", "orthogonal", "default")],
}


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_that_packs_trains_as_plain_peft(axis: str, load: Load, train: Train) -> None:
    trials = [at(2 * (place + 1), **settings) for place, settings in enumerate(AXES[axis])]
    compare(load("qwen2.5-vl-3b", dtype=torch.float64), trials, train)


@pytest.mark.parametrize("family", ["llava-med-7b", "paligemma2-3b"])
def test_attention_and_mlp_part_the_layers(family: str, load: Load, train: Train) -> None:
    backbone = load(family, dtype=torch.float64)
    trials = [at(2, targets="attention"), at(4, targets="mlp", dropout=0.2), at(4)]
    run = compare(backbone, trials, train)
    attention, mlp, both = (set(load_file(run.folders[t.id].adapter / "adapter_model.safetensors")) for t in trials)
    assert attention | mlp == both
    assert not attention & mlp
    assert all("self_attn" in name for name in attention)


POINTS = st.builds(
    at,
    rank=st.sampled_from([2, 4, 12]),
    alpha=st.sampled_from([4, 16]),
    seed=st.integers(0, 2),
    scaling=st.sampled_from(["classic", "rslora"]),
    targets=st.sampled_from(["all", "attention", "mlp"]),
    initialisation=st.sampled_from(["default", "gaussian", "orthogonal"]),
    learning_rate=st.sampled_from([1e-4, 1e-3]),
    dropout=st.sampled_from([0.0, 0.0, 0.25]),
)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(POINTS, min_size=2, max_size=4, unique_by=lambda one: one.id))
@example([at(2, targets="mlp"), at(2, targets="attention", dropout=0.25, scaling="rslora")])
def test_any_mixture_of_points_trains_as_plain_peft(load: Load, train: Train, trials: list[Trial]) -> None:
    compare(load("medgemma-4b-it", dtype=torch.float64), trials, train)


def test_what_a_trial_does_not_adapt_stays_zero(load: Load, pictures: np.ndarray) -> None:
    backbone = load("llava-med-7b", dtype=torch.float64)
    trials = [at(2, targets="mlp", weight_decay=0.1), at(4, targets="attention")]
    data = TrainingSet(REPORTS, backbone.encode_images(list(pictures)))
    pack = PackTraining(backbone, [Snapshot(one) for one in trials], data, merge=True)
    pack.run(lambda *_: None, lambda _: None)
    for place in range(len(trials)):
        padding = pack.stacks.padding(place)
        assert len(padding) > 0
        assert torch.count_nonzero(padding) == 0
    pack.close()


def test_texts_of_a_mixed_pack_are_plain_pefts(load: Load, train: Train, pictures: np.ndarray) -> None:
    backbone = load("paligemma2-3b")
    trials = [
        at(2, 16, targets="mlp", scaling="rslora"),
        at(4, targets="attention", dropout=0.3, learning_rate=1e-3),
        at(8, initialisation="gaussian"),
    ]
    packed = train(Packed(), backbone, trials)
    ours = written(Packed(), backbone, trials, packed, pictures)
    assert ours == written(Sequential(), backbone, trials, packed, pictures)


def test_peft_alone_loads_what_is_stored(load: Load, train: Train) -> None:
    backbone = load("medgemma-4b-it")
    one = at(4, 8, targets="attention", scaling="rslora", initialisation="orthogonal", dropout=0.1)
    run = train(Packed(), backbone, [one, at(2)])
    stored = load_file(run.folders[one.id].adapter / "adapter_model.safetensors")
    with taken_out(backbone):
        model = PeftModel.from_pretrained(backbone.model, str(run.folders[one.id].adapter))
        config: Any = model.peft_config["default"]
        assert (config.r, config.lora_alpha, config.use_rslora, config.lora_dropout) == (4, 8, True, 0.1)
        layers = list(lora_layers(model).values())
        assert {layer.scaling["default"] for layer in layers} == {8 / 4**0.5}
        assert 2 * len(layers) == len(stored)

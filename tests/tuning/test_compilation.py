"""`compile: true`: the same losses, and no more to compile the deeper the decoder is."""

import copy
from collections.abc import Callable

import pytest
import torch
from short_trials import Run, trial
from torch._dynamo.utils import counters

from backbones.base import Backbone
from benchmark.forms.suite import Trial
from benchmark.tuning import compilation
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.sequential import Sequential

pytestmark = pytest.mark.numeric

Load = Callable[..., Backbone]
Train = Callable[..., Run]


@pytest.fixture(autouse=True)
def _traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers are traced as for a GPU, and what was traced is run by PyTorch instead of new machine code."""
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    torch._dynamo.reset()
    counters.clear()


def compiled(trials: list[Trial]) -> list[Trial]:
    return [t.model_copy(update={"protocol": t.protocol.model_copy(update={"compile": True})}) for t in trials]


@pytest.mark.long
def test_a_pack_s_losses_are_the_same_and_depth_costs_nothing(
    load: Load, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library compiles a function eight times at most, and twelve layers with code of their own would pass that."""
    monkeypatch.setattr(torch._dynamo.config, "fail_on_recompile_limit_hit", True)
    backbone, trials = load("medgemma-4b-it"), [trial(2, 4, steps=3), trial(4, 8, seed=1, steps=3)]
    text, layers = backbone.model.config.get_text_config(), backbone.model.model.language_model.layers
    while len(layers) < 12:
        layers.append(copy.deepcopy(layers[len(layers) % 2]))
    text.num_hidden_layers, text.layer_types = 12, ["sliding_attention", "full_attention"] * 6
    plain = train(Packed(), backbone, trials)
    assert not counters["frames"]
    run = train(Packed(), backbone, compiled(trials))
    assert counters["frames"]["ok"] > 0
    assert run.distance(plain) < 1e-5
    assert all(layer._compiled_call_impl is None for layer in compilation.decoder_layers(backbone))


def test_a_trial_s_losses_are_the_same_one_at_a_time(load: Load, train: Train) -> None:
    backbone, trials = load("llava-med-7b"), [trial(2, 4, activation_checkpointing=True)]
    plain = train(Sequential(), backbone, trials)
    run = train(Sequential(), backbone, compiled(trials))
    assert counters["frames"]["ok"] > 0
    assert run.distance(plain) < 1e-5


def test_a_trial_is_the_same_trial_either_way() -> None:
    [one] = compiled([trial(2, 4)])
    assert one.id == trial(2, 4).id
    assert "compile" not in trial(2, 4).model_dump()["protocol"]

"""Packed training and writing against plain peft, one trial at a time, over whole trainings."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel, get_peft_model
from safetensors.torch import load_file
from short_trials import FAMILIES, Run, all_in_float64, some_always, trial, written
from torch.nn import functional

from backbones.base import Backbone
from backbones.private.lora import dropout_format, lora_layers, lora_sizes, lora_weight
from benchmark.forms.suite import Trial
from benchmark.results.store import TrialFolder
from benchmark.tuning import sequential
from benchmark.tuning.adapters import taken_out
from benchmark.tuning.contract import unlike
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.protocol import lora_config
from benchmark.tuning.sequential import Sequential

pytestmark = pytest.mark.numeric

Load = Callable[..., Backbone]
Train = Callable[..., Run]


FURTHER = 10.0
"""How much farther from plain peft, over sixty steps, packing may be than plain peft is from itself with one weight
moved by one unit in the last place. Both are the distance of two runs of one system that began by rounding; they grow
alike, whatever the kernels, and differ by how much rounding they began with."""
SHORT = 1e-12
"""Greatest difference of losses after a few steps in float64: ten times the bound of one (`test_packed_steps`)."""


def sixty_steps() -> list[Trial]:
    """Three trials of other rank, alpha, seed, rate, schedule, clipping and decay."""
    return [
        trial(2, 16, seed=1, dtype="float64", steps=60),
        trial(3, 8, seed=0, dtype="float64", steps=60, learning_rate=1e-4, gradient_clipping=0.5),
        trial(16, 32, seed=0, dtype="float64", steps=60, schedule="linear", weight_decay=0.1),
    ]


def nudged(layer: int) -> Callable[..., Any]:
    """peft's own model, with one weight of one layer's A moved by one unit in the last place."""

    def make(model: Any, config: Any) -> PeftModel:
        tuned = get_peft_model(model, config)
        weight = [p for name, p in tuned.named_parameters() if "lora_A" in name][layer].detach().view(-1)
        weight[0] = torch.nextafter(weight[0], torch.full_like(weight[0], math.inf))
        return tuned

    return make


@pytest.mark.slow
@pytest.mark.parametrize("family", some_always(FAMILIES, ["qwen2.5-vl-3b"]))
def test_sixty_steps_are_no_farther_apart_than_rounding_takes_them(
    family: str, load: Load, train: Train, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load(family, dtype=torch.float64)
    trials = sixty_steps()
    with all_in_float64(backbone.model):
        alone, packed = train(Sequential(), backbone, trials), train(Packed(), backbone, trials)
        moved = []
        for layer in (0, 3, 6, 9):
            with monkeypatch.context() as patched:
                patched.setattr(sequential, "get_peft_model", nudged(layer))
                moved.append(train(Sequential(), backbone, trials).distance(alone))
        texts = written(Packed(), backbone, trials, packed, pictures)
        assert texts == written(Sequential(), backbone, trials, packed, pictures)
    last_place = np.finfo(np.float64).eps * max(max(losses) for losses in alone.losses.values())
    assert packed.distance(alone) <= FURTHER * max(*moved, last_place)
    for t in trials:
        assert packed.losses[t.id][-1] < packed.losses[t.id][0]
        adapters = [load_file(r.folders[t.id].adapter / "adapter_model.safetensors") for r in (packed, alone)]
        assert adapters[0].keys() == adapters[1].keys()


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_float32_text(family: str, merge: bool, load: Load, train: Train, pictures: np.ndarray) -> None:
    backbone = load(family)
    trials = [trial(rank, alpha, seed) for rank, alpha, seed in ((4, 8, 0), (2, 16, 0), (8, 8, 1))]
    packed = train(Packed(merge=merge), backbone, trials)
    texts = written(Packed(merge=merge), backbone, trials, packed, pictures)
    features = backbone.encode_images(list(pictures))
    assert unlike(backbone, trials, packed.folders, features, texts) == []


@pytest.mark.parametrize("recompute", [False, True])
def test_dropout_draws_the_masks_that_a_trial_draws_alone(recompute: bool, load: Load, train: Train) -> None:
    backbone = load("qwen2.5-vl-3b", dtype=torch.float64)
    # Five reports in batches of three and micro-batches of two: trials differ in rows and lengths at every step.
    settings = {"dropout": 0.3, "batch_size": 3, "micro_batch_size": 2, "activation_checkpointing": recompute}
    trials = [trial(2, 16, seed, dtype="float64", steps=6, **settings) for seed in (0, 1, 2)]
    with all_in_float64(backbone.model):
        alone, packed = train(Sequential(), backbone, trials), train(Packed(), backbone, trials)
    assert packed.distance(alone) < SHORT
    plain = trial(2, steps=6, batch_size=3).protocol
    dry = train(Packed(), backbone, [t.model_copy(update={"protocol": plain}) for t in trials])
    assert all(mine != theirs for mine, theirs in zip(packed.losses.values(), dry.losses.values(), strict=True))


def test_in_bfloat16_dropout_scales_as_plain_pefts_does(load: Load, train: Train) -> None:
    """1 / 0.95 rounded to bfloat16 is 0.19 % too much, which the first gradient's norm would show."""
    backbone = load("medgemma-4b-it", dtype=torch.bfloat16)
    trials = [trial(rank, 16, dtype="bfloat16", steps=1, dropout=0.05) for rank in (2, 4)]
    runs = [train(engine, backbone, trials) for engine in (Packed(), Sequential())]
    packed, alone = ([rows["gradient_norm"].iloc[0] for rows in map(losses_of, run.folders.values())] for run in runs)
    # Rounding of 16 bits goes either way, and is averaged over all weights: some 1e-7 where no mask is scaled.
    assert packed == pytest.approx(alone, rel=5e-4)


def losses_of(folder: TrialFolder) -> Any:
    import pandas as pd

    return pd.read_csv(folder.losses)


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("quantization", [None, "nf4"])
def test_masks_are_drawn_in_the_format_in_which_peft_draws_them(
    quantization: str | None, autocast: bool, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """peft's 4-bit layers drop in the model's own format where CUDA's autocast is on, plain layers never."""
    backbone = load("medgemma-4b-it", dtype=torch.bfloat16, quantization=quantization)
    seen: list[torch.dtype] = []
    plain = functional.dropout

    def noted(input: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        seen.append(input.dtype)
        return plain(input.float(), *args, **kwargs)

    monkeypatch.setattr(functional, "dropout", noted)
    before = torch.is_autocast_enabled("cuda")
    torch.set_autocast_enabled("cuda", autocast)
    try:
        with taken_out(backbone):
            model = get_peft_model(backbone.model, lora_config(backbone, trial(2, dropout=0.5)))
            layer: Any = next(layer for layer in lora_layers(model.train()).values())
            x = torch.randn(2, 3, lora_sizes(layer)[0]).bfloat16()
            layer(x)
            ours = dropout_format(layer, x, lora_weight(layer, "lora_A", "default").dtype)
    finally:
        torch.set_autocast_enabled("cuda", before)
    assert seen == [ours]
    assert ours == (torch.bfloat16 if quantization and autocast else torch.float32)


def test_trials_of_a_pack_may_learn_different_reports(load: Load, train: Train) -> None:
    """As those of several folds do: each learns what it learns alone, in the order that it has alone."""
    backbone = load("medgemma-4b-it", dtype=torch.float64)
    trials = [trial(rank, 8, dtype="float64", steps=6, batch_size=2) for rank in (2, 4, 8)]
    rows = dict(zip((t.id for t in trials), ((0, 1, 2), (4, 2, 0), (1, 3, 4)), strict=True))
    with all_in_float64(backbone.model):
        together = train(Packed(largest=3), backbone, trials, rows=rows)
        alone = train(Sequential(), backbone, trials, rows=rows)
        same = train(Packed(largest=3), backbone, trials)
    assert {outcome.trained_together for outcome in together.outcomes.values()} == {3}
    assert together.distance(alone) < SHORT
    assert together.distance(same) > 1e-3


def test_packing_changes_nothing(load: Load, train: Train) -> None:
    backbone = load("medgemma-4b-it", dtype=torch.float64)
    trials = [trial(rank, 8, seed, dtype="float64", steps=5) for rank in (2, 4, 16) for seed in (0, 1)]
    with all_in_float64(backbone.model):
        together = train(Packed(largest=6), backbone, trials)
        others = ((Packed(largest=6), trials[::-1]), (Packed(largest=2), trials), (Packed(largest=1), trials))
        runs = [train(engine, backbone, order) for engine, order in others]
    for run in runs:
        assert run.distance(together) < SHORT


@pytest.mark.parametrize("family", ["medgemma-4b-it", "qwen2.5-vl-3b"])  # Qwen's projections have biases
def test_four_bit_base(family: str, load: Load, train: Train, pictures: np.ndarray) -> None:
    backbone = load(family, quantization="nf4")
    trials = [trial(2), trial(4, seed=1), trial(16)]
    alone, packed = train(Sequential(), backbone, trials), train(Packed(), backbone, trials)
    assert packed.distance(alone) < 1e-5
    assert written(Packed(), backbone, trials, packed, pictures) == written(
        Sequential(), backbone, trials, alone, pictures
    )


def test_adapters_lie_as_peft_saves_them(load: Load, train: Train, pictures: np.ndarray) -> None:
    backbone = load("llava-med-7b")
    trials = [trial(2), trial(8, seed=3)]
    alone, packed = train(Sequential(), backbone, trials), train(Packed(), backbone, trials)
    texts = written(Packed(), backbone, trials, packed, pictures)
    for t in trials:
        files = [sorted(p.name for p in r.folders[t.id].adapter.rglob("*")) for r in (packed, alone)]
        assert files[0] == files[1]
    assert unlike(backbone, trials, packed.folders, backbone.encode_images(list(pictures)), texts) == []


def test_a_backbone_that_cannot_be_packed_trains_alone(load: Load, train: Train, pictures: np.ndarray) -> None:
    backbone = load("medgemma-4b-it")
    type(backbone).packable = False
    try:
        trials = [trial(2), trial(4)]
        packed = train(Packed(), backbone, trials)
        texts = written(Packed(), backbone, trials, packed, pictures)
    finally:
        type(backbone).packable = True
    assert all(outcome.trained_together is None for outcome in packed.outcomes.values())
    assert packed.distance(train(Sequential(), backbone, trials)) == 0
    assert texts == written(Sequential(), backbone, trials, packed, pictures)

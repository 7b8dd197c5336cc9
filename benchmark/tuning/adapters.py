"""Adapters in a backbone's model for a while: whatever happens meanwhile, none is left in it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from peft import LoraConfig, PeftModel
from safetensors import SafetensorError, safe_open

from backbones.base import Backbone
from backbones.private.lora import linear_weights, put_back, take_out
from benchmark.forms.grid import TAKEN_FROM_THE_BASE
from benchmark.forms.suite import Trial
from benchmark.results.store import TrialFolder
from benchmark.tuning.protocol import lora_config

COMPARED = (
    *("peft_type", "r", "lora_alpha", "target_modules", "bias", "use_rslora", "use_dora", "rank_pattern"),
    *("alpha_pattern", "modules_to_save", "layers_to_transform", "fan_in_fan_out"),
)
"""Settings of an adapter that decide what it computes."""


def changes_base(trial: Trial) -> bool:
    """Return whether peft changes the base's weights when it begins a trial's adapter."""
    return trial.initialisation in TAKEN_FROM_THE_BASE


@contextmanager
def taken_out(backbone: Backbone, *, base_changes: bool = False) -> Iterator[None]:
    """Let peft, within, put adapters into the backbone's model; after, also by an error, they are out again.

    peft's own `unload` is a method of what it returns, so it can't be called where putting in or loading failed half
    way (memory that ran out, a damaged file); the next trial would then be trained on top of what was left.

    Args:
        backbone: whose model.
        base_changes: whether the weights of its linear layers are changed within; they are kept, and put back after.
    """
    kept = linear_weights(backbone.model) if base_changes else {}
    try:
        yield
    finally:
        take_out(backbone.model)
        put_back(backbone.model, kept)


@contextmanager
def tuned(backbone: Backbone, folder: TrialFolder) -> Iterator[PeftModel]:
    """Yield the backbone's model with a trial's stored adapter in it, until the block ends."""
    with taken_out(backbone):
        yield PeftModel.from_pretrained(backbone.model, str(folder.adapter))


def misfit(folder: TrialFolder, backbone: Backbone, trial: Trial) -> str | None:
    """Say why a stored adapter can't be the trial's, or return None where it is one of its rank, alpha and modules.

    peft takes a file with half its tensors missing: the rest stay as they were drawn, and the adapter writes.

    Args:
        folder: of the trial.
        backbone: that it was trained on.
        trial: which.
    """
    wanted = lora_config(backbone, trial)
    try:
        stored = json.loads((folder.adapter / "adapter_config.json").read_text(encoding="utf-8"))
        with safe_open(str(folder.adapter / "adapter_model.safetensors"), framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, ValueError, SafetensorError) as error:
        return f"its adapter can't be read ({type(error).__name__})"
    if not isinstance(stored, dict):
        return "its adapter_config.json is no object"
    return _other_settings(stored, wanted) or _other_tensors(shapes, wanted, backbone)


def _other_settings(stored: dict[str, object], wanted: LoraConfig) -> str | None:
    """Say which settings differ, or return None."""
    expected = wanted.to_dict()
    differing = []
    for name in COMPARED:
        theirs, ours = stored.get(name), expected.get(name)
        if isinstance(ours, (set, list, tuple)) and isinstance(theirs, list):
            theirs, ours = sorted(map(str, theirs)), sorted(map(str, ours))
        # What is switched off is stored as null, false or nothing, by different versions.
        if (theirs or None) != (ours or None):
            differing.append(f"{name} {theirs!r}, not {ours!r}")
    return f"its adapter has {'; '.join(differing)}" if differing else None


def _other_tensors(shapes: dict[str, tuple[int, ...]], wanted: LoraConfig, backbone: Backbone) -> str | None:
    """Say which tensors are missing, of other shapes or too many, or return None."""
    if not isinstance(wanted.target_modules, str):
        return None
    expected: dict[str, tuple[int, ...]] = {}
    for name, module in backbone.model.named_modules():
        if re.fullmatch(wanted.target_modules, name):
            expected[f"base_model.model.{name}.lora_A.weight"] = (wanted.r, module.in_features)
            expected[f"base_model.model.{name}.lora_B.weight"] = (module.out_features, wanted.r)
    missing = sorted(set(expected) - set(shapes))
    other = sorted(name for name in set(expected) & set(shapes) if shapes[name] != expected[name])
    further = sorted(name for name in set(shapes) - set(expected) if ".lora_magnitude_vector" not in name)
    for names, what in ((missing, "missing"), (other, "of another shape"), (further, "not of the model's modules")):
        if names:
            return f"{len(names)} of {len(expected)} tensors of its adapter are {what}, the first {names[0]}"
    return None

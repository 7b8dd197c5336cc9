"""Base and adapter as one model of transformers, proved by the reports that it writes once it is loaded again."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from PIL import Image

from backbones.base import Backbone
from benchmark.errors import RunFailed, UserError
from benchmark.forms.suite import Protocol, Trial
from benchmark.results.store import TrialFolder, write_text
from benchmark.tuning.adapters import taken_out, tuned
from benchmark.tuning.effect import changes_logits
from benchmark.tuning.generation import settings
from benchmark.tuning.saving import merged_card


def merge(
    backbone: Backbone,
    trial: Trial,
    folder: TrialFolder,
    place: Path,
    pictures: Sequence[np.ndarray],
    reports: Sequence[str],
) -> None:
    """Write base and adapter as one model into a folder: safetensors, processor and card.

    Both sides of the proof go from pixels through a processor and `generate`, without any of amrg's caches or engines.

    Args:
        backbone: the trial's base, in the numbers that the model is to have; its model is used up.
        trial, folder: whose adapter.
        place: an empty folder; nothing is left in it where the proof fails.
        pictures: on which the model is proved, uint8 [side, side].
        reports: of these images, at which the adapter's effect is looked at.

    Raises:
        UserError: the adapter changes no logit.
        RunFailed: loaded again, the model doesn't write what base and adapter do.
    """
    prompt = trial.protocol.prompt
    if not changes_logits(backbone, folder, prompt, pictures, reports):
        raise UserError(
            f"trial {trial.id}: its adapter changes no logit of {backbone.name} in {backbone.model.dtype}, so the "
            "merged model would be the base under another name. Nothing was written."
        )
    with tuned(backbone, folder) as model:
        expected = write_plainly(backbone, model.eval(), backbone.processor, trial.protocol, pictures)
    try:
        _save(backbone, trial, folder, place)
        written = _again(backbone, trial.protocol, place, pictures)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    if differing := [
        number for number, pair in enumerate(zip(expected, written, strict=True), 1) if len(set(pair)) > 1
    ]:
        shutil.rmtree(place, ignore_errors=True)
        raise RunFailed(
            f"trial {trial.id}: merged in {backbone.model.dtype} and loaded again, the model writes another text than "
            f"base and adapter for {len(differing)} of {len(written)} test images, first for number {differing[0]}. "
            "Merging rounds weights to the model's numbers: --dtype float32 keeps them. Nothing was written."
        )


def _save(backbone: Backbone, trial: Trial, folder: TrialFolder, place: Path) -> None:
    with taken_out(backbone):
        adapted = PeftModel.from_pretrained(backbone.model, str(folder.adapter))
        merged: Any = adapted.merge_and_unload(safe_merge=True)
        merged.save_pretrained(place)
    backbone.processor.save_pretrained(place)
    write_text(place / "README.md", merged_card(backbone, trial))


def _again(backbone: Backbone, protocol: Protocol, place: Path, pictures: Sequence[np.ndarray]) -> list[str]:
    """Return what the folder's model writes, loaded as anybody would load it."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    device, dtype = backbone.device, backbone.model.dtype
    base: Any = backbone.model
    base.to("cpu")  # makes room
    model = AutoModelForImageTextToText.from_pretrained(place, dtype=dtype, device_map={"": str(device)}).eval()
    return write_plainly(backbone, model, AutoProcessor.from_pretrained(place), protocol, pictures)


@torch.inference_mode()
def write_plainly(
    backbone: Backbone, model: Any, processor: Any, protocol: Protocol, pictures: Sequence[np.ndarray]
) -> list[str]:
    """Return the report of each image, from pixels, by a processor and `generate` alone, greedily.

    Args:
        backbone: knows how its prompt is put, and which token ends a report.
        model, processor: of transformers.
        protocol: prompt and limit.
        pictures: uint8 [side, side].
    """
    text = backbone.prompt_text(protocol.prompt)
    reports = []
    for picture in pictures:
        image = Image.fromarray(picture).convert("RGB")
        inputs = processor(images=[[image]], text=[text], add_special_tokens=False, return_tensors="pt").to(
            model.device
        )
        inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
        tokens = model.generate(**inputs, **settings(backbone, protocol))
        reports.append(backbone.decode(tokens[0, inputs["input_ids"].shape[1] :].tolist()))
    return reports

"""The trained adapter in plain transformers and peft, from pixels, beside what the pack's own model makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from backbones.base import Backbone
from backbones.quantization import quantization_config
from benchmark.data.image import ImageCache
from benchmark.data.records import Records
from benchmark.data.study import Study
from benchmark.forms.suite import Trial
from benchmark.pack.model import Pack
from benchmark.pack.session import Session
from benchmark.results.store import TrialFolder
from benchmark.tuning.adapters import tuned

LAST = 8
"""Positions at a report's end whose logits are compared."""


@dataclass(frozen=True)
class Expected:
    """What a plain model is given, and the logits that it has to give.

    Attributes:
        adapter: the folder of the adapter.
        decoder: name of the module that holds the decoder's layers.
        inputs: of the model, pixels among them.
        logits: [LAST, vocabulary], of the last positions.
    """

    adapter: Path
    decoder: str
    inputs: Mapping[str, Tensor]
    logits: Tensor


@torch.inference_mode()
def expected(
    backbone: Backbone, folder: TrialFolder, trial: Trial, records: Records, study: Study, session: Session
) -> Expected:
    """Return what the pack's model makes of a study with a trial's adapter, from the features that it kept."""
    text = backbone.encode_text([trial.protocol.prompt], [study.report])
    text.pop("labels", None)  # a loss would want all logits
    features = session.features[session.keys[study.id]]
    with tuned(backbone, folder) as model:
        inputs = backbone.model_inputs(text, [features])
        logits = model.eval()(**inputs, logits_to_keep=LAST).logits[0].float().cpu()
    assert study.image is not None
    image = ImageCache(records.cache / "images", records.image).load(study.image)
    pixels = backbone.feature_inputs([image])
    return Expected(folder.adapter, type(backbone).decoder, {**text, **pixels}, logits)


@torch.inference_mode()
def difference(wanted: Expected, pack: Pack) -> float:
    """Load base and adapter as anybody would; return the greatest difference of logits as a share of the largest."""
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    dtype = getattr(torch, pack.entry.dtype)
    base = AutoModelForImageTextToText.from_pretrained(
        str(pack.source),
        dtype=dtype,
        device_map={"": pack.device},
        quantization_config=quantization_config(str(pack.source), wanted.decoder, pack.entry.quantization, dtype),
    )
    model = PeftModel.from_pretrained(base, str(wanted.adapter)).eval()
    inputs = {name: value.to(pack.device) for name, value in wanted.inputs.items()}
    inputs["pixel_values"] = inputs["pixel_values"].to(dtype)
    logits = model(**inputs, logits_to_keep=LAST).logits[0].float().cpu()
    return float((logits - wanted.logits).abs().max() / wanted.logits.abs().max())

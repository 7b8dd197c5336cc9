"""Whether an adapter does anything: logits of a backbone with it and without it, on real images and reports."""

from collections.abc import Sequence

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel

from backbones.base import Backbone
from benchmark.results.store import TrialFolder
from benchmark.tuning.adapters import tuned
from benchmark.tuning.protocol import precision


def changes_logits(
    backbone: Backbone, folder: TrialFolder, prompt: str, pictures: Sequence[np.ndarray], reports: Sequence[str]
) -> bool:
    """Return whether an adapter changes a logit at any position of any of these reports.

    Images go through the encoder with the adapter and without, since it may be the encoder that it changes.

    Args:
        backbone: with no adapter in its model.
        folder: holds the adapter.
        prompt: before each report.
        pictures: square grey images, uint8 [side, side].
        reports: that are read behind them, one each.
    """
    without = _logits(backbone, backbone.model, prompt, pictures, reports)
    with tuned(backbone, folder) as model:
        tuned_to = _logits(backbone, model.eval(), prompt, pictures, reports)
    return not all(torch.equal(a, b) for a, b in zip(without, tuned_to, strict=True))


@torch.inference_mode()
def _logits(
    backbone: Backbone,
    model: PreTrainedModel | PeftModel,
    prompt: str,
    pictures: Sequence[np.ndarray],
    reports: Sequence[str],
) -> list[Tensor]:
    """Return logits [positions, vocabulary] of each image with its report."""
    logits = []
    for picture, report in zip(pictures, reports, strict=True):
        text = backbone.encode_text([prompt], [report])
        inputs = backbone.model_inputs(text, backbone.encode_images([picture]))
        inputs.pop("labels", None)
        with precision(backbone):
            logits.append(model(**inputs).logits[0].float().cpu())
    return logits

"""Load a trained adapter with peft and write a report: `python examples/load_adapter.py TRIAL_FOLDER IMAGE`.

`run_suite.py` makes trials, one folder each below its results; `amrg data phantom DIR` draws images.
Research software, not a medical device: no report written by it may be used to care for a patient.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel

from backbones.checkpoint import shipped
from backbones.registry import get
from benchmark.data.image import ImageSettings, prepare
from benchmark.executors.execute import quiet
from benchmark.forms.suite import Trial
from benchmark.tuning.generation import greedy


def main(folder: str, image: str) -> None:
    """Print the report that the trial in `folder` writes for an image file."""
    quiet()  # no bars of the libraries
    record = json.loads((Path(folder) / "trial.json").read_text(encoding="utf-8"))
    trial = Trial.model_validate(record["trial"])
    # A miniature comes with the project; None stands for the published checkpoint, in the hub's cache.
    base = shipped(trial.backbone) if record["checkpoint"]["miniature"] else None
    backbone = get(trial.backbone).load(base, dtype=getattr(torch, trial.dtype), quantization=trial.quantization)
    model = PeftModel.from_pretrained(backbone.model, str(Path(folder) / "adapter"))

    square = prepare(Path(image), ImageSettings(**trial.image.model_dump()))
    [report] = greedy(backbone, model, trial.protocol, backbone.encode_images([square]))
    print(report.text)


if __name__ == "__main__":
    main(*sys.argv[1:])

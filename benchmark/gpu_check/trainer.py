"""Contender A on the device: the script of `amrg bench` with the Trainer, one trial, pixels at every step."""

from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from peft import get_peft_model
from PIL import Image
from transformers import TrainerCallback
from transformers.utils import logging

from benchmark.bench.model import BenchStudy
from benchmark.bench.task import Stages
from benchmark.bench.trainer_trial import Mammograms, batches_of, trainer_of, write_reports
from benchmark.data.image import ImageSettings
from benchmark.gpu_check.model import Speed
from benchmark.gpu_check.rate import speed_of
from benchmark.gpu_check.subject import Subject
from benchmark.tuning.adapters import taken_out
from benchmark.tuning.protocol import lora_config

WRITTEN = 1
"""Reports that are written, one after another as the script does. One is enough: each pass takes as long."""


class _Clock(TrainerCallback):
    """Notes when each step has ended, once the device is done with it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.ended: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Note the begin."""
        self.ended.append(perf_counter())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note the end of a step."""
        self.subject.synchronize()
        self.ended.append(perf_counter())


def trainer(subject: Subject) -> Speed:
    """Time the Trainer's steps, and the reports that its model writes one at a time."""
    sizes, backbone = subject.sizes, subject.backbone
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    [trial] = subject.trials([(sizes.ranks[0], 0)], steps=sizes.warm + sizes.timed)
    studies = Mammograms(_studies(subject), backbone, _settings(subject), Stages(0.0), None)
    clock = _Clock(subject)
    with taken_out(backbone):
        torch.manual_seed(trial.seed)
        model = get_peft_model(backbone.model, lora_config(backbone, trial))
        running = trainer_of(trial, backbone, model, studies, workers=0, out=subject.work)
        running.add_callback(clock)
        running.train()
        model.eval()
        began = perf_counter()
        with torch.inference_mode():
            for rows, _ in zip(batches_of(studies, 1), range(WRITTEN), strict=False):
                write_reports(backbone, model, rows, trial.protocol)
        subject.synchronize()
        reports = WRITTEN / (perf_counter() - began)
    seconds = (clock.ended[-1] - clock.ended[sizes.warm]) / sizes.timed
    return speed_of(subject, "A", 1, 1, seconds, reports=reports, first=clock.ended[1] - clock.ended[0])


def _settings(subject: Subject) -> ImageSettings:
    return ImageSettings(size=subject.pictures[0].shape[0], crop=False)


def _studies(subject: Subject) -> tuple[BenchStudy, ...]:
    """Return the pictures as files, with their reports."""
    folder = subject.work / "pictures"
    folder.mkdir(exist_ok=True)
    data = subject.data(subject.sizes.report)
    return tuple(
        BenchStudy(id=str(number), image=str(_saved(folder / f"{number}.png", picture)), report=report)
        for number, (picture, report) in enumerate(zip(subject.pictures, data.reports, strict=True))
    )


def _saved(path: Path, picture: Any) -> Path:
    Image.fromarray(picture).save(path)
    return path

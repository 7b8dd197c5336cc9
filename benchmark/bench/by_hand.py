"""What an expert would write by hand: all trials in one process, by plain peft; contender N of `amrg bench`.

Libraries and base are loaded once, each image is decoded and made into the model's pixels once for all trials, an
adapter is put around the base, trained by a plain loop and taken off again, reports are written in batches, and
METEOR's tables are read beside the training. Nothing of our engines or caches is used. Prompt, label mask, order of
reports and schedule are the suite's, so that losses can be compared.

torch, transformers and peft are imported at once: all before `Stages` begins to count is the start.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model
from torch import Tensor
from transformers.utils import logging

from backbones.base import Backbone
from backbones.private.inputs import time_vision
from benchmark.bench.model import BenchStudy
from benchmark.bench.task import Stages, Task, read_outputs, score, script_parser, store
from benchmark.bench.trainer_trial import BATCH, Row, collate, exact_loss, timed, write_reports
from benchmark.data.image import ImageSettings, prepare
from benchmark.executors.ending import end_with_stdin
from benchmark.executors.execute import end_quickly
from benchmark.forms.suite import Trial
from benchmark.tuning.norms import fused_norms
from benchmark.tuning.protocol import learning_rate, lora_config, order, precision
from metrics.text.meteor_jar import warm_up


def run(task: Task, *, out: Path, stages: Stages) -> None:
    """Train all trials one after another, write their test reports, and score them.

    Args:
        task: the suite's.
        out: where losses, reports and adapters go.
        stages: takes the times.
    """
    if task.test:
        warm_up()
    train_all(task, out=out, stages=stages)
    if task.test:
        with stages.of("score"):
            for output in read_outputs(out, task):
                score(task, output.texts)


def train_all(task: Task, *, out: Path, stages: Stages) -> None:
    """Train all trials one after another, and write their test reports; see `run`."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    with stages.of("load"):
        backbone = task.load()
        time_vision(backbone.model, partial(timed, stages, "vision"))
    with stages.of("decode"):
        settings = ImageSettings(**task.image.model_dump())
        train, test = (rows_of(backbone, studies, settings) for studies in (task.train, task.test))
    with fused_norms(backbone.model) if task.dtype == "float64" else nullcontext():
        for number, trial in enumerate(task.trials()):
            run_trial(backbone, trial, train, test, out / f"adapter-{number}", out, stages)


def rows_of(backbone: Backbone, studies: Sequence[BenchStudy], settings: ImageSettings) -> list[Row]:
    """Return studies as the model takes them, each image decoded once and kept as pixels."""
    return [
        {"pixels": backbone.feature_inputs([prepare(Path(study.image), settings)]), "report": study.report}
        for study in studies
    ]


def run_trial(
    backbone: Backbone,
    trial: Trial,
    train: Sequence[Row],
    test: Sequence[Row],
    adapter: Path,
    out: Path,
    stages: Stages,
) -> None:
    """Train one trial on the base that all share, write its test reports, and leave the base as it was.

    Args:
        backbone: with the base.
        trial: whose protocol and seed hold.
        train, test: studies to learn, and to write reports for.
        adapter: the folder for the trained adapter.
        out: where losses and reports go.
        stages: takes the times.
    """
    with stages.of("train"):
        torch.manual_seed(trial.seed)
        model: Any = get_peft_model(backbone.model, lora_config(backbone, trial))
        losses = trained(backbone, model, trial, train)
        model.save_pretrained(str(adapter))
    with stages.of("generate"), torch.inference_mode():
        batches = [test[start : start + BATCH] for start in range(0, len(test), BATCH)]
        texts = [text for rows in batches for text in write_reports(backbone, model, rows, trial.protocol)]
    store(out, trial, losses, texts)
    model.unload()


def trained(backbone: Backbone, model: Any, trial: Trial, rows: Sequence[Row]) -> list[float]:
    """Train a trial's adapter; return the loss of every step.

    Args:
        backbone: for tokens and prompts.
        model: with the trial's adapter.
        trial: whose protocol and seed hold.
        rows: the studies to learn.
    """
    protocol = trial.protocol
    batches = order([len(backbone.report_tokens(row["report"])) for row in rows], protocol, trial.seed)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=protocol.learning_rate, weight_decay=protocol.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate(protocol, step, len(batches)) / protocol.learning_rate
    )
    losses: list[Tensor] = []
    model.train()
    for batch in batches:
        inputs = collate(backbone, protocol.prompt, [rows[i] for i in batch])
        inputs = {name: value.to(backbone.device) for name, value in inputs.items()}
        with precision(backbone):
            loss = exact_loss(model, inputs) if trial.dtype == "float64" else model(**inputs).loss
        loss.backward()
        if protocol.gradient_clipping:
            torch.nn.utils.clip_grad_norm_(parameters, protocol.gradient_clipping)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    model.eval()
    return [float(loss) for loss in losses]


def main() -> None:
    """Run `python -m benchmark.bench.by_hand TASK --out DIR --started SECONDS`."""
    arguments = script_parser().parse_args()
    end_with_stdin()
    end_quickly()
    stages = Stages(arguments.started)
    run(Task.read(arguments.task), out=arguments.out, stages=stages)
    stages.write(arguments.out, "all")


if __name__ == "__main__":
    main()

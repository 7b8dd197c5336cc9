"""A trial by the Hugging Face `Trainer` with peft, each line of it as the libraries' guides have it.

Prompt, label mask, order of reports and schedule are the suite's, so that losses can be compared. torch, transformers
and peft are imported at once: what times their import imports this file.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from peft import get_peft_model
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.utils import logging

from backbones.base import Backbone
from backbones.private.inputs import time_vision
from benchmark.bench.model import BenchStage, BenchStudy
from benchmark.bench.task import Stages, Task, store
from benchmark.data.image import ImageSettings, prepare
from benchmark.forms.suite import Protocol, Trial
from benchmark.tuning.norms import fused_norms
from benchmark.tuning.protocol import learning_rate, lora_config, order

BATCH = 16
"""Reports that B writes at a time."""


class Row(TypedDict):
    """A study: what `get_image_features` takes, and the report."""

    pixels: dict[str, Tensor]
    report: str


class Mammograms(Dataset[Row]):
    """Images with their reports.

    Args:
        studies: in order.
        backbone: whose inputs the images become.
        settings: of the images.
        stages: takes the time of decoding.
        folder: where decoded images are kept from trial to trial; None to decode each whenever it comes.
    """

    def __init__(
        self,
        studies: tuple[BenchStudy, ...],
        backbone: Backbone,
        settings: ImageSettings,
        stages: Stages,
        folder: Path | None,
    ) -> None:
        self.studies = studies
        self._backbone, self._settings, self._stages = backbone, settings, stages
        self._images = None if folder is None else [self._load(study, folder) for study in studies]

    def __len__(self) -> int:
        return len(self.studies)

    def __getitem__(self, index: int) -> Row:
        study = self.studies[index]
        image = self._decode(study) if self._images is None else self._images[index]
        return {"pixels": self._backbone.feature_inputs([image]), "report": study.report}

    def _decode(self, study: BenchStudy) -> np.ndarray:
        with self._stages.of("decode"):
            return prepare(Path(study.image), self._settings)

    def _load(self, study: BenchStudy, folder: Path) -> np.ndarray:
        path = folder / f"{study.id}.npy"
        if not path.exists():
            folder.mkdir(exist_ok=True)
            np.save(path, self._decode(study))
        return np.load(path)


class RecordingTrainer(Trainer):
    """A Trainer that sees the suite's batches in the suite's order, and keeps the loss of every step.

    Args:
        loader: of the batches.
        exact: whether the loss is computed in the model's own numbers; the models' own rounds to float32.
        arguments: as `Trainer` takes them.
    """

    def __init__(self, loader: DataLoader[Row], *, exact: bool, **arguments: Any) -> None:
        super().__init__(train_dataset=loader.dataset, **arguments)
        self.losses: list[Tensor] = []
        self._loader, self._exact = loader, exact

    def get_train_dataloader(self) -> DataLoader[Row]:
        """Return the suite's batches."""
        return self._loader

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the mean loss of a batch, [], and keep it."""
        loss: Any = exact_loss(model, inputs) if self._exact else super().compute_loss(model, inputs)
        self.losses.append(loss.detach())
        return loss


def run_trial(
    task: Task, number: int, *, careful: bool, out: Path, stages: Stages, decoded: Path | None = None
) -> None:
    """Train one trial and write its test reports.

    Args:
        task: the suite's.
        number: of the trial among the task's points.
        careful: B instead of A: a data-loader worker, and reports written in batches.
        out: where losses and reports go.
        stages: takes the times.
        decoded: a folder where decoded images are kept from trial to trial; None to decode each whenever it comes.
    """
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    trial = task.trials()[number]
    with stages.of("load"):
        backbone = task.load()
        torch.manual_seed(trial.seed)
        model = get_peft_model(backbone.model, lora_config(backbone, trial))
        time_vision(backbone.model, lambda function: timed(stages, "vision", function))
    mammograms = partial(
        Mammograms,
        backbone=backbone,
        settings=ImageSettings(**task.image.model_dump()),
        stages=stages,
        folder=decoded,
    )
    train, test = mammograms(task.train), mammograms(task.test)
    trainer = trainer_of(trial, backbone, model, train, workers=int(careful), out=out)
    with stages.of("train"), fused_norms(backbone.model) if trial.dtype == "float64" else nullcontext():
        trainer.train()
        model.save_pretrained(str(out / f"adapter-{number}"))
    model.eval()
    with stages.of("generate"), torch.inference_mode():
        batches = batches_of(test, BATCH if careful else 1)
        texts = [text for rows in batches for text in write_reports(backbone, model, rows, trial.protocol)]
    store(out, trial, list(map(float, trainer.losses)), texts)


def trainer_of(
    trial: Trial, backbone: Backbone, model: Any, train: Mammograms, *, workers: int, out: Path
) -> RecordingTrainer:
    """Return what trains a trial under its protocol.

    Args:
        trial: whose protocol and seed hold.
        backbone: of the model, for tokens and prompts.
        model: with the trial's adapter.
        train: the studies to learn.
        workers: processes that load batches; 0 for none.
        out: where the Trainer may put its files.
    """
    protocol = trial.protocol
    lengths = [len(backbone.report_tokens(study.report)) for study in train.studies]
    batches = order(lengths, protocol, trial.seed)
    loader = DataLoader(
        train, batch_sampler=batches, collate_fn=partial(collate, backbone, protocol.prompt), num_workers=workers
    )
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=protocol.learning_rate, weight_decay=protocol.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate(protocol, step, len(batches)) / protocol.learning_rate
    )
    trainer = RecordingTrainer(
        loader,
        exact=trial.dtype == "float64",
        model=model,
        args=TrainingArguments(**training_arguments(protocol, len(batches), backbone), output_dir=str(out / "trainer")),
        optimizers=(optimizer, schedule),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def collate(backbone: Backbone, prompt: str, rows: Sequence[Row], *, reports: bool = True) -> dict[str, Tensor]:
    """Return a batch of studies as the model's inputs, [rows, ...] each, with their reports to learn or without."""
    text = backbone.encode_text([prompt] * len(rows), [row["report"] for row in rows] if reports else None)
    pixels = {name: torch.cat([torch.as_tensor(row["pixels"][name]) for row in rows]) for name in rows[0]["pixels"]}
    pixels["pixel_values"] = pixels["pixel_values"].to(backbone.model.dtype)
    return {**text, **pixels}


def training_arguments(protocol: Protocol, steps: int, backbone: Backbone) -> dict[str, Any]:
    """Return the protocol as arguments of `TrainingArguments`, and those that leave out what the bench needn't have."""
    return {
        "per_device_train_batch_size": protocol.batch_size,
        "max_steps": steps,
        "max_grad_norm": protocol.gradient_clipping,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": backbone.device.type == "cpu",
        "bf16": backbone.model.dtype == torch.bfloat16,
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }


def exact_loss(model: Any, inputs: dict[str, Tensor]) -> Tensor:
    """Return the mean loss of a batch, [], in the model's own numbers; the models' own rounds to float32."""
    labels = functional.pad(inputs.pop("labels")[:, 1:], (0, 1), value=-100)
    return functional.cross_entropy(model(**inputs).logits.flatten(0, 1), labels.flatten())


def batches_of(studies: Mammograms, size: int) -> Iterator[list[Row]]:
    """Yield the studies in order, `size` at a time, each read when its batch comes."""
    for start in range(0, len(studies), size):
        yield [studies[i] for i in range(start, min(start + size, len(studies)))]


def write_reports(backbone: Backbone, model: Any, rows: Sequence[Row], protocol: Protocol) -> list[str]:
    """Return the reports that the tuned model writes greedily, one per row."""
    batch = collate(backbone, protocol.prompt, rows, reports=False)
    inputs = {name: value.to(backbone.device) for name, value in batch.items()}
    tokens = model.generate(
        **inputs,
        max_new_tokens=protocol.max_new_tokens,
        do_sample=False,
        eos_token_id=backbone.end,
        pad_token_id=backbone.padding,
    )
    answers = tokens[:, inputs["input_ids"].shape[1] :].tolist()
    return [backbone.decode(row[: row.index(backbone.end)] if backbone.end in row else row) for row in answers]


def timed(stages: Stages, name: BenchStage, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, its time counted as a stage."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with stages.of(name):
            return function(*args, **kwargs)

    return wrapper

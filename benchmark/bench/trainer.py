"""The script that a careful user would write from the documentation: the Hugging Face `Trainer` with peft.

One process a trial. `amrg bench` runs it as its baselines A and B; each line of it does what the libraries' guides
do, and prompt, label mask, order of reports and schedule are the suite's, so that losses can be compared.

A decodes each image whenever it is needed and writes one report at a time. B decodes each image once for all trials
and keeps the small array on disk, loads batches in a worker process and writes reports in batches.
"""

import argparse
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from benchmark.bench.model import BenchStage, BenchStudy
from benchmark.bench.task import Stages, Task, store
from benchmark.suite import Protocol

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import Dataset

    from backbones.base import Backbone

BATCH = 16
"""Reports that B writes at a time."""


class Row(TypedDict):
    """A study: what `get_image_features` takes, and the report."""

    pixels: "dict[str, Tensor]"
    report: str


def run(task: Task, number: int, *, careful: bool, out: Path, stages: Stages, decoded: Path | None = None) -> None:
    """Train one trial and write its test reports.

    Args:
        task: the suite's.
        number: of the trial among the task's points.
        careful: B instead of A: a data-loader worker, and reports written in batches.
        out: where losses and reports go.
        stages: takes the times.
        decoded: a folder where decoded images are kept from trial to trial; None to decode each whenever it comes.
    """
    with stages.of("start"):
        import torch
        from peft import get_peft_model
        from torch.nn import functional
        from torch.utils.data import DataLoader, Dataset
        from transformers import PrinterCallback, Trainer, TrainingArguments
        from transformers.utils import logging

        from backbones.private.inputs import time_vision
        from backbones.registry import get
        from benchmark.data.image import ImageSettings, prepare
        from benchmark.tuning.norms import fused_norms
        from benchmark.tuning.protocol import learning_rate, lora_config, order

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    trial = task.trials()[number]
    protocol = trial.protocol
    settings = ImageSettings(**task.image.model_dump())
    exact = task.dtype == "float64"
    with stages.of("load"):
        backbone = get(task.backbone).load(Path(task.checkpoint), dtype=getattr(torch, task.dtype))
        torch.manual_seed(trial.seed)
        model = get_peft_model(backbone.model, lora_config(backbone, trial))
        time_vision(backbone.model, lambda function: timed(stages, "vision", function))

    class Mammograms(Dataset[Row]):
        """Images with their reports."""

        def __init__(self, studies: tuple[BenchStudy, ...]) -> None:
            self.studies = studies
            self.images = None if decoded is None else [self.kept(study, decoded) for study in studies]

        def decode(self, study: BenchStudy) -> np.ndarray:
            with stages.of("decode"):
                return prepare(Path(study.image), settings)

        def kept(self, study: BenchStudy, folder: Path) -> np.ndarray:
            path = folder / f"{study.id}.npy"
            if not path.exists():
                folder.mkdir(exist_ok=True)
                np.save(path, self.decode(study))
            return np.load(path)

        def __len__(self) -> int:
            return len(self.studies)

        def __getitem__(self, index: int) -> Row:
            study = self.studies[index]
            image = self.decode(study) if self.images is None else self.images[index]
            return {"pixels": backbone.feature_inputs([image]), "report": study.report}

    collate = partial(collated, backbone, protocol.prompt)
    train, test = Mammograms(task.train), Mammograms(task.test)
    lengths = [len(backbone.report_tokens(study.report)) for study in task.train]
    batches = order(lengths, protocol, trial.seed)
    losses: list[torch.Tensor] = []

    class Recorded(Trainer):
        """A Trainer that sees the suite's batches in the suite's order, and keeps the loss of every step."""

        def get_train_dataloader(self) -> "DataLoader[Row]":
            return DataLoader(train, batch_sampler=batches, collate_fn=collate, num_workers=int(careful))

        def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            if exact:
                # The models' own loss rounds to float32.
                labels = functional.pad(inputs.pop("labels")[:, 1:], (0, 1), value=-100)
                loss = functional.cross_entropy(model(**inputs).logits.flatten(0, 1), labels.flatten())
            else:
                loss = super().compute_loss(model, inputs)  # type: ignore[assignment]
            losses.append(loss.detach())
            return loss

    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=protocol.learning_rate, weight_decay=protocol.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate(protocol, step, len(batches)) / protocol.learning_rate
    )
    trainer = Recorded(
        model=model,
        args=TrainingArguments(**arguments(protocol, len(batches)), output_dir=str(out / "trainer")),
        train_dataset=train,
        optimizers=(optimizer, schedule),
    )
    trainer.remove_callback(PrinterCallback)
    with stages.of("train"), fused_norms(backbone.model) if exact else nullcontext():
        trainer.train()
        model.save_pretrained(str(out / f"adapter-{number}"))
    model.eval()
    with stages.of("generate"), torch.inference_mode():
        batched = batches_of(test, BATCH if careful else 1)
        texts = [text for rows in batched for text in written(backbone, model, rows, protocol)]
    store(out, trial, list(map(float, losses)), texts)


def collated(backbone: "Backbone", prompt: str, rows: list[Row], *, reports: bool = True) -> "dict[str, Tensor]":
    """Return a batch of studies as the model's inputs, [rows, ...] each, with their reports to learn or without."""
    import torch

    text = backbone.encode_text([prompt] * len(rows), [row["report"] for row in rows] if reports else None)
    pixels = {name: torch.cat([torch.as_tensor(row["pixels"][name]) for row in rows]) for name in rows[0]["pixels"]}
    pixels["pixel_values"] = pixels["pixel_values"].to(backbone.model.dtype)
    return {**text, **pixels}


def arguments(protocol: Protocol, steps: int) -> dict[str, Any]:
    """Return the protocol as arguments of `TrainingArguments`, and those that leave out what the bench needn't have."""
    return {
        "per_device_train_batch_size": protocol.batch_size,
        "max_steps": steps,
        "max_grad_norm": protocol.gradient_clipping,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }


def batches_of(studies: "Dataset[Row]", size: int) -> Iterator[list[Row]]:
    """Yield the studies in order, `size` at a time, each read when its batch comes."""
    number = len(studies)  # type: ignore[arg-type]  # torch's class promises no length, as some data sets have none
    for start in range(0, number, size):
        yield [studies[i] for i in range(start, min(start + size, number))]


def written(backbone: "Backbone", model: Any, rows: list[Row], protocol: Protocol) -> list[str]:
    """Return the reports that the tuned model writes greedily, one per row."""
    inputs = collated(backbone, protocol.prompt, rows, reports=False)
    tokens = model.generate(
        **inputs,
        max_new_tokens=protocol.max_new_tokens,
        do_sample=False,
        eos_token_id=backbone.end,
        pad_token_id=backbone.padding,
    )
    answers = tokens[:, inputs["input_ids"].shape[1] :].tolist()
    return [backbone.decode(row[: row.index(backbone.end)] if backbone.end in row else row) for row in answers]


def timed(stages: Stages, name: BenchStage, function: Any) -> Any:
    """Return the function, its time counted as a stage."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with stages.of(name):
            return function(*args, **kwargs)

    return wrapper


def main() -> None:
    """Run `python -m benchmark.bench.trainer TASK TRIALS --contender A --out DIR --started SECONDS`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=Path)
    parser.add_argument("trials", type=int, nargs="+")
    parser.add_argument("--contender", choices=["A", "B"], required=True)
    parser.add_argument("--decoded", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--started", type=float, required=True)
    given = parser.parse_args()
    stages, careful = Stages(given.started), given.contender == "B"
    task = Task.read(given.task)
    for number in given.trials:
        run(task, number, careful=careful, out=given.out, stages=stages, decoded=given.decoded)
    stages.write(given.out, "-".join(map(str, given.trials)))


if __name__ == "__main__":
    main()
